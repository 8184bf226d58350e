"""What any model must beat: words with a linear classifier, and the untouched encoder with one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from models.data import SENTIMENTS, Example
from models.evaluate import sentiment
from services.sentiment.models import Scores
from services.sentiment.models.batching import prepare

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
Features = Callable[[list[Example]], Any]


def words(train: list[Example]) -> Features:
    """TF-IDF of words and pairs, and of character groups of 2 to 5, fitted on the training texts."""
    texts = [prepare(example.text) for example in train]
    kinds = [
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(texts),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True).fit(texts),
    ]
    return lambda examples: hstack([kind.transform([prepare(e.text) for e in examples]) for kind in kinds])


def encoder(train: list[Example], pooled: Callable[[list[Example]], NDArray[np.float32]]) -> Features:
    """The mean token vector of the base as it comes, standardised on the training texts."""
    known = pooled(train)
    scale = StandardScaler().fit(known)
    return lambda examples: scale.transform(known if examples is train else pooled(examples))


def baseline(
    features: Features, train: list[Example], held_out: list[Example], test: list[Example]
) -> dict[str, Any]:
    """Logistic regression, its strength chosen on the held-out slice, and its figures on the test part."""
    known, sought = features(train), features(held_out)
    models = [
        LogisticRegression(C=strength, class_weight="balanced", max_iter=2000).fit(
            known, _numbers(train), sample_weight=[example.weight for example in train]
        )
        for strength in STRENGTHS
    ]
    best = max(models, key=lambda model: sentiment(held_out, _scores(model, sought))["macro_f1"])
    return sentiment(test, _scores(best, features(test)))


def _numbers(examples: list[Example]) -> list[int]:
    return [SENTIMENTS.index(example.sentiment) for example in examples]


def _scores(model: LogisticRegression, features: Any) -> list[Scores]:
    names = [label.value for label in SENTIMENTS]
    rows = model.predict_proba(features)
    return [Scores(**dict(zip(names, map(float, row), strict=True))) for row in rows]
