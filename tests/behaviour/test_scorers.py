"""One suite for every model backend: what a caller of `load_scorer` may rely on."""

import importlib.util
import random
from pathlib import Path
from typing import Literal

import pytest

from services.messages.vocabulary import Sentiment, Theme
from services.sentiment.models import ModelError, Scorer, Scores, load_scorer

TOLERANCE = 1e-4
"""For both backends: a neighbour in the same call must not move a score."""

NEGATIVE = [
    "Schandalig hoe mijn moeder hier is behandeld, niemand luisterde naar haar.",
    "Drie uur gewacht op de spoedeisende hulp en toen zonder uitleg weggestuurd. Nooit meer!",
    "Waardeloze klantenservice, ik hang al 50 minuten in de wacht en niemand neemt op.",
    "Wat een slechte zorg, mijn vader lag uren in zijn eigen plas. Ze moesten zich schamen.",
    "[gebruiker] onbeschofte assistente aan de balie, wat een slechte praktijk",
]
POSITIVE = [
    "Heel erg bedankt aan alle verpleegkundigen, wat een lieve en deskundige mensen!",
    "Fantastisch geholpen op de poli, snel aan de beurt en een vriendelijke arts. Dank jullie wel.",
    "Wat een warme zorg heeft onze oma gekregen, wij zijn jullie zo dankbaar ❤️",
    "Top ziekenhuis, goede uitleg en alles perfect geregeld. Complimenten!",
    "[gebruiker] super bedankt voor de goede zorgen vannacht",
]
NEUTRAL = [
    "Vacature: verpleegkundige op de afdeling cardiologie, 32 uur per week.",
    "Hoe laat is de polikliniek morgen open?",
    "Het ziekenhuis opent volgend jaar een nieuwe vestiging in het centrum.",
    "Weet iemand of je voor bloedprikken een afspraak moet maken?",
    "Vorige week werden in Brabant meer mensen opgenomen met griep.",
]
ODD = [
    "",
    "   \n\t ",
    "\x00",
    "goede\x00zorg",
    "😡" * 300,
    "🏳️‍🌈👩🏽‍⚕️",
    "kapot \ud83d surrogaat",
    "a" * 20_000,
    "wachttijd " * 5_000,
    "مستشفى 病院 больница",
    "[gebruiker] [naam] [telefoon] [e-mail] [adres] [bsn] [iban] [nummer]",
    "</s><pad><unk>",
]


@pytest.fixture(scope="module", params=["onnx", pytest.param("torch", marks=pytest.mark.torch)])
def backend(request: pytest.FixtureRequest) -> Literal["onnx", "torch"]:
    name: Literal["onnx", "torch"] = request.param
    if name == "torch" and not importlib.util.find_spec("torch"):
        pytest.skip("the extra 'torch' is not installed")
    return name


@pytest.fixture(scope="module")
def scorer(backend: Literal["onnx", "torch"]) -> Scorer:
    return load_scorer(None, backend, 1)


@pytest.fixture
def other(backend: Literal["onnx", "torch"]) -> Scorer:
    """A second scorer, which remembers no text."""
    return load_scorer(None, backend, 3)


def close(one: Scores, other: Scores, tolerance: float) -> bool:
    return one.label is other.label and all(
        abs(a - b) <= tolerance
        for a, b in [
            (one.negative, other.negative),
            (one.neutral, other.neutral),
            (one.positive, other.positive),
        ]
    )


def test_name_tells_backend_and_weights(scorer: Scorer, backend: str) -> None:
    kind, digest = scorer.name.split(":")
    assert kind == backend
    assert len(digest) == 8


@pytest.mark.parametrize(
    ("texts", "label"),
    [(NEGATIVE, Sentiment.NEGATIVE), (POSITIVE, Sentiment.POSITIVE), (NEUTRAL, Sentiment.NEUTRAL)],
    ids=["negative", "positive", "neutral"],
)
def test_clear_dutch_examples_are_understood(scorer: Scorer, texts: list[str], label: Sentiment) -> None:
    assert [(text, scores.label) for text, scores in zip(texts, scorer.score(texts), strict=True)] == [
        (text, label) for text in texts
    ]


