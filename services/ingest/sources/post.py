"""One generic post as it comes from outside, and the checks that it must pass. Pure.

Every refusal says which field and why in words that hold nothing of the post itself.
"""

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from services.messages.vocabulary import Channel

MAX_POST_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NAME = 512  # characters of an id or an author
MAX_LINK = 2048
YEARS = range(2000, 2101)
AHEAD = timedelta(days=1)  # clocks of others may be wrong by this much
_MAX_COUNT = 2**53
_ZONE = ZoneInfo("Europe/Amsterdam")  # Brussels keeps the same time

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_FIELD = re.compile(r"\$\.(\w+)")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"?')
_NAMES = ("id", "author", "in_reply_to", "thread", "reshare_of")
_STRINGS = (*_NAMES, "text", "link", "lang")


class PostFault(StrEnum):
    """The closed set of reasons for which something is refused."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NUL = "nul"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    WRONG_TYPE = "wrong_type"
    MISSING = "missing"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_KIND = "unknown_kind"
    NEGATIVE = "negative"
    TOO_BIG_A_NUMBER = "too_big_a_number"
    BAD_STARS = "bad_stars"
    BAD_TIME = "bad_time"
    NO_TIME_ZONE = "no_time_zone"
    YEAR_OUT_OF_RANGE = "year_out_of_range"
    IN_THE_FUTURE = "in_the_future"
    BAD_LINK = "bad_link"
    BAD_LANG = "bad_lang"
    BAD_ROW = "bad_row"


class PostError(ValueError):
    """A post that is refused; `reason` is for people, `code` for counting, neither quotes the post."""

    def __init__(self, code: PostFault, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Fields(Struct, frozen=True, kw_only=True):
    id: str
    channel: Channel
    kind: Literal["mention", "review", "comment", "deletion"] = "mention"
    author: str = ""
    text: str = ""
    link: str | None = None
    in_reply_to: str | None = None
    thread: str | None = None
    reshare_of: str | None = None
    reach: int | None = None
    stars: float | None = None
    stars_of: float = 5
    lang: str | None = None
    revision: int = 0


class _Wire(_Fields, frozen=True, kw_only=True):
    """As it stands in JSON, where times are text."""

    created_at: str
    received_at: str | None = None


class RawPost(_Fields, frozen=True, kw_only=True):
    """One revision of one post, before the privacy gate: never logged, never published.

    `id`, `in_reply_to`, `thread` and `reshare_of` are the channel's own ids; `stars` are out of `stars_of`.
    `created_at` is an aware datetime, or a date where the channel tells no more.
    """

    created_at: datetime | date
    received_at: datetime | None = None


_DECODER = msgspec.json.Decoder(_Wire)


def parse_post(raw: bytes, now: datetime | None = None) -> RawPost:
    """Return the post that `raw` holds; with `now`, refuse what lies more than a day ahead of it.

    Raises:
        PostError: it is not a post that can be used.

    """
    _check_bytes(raw)
    try:
        wire = _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except RecursionError:
        raise PostError(PostFault.TOO_DEEP, f"nested more than {MAX_DEPTH} deep") from None
    except (msgspec.DecodeError, ValueError):
        raise PostError(PostFault.NOT_JSON, "not valid JSON") from None
    values = {name: getattr(wire, name) for name in _Fields.__struct_fields__}
    created = _moment("created_at", wire.created_at)
    received = _moment("received_at", wire.received_at) if wire.received_at else None
    if received is not None and not isinstance(received, datetime):
        raise PostError(PostFault.BAD_TIME, "received_at: a date without a time")
    post = RawPost(**values, created_at=created, received_at=received)
    validate(post, now)
    return post


def validate(post: RawPost, now: datetime | None = None) -> None:
    """Check what types cannot say; sources that build a `RawPost` themselves pass here too.

    Raises:
        PostError: a value cannot be right.

    """
    _check_strings(post)
    _check_numbers(post)
    for name, moment in (("created_at", post.created_at), ("received_at", post.received_at)):
        if moment is not None:
            _check_moment(name, moment, now)


def begins(moment: datetime | date) -> datetime:
    """Return a moment in UTC; a day begins at its local midnight."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return datetime.combine(moment, time(0), _ZONE).astimezone(UTC)


