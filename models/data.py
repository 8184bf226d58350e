"""Training examples: labels with gaps, the split by writer, weak themes and marks of the privacy gate."""

import csv
import hashlib
import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.messages.vocabulary import Sentiment, Theme
from services.sentiment.models.labels import FLAGS

SENTIMENTS = tuple(Sentiment)
THEMES = tuple(Theme)
OUTPUTS = len(SENTIMENTS) + len(FLAGS) + len(THEMES)
MASKS = ("[naam]", "[gebruiker]", "[telefoon]", "[e-mail]", "[adres]", "[bsn]", "[iban]", "[nummer]")
CARE = "care"
OWN = Path(__file__).parent / "data"  # written for this project; test.jsonl has writers of its own
HELD_OUT_PERCENT = 8
# How many examples of a label each source gives at most: reviews and subtitles teach polarity, in balance.
CAPS = {"pattern_bol": 1100, "xed_nl": 750, "m_absa_nl": 450}
WEIGHTS = {"xed_nl": 0.5, "m_absa_nl_none": 0.5}
REPLAY = 4  # one review in so many is seen again beside the care set, so that what they taught is not lost

# The first eight writers had no labels for these three themes; words stand in for them there.
WEAK_THEMES = {
    Theme.MEDICATIE: re.compile(
        r"medicijn|medicatie|medicament|\bpil(len)?\b|\brecept(en|je|jes)?\b|bijsluiter|dosis|dosering|antibiotic|"
        r"insuline|bloedverdunner|pijnstill|\btablet|zalf|inhalator|methadon|antidepress|\bvaccin|\bspuit",
        re.IGNORECASE,
    ),
    Theme.VEILIGHEID: re.compile(
        r"onveilig|veiligheid|\bgevaar|agressi|mishandel|misbruik|geweld|valpartij|infectie|bedreig|vastgebonden|"
        r"fixatie|dwangmaatregel|\bincident|verwaarlo|calamiteit|besmet|datalek|inbraak|\bbrand\b|separeer|"
        r"verkeerde (pil|medic|dosis|pati|been|kant)",
        re.IGNORECASE,
    ),
    Theme.PERS_POLITIEK: re.compile(
        r"minister|tweede kamer|kamerlid|kamervra|politiek|politic|kabinet|wethouder|gemeenteraad|inspectie|"
        r"\bigj\b|krant|journalist|persbericht|staatssecretaris|regering|\brtl\b|\bnos\b|\bvrt\b|omroep|nieuwsuur|"
        r"pointer|radar\b|kassa\b|het nieuws|debat",
        re.IGNORECASE,
    ),
}
WITHOUT_THREE_THEMES = {f"w{number}" for number in range(1, 9)}
SLIPS = re.compile(r"\b[a-z]{5,}\b")
HANDLE = re.compile(r"(?<!\w)@\w+")
PHONE = re.compile(r"(?<!\w)(?:\+31|\+32|0)[\d \-]{8,12}\d")
TITLED = re.compile(r"\b(dokter|dr\.|zuster|mevrouw|meneer|mevr\.|mw\.|dhr\.|broeder) ([A-Z]\w+)")


@dataclass(frozen=True)
class Example:
    """One text; None where its source says nothing about a label, which then does not count in the loss."""

    text: str
    sentiment: Sentiment
    source: str
    weight: float = 1.0
    flags: tuple[bool | None, ...] = (None,) * len(FLAGS)
    themes: frozenset[Theme] | None = None
    difficulty: str = ""
    writer: str = ""


@dataclass(frozen=True)
class Data:
    """The examples to learn from and the held-out slice that sets temperature and thresholds."""

    reviews: list[Example]
    care: list[Example]
    held_out: list[Example]

    @property
    def mixed(self) -> list[Example]:
        """The care mentions with a share of the reviews."""
        return self.care + self.reviews[::REPLAY]


