"""What both backends share: cleaning texts, scoring identical ones once, and batches of similar length."""

import hashlib
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.sentiment.models import ModelError, Observer, Scores
from services.sentiment.models.labels import NEUTRAL, Labels

TOKEN_BUDGET = 2048
MOST_TEXTS = 32
MOST_CHARACTERS = 4000
REMEMBERED = 8192  # scores of earlier texts; a storm is full of copies
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
    """Everything but the network: a backend adds `infer`, and says how many texts one pass may hold.

    `lanes` passes run at the same time.
    """

    most_texts = MOST_TEXTS

    def __init__(
        self,
        name: str,
        tokenizer: Tokenizer,
        pad_id: int,
        labels: Labels,
        *,
        lanes: int = 1,
        observer: Observer | None = None,
    ) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._labels = labels
        self._observer = observer
        self._lanes = ThreadPoolExecutor(lanes, thread_name_prefix="score")
        self._known: LRUCache[bytes, Scores] = LRUCache(REMEMBERED)
        tokenizer.no_padding()
        tokenizer.enable_truncation(labels.max_length)

    @abstractmethod
    def infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """The raw outputs of the network, a row for each row of `ids`; called from several threads."""

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """The scores of the texts, in their order; texts that read the same are computed once."""
        prepared = [prepare(text) for text in texts]
        keys = [_digest(text) for text in prepared]
        found = {key: self._known[key] for key in keys if key in self._known}
        found[_digest("")] = NEUTRAL
        new = {key: text for key, text in zip(keys, prepared, strict=True) if key not in found}
        if new:
            computed = dict(zip(new, self._compute(list(new.values())), strict=True))
            found |= computed
            self._known.update(computed)
        if self._observer:
            self._observer.copies(len(texts) - len(new))
        return [found[key] for key in keys]

    def _compute(self, texts: list[str]) -> list[Scores]:
        started = time.perf_counter()
        rows = [self._tokenizer.encode(self._labels.prefix + text).ids for text in texts]
        tokenised = time.perf_counter()
        logits = np.empty((len(texts), self._labels.width), dtype=np.float32)

        def run(batch: list[int]) -> None:
            logits[batch] = self.infer(*pad([rows[index] for index in batch], self._pad_id))

        # The longest first, so that no lane is left with it at the end.
        list(self._lanes.map(run, reversed(plan([len(row) for row in rows], most=self.most_texts))))
        if self._observer:
            self._observer.took("tokenise", tokenised - started)
            self._observer.took("infer", time.perf_counter() - tokenised)
        return self._labels.decode(logits)


def _digest(text: str) -> bytes:
    """What a text is remembered by: the text itself is not kept longer than its call."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
