"""What the model's outputs mean: label order, temperature and thresholds, read from ``labels.json``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.messages.vocabulary import Sentiment, Theme
from services.sentiment.models import ModelError, Scores
from services.sentiment.models.loading import read_json

FLAGS = ("question", "complaint", "acute_risk")
HEADS = ["sentiment", "flags", "themes"]
MOST_THEMES = 3
LEAST_LENGTH = 8
NEUTRAL = Scores(0.0, 1.0, 0.0, themes=(Theme.ALGEMEEN,))
"""The score of a text without any content: it says nothing about anybody."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The columns of the model's output, found by name so that their order is free."""

    prefix: str
    max_length: int
    temperature: float
    sentiment: tuple[Sentiment, ...]
    flags: tuple[str, ...] = ()
    flag_thresholds: tuple[float, ...] = ()
    themes: tuple[Theme, ...] = ()
    theme_thresholds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """The number of output columns: sentiment, then flags, then themes."""
        return len(self.sentiment) + len(self.flags) + len(self.themes)

    def decode(self, logits: NDArray[np.float32]) -> list[Scores]:
        """One Scores for each row of raw model outputs."""
        if logits.shape[1:] != (self.width,):
            raise ModelError(
                f"model output has shape {logits.shape}, labels.json describes {self.width} columns"
            )
        first, second = len(self.sentiment), len(self.sentiment) + len(self.flags)
        sentiment = softmax(logits[:, :first] / self.temperature)
        flags = sigmoid(logits[:, first:second])
        themes = sigmoid(logits[:, second:])
        return [self._one(*rows) for rows in zip(sentiment, flags, themes, strict=True)]

    def _one(
        self, sentiment: NDArray[np.float64], flags: NDArray[np.float64], themes: NDArray[np.float64]
    ) -> Scores:
        share = dict.fromkeys(Sentiment, 0.0)
        for label, value in zip(self.sentiment, sentiment, strict=True):
            share[label] += float(value)
        raised = {
            flag: bool(value >= threshold)
            for flag, value, threshold in zip(self.flags, flags, self.flag_thresholds, strict=True)
        }
        return Scores(
            negative=share[Sentiment.NEGATIVE],
            neutral=share[Sentiment.NEUTRAL],
            positive=share[Sentiment.POSITIVE],
            themes=self._themes(themes),
            **raised,
        )

    def _themes(self, values: NDArray[np.float64]) -> tuple[Theme, ...]:
        """The themes above their threshold, strongest first; `algemeen` only where no other one is."""
        if not self.themes:
            return ()
        found = [
            (float(value), theme)
            for theme, value, threshold in zip(self.themes, values, self.theme_thresholds, strict=True)
            if value >= threshold and theme is not Theme.ALGEMEEN
        ]
        found.sort(key=lambda pair: -pair[0])
        return tuple(theme for _, theme in found[:MOST_THEMES]) or (Theme.ALGEMEEN,)


def read_labels(path: Path) -> Labels:
    """Read and check a ``labels.json``; raises ModelError that names the field at fault."""
    content = read_json(path)
    try:
        heads = _heads(content)
        labels = Labels(
            prefix=str(content["prefix"]),
            max_length=int(content["max_length"]),
            temperature=float(heads["sentiment"]["temperature"]),
            sentiment=tuple(Sentiment(label) for label in heads["sentiment"]["labels"]),
            flags=tuple(str(flag) for flag in heads["flags"]["labels"]),
            flag_thresholds=tuple(float(value) for value in heads["flags"]["thresholds"]),
            themes=tuple(Theme(theme) for theme in heads["themes"]["labels"]),
            theme_thresholds=tuple(float(value) for value in heads["themes"]["thresholds"]),
        )
        _check(labels)
    except (KeyError, TypeError, ValueError) as fault:
        raise ModelError(f"{path}: {type(fault).__name__}: {fault}") from fault
    return labels


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row-wise probabilities, in double precision so that they sum to one."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float64)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Element-wise probabilities; clipped, because exp of a far outlier overflows."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -60, 60))), dtype=np.float64)


def _heads(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    heads = {head["name"]: head for head in content["heads"]}
    if list(heads) != HEADS:
        raise ValueError(f"heads are {list(heads)}, expected {HEADS} in this order")
    return heads


def _check(labels: Labels) -> None:
    if set(labels.sentiment) != set(Sentiment) or len(labels.sentiment) != len(Sentiment):
        raise ValueError(f"sentiment labels are {labels.sentiment}, expected each of {[*Sentiment]} once")
    if unknown := set(labels.flags) - set(FLAGS):
        raise ValueError(f"unknown flags {sorted(unknown)}, known are {FLAGS}")
    if len(labels.flags) != len(labels.flag_thresholds) or len(labels.themes) != len(labels.theme_thresholds):
        raise ValueError("each flag and each theme needs one threshold")
    if labels.temperature <= 0 or labels.max_length < LEAST_LENGTH:
        raise ValueError(f"temperature must be above 0 and max_length at least {LEAST_LENGTH}")