def test_a_grievance_is_a_complaint_and_thanks_are_not(scorer: Scorer) -> None:
    assert all(scores.complaint for scores in scorer.score(NEGATIVE[:4]))
    assert not any(scores.complaint or scores.acute_risk for scores in scorer.score(POSITIVE))


def test_a_question_is_a_question(scorer: Scorer) -> None:
    question, statement = scorer.score([NEUTRAL[1], NEUTRAL[0]])
    assert question.question
    assert not statement.question


def test_the_subject_is_among_the_themes(scorer: Scorer) -> None:
    waiting, parking = scorer.score(
        [
            "Drie uur in de wachtkamer gezeten, wat een wachttijd",
            "Het parkeren bij het ziekenhuis is veel te duur",
        ]
    )
    assert Theme.WACHTTIJD in waiting.themes
    assert Theme.PARKEREN in parking.themes


def test_masked_handle_does_not_change_the_label(scorer: Scorer) -> None:
    texts = NEGATIVE[:4] + POSITIVE[:4] + NEUTRAL
    plain = scorer.score(texts)
    masked = scorer.score([f"[gebruiker] {text}" for text in texts])
    assert [scores.label for scores in masked] == [scores.label for scores in plain]


def test_order_of_the_input_is_kept(scorer: Scorer, other: Scorer) -> None:
    texts = NEGATIVE + POSITIVE + NEUTRAL
    expected = dict(zip(texts, other.score(texts), strict=True))
    shuffled = random.Random(1).sample(texts, len(texts))
    for text, scores in zip(shuffled, scorer.score(shuffled), strict=True):
        assert close(scores, expected[text], TOLERANCE), text


def test_batched_equals_single(scorer: Scorer, other: Scorer) -> None:
    texts = NEGATIVE + POSITIVE + NEUTRAL + ["wachttijd " * 500]
    for text, together in zip(texts, scorer.score(texts), strict=True):
        (alone,) = other.score([text])
        assert close(alone, together, TOLERANCE), (text, alone, together)


def test_duplicates_get_the_same_score(scorer: Scorer) -> None:
    scores = scorer.score([NEGATIVE[0], POSITIVE[0], NEGATIVE[0], f"  {NEGATIVE[0]}\x00"])
    assert scores[0] == scores[2] == scores[3]
    assert scores[0] != scores[1]


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.copied: list[int] = []

    def took(self, phase: str, seconds: float) -> None:
        assert seconds >= 0
        self.phases.append(phase)

    def copies(self, texts: int) -> None:
        self.copied.append(texts)


def test_a_text_that_was_scored_before_needs_no_pass(backend: Literal["onnx", "torch"]) -> None:
    notes = Notes()
    scorer = load_scorer(None, backend, 2, observer=notes)
    first = scorer.score([NEGATIVE[0], NEGATIVE[0], POSITIVE[0]])
    again = scorer.score([f"{NEGATIVE[0]} ", POSITIVE[0]])
    assert again == [first[0], first[2]]
    assert notes.copied == [1, 2]
    assert notes.phases == ["tokenise", "infer"]


def test_odd_texts_do_not_disturb_their_neighbours(scorer: Scorer) -> None:
    scores = scorer.score([*ODD, NEGATIVE[0]])
    assert len(scores) == len(ODD) + 1
    assert scores[-1].label is Sentiment.NEGATIVE


def test_text_without_content_is_neutral(scorer: Scorer) -> None:
    for scores in scorer.score(ODD[:3]):
        assert scores.label is Sentiment.NEUTRAL
        assert (scores.question, scores.complaint, scores.acute_risk) == (False, False, False)