def load(shared: Path, seed: int, limit: int | None = None) -> Data:
    """Read the sources and put the training set together; `limit` shortens it for a quick check."""
    held_out: list[Example] = []
    care: list[Example] = []
    for row in _json_lines(OWN / "train.jsonl"):
        (held_out if _is_held_out(row) else care).append(_care(row))
    chance = random.Random(seed)  # noqa: S311
    reviews = _sample(read_tsv(shared / "train.tsv"), chance)
    chance.shuffle(care)
    return Data(reviews[:limit], care[:limit], held_out)


def care_test() -> list[Example]:
    """The test part: writers of its own, never trained on, never used to choose anything."""
    return [_care(row) for row in _json_lines(OWN / "test.jsonl")]


def read_tsv(path: Path) -> list[Example]:
    """The rows of a table with the columns text, label and source."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [_review(row["text"], Sentiment(row["label"]), row["source"]) for row in rows]


def texts(shared: Path) -> list[str]:
    """Every text that the vocabulary has to fit, none of the test set."""
    care = [str(row["text"]) for row in _json_lines(OWN / "train.jsonl")]
    return care + [example.text for example in read_tsv(shared / "train.tsv")]


def disguised(examples: list[Example], seed: int) -> list[str]:
    """The texts of one epoch, each as it may look behind the privacy gate or typed in a hurry."""
    chance = random.Random(seed)  # noqa: S311
    return [disguise(example.text, chance) for example in examples]


def disguise(text: str, chance: random.Random) -> str:
    """The text as it may look behind the privacy gate, sometimes typed carelessly; its labels stay true."""
    text = HANDLE.sub(lambda found: "[gebruiker]" if chance.random() < 0.7 else found[0], text)
    text = PHONE.sub("[telefoon]", text)
    text = TITLED.sub(lambda found: f"{found[1]} [naam]" if chance.random() < 0.5 else found[0], text)
    if chance.random() < 0.1:
        text = f"[gebruiker] {text}"
    if chance.random() < 0.04:
        text = f"{text} {chance.choice(MASKS)}"
    if chance.random() < 0.12:
        text = text.lower()
    if chance.random() < 0.02:
        text = text.upper()
    if chance.random() < 0.1:
        text = text.rstrip(".!")
    if chance.random() < 0.12:
        text = SLIPS.sub(lambda found: _slip(found[0], chance), text)
    return text


def _slip(word: str, chance: random.Random) -> str:
    """A long word with one letter gone, doubled or swapped with its neighbour, in one case of seven."""
    if chance.random() > 1 / 7:
        return word
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _sample(examples: list[Example], chance: random.Random) -> list[Example]:
    """Every neutral example, and of the others at most the cap of their source."""
    chance.shuffle(examples)
    taken: Counter[tuple[str, Sentiment]] = Counter()
    chosen: list[Example] = []
    for example in examples:
        cap = CAPS[example.source.split(":", 1)[0].removesuffix("_none")]
        taken[example.source, example.sentiment] += 1
        if example.sentiment is Sentiment.NEUTRAL or taken[example.source, example.sentiment] <= cap:
            chosen.append(example)
    return chosen


def _review(text: str, sentiment: Sentiment, source: str) -> Example:
    # Nobody is in danger in a review; subtitles are full of threats that are none.
    safe = None if source == "xed_nl" else False
    return Example(text, sentiment, source, WEIGHTS.get(source.split(":", 1)[0], 1.0), (None, None, safe))


def _care(row: dict[str, Any]) -> Example:
    themes = {Theme(theme) for theme in row["themes"]}
    if row["writer"] in WITHOUT_THREE_THEMES:
        themes |= {theme for theme, words in WEAK_THEMES.items() if words.search(row["text"])}
    if len(themes) > 1:
        themes.discard(Theme.ALGEMEEN)
    flags = tuple(bool(row[flag]) for flag in FLAGS)
    return Example(
        row["text"],
        Sentiment(row["label"]),
        CARE,
        1.0,
        flags,
        frozenset(themes),
        row["difficulty"],
        row["writer"],
    )


def _is_held_out(row: dict[str, Any]) -> bool:
    """A share of every writer that depends on the id alone and so never moves."""
    return int(hashlib.sha256(row["id"].encode()).hexdigest(), 16) % 100 < HELD_OUT_PERCENT


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
