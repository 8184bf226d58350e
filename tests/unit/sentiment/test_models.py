"""Label mapping, manifest checks and batching of the model backends, without running a network."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.messages.vocabulary import Sentiment, Theme
from services.sentiment.models import ModelError, Scores, batching, load_scorer
from services.sentiment.models.batching import BatchedScorer, pad, plan, prepare
from services.sentiment.models.labels import NEUTRAL, Labels, read_labels
from services.sentiment.models.loading import shipped, verify

ONNX_FILES = ("model.onnx", "tokenizer.json", "labels.json")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may spoil."""
    target = tmp_path / "model"
    target.mkdir()
    for name in (*ONNX_FILES, "manifest.json"):
        shutil.copyfile(shipped() / name, target / name)
    return target


def test_shipped_model_is_complete_and_small() -> None:
    listed = json.loads((shipped() / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert set(ONNX_FILES) < set(listed)
    assert verify(None, listed).directory == shipped()
    assert sum(entry["size"] for entry in listed.values()) < 50_000_000


def test_score_name_tells_which_weights_produced_it() -> None:
    digest = verify(None, ONNX_FILES).sha256["model.onnx"]
    assert load_scorer(None, "onnx", 1).name == f"onnx:{digest[:8]}"


def test_altered_file_is_refused_with_both_digests(model: Path) -> None:
    content = bytearray((model / "model.onnx").read_bytes())
    content[1000] ^= 1
    (model / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx: sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}"):
        load_scorer(model, "onnx", 1)


def test_truncated_and_missing_files_are_named_together(model: Path) -> None:
    (model / "model.onnx").write_bytes(b"short")
    (model / "tokenizer.json").unlink()
    with pytest.raises(
        ModelError, match=r"model\.onnx: has 5 bytes, expected \d+.*tokenizer\.json: cannot be read"
    ):
        load_scorer(model, "onnx", 1)


def test_file_without_entry_in_the_manifest_is_refused(model: Path) -> None:
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["labels.json"]
    (model / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match=r"labels\.json: not listed"):
        load_scorer(model, "onnx", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not found"),
        ("{", "cannot be read as JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "'files'"),
    ],
)
def test_unusable_manifest_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_scorer(tmp_path, "onnx", 1)


def write_labels(path: Path, **changes: Any) -> Path:
    sentiment = {"name": "sentiment", "labels": ["positive", "negative", "neutral"], "temperature": 1.0}
    flags = {
        "name": "flags",
        "labels": ["acute_risk", "question", "complaint"],
        "thresholds": [0.2, 0.5, 0.5],
    }
    themes = {"name": "themes", "labels": ["kosten", "algemeen", "privacy"], "thresholds": [0.5, 0.5, 0.5]}
    content = {"prefix": "", "max_length": 64, "heads": [sentiment, flags, themes]}
    for name, change in changes.items():
        for head in (sentiment, flags, themes):
            if head["name"] == name:
                head.update(change)
    target = path / "labels.json"
    target.write_text(json.dumps(content), encoding="utf-8")
    return target


def test_columns_are_found_by_name_not_by_place(tmp_path: Path) -> None:
    labels = read_labels(write_labels(tmp_path))
    #                  pos  neg  neu | acute quest compl | kosten algemeen privacy
    row = np.array([[0.0, 3.0, 1.0, -1.0, -1.0, 2.0, 1.0, 4.0, 2.0]], dtype=np.float32)
    (scores,) = labels.decode(row)
    assert scores.label is Sentiment.NEGATIVE
    assert scores.negative > scores.neutral > scores.positive
    assert (scores.acute_risk, scores.question, scores.complaint) == (True, False, True)
    assert scores.themes == (Theme.PRIVACY, Theme.KOSTEN)


def test_general_theme_stands_in_where_no_other_is_found(tmp_path: Path) -> None:
    labels = read_labels(write_labels(tmp_path))
    (scores,) = labels.decode(np.full((1, 9), -5.0, dtype=np.float32))
    assert scores.themes == (Theme.ALGEMEEN,)


def test_temperature_softens_without_changing_the_label(tmp_path: Path) -> None:
    row = np.array([[0.0, 3.0, 1.0, *[0.0] * 6]], dtype=np.float32)
    (sharp,) = read_labels(write_labels(tmp_path)).decode(row)
    (soft,) = read_labels(write_labels(tmp_path, sentiment={"temperature": 2.0})).decode(row)
    assert soft.negative < sharp.negative
    assert soft.label is sharp.label


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sentiment": {"labels": ["positive", "negative", "negative"]}}, "expected each of"),
        ({"sentiment": {"labels": ["positive", "negative", "boos"]}}, "boos"),
        ({"sentiment": {"temperature": 0}}, "temperature"),
        ({"flags": {"labels": ["acute_risk", "question", "spoed"]}}, "unknown flags"),
        ({"themes": {"thresholds": [0.5]}}, "one threshold"),
        ({"themes": {"labels": ["kosten", "algemeen", "weer"]}}, "weer"),
        ({"themes": {"name": "topics"}}, "in this order"),
    ],
)
def test_wrong_labels_file_says_what_would_be_right(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        read_labels(write_labels(tmp_path, **changes))


def test_output_of_another_width_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="describes 9 columns"):
        read_labels(write_labels(tmp_path)).decode(np.zeros((1, 3), dtype=np.float32))


