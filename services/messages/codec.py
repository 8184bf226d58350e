"""Bytes to records and back: JSON by msgspec, one decoder for every service."""

from functools import cache
from typing import TypeVar

import msgspec

from services.messages.records import SCHEMA_VERSION, Record

R = TypeVar("R", bound=Record)

MAX_BYTES = 1_000_000  # Kafka's default limit on a record; nothing of ours comes near it


class CodecError(ValueError):
    """A value that is not a record of the expected type; the message never quotes its content."""


@cache
def _decoder(kind: type[R]) -> "msgspec.json.Decoder[R]":
    return msgspec.json.Decoder(kind)


_ENCODER = msgspec.json.Encoder()


def encode(record: Record) -> bytes:
    """Return the record as UTF-8 JSON."""
    return _ENCODER.encode(record)


def decode(kind: type[R], raw: bytes | None) -> R:
    """Return the record that `raw` holds.

    Raises:
        CodecError: `raw` is empty, too large, not JSON, lacks a field, or is of a newer schema version.

    """
    if not raw:
        raise CodecError(f"{kind.__name__}: empty value")
    if len(raw) > MAX_BYTES:
        raise CodecError(f"{kind.__name__}: {len(raw)} bytes, more than {MAX_BYTES}")
    try:
        record = _decoder(kind).decode(raw)
    except msgspec.ValidationError as error:
        # msgspec names the field and the types, and quotes a value only for enums and dates
        raise CodecError(f"{kind.__name__}: {_without_value(str(error))}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CodecError(f"{kind.__name__}: not valid JSON") from None
    if record.schema_version > SCHEMA_VERSION:
        raise CodecError(
            f"{kind.__name__}: schema version {record.schema_version}, newer than {SCHEMA_VERSION}"
        )
    return record  # type: ignore[no-any-return]  # the cache hides the type


def _without_value(message: str) -> str:
    """Cut the quoted value from `Invalid enum value 'secret' - at `$.kind``."""
    head, quote, rest = message.partition("'")
    return head + rest.rpartition("'")[2].lstrip(" -") if quote else message
