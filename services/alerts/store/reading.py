"""What notices and figures are made of: posts, steps and counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.routing.planned import TOLD
from services.alerts.store.questions import incident_of
from services.alerts.store.tables import incidents, mentions, notification_items, notifications
from services.config.schema import NoticeKind
from services.messages.records import Incident, Mention, ScoredMention

_M = mentions.c
# What the log needs on its way: the version, and whom a post is about besides.
_ROUTED = {"schema_version", "institutions", "organisations", "organisation", "mention"}
_MENTION = [name for name in Mention.__struct_fields__ if name not in _ROUTED]
_SCORED = [name for name in ScoredMention.__struct_fields__ if name not in _ROUTED]


def scored_of(row: Row[Any]) -> ScoredMention:
    """Return the scored mention that a row holds; of the institutions only the row's own is known."""
    mention = {name: getattr(row, name) for name in _MENTION} | {"institutions": (row.institution,)}
    return msgspec.convert(
        {name: getattr(row, name) for name in _SCORED} | {"mention": mention},
        ScoredMention,
        builtin_types=(datetime, bytes),
    )


async def posts(connection: AsyncConnection, institution: str, wanted: Sequence[str]) -> list[ScoredMention]:
    """Return the posts that are not deleted, in order of time."""
    rows = await connection.execute(
        select(mentions)
        .where(_M.institution == institution, _M.post.in_(wanted), _M.deleted_at.is_(None))
        .order_by(_M.event_time, _M.post)
    )
    return [scored_of(row) for row in rows]


async def steps(connection: AsyncConnection, wanted: Sequence[tuple[str, int]]) -> list[Incident]:
    """Return incident steps in order of time."""
    c = incidents.c
    if not wanted:
        return []
    mine = or_(*(and_(c.id == name, c.seq == seq) for name, seq in wanted))
    rows = await connection.execute(select(incidents).where(mine).order_by(c.at, c.id, c.seq))
    return [incident_of(row) for row in rows]


async def steps_between(
    connection: AsyncConnection, institution: str, since: datetime, until: datetime
) -> list[Incident]:
    """Return the steps that an institution's incidents took in a period, in order of time."""
    c = incidents.c
    rows = await connection.execute(
        select(incidents)
        .where(c.institution == institution, c.at > since, c.at <= until)
        .order_by(c.at, c.id, c.seq)
    )
    return [incident_of(row) for row in rows]


async def between(
    connection: AsyncConnection, institution: str, since: datetime, until: datetime
) -> list[tuple[ScoredMention, datetime | None]]:
    """Return an institution's posts of a period, each with when it was deleted."""
    rows = await connection.execute(
        select(mentions)
        .where(_M.institution == institution, _M.event_time > since, _M.event_time <= until)
        .order_by(_M.event_time, _M.post)
    )
    return [(scored_of(row), row.deleted_at) for row in rows]


async def muted(
    connection: AsyncConnection,
    *,
    institution: str,
    recipient: str,
    since: datetime,
    until: datetime,
    least: float,
) -> int:
    """Return how many reactions of a period the recipient was not told one by one."""
    i, n = notification_items.c, notifications.c
    told = (
        select(i.post)
        .join_from(notification_items, notifications, n.key == i.notification)
        .where(
            i.post == _M.post,
            n.institution == _M.institution,
            n.recipient == recipient,
            n.kind == NoticeKind.NEGATIVE,
            n.state.in_(sorted(TOLD)),
        )
    )
    count = await connection.scalar(
        select(func.count())
        .select_from(mentions)
        .where(
            _M.institution == institution,
            _M.counts,
            _M.negative >= least,
            _M.event_time >= since,
            _M.event_time <= until,
            ~told.exists(),
        )
    )
    return int(count or 0)
