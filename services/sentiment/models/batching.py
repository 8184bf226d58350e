"""What both backends share: cleaning texts, scoring identical ones once, and batches of similar length."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.sentiment.models import ModelError, Observe, Scores
from services.sentiment.models.labels import NEUTRAL, Labels

TOKEN_BUDGET = 2048
MOST_TEXTS = 32
MOST_CHARACTERS = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")


def prepare(text: str) -> str:
    """The text as the model reads it: no control characters or broken surrogates, single spaces, bounded."""
    sound = text[:MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    return " ".join(_CONTROL.sub(" ", sound).split())


def plan(lengths: Sequence[int], budget: int = TOKEN_BUDGET, most: int = MOST_TEXTS) -> list[list[int]]:
    """Indices grouped by length, to compute little padding; a padded batch stays in the budget."""
    batches: list[list[int]] = []
    current: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if current and (len(current) == most or (len(current) + 1) * lengths[index] > budget):
            batches.append(current)
            current = []
        current.append(index)
    if current:
        batches.append(current)
    return batches


def pad(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids as one array with its attention mask."""
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def pad_id(tokenizer: Tokenizer, path: Path) -> int:
    """The id of the padding token, which a tokenizer must have."""
    found = tokenizer.token_to_id("<pad>")
    if found is None:
        raise ModelError(f"{path}: has no token <pad>")
    return int(found)


class BatchedScorer(ABC):
    """Everything but the network: a backend adds `infer`, and says how many texts one call may hold."""

    most_texts = MOST_TEXTS

    def __init__(
        self, name: str, tokenizer: Tokenizer, pad_id: int, labels: Labels, observe: Observe | None
    ) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._labels = labels
        self._observe = observe
        tokenizer.no_padding()
        tokenizer.enable_truncation(labels.max_length)

    @abstractmethod
    def infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """The raw outputs of the network, a row for each row of `ids`."""

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """The scores of the texts, in their order; texts that read the same are computed once."""
        prepared = [prepare(text) for text in texts]
        distinct = [text for text in dict.fromkeys(prepared) if text]
        found = {"": NEUTRAL, **dict(zip(distinct, self._distinct(distinct), strict=True))}
        return [found[text] for text in prepared]

    def _distinct(self, texts: list[str]) -> list[Scores]:
        if not texts:
            return []
        started = time.perf_counter()
        rows = [self._tokenizer.encode(self._labels.prefix + text).ids for text in texts]
        tokenised = time.perf_counter()
        logits = np.empty((len(texts), self._labels.width), dtype=np.float32)
        for batch in plan([len(row) for row in rows], most=self.most_texts):
            logits[batch] = self.infer(*pad([rows[index] for index in batch], self._pad_id))
        if self._observe:
            self._observe("tokenise", tokenised - started)
            self._observe("infer", time.perf_counter() - tokenised)
        return self._labels.decode(logits)
