"""Figures of a shipped model: per source of the test set, never pooled, and of the care mentions held out.

Run alone as ``python -m models.evaluate --shared ../shared/data``.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models import data
from models.data import Example
from services.messages.vocabulary import Sentiment, Theme
from services.sentiment.models import Scorer, Scores, load_scorer
from services.sentiment.models.labels import FLAGS

SPEED_TEXTS = 256


def main() -> None:
    """Print the figures of the shipped model as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shared", type=Path, required=True)
    options.add_argument("--model", type=Path)
    options.add_argument("--backend", choices=["onnx", "torch"], default="onnx")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    scorer = load_scorer(given.model, given.backend, given.threads)
    print(json.dumps(figures(scorer, given.shared, given.threads), indent=2))


def figures(scorer: Scorer, shared: Path, threads: int) -> dict[str, Any]:
    """Everything the model card reports."""
    held_out = data.load(shared, seed=0).held_out  # the slice does not depend on the seed
    scores = scorer.score([example.text for example in held_out])
    tests = data.read_tsv(shared / "test.tsv")
    test_scores = scorer.score([example.text for example in tests])
    return {
        "model": scorer.name,
        "care_held_out": sentiment(held_out, scores),
        "care_held_out_by_difficulty": _grouped([e.difficulty for e in held_out], held_out, scores),
        "care_held_out_by_writer": _grouped(
            ["w8 (never seen)" if e.writer == data.HELD_OUT_WRITER else "the others" for e in held_out],
            held_out,
            scores,
        ),
        "flags": {flag: _flag(held_out, scores, flag) for flag in FLAGS},
        "themes": {theme.value: _theme(held_out, scores, theme) for theme in Theme},
        "test_by_source": _grouped([e.source for e in tests], tests, test_scores),
        "texts_per_second": speed(scorer, [example.text for example in held_out], threads),
    }


def sentiment(examples: Sequence[Example], scores: Sequence[Scores]) -> dict[str, Any]:
    """Precision, recall and F1 of each label that occurs, and their mean F1."""
    pairs = [(example.sentiment, score.label) for example, score in zip(examples, scores, strict=True)]
    result: dict[str, Any] = {"n": len(pairs)}
    for label in Sentiment:
        truth = [wanted is label for wanted, _ in pairs]
        if any(truth):
            result[label.value] = _rates(truth, [found is label for _, found in pairs])
    labels = [result[label.value]["f1"] for label in Sentiment if label.value in result]
    result["macro_f1"] = _round(sum(labels) / len(labels))
    result["accuracy"] = _round(sum(wanted is found for wanted, found in pairs) / len(pairs))
    if all(wanted is not Sentiment.NEUTRAL for wanted, _ in pairs):
        forced = [Sentiment.NEGATIVE if s.negative >= s.positive else Sentiment.POSITIVE for s in scores]
        hits = sum(wanted is found for (wanted, _), found in zip(pairs, forced, strict=True))
        result["accuracy_without_neutral"] = _round(hits / len(pairs))
    return result


def speed(scorer: Scorer, texts: list[str], threads: int) -> dict[str, Any]:
    """Texts per second in batches of three sizes, tokenising included."""
    chosen = texts[:SPEED_TEXTS]
    scorer.score(chosen[:32])
    result: dict[str, Any] = {"threads": threads, "texts": len(chosen)}
    for size in (1, 32, SPEED_TEXTS):
        started = time.perf_counter()
        for start in range(0, len(chosen), size):
            scorer.score(chosen[start : start + size])
        result[f"calls_of_{size}"] = round(len(chosen) / (time.perf_counter() - started))
    return result


def _grouped(
    keys: Sequence[str], examples: Sequence[Example], scores: Sequence[Scores]
) -> dict[str, dict[str, Any]]:
    result = {}
    for key, _ in sorted(Counter(keys).items()):
        chosen = [number for number, found in enumerate(keys) if found == key]
        result[key] = sentiment([examples[n] for n in chosen], [scores[n] for n in chosen])
    return result


def _flag(examples: Sequence[Example], scores: Sequence[Scores], flag: str) -> dict[str, Any]:
    column = FLAGS.index(flag)
    return _rates([bool(e.flags[column]) for e in examples], [bool(getattr(s, flag)) for s in scores])


def _theme(examples: Sequence[Example], scores: Sequence[Scores], theme: Theme) -> dict[str, Any]:
    return _rates([theme in (e.themes or ()) for e in examples], [theme in s.themes for s in scores])


def _rates(truth: Sequence[bool], found: Sequence[bool]) -> dict[str, Any]:
    right = int(np.sum(np.array(truth) & np.array(found)))
    precision, recall = right / max(1, sum(found)), right / max(1, sum(truth))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"n": sum(truth), "precision": _round(precision), "recall": _round(recall), "f1": _round(f1)}


def _round(value: float) -> float:
    return round(float(value), 3)


if __name__ == "__main__":
    main()
