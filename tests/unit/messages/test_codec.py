"""Records survive the wire, old ones stay readable, and bad ones say why without quoting themselves."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages import codec, records
from services.messages.codec import CodecError, decode, encode
from services.messages.records import Mention, Record

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
KINDS = (
    records.Mention,
    records.ScoredMention,
    records.Incident,
    records.Correction,
    records.Tick,
    records.Cursor,
    records.DeadLetter,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("version", range(1, records.SCHEMA_VERSION + 1))
def test_golden_record_of_every_version_is_read_and_written_the_same(
    kind: type[Record], version: int
) -> None:
    raw = (GOLDEN / f"v{version}" / f"{kind.__name__}.json").read_bytes().strip()

    record = decode(kind, raw)

    assert record.schema_version == version
    assert encode(record) == raw


def test_a_field_that_the_reader_does_not_know_is_ignored() -> None:
    raw = (GOLDEN / "v1" / "Mention.json").read_bytes().strip()
    newer = raw[:-1] + b',"mood":"grim"}'

    assert decode(Mention, newer) == decode(Mention, raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "empty value"),
        (b"", "empty value"),
        (b"{", "not valid JSON"),
        (b'{"post":"\xff\xfe"}', "not valid JSON"),
        (b"[" * 100_000, "Expected `object`"),
        (b"{}", "missing required field"),
        (b" " * (codec.MAX_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_record_says_why(raw: bytes | None, reason: str) -> None:
    with pytest.raises(CodecError, match=reason):
        decode(Mention, raw)


def test_a_newer_schema_version_is_refused() -> None:
    raw = (GOLDEN / "v1" / "Tick.json").read_bytes().strip()

    with pytest.raises(CodecError, match="schema version 99, newer than"):
        decode(records.Tick, raw.replace(b'"schema_version":1', b'"schema_version":99'))


def test_a_fault_never_quotes_the_content() -> None:
    raw = (GOLDEN / "v1" / "Mention.json").read_bytes().replace(b'"bluesky"', b'"Jan de Vries 06-12345678"')

    with pytest.raises(CodecError) as fault:
        decode(Mention, raw)
    assert "Jan" not in str(fault.value)
    assert "$.channel" in str(fault.value)


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_bytes_raise_anything_but_a_codec_error(raw: bytes) -> None:
    for kind in KINDS:
        try:
            decode(kind, raw)
        except CodecError:
            continue


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_no_json_raises_anything_but_a_codec_error(value: object) -> None:
    raw = msgspec.json.encode(
        {"post": value, "institutions": value, "created_at": value, "schema_version": value}
    )
    with pytest.raises(CodecError):
        decode(Mention, raw)
