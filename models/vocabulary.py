"""Trimming the vocabulary of 250,002 pieces to those that Dutch posts need."""

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.data import MASKS

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
FOREIGN = re.compile(
    "CJK|IDEOGRAPH|HANGUL|KATAKANA|HIRAGANA|ARABIC|DEVANAGARI|TIBETAN|THAI|ETHIOPIC|YI |BENGALI|KHMER|"
    "MYANMAR|MONGOL|TAMIL|TELUGU|GUJARATI|KANNADA|MALAYALAM|ORIYA|SINHALA|LAO|GURMUKHI"
)
CAPITALISED = 0.2
WEB_WEIGHT = 50_000_000
"""How many words of general Dutch one text corpus of ours (weight one a piece) is set against."""


def trim(source: Path, words: Path, texts: Iterable[str], size: int, target: Path) -> NDArray[np.int64]:
    """Write the trimmed tokenizer and return the base's row for each row that is kept.

    Every piece of our own texts, every Latin character, symbol and emoji stays; word frequencies of
    general Dutch fill the rest.
    """
    content = json.loads(source.read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(source))
    vocabulary: list[list[Any]] = content["model"]["vocab"]
    needed = {
        number for number, (piece, _) in enumerate(vocabulary) if piece in SPECIALS or _is_symbol(piece)
    }
    ours = _count(tokenizer, ((text, 1.0) for text in [*texts, *MASKS]))
    ranked = ours + _count(tokenizer, _word_frequencies(words))
    for number, _ in ours.most_common():
        if len(needed) < size:
            needed.add(number)
    for number, _ in ranked.most_common():
        if len(needed) >= size:
            break
        needed.add(number)
    rows = sorted(needed)
    _write(content, rows, target)
    return np.array(rows, dtype=np.int64)


def _is_symbol(piece: str) -> bool:
    """A single Latin character, mark, digit, symbol or emoji, with or without the word-start sign."""
    bare = piece.removeprefix("▁")
    if not bare:
        return piece == "▁"
    if any(ord(character) >= 0x2600 and unicodedata.category(character) == "So" for character in bare):
        return not any(FOREIGN.search(unicodedata.name(character, "")) for character in bare)
    if len(bare) > 1:
        return False
    name = unicodedata.name(bare, "")
    return (
        ord(bare) < 0x250
        or (unicodedata.category(bare)[0] in "PSNM" and not FOREIGN.search(name))
        or bare == "\u200d"
    )


def _count(tokenizer: Tokenizer, weighted: Iterable[tuple[str, float]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    pairs = list(weighted)
    for start in range(0, len(pairs), 4096):
        chunk = pairs[start : start + 4096]
        encoded = tokenizer.encode_batch([text for text, _ in chunk], add_special_tokens=False)
        for (_, weight), encoding in zip(chunk, encoded, strict=True):
            for number in encoding.ids:
                counts[number] += weight  # type: ignore[assignment]
    return counts


def _word_frequencies(path: Path) -> Iterable[tuple[str, float]]:
    """The list is stored in bins: words of bin n have a frequency of 10 to the power of -n/100."""
    _, *bins = msgspec.msgpack.decode(gzip.decompress(path.read_bytes()), type=list[Any])
    for number, words in enumerate(bins):
        weight = WEB_WEIGHT * 10 ** (-number / 100)
        for word in words:
            yield word, weight
            yield word.capitalize(), weight * CAPITALISED


def _write(content: dict[str, Any], rows: list[int], target: Path) -> None:
    place = {row: number for number, row in enumerate(rows)}
    model = content["model"]
    model["vocab"] = [model["vocab"][row] for row in rows]
    model["unk_id"] = place[model["unk_id"]]
    for added in content["added_tokens"]:
        added["id"] = place[added["id"]]
    for special in content["post_processor"].get("special_tokens", {}).values():
        special["ids"] = [place[row] for row in special["ids"]]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
