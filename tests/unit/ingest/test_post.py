"""What is accepted as a post, and that every refusal is a reason without content."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.sources import PostError, PostFault, RawPost, parse_post
from services.ingest.sources.post import MAX_POST_BYTES
from services.messages.vocabulary import Channel

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
MINIMAL = {
    "id": "1",
    "channel": "x",
    "author": "jan",
    "text": "hoi",
    "created_at": "2026-10-14T10:00:00+02:00",
}


def post(**changes: Any) -> bytes:
    return json.dumps({**MINIMAL, **changes}).encode()


def refusal(raw: bytes) -> PostError:
    with pytest.raises(PostError) as found:
        parse_post(raw, NOW)
    return found.value


def test_a_minimal_post_is_read() -> None:
    found = parse_post(post(), NOW)
    assert found == RawPost(
        id="1",
        channel=Channel.X,
        author="jan",
        text="hoi",
        created_at=datetime.fromisoformat("2026-10-14T10:00:00+02:00"),
    )


def test_a_date_alone_stays_a_date() -> None:
    assert date(2026, 10, 14) == parse_post(post(created_at="2026-10-14"), NOW).created_at


def test_unknown_fields_and_nulls_are_ignored() -> None:
    assert parse_post(post(likes=[1, {"a": 2}], link=None, reach=None, lang=None), NOW).reach is None


BROKEN: list[tuple[bytes, PostFault, str]] = [
    (b"{not json", PostFault.NOT_JSON, "not valid JSON"),
    (post(text=5), PostFault.WRONG_TYPE, "text: expected str, got int"),
    (post(text="a" * 2_000_000), PostFault.TOO_LARGE, "larger than 256 kB"),
    (post(text="a").replace(b'"a"', b'"a\0"'), PostFault.NUL, "holds a NUL byte"),
    (post(text="a").replace(b'"a"', b'"\xff"'), PostFault.NOT_UTF8, "not valid UTF-8"),
    (b'{"channel": "x", "created_at": "2026-10-14"}', PostFault.MISSING, "no id"),
    (
        post(created_at="9999-12-31T23:59:59Z"),
        PostFault.YEAR_OUT_OF_RANGE,
        "created_at: year out of range, 2000 to 2100",
    ),
    (post(reach=-1), PostFault.NEGATIVE, "reach: negative"),
    (post(channel="hyves"), PostFault.UNKNOWN_CHANNEL, "channel: unknown"),
    (b"[" * 100_000, PostFault.TOO_DEEP, "nested more than 32 deep"),
    (post(created_at="2026-10-14T10:00:00"), PostFault.NO_TIME_ZONE, "created_at: a time without its zone"),
    (post(author=" @ "), PostFault.EMPTY, "author: empty"),
    (post(created_at="gisteren"), PostFault.BAD_TIME, "created_at: not a date or time of ISO 8601"),
    (post(kind="own_reply"), PostFault.UNKNOWN_KIND, "kind: unknown"),
    (post(link="javascript:alert(1)"), PostFault.BAD_LINK, "link: neither http nor https"),
    (post(lang="jan de vries"), PostFault.BAD_LANG, "lang: not a language tag"),
    (post(stars=6), PostFault.BAD_STARS, "stars: more than stars_of"),
    (b"[1, 2]", PostFault.NOT_AN_OBJECT, "not a JSON object"),
    (post(id="a" * 1000), PostFault.TOO_LONG, "id: longer than 512 characters"),
]


@pytest.mark.parametrize(("raw", "code", "reason"), BROKEN, ids=[str(code) for _, code, _ in BROKEN])
def test_a_broken_post_is_refused_with_its_reason(raw: bytes, code: PostFault, reason: str) -> None:
    found = refusal(raw)
    assert (code, reason) == (found.code, found.reason)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"created_at": "1999-12-31"}, PostFault.YEAR_OUT_OF_RANGE),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, PostFault.YEAR_OUT_OF_RANGE),
        ({"created_at": "2026-10-15T12:00:01Z"}, PostFault.IN_THE_FUTURE),
        ({"created_at": "2026-10-17"}, PostFault.IN_THE_FUTURE),
        ({"created_at": "2026-10-14T10:00:00", "kind": "review"}, PostFault.NO_TIME_ZONE),
        ({"received_at": "2026-10-14"}, PostFault.BAD_TIME),
        ({"id": "  "}, PostFault.EMPTY),
        ({"text": "a\0b"}, PostFault.NUL),
        ({"reach": 10**30}, PostFault.TOO_BIG_A_NUMBER),
        ({"revision": -1}, PostFault.NEGATIVE),
        ({"stars": -0.5}, PostFault.NEGATIVE),
        ({"stars": 3, "stars_of": 0}, PostFault.BAD_STARS),
        ({"extra": json.loads("[" * 40 + "]" * 40)}, PostFault.TOO_DEEP),
        ({"link": "https://x.nl/" + "a" * 3000}, PostFault.TOO_LONG),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(changes: dict[str, Any], code: PostFault) -> None:
    assert code == refusal(post(**changes)).code


def test_brackets_in_a_text_are_not_nesting() -> None:
    assert parse_post(post(text="[" * 500 + '\\"{'), NOW).text.startswith("[[")


def test_a_clock_that_runs_an_hour_fast_is_forgiven() -> None:
    later = (NOW + timedelta(hours=1)).isoformat()
    assert parse_post(post(created_at=later), NOW).created_at > NOW


def test_a_post_may_be_as_large_as_the_limit_and_no_larger() -> None:
    room = MAX_POST_BYTES - len(post(text=""))
    assert len(parse_post(post(text="a" * room), NOW).text) == room
    assert refusal(post(text="a" * (room + 1))).code is PostFault.TOO_LARGE


SECRET = "Jannekevandermeulen"


@pytest.mark.parametrize(
    "field", ["channel", "kind", "created_at", "received_at", "reach", "stars", "lang", "link"]
)
def test_a_reason_never_quotes_the_post(field: str) -> None:
    found = refusal(post(**{field: SECRET}))
    assert SECRET not in str(found)
    assert SECRET not in repr(found)
    assert found.__cause__ is None


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_a_post_error(raw: bytes) -> None:
    with suppress(PostError):
        parse_post(raw, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (*RawPost.__struct_fields__, "unknown")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_arbitrary_values_raise_nothing_but_a_post_error(changes: dict[str, Any]) -> None:
    with suppress(PostError):
        parse_post(json.dumps({**MINIMAL, **changes}).encode(), NOW)


@given(st.datetimes(timezones=st.timezones()) | st.dates())
def test_any_moment_is_read_or_refused(moment: datetime | date) -> None:
    with suppress(PostError):
        parse_post(post(created_at=moment.isoformat()), NOW)