def _check_bytes(raw: bytes) -> None:
    if len(raw) > MAX_POST_BYTES:
        raise PostError(PostFault.TOO_LARGE, f"larger than {MAX_POST_BYTES // 1024} kB")
    if b"\0" in raw:
        raise PostError(PostFault.NUL, "holds a NUL byte")
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise PostError(PostFault.NOT_UTF8, "not valid UTF-8") from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        raise PostError(PostFault.TOO_DEEP, f"nested more than {MAX_DEPTH} deep")


def _depth(raw: bytes) -> int:
    """Return how deep the brackets outside strings are nested."""
    depth = deepest = 0
    for char in _QUOTED.sub(b"", raw):
        if char in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in b"]}":
            depth -= 1
    return deepest


def _explain(message: str) -> PostError:
    """Put msgspec's finding into our words; values it quotes are left out."""
    found = _FIELD.search(message)
    field = found[1] if found else ""
    if "missing required field" in message:
        name = message.split("`")[1]
        return PostError(PostFault.MISSING, f"no {name}")
    if not field:
        return PostError(PostFault.NOT_AN_OBJECT, "not a JSON object")
    if message.startswith("Invalid enum value"):
        code = PostFault.UNKNOWN_CHANNEL if field == "channel" else PostFault.UNKNOWN_KIND
        return PostError(code, f"{field}: unknown")
    if "out of range" in message:
        return PostError(PostFault.TOO_BIG_A_NUMBER, f"{field}: too big a number")
    expected, _, got = message.partition(" - at ")[0].partition(", got ")
    wanted = expected.removeprefix("Expected ").strip("`").replace(" | ", " or ")
    return PostError(PostFault.WRONG_TYPE, f"{field}: expected {wanted}, got {got.strip('`')}")


def _moment(name: str, text: str) -> datetime | date:
    """Read a date, or a time with its zone, of ISO 8601."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PostError(PostFault.BAD_TIME, f"{name}: not a date or time of ISO 8601") from None
    return moment


def _check_moment(name: str, moment: datetime | date, now: datetime | None) -> None:
    if moment.year not in YEARS:
        raise PostError(
            PostFault.YEAR_OUT_OF_RANGE, f"{name}: year out of range, {YEARS.start} to {YEARS.stop - 1}"
        )
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise PostError(PostFault.NO_TIME_ZONE, f"{name}: a time without its zone")
    if now is None:
        return
    if begins(moment) > now + AHEAD:
        raise PostError(PostFault.IN_THE_FUTURE, f"{name}: more than a day in the future")


def _check_strings(post: RawPost) -> None:
    for name in _STRINGS:
        value = getattr(post, name)
        if value and "\0" in value:
            raise PostError(PostFault.NUL, f"{name}: holds a NUL character")
        if value and name in _NAMES and len(value) > MAX_NAME:
            raise PostError(PostFault.TOO_LONG, f"{name}: longer than {MAX_NAME} characters")
    if not post.id.strip():
        raise PostError(PostFault.EMPTY, "id: empty")
    if post.kind != "deletion" and not post.author.strip().lstrip("@"):
        raise PostError(PostFault.EMPTY, "author: empty")
    if post.link and not post.link.startswith(("https://", "http://")):
        raise PostError(PostFault.BAD_LINK, "link: neither http nor https")
    if post.link and len(post.link) > MAX_LINK:
        raise PostError(PostFault.TOO_LONG, f"link: longer than {MAX_LINK} characters")
    if post.lang and not _LANG.fullmatch(post.lang):
        raise PostError(PostFault.BAD_LANG, "lang: not a language tag")


def _check_numbers(post: RawPost) -> None:
    for name in ("reach", "stars", "revision"):
        value = getattr(post, name)
        if value is None:
            continue
        if value < 0:
            raise PostError(PostFault.NEGATIVE, f"{name}: negative")
        if value > _MAX_COUNT:
            raise PostError(PostFault.TOO_BIG_A_NUMBER, f"{name}: too big a number")
    if not math.isfinite(post.stars_of) or post.stars_of <= 0:
        raise PostError(PostFault.BAD_STARS, "stars_of: not above zero")
    if post.stars is not None and not post.stars <= post.stars_of:
        raise PostError(PostFault.BAD_STARS, "stars: more than stars_of")
