"""Scoring texts: the data type, the protocol of every backend, and the one way to get a backend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from services.messages.faults import OperatorError
from services.messages.vocabulary import Sentiment, Theme, most_probable
from services.runtime.settings import Settings


class ModelError(OperatorError):
    """A model that cannot be used; the text names the file and what would be right."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model says about one text: calibrated probabilities that sum to one, flags and themes."""

    negative: float
    neutral: float
    positive: float
    question: bool = False
    complaint: bool = False
    acute_risk: bool = False
    themes: tuple[Theme, ...] = ()

    @property
    def label(self) -> Sentiment:
        """The most probable sentiment."""
        return most_probable(self.negative, self.neutral, self.positive)


class Observer(Protocol):
    """Told by a scorer what its calls cost."""

    def took(self, phase: str, seconds: float) -> None:
        """Note what one call spent on a phase, "tokenise" or "infer"."""

    def copies(self, texts: int) -> None:
        """Note how many texts of a call needed no pass, because the same text was scored before."""


class Scorer(Protocol):
    """Turns texts into scores; synchronous, and safe to call from one worker thread at a time."""

    @property
    def name(self) -> str:
        """The backend and the first eight digits of the weights' sha256, e.g. ``onnx:1f2e3d4c``."""

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """The scores of the texts, in the order of the texts."""


def configured_scorer(settings: Settings, observer: Observer | None = None) -> Scorer:
    """Load the model that the settings name, or the shipped one; raises ModelError as `load_scorer`."""
    return load_scorer(
        settings.model,
        settings.model_backend,
        settings.model_threads,
        names=settings.model_labels,
        observer=observer,
    )


def load_scorer(
    path: Path | None,
    backend: Literal["onnx", "torch"],
    threads: int,
    *,
    names: Mapping[str, Sentiment] | None = None,
    observer: Observer | None = None,
) -> Scorer:
    """Load the model at `path`, or the shipped one; raises ModelError where it is incomplete or altered.

    `names` says what the labels of a Hugging Face classifier mean, where they are not the three sentiments.
    A backend's libraries are imported only here, so that a service runs without the ones it does not use.
    """
    if backend == "onnx":
        from services.sentiment.models.onnx import load_onnx  # noqa: PLC0415

        return load_onnx(path, threads, observer)
    try:
        from services.sentiment.models.torch import load_torch  # noqa: PLC0415
    except ImportError as fault:
        raise ModelError(
            f"backend 'torch' needs the extra 'torch' ({fault}); install it or use backend 'onnx'"
        ) from fault
    return load_torch(path, threads, names=names, observer=observer)
