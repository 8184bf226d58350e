"""Figures of a shipped model: per source of the test set, never pooled, and of the care test part.

Run alone as ``python -m models.evaluate --shared ../shared/data``.
"""

import argparse
import json
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


def main() -> None:
    """Print the figures of the shipped model as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shared", type=Path, required=True)
    options.add_argument("--model", type=Path)
    options.add_argument("--backend", choices=["onnx", "torch"], default="onnx")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    scorer = load_scorer(given.model, given.backend, given.threads)
    print(json.dumps(figures(scorer, given.shared), indent=2))


def figures(scorer: Scorer, shared: Path) -> dict[str, Any]:
    """Everything the model card reports."""
    care = data.care_test()
    scores = scorer.score([example.text for example in care])
    tests = data.read_tsv(shared / "test.tsv")
    test_scores = scorer.score([example.text for example in tests])
    return {
        "model": scorer.name,
        "care": sentiment(care, scores),
        "care_by_difficulty": _grouped([e.difficulty for e in care], care, scores),
        "care_by_writer": _grouped([e.writer for e in care], care, scores),
        "acute_risk": acute_risk(care, scores),
        "flags": {flag: _flag(care, scores, flag) for flag in FLAGS},
        "themes": {theme.value: _theme(care, scores, theme) for theme in Theme},
        "test_by_source": _grouped([e.source for e in tests], tests, test_scores),
    }


def acute_risk(examples: Sequence[Example], scores: Sequence[Scores]) -> dict[str, Any]:
    """The share raised among acute mentions, look-alikes and ordinary ones, with Wilson's 95 % intervals."""
    column = FLAGS.index("acute_risk")
    groups: dict[str, list[bool]] = {"acute": [], "lookalike": [], "ordinary": []}
    for example, score in zip(examples, scores, strict=True):
        other = "lookalike" if example.difficulty == "lookalike" else "ordinary"
        groups["acute" if example.flags[column] else other].append(score.acute_risk)
    return {
        name: {"n": len(raised), "raised": _round(sum(raised) / len(raised)), "interval": _wilson(raised)}
        for name, raised in groups.items()
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


def _wilson(hits: Sequence[bool]) -> list[float]:
    n, share, z = len(hits), sum(hits) / len(hits), 1.96
    centre, half = share + z * z / (2 * n), z * ((share * (1 - share) + z * z / (4 * n)) / n) ** 0.5
    return [_round((centre - half) / (1 + z * z / n)), _round((centre + half) / (1 + z * z / n))]


def _round(value: float) -> float:
    return round(float(value), 3)


if __name__ == "__main__":
    main()
