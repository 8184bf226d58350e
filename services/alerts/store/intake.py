"""Records from Kafka into rows: one transaction per batch, and a record that comes again changes nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.routing.count import CountReason, count
from services.alerts.store.tables import incidents, mentions
from services.messages.records import Incident, ScoredMention
from services.messages.vocabulary import Kind

Row = dict[str, Any]

_MOST = 2**63 - 1  # the largest whole number that both databases hold
_YEARS = range(2, 9999)  # at the calendar's edges a change of zone overflows
_MENTION_TIMES = ("created_at", "received_at", "event_time")
_ERASED: Row = {"text": "", "link": "", "fingerprint": b"", "pending": False}


class UnstorableError(ValueError):
    """A record that decodes but holds a value no database takes; the message never quotes it."""


def insert_into(connection: AsyncConnection) -> Any:
    """Return the `insert` of the dialect, the one that knows ON CONFLICT."""
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert


def mention_row(scored: ScoredMention) -> Row:
    """Return the row of a scored mention.

    Raises:
        UnstorableError: it holds a time without a zone or beyond the calendar.

    """
    mention = scored.mention
    row = {name: getattr(mention, name) for name in mention.__struct_fields__}
    del row["institutions"], row["organisations"], row["schema_version"]
    row |= {name: getattr(scored, name) for name in scored.__struct_fields__}
    del row["mention"], row["organisation"], row["schema_version"]
    _check_times(row, _MENTION_TIMES)
    for name, value in row.items():
        if isinstance(value, str):
            row[name] = str(value).replace("\0", "")  # PostgreSQL refuses NUL in text
    row["revision"] = min(mention.revision, _MOST)
    row["reach"] = None if mention.reach is None else max(-_MOST, min(mention.reach, _MOST))
    row["marks"], row["themes"] = sorted(mention.marks), list(scored.themes)
    row["deleted_at"] = None
    row["counts"] = row["pending"] = count(scored, min_negative=0.0) is CountReason.COUNTS
    if mention.kind is Kind.DELETION:
        row |= _ERASED | {"deleted_at": mention.event_time}
    return row


def incident_row(step: Incident) -> Row:
    """Return the row of an incident step.

    Raises:
        UnstorableError: it holds a time without a zone or beyond the calendar.

    """
    row: Row = msgspec.structs.asdict(step)
    del row["schema_version"]
    _check_times(row, ("at", "event_time", "onset"))
    row["reasons"] = msgspec.to_builtins(step.reasons)
    row["evidence"] = list(step.evidence)
    row["state"] = step.state.value
    row["pending"] = True
    return row


def _check_times(row: Row, names: Iterable[str]) -> None:
    for name in names:
        moment: datetime = row[name]
        if moment.tzinfo is None:
            raise UnstorableError(f"{name} has no time zone")
        if moment.year not in _YEARS:
            raise UnstorableError(f"{name} is beyond the calendar")


async def write_mentions(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Insert or update; the highest revision wins, and what was deleted stays deleted."""
    for group in ([r for r in rows if r["deleted_at"] is None], [r for r in rows if r["deleted_at"]]):
        if group:
            erasing = group[0]["deleted_at"] is not None
            await connection.execute(_upsert(connection, erasing=erasing), group)


def _upsert(connection: AsyncConnection, *, erasing: bool) -> Any:
    statement = insert_into(connection)(mentions)
    new = statement.excluded
    key = ["institution", "post"]
    if erasing:
        # What the post was stays for the figures; what it said goes.
        changes: dict[str, Any] = {**_ERASED, "deleted_at": new.deleted_at}
        return statement.on_conflict_do_update(
            index_elements=key, set_=changes, where=mentions.c.deleted_at.is_(None)
        )
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={column.name: new[column.name] for column in mentions.c if column.name not in key},
        where=and_(mentions.c.deleted_at.is_(None), new.revision > mentions.c.revision),
    )


async def write_incidents(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Insert steps; one that is known stays as it is."""
    if rows:
        await connection.execute(insert_into(connection)(incidents).on_conflict_do_nothing(), list(rows))


async def erase(connection: AsyncConnection, posts: Iterable[tuple[str, str, datetime]]) -> None:
    """Erase what posts said, by institution, post and time; an unknown post is nothing to erase."""
    for institution, post, at in posts:
        await connection.execute(
            mentions.update()
            .where(mentions.c.institution == institution, mentions.c.post == post)
            .values(**_ERASED, deleted_at=at)
        )


def first_effect(mention_rows: Iterable[Row], incident_rows: Iterable[Row]) -> datetime | None:
    """Return the earliest moment at which rows can make something due; None when they cannot."""
    moments = [row["event_time"] for row in mention_rows if row["pending"]]
    moments += [row["at"] for row in incident_rows]
    return min(moments, default=None)