def test_no_texts_give_no_scores(scorer: Scorer) -> None:
    assert scorer.score([]) == []


def test_probabilities_are_shares_of_one(scorer: Scorer) -> None:
    for scores in scorer.score(NEGATIVE + POSITIVE + NEUTRAL + ODD):
        shares = (scores.negative, scores.neutral, scores.positive)
        assert sum(shares) == pytest.approx(1.0, abs=1e-6)
        assert all(0.0 <= share <= 1.0 for share in shares)
        assert 1 <= len(scores.themes) <= 3


def test_backends_agree(scorer: Scorer, backend: str) -> None:
    if backend == "onnx":
        pytest.skip("the reference itself")
    texts = NEGATIVE + POSITIVE + NEUTRAL
    reference = load_scorer(None, "onnx", 1).score(texts)
    assert [scores.label for scores in scorer.score(texts)] == [scores.label for scores in reference]


def save_classifier(directory: Path, labels: list[str]) -> Path:
    """A tiny untrained Hugging Face classifier with its tokenizer."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    words = {
        word: number
        for number, word in enumerate(["<pad>", "<unk>", "goede", "zorg", "slechte", "wachttijd"])
    }
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=64
    ).save_pretrained(directory)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        pad_token_id=0,
        id2label=dict(enumerate(labels)),
    )
    transformers.BertForSequenceClassification(config).save_pretrained(directory)
    return directory


@pytest.mark.torch
def test_hugging_face_classifier_is_read_by_the_names_of_its_labels(tmp_path: Path) -> None:
    path = save_classifier(tmp_path / "ander-model", ["Positive", "neutral", "NEGATIVE"])
    scorer = load_scorer(path, "torch", 1)
    texts = ["goede zorg", "slechte slechte wachttijd", "zorg", ""]
    together = scorer.score(texts)
    assert scorer.name == "torch:ander-model"
    for text, scores in zip(texts, together, strict=True):
        assert scores.negative + scores.neutral + scores.positive == pytest.approx(1.0)
        assert close(load_scorer(path, "torch", 1).score([text])[0], scores, TOLERANCE)


@pytest.mark.torch
def test_classifier_with_other_labels_is_refused(tmp_path: Path) -> None:
    path = save_classifier(tmp_path / "sterren", ["1 ster", "2 sterren", "3 sterren"])
    with pytest.raises(ModelError, match=r"1 ster.*STORMWACHT_MODEL_LABELS.*1 ster=neutral,2 sterren="):
        load_scorer(path, "torch", 1)
    with pytest.raises(ModelError, match=r"none of its labels .* means neutral"):
        load_scorer(
            path,
            "torch",
            1,
            names={
                "1 ster": Sentiment.NEGATIVE,
                "2 sterren": Sentiment.NEGATIVE,
                "3 sterren": Sentiment.POSITIVE,
            },
        )


@pytest.mark.torch
def test_several_labels_of_a_classifier_may_mean_the_same(tmp_path: Path) -> None:
    stars = ["1 ster", "2 sterren", "3 sterren", "4 sterren", "5 sterren"]
    meanings = [
        Sentiment.NEGATIVE,
        Sentiment.NEGATIVE,
        Sentiment.NEUTRAL,
        Sentiment.POSITIVE,
        Sentiment.POSITIVE,
    ]
    path = save_classifier(tmp_path / "sterren", stars)
    (scores,) = load_scorer(path, "torch", 1, names=dict(zip(stars, meanings, strict=True))).score(["zorg"])
    # An untrained network finds all five about equally likely.
    assert scores.negative == pytest.approx(0.4, abs=0.1)
    assert scores.neutral == pytest.approx(0.2, abs=0.1)
    assert scores.negative + scores.neutral + scores.positive == pytest.approx(1.0)


@pytest.mark.torch
def test_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra 'torch' is not installed")
    with pytest.raises(ModelError, match="neither a model directory"):
        load_scorer(tmp_path, "torch", 1)
