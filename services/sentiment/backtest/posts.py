"""A row of a recorded file to a post, and a post to the record that the detector takes."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from services.messages.fingerprint import fingerprint
from services.messages.records import Mention, ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, Sentiment, most_probable

SOURCE = "backtest"
_Name = Annotated[str, Meta(min_length=1, max_length=512)]


class RowError(ValueError):
    """A row that is no post; says which field and what would be right, and quotes nothing."""


class Post(Struct, frozen=True, kw_only=True):
    """One recorded post about one institution; a sentiment that is not given is asked from the model."""

    id: _Name
    institution: _Name
    channel: Channel
    kind: Kind = Kind.MENTION
    author: str = ""
    text: str = ""
    created_at: Annotated[datetime, Meta(tz=True)]
    sentiment: Sentiment | None = None
    marks: tuple[Mark, ...] = ()
    revision: Annotated[int, Meta(ge=0)] = 0

    @property
    def own(self) -> bool:
        """Written by one of the institution's own accounts."""
        return self.kind in (Kind.OWN_POST, Kind.OWN_REPLY)


_RIGHT = {
    "id": "give the channel's own id of the post",
    "institution": "give the id of the institution that the post is about",
    "channel": f"one of {', '.join(Channel)}",
    "kind": f"one of {', '.join(Kind)}",
    "author": "give a name or a handle, so that voices can be told apart",
    "text": "give a text",
    "created_at": "give a time with its zone, such as 2026-10-07T16:56:00+02:00",
    "sentiment": f"one of {', '.join(Sentiment)}, or leave it out to have the text scored",
    "marks": f"some of {', '.join(Mark)}",
    "revision": "a whole number from 0, higher with each edit",
}
_FIELD = re.compile(r"at `\$\.(\w+)|required field `(\w+)`")


def parse(row: Any, *, table: bool) -> Post:
    """Return the post of a row; a table's cells are texts, empty ones are left out and marks have spaces.

    Raises:
        RowError: the row is no post.

    """
    if table and isinstance(row, dict):
        row = {name: cell for name, cell in row.items() if name and cell}
        if "marks" in row:
            row["marks"] = row["marks"].split()
    try:
        post = msgspec.convert(row, Post, strict=not table)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    if post.kind is not Kind.DELETION and not post.author.strip(" @"):
        raise RowError(f"author: missing; {_RIGHT['author']}")
    return post


def _explained(message: str) -> RowError:
    """Put msgspec's finding into our words, without the value that it may quote."""
    found = _FIELD.search(message)
    name = found and (found[1] or found[2])
    if name not in _RIGHT:
        return RowError("not an object with the fields of a post; docs/backtest.md names them")
    problem = "missing" if "missing required field" in message else "not right"
    return RowError(f"{name}: {problem}; {_RIGHT[name]}")


def scored(post: Post, negative: float, positive: float, organisation: str = "") -> ScoredMention:
    """Return what the score app would have written of a post about an institution, or a part of one.

    Ids and authors are told apart by channel, as ingest does. Only a negative post is compared with others,
    so only that one is worth its signature.
    """
    at = post.created_at.astimezone(UTC)
    neutral = max(0.0, 1.0 - negative - positive)
    label = most_probable(negative, neutral, positive)
    mention = Mention(
        post=f"{post.channel}/{post.id}",
        # A deletion outranks what it ends, as far as the file does not say otherwise.
        revision=max(post.revision, int(post.kind is Kind.DELETION)),
        institutions=(post.institution,),
        channel=post.channel,
        source=SOURCE,
        kind=post.kind,
        marks=post.marks,
        author=f"{post.channel}/{post.author.strip(' @').casefold()}",
        text=post.text,
        created_at=at,
        received_at=at,
        event_time=at,
        fingerprint=fingerprint(post.text) if label is Sentiment.NEGATIVE else b"",
    )
    return ScoredMention(
        institution=post.institution,
        organisation=organisation,
        mention=mention,
        negative=negative,
        neutral=neutral,
        positive=positive,
        label=label,
    )