def test_tie_goes_to_the_worse_label() -> None:
    assert Scores(0.4, 0.2, 0.4).label is Sentiment.NEGATIVE
    assert Scores(0.2, 0.4, 0.4).label is Sentiment.NEUTRAL


@given(st.lists(st.integers(2, 192), max_size=200))
def test_every_text_is_in_one_batch_and_every_batch_in_the_budget(lengths: list[int]) -> None:
    batches = plan(lengths)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= 32
        assert len(batch) * max(lengths[index] for index in batch) <= 2048


def test_one_text_above_the_budget_still_gets_a_batch() -> None:
    assert plan([5000, 3]) == [[1], [0]]


def test_padding_is_masked() -> None:
    ids, mask = pad([[5, 6, 7], [8]], 1)
    assert ids.tolist() == [[5, 6, 7], [8, 1, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


@given(st.text(st.characters(), max_size=200))
def test_prepared_text_is_always_encodable(text: str) -> None:
    ready = prepare(text + "\ud800\x00")
    ready.encode("utf-8")
    assert "\x00" not in ready
    assert prepare(ready) == ready


class Counting(BatchedScorer):
    """Scores by the length of a text and keeps what it was asked."""

    rows = 0

    def infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        self.rows += len(ids)
        lengths = mask.sum(axis=1, keepdims=True).astype(np.float32)
        return np.concatenate([lengths, lengths * 0, lengths * 0], axis=1)


def counting() -> Counting:
    labels = Labels("", 64, 10.0, (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE))
    tokenizer = Tokenizer.from_file(str(shipped() / "tokenizer.json"))
    return Counting("counting", tokenizer, 1, labels, lanes=2)


def test_identical_texts_are_computed_once_and_order_is_kept() -> None:
    scorer = counting()
    scores = scorer.score(["een lange zin over de zorg", "kort", " kort\x00 ", "", "kort"])
    assert scorer.rows == 2
    assert scores[1] == scores[2] == scores[4]
    assert scores[0].negative > scores[1].negative
    assert scores[3] == NEUTRAL
    assert scorer.score(["kort"]) == [scores[1]]
    assert scorer.rows == 2


def test_memory_of_scored_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "REMEMBERED", 2)
    scorer = counting()
    scorer.score(["een", "twee", "drie", "vier"])
    scorer.score(["drie", "vier"])
    assert scorer.rows == 4
    scorer.score(["een", "een"])
    assert scorer.rows == 5
