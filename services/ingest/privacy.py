"""The privacy gate: masks what identifies a private person in a text. Pure.

Masked are handles, e-mail addresses, telephone numbers, citizen service numbers, IBANs, patient and case
numbers, and links. Names of people are not found here. Masking too much is preferred to too little.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType
from stdnum import iban
from stdnum.be import bis, nn
from stdnum.nl import bsn

from services.ingest.handles import ANYWHERE, normalise


class Masked(StrEnum):
    """What can be masked; the value is the name in figures."""

    HANDLE = "handle"
    EMAIL = "email"
    PHONE = "phone"
    BSN = "bsn"
    IBAN = "iban"
    NUMBER = "number"
    LINK = "link"


TOKENS: Mapping[Masked, str] = {
    Masked.HANDLE: "[gebruiker]",
    Masked.EMAIL: "[e-mail]",
    Masked.PHONE: "[telefoon]",
    Masked.BSN: "[bsn]",
    Masked.IBAN: "[iban]",
    Masked.NUMBER: "[nummer]",
    Masked.LINK: "[link]",
}

# quantifiers are bounded or disjoint from what follows, so that a hostile text costs linear time
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"']+|\b(?:[\w-]{1,63}\.){1,4}[a-z]{2,10}/[^\s<>\"']+", re.IGNORECASE
)
_EMAIL = re.compile(
    r"(?<![\w.+@-])(?:mailto:)?[\w.+-]{1,64}(?:[@\uff20]|\s?[(\[]at[)\]]\s?)(?:[\w-]{1,63}\.){1,4}[^\W\d]{2,24}\b"
)
_BARE_HANDLE = re.compile(r"(?<![\w./@-])/?u/[\w-]{3,30}\b|(?<![\w.@-])[\w-]{1,63}\.bsky\.social\b")
_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}[ ]?\d{2}(?:[ .-]?[A-Z0-9]){11,30}", re.IGNORECASE)
_CITIZEN = re.compile(r"(?<![\d])\d(?:[ .\-/]{0,2}\d){8}(?!\d)")
_REGISTER = re.compile(r"(?<![\d])\d{2}[ .\-/]?\d{2}[ .\-/]?\d{2}[ .\-/]{0,2}\d{3}[ .\-/]?\d{2}(?!\d)")
_NUMBER = re.compile(
    r"(?P<word>\b(?:pati[eë]nt(?:en)?|dossier|cli[eë]nt(?:en)?|zaak|klacht(?:en)?|meldings?|polis|relatie|klant"
    r"|verzekerden?|inschrijf|opname|registratie|afspraak|kenmerk|bsn|sofi|burgerservice|rijksregister)"
    r"[ -]?(?:nummer|nr\b\.?|no\b\.?|id\b)?(?:\s{1,3}(?:is|was|van mij is|nummer))?\s{0,3}[:#=.]{0,2}\s{0,3})"
    r"(?P<number>[A-Z]{0,4}[-./]?\d[\d./-]{2,24}\d[A-Z]?\b)",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w+])(?:\+|00|\(?0)[\d(]")
_PHONE_PART = re.compile(r"[+\d][\d ()./\u00a0\u2010-\u2015-]{7,28}")
_DATE = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d{2}(?!\d)|(?:19|20)\d{2}-\d{2}-\d{2}(?!\d)")
_RISKY = re.compile(r"[@\uff20/.]|\d{2}")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_NATIONAL_DIGITS = (10, 9)  # with the leading 0; Belgian landlines have 9
_ABROAD_DIGITS = range(15, 9, -1)
_FREE = (PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE)  # helplines belong to nobody
_MAX_CHECKS = 500  # of numbers in one text; beyond that every candidate is masked unchecked
_IBAN_LENGTHS = range(34, 14, -1)

_Find = tuple[int, int]


def redact(text: str, keep: frozenset[str] = frozenset()) -> tuple[str, dict[Masked, int]]:
    """Return the text with fixed tokens in place of personal data, and how many of each kind.

    `keep` holds the institutions' own handles (with @) and names; they are never masked.
    """
    counts: Counter[Masked] = Counter()
    names = _names(text, keep)
    own = _own_handles(keep)
    parts: list[str] = []
    done = 0
    for found in names.finditer(text) if names else ():
        parts += [_mask(text[done : found.start()], own, counts), found[0]]
        done = found.end()
    parts.append(_mask(text[done:], own, counts))
    return "".join(parts), dict(counts)


def _names(text: str, keep: frozenset[str]) -> re.Pattern[str] | None:
    """Return a pattern of those names in the text that look like something to mask."""
    low = text.lower()
    present = [name for name in _risky_names(keep) if name in low]
    if not present:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, present))})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=64)
def _risky_names(keep: frozenset[str]) -> list[str]:
    names = {name.lower() for name in keep if not name.startswith("@")}
    return sorted(filter(_RISKY.search, names), key=len, reverse=True)


@lru_cache(maxsize=64)
def _own_handles(keep: frozenset[str]) -> frozenset[str]:
    return frozenset(normalise(handle) for handle in keep if handle.startswith("@"))


def _mask(text: str, own: frozenset[str], counts: Counter[Masked]) -> str:
    """Apply the rules in an order in which none takes a piece of what another is for."""
    text = _replace(text, Masked.LINK, _spans(_LINK), counts)
    text = _replace(text, Masked.EMAIL, _spans(_EMAIL), counts)
    text = _replace(text, Masked.HANDLE, lambda part: _handles(part, own), counts)
    if not any(map(str.isdigit, text)):
        return text
    text = _replace(text, Masked.IBAN, _ibans, counts)
    text = _replace(text, Masked.BSN, _registers, counts)
    text = _replace(text, Masked.NUMBER, _numbers, counts)
    text = _replace(text, Masked.PHONE, _phones, counts)
    return _replace(text, Masked.BSN, _citizens, counts)


def _replace(text: str, kind: Masked, find: Callable[[str], Iterator[_Find]], counts: Counter[Masked]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in find(text):
        parts += [text[done:start], TOKENS[kind]]
        done = end
        counts[kind] += 1
    parts.append(text[done:])
    return "".join(parts)


def _spans(pattern: re.Pattern[str]) -> Callable[[str], Iterator[_Find]]:
    def find(text: str) -> Iterator[_Find]:
        for found in pattern.finditer(text):
            end = found.start() + len(found[0].rstrip(".,;:!?)]"))
            yield found.start(), end

    return find


def _handles(text: str, own: frozenset[str]) -> Iterator[_Find]:
    spans = [found.span() for pattern in (ANYWHERE, _BARE_HANDLE) for found in pattern.finditer(text)]
    done = 0
    for start, end in sorted(spans):
        if start >= done and normalise(text[start:end]) not in own:
            yield start, end
            done = end


def _ibans(text: str) -> Iterator[_Find]:
    """Find IBANs by their checksum; what follows may be the next word, so shorter cuts are tried."""
    for found in _IBAN.finditer(text):
        at = [i for i in range(*found.span()) if text[i].isalnum()]
        for length in _IBAN_LENGTHS:
            if length <= len(at) and iban.is_valid("".join(text[i] for i in at[:length])):
                yield found.start(), at[length - 1] + 1
                break


def _registers(text: str) -> Iterator[_Find]:
    for found in _REGISTER.finditer(text):
        digits = _digits(found[0])
        if nn.is_valid(digits) or bis.is_valid(digits):
            yield found.span()


def _citizens(text: str) -> Iterator[_Find]:
    for found in _CITIZEN.finditer(text):
        if bsn.is_valid(_digits(found[0])):
            yield found.span()


def _numbers(text: str) -> Iterator[_Find]:
    for found in _NUMBER.finditer(text):
        if not _DATE.fullmatch(found["number"]) and not _YEAR.fullmatch(found["number"]):
            yield found.span("number")


def _phones(text: str) -> Iterator[_Find]:
    checks = 0
    done = 0
    for found in _PHONE.finditer(text):
        start = found.start()
        if start < done:
            continue
        if date := _DATE.match(text, start):
            done = date.end()
            continue
        part = _PHONE_PART.match(text, start + (text[start] == "("))
        for end in _cuts(text, part) if part else ():
            checks += 1
            if checks > _MAX_CHECKS or _is_phone(text[start:end]):
                yield start, end
                done = end
                break


def _cuts(text: str, part: re.Match[str]) -> Iterator[int]:
    """Yield where a number that begins here could end, the longest first."""
    at = [i for i in range(*part.span()) if text[i].isdigit()]
    abroad = text[part.start()] == "+" or _digits(part[0]).startswith("00")
    for length in _ABROAD_DIGITS if abroad else _NATIONAL_DIGITS:
        if length <= len(at):
            end = at[length - 1] + 1
            if end == len(text) or not text[end].isdigit():
                yield end


def _is_phone(candidate: str) -> bool:
    for region in ("NL", "BE"):
        try:
            number = phonenumbers.parse(candidate.replace("(0)", ""), region)
        except NumberParseException:
            continue
        if phonenumbers.number_type(number) in _FREE:
            return False
        if phonenumbers.is_possible_number(number):
            return True
    return False


def _digits(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())
