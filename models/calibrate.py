"""Temperature and thresholds, set on the held-out slice only."""

import numpy as np
from numpy.typing import NDArray

from models.data import SENTIMENTS, THEMES, Example
from services.sentiment.models.labels import FLAGS, Labels, sigmoid, softmax

# A missed acute risk costs more than a false one: recall counts four times as much as precision.
BETA = {"question": 1.0, "complaint": 1.0, "acute_risk": 2.0}
DEFAULT_THRESHOLD = 0.5
FEWEST = 10
GRID = np.round(np.arange(0.1, 0.91, 0.02), 2)


def calibrate(logits: NDArray[np.float32], examples: list[Example], prefix: str, max_length: int) -> Labels:
    """The meaning of the outputs, with the temperature and the thresholds that fit the held-out examples."""
    first, second = len(SENTIMENTS), len(SENTIMENTS) + len(FLAGS)
    truth = np.array([SENTIMENTS.index(example.sentiment) for example in examples])
    flags = np.array([[bool(flag) for flag in example.flags] for example in examples])
    themes = np.array([[theme in (example.themes or ()) for theme in THEMES] for example in examples])
    flag_values, theme_values = sigmoid(logits[:, first:second]), sigmoid(logits[:, second:])
    return Labels(
        prefix=prefix,
        max_length=max_length,
        temperature=temperature(logits[:, :first], truth),
        sentiment=SENTIMENTS,
        flags=FLAGS,
        flag_thresholds=tuple(
            threshold(flag_values[:, column], flags[:, column], BETA[flag])
            for column, flag in enumerate(FLAGS)
        ),
        themes=THEMES,
        theme_thresholds=tuple(
            threshold(theme_values[:, column], themes[:, column], 1.0) for column in range(len(THEMES))
        ),
    )


def temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The divisor of the logits with the least negative log likelihood."""
    rows = np.arange(len(truth))
    grid = np.round(np.arange(0.5, 3.01, 0.02), 2)
    costs = [-np.log(softmax(logits / value)[rows, truth] + 1e-12).mean() for value in grid]
    return float(grid[int(np.argmin(costs))])


def threshold(values: NDArray[np.float64], truth: NDArray[np.bool_], beta: float) -> float:
    """The threshold with the best F-beta; one half where so few examples would make it chance."""
    if truth.sum() < FEWEST:
        return DEFAULT_THRESHOLD
    scores = [f_beta(values >= value, truth, beta) for value in GRID]
    best = np.flatnonzero(np.isclose(scores, max(scores)))
    return float(GRID[best[len(best) // 2]])


def f_beta(found: NDArray[np.bool_], truth: NDArray[np.bool_], beta: float = 1.0) -> float:
    """F-beta; 0 where nothing is right."""
    right = float((found & truth).sum())
    return (1 + beta**2) * right / max(1e-9, float(found.sum()) + beta**2 * float(truth.sum()))


def calibration_error(logits: NDArray[np.float32], truth: NDArray[np.int64], divisor: float) -> float:
    """Expected calibration error of the sentiment over ten equal bins."""
    shares = softmax(logits[:, : len(SENTIMENTS)] / divisor)
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == truth
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [
        abs(sure[bins == number].mean() - right[bins == number].mean()) * (bins == number).mean()
        for number in range(10)
        if (bins == number).any()
    ]
    return float(sum(gaps))
