"""Where posts come from: one file per kind of source, all of them behind the protocol `Source`."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.ingest.sources.post import MAX_POST_BYTES, PostError, PostFault, RawPost, parse_post, validate

__all__ = [
    "MAX_POST_BYTES",
    "Item",
    "Outcome",
    "PostError",
    "PostFault",
    "RawPost",
    "Source",
    "SourceError",
    "parse_post",
    "validate",
]


class SourceError(RuntimeError):
    """A source as a whole cannot be read; the message names the source, never its content."""


class Outcome(StrEnum):
    """What became of an item, once Kafka has acknowledged it."""

    PUBLISHED = "published"
    UNMATCHED = "unmatched"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a source brought, and where to resume after it.

    `fault` is set when the source itself could not make a post of `raw`; `settled` is called when the
    outcome is durable.
    """

    position: str
    raw: bytes | RawPost
    fault: PostError | None = None
    settled: Callable[[Outcome], None] | None = None


class Source(Protocol):
    """Brings posts in order.

    A finite source ends by itself; one that is not resumable brings something else each time it is read;
    in a replay recorded time is the clock.
    """

    id: str
    finite: bool
    resumable: bool
    replay: bool

    def items(self, position: str | None) -> AsyncGenerator[Item, None]:
        """Yield what comes after `position`; None begins at the beginning."""
        ...
