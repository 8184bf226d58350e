"""What planning asks the database: everything as of a moment, in a fixed order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.routing.inhibit import MUTING
from services.alerts.routing.planned import (
    TOLD,
    UNFINISHED,
    Expired,
    GroupLog,
    Item,
    Snapshot,
    State,
    Waiting,
    earliest,
)
from services.alerts.store.tables import Moment, incidents, mentions, notification_items, notifications
from services.config.schema import NoticeKind
from services.messages.records import Incident

OPEN_AT_MOST = timedelta(days=30)  # an incident whose end was lost must not mute for ever

_M, _C, _I, _N = mentions.c, incidents.c, notification_items.c, notifications.c
_NOW: Any = bindparam("now", type_=Moment)
_WAITING = and_(_M.pending, _M.event_time <= _NOW)
_STEPPED = and_(_C.pending, _C.at <= _NOW)
_EXPIRED = and_(_N.state == State.EXPIRED, _N.caught_up.is_(None), _N.kind != NoticeKind.CATCH_UP)
_later = incidents.alias("later")
_OPEN = and_(
    _C.at <= _NOW,
    _C.at > bindparam("long_ago", type_=Moment),
    _C.state.in_(sorted(MUTING)),
    ~select(_later.c.seq).where(_later.c.id == _C.id, _later.c.seq > _C.seq, _later.c.at <= _NOW).exists(),
)


def _first(column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> Any:
    return select(func.min(column)).where(*conditions).scalar_subquery()


# One question for what there is at all, and for when something already stored happens next.
_THERE = select(
    exists().where(_WAITING).label("waiting"),
    exists().where(_STEPPED).label("steps"),
    exists().where(_OPEN).label("open"),
    exists().where(_EXPIRED).label("expired"),
    _first(_M.event_time, _M.pending, _M.event_time > _NOW).label("next_reaction"),
    _first(_C.at, _C.pending, _C.at > _NOW).label("next_step"),
    _first(_N.next_at, _N.state.in_(sorted(UNFINISHED))).label("next_attempt"),
)
_WAITING_POSTS = (
    select(_M.institution, _M.post, _M.event_time, _M.negative)
    .where(_WAITING)
    .order_by(_M.event_time, _M.institution, _M.post)
)
_SETTLED_POSTS = (
    select(_N.institution, _N.recipient, _I.post, _N.state)
    .join_from(mentions, notification_items, _I.post == _M.post)
    .join(notifications, and_(_N.key == _I.notification, _N.institution == _M.institution))
    .where(_WAITING)
)
_SETTLED_STEPS = (
    select(_N.institution, _N.recipient, _I.incident, _I.seq, _N.state)
    .join_from(notification_items, notifications, _N.key == _I.notification)
    .where(_I.incident.in_(bindparam("ids", expanding=True)))
)
_STEPS = (
    select(incidents).where(_C.id.in_(select(_C.id).where(_STEPPED)), _C.at <= _NOW).order_by(_C.id, _C.seq)
)
_OPEN_STEPS = select(incidents).where(_OPEN).order_by(_C.institution, _C.id)
_EXPIRED_ITEMS = (
    select(_N.key, _N.institution, _N.recipient, _N.next_at, _I.post, _I.incident, _I.seq)
    .join_from(notifications, notification_items, _I.notification == _N.key)
    .where(_EXPIRED)
    .order_by(_N.key, _I.position)
)
# What was not sent at all does not count as the group's last message.
_GROUPS = (
    select(
        _N.group_key,
        func.max(_N.planned_at).label("last"),
        func.max(case((_N.state.in_(sorted(UNFINISHED)), 1), else_=0)).label("unfinished"),
    )
    .where(
        _N.institution.in_(bindparam("institutions", expanding=True)),
        _N.state.in_(sorted(TOLD | {State.FAILED})),
    )
    .group_by(_N.group_key)
)


async def snapshot(connection: AsyncConnection, now: datetime) -> Snapshot:
    """Return what planning needs to know at `now`; what there is none of is not asked for."""
    there = (await connection.execute(_THERE, {"now": now, "long_ago": now - OPEN_AT_MOST})).one()
    waiting = await _waiting(connection, now) if there.waiting else []
    steps = await _steps(connection, now) if there.steps else []
    open_ = await _open(connection, now) if there.open else []
    expired = await _expired(connection) if there.expired else []
    by_incident: dict[str, list[Incident]] = defaultdict(list)
    for row in steps:
        by_incident[row.id].append(incident_of(row))
    institutions = {w.institution for w in waiting} | {row.institution for row in steps}
    institutions |= {step.institution for step in open_} | {one.institution for one in expired}
    settled = await _settled_posts(connection, now) if waiting else {}
    told_of = {*by_incident, *(step.id for step in open_)}
    return Snapshot(
        waiting=tuple(waiting),
        steps={name: tuple(found) for name, found in by_incident.items()},
        pending=frozenset(Item(incident=row.id, seq=row.seq) for row in steps if row.pending),
        open=tuple(open_),
        settled={**settled, **await _settled_steps(connection, told_of)},
        groups=await _groups(connection, institutions),
        expired=tuple(expired),
        next_moment=earliest((there.next_reaction, there.next_step)),
        next_attempt=there.next_attempt,
    )


def incident_of(row: Row[Any]) -> Incident:
    """Return the step that a row holds."""
    values = {name: getattr(row, name) for name in Incident.__struct_fields__ if name != "schema_version"}
    return msgspec.convert(values, Incident)


async def _waiting(connection: AsyncConnection, now: datetime) -> list[Waiting]:
    return [Waiting(*row) for row in await connection.execute(_WAITING_POSTS, {"now": now})]


async def _settled_posts(connection: AsyncConnection, now: datetime) -> dict[tuple[str, str, Item], State]:
    rows = await connection.execute(_SETTLED_POSTS, {"now": now})
    return _preferring_told((row.institution, row.recipient, Item(row.post), row.state) for row in rows)


async def _settled_steps(
    connection: AsyncConnection, ids: Iterable[str]
) -> dict[tuple[str, str, Item], State]:
    names = sorted(ids)
    if not names:
        return {}
    rows = await connection.execute(_SETTLED_STEPS, {"ids": names})
    return _preferring_told(
        (row.institution, row.recipient, Item(incident=row.incident, seq=row.seq), row.state) for row in rows
    )


def _preferring_told(
    rows: Iterable[tuple[str, str, Item, str]],
) -> dict[tuple[str, str, Item], State]:
    """What expired and was then told in a catch-up notice has been told."""
    found: dict[tuple[str, str, Item], State] = {}
    for institution, recipient, item, state in rows:
        key = (institution, recipient, item)
        if found.get(key) not in TOLD:
            found[key] = State(state)
    return found


async def _steps(connection: AsyncConnection, now: datetime) -> list[Row[Any]]:
    """Return every step so far of the incidents that have a pending one."""
    return list(await connection.execute(_STEPS, {"now": now}))


async def _open(connection: AsyncConnection, now: datetime) -> list[Incident]:
    """Return the present step of every incident that mutes."""
    rows = await connection.execute(_OPEN_STEPS, {"now": now, "long_ago": now - OPEN_AT_MOST})
    return [incident_of(row) for row in rows]


async def _expired(connection: AsyncConnection) -> list[Expired]:
    items: dict[tuple[str, str, str, datetime], list[Item]] = defaultdict(list)
    for row in await connection.execute(_EXPIRED_ITEMS):
        items[row.key, row.institution, row.recipient, row.next_at].append(item_of(row))
    return [Expired(*head, items=tuple(found)) for head, found in items.items()]


def item_of(row: Any) -> Item:
    """Return the item that a row of `notification_items` names."""
    return Item(row.post) if row.post is not None else Item(incident=row.incident, seq=row.seq)


async def _groups(connection: AsyncConnection, institutions: Iterable[str]) -> Mapping[str, GroupLog]:
    """Return when each group went out last."""
    names = sorted(institutions)
    if not names:
        return {}
    rows = await connection.execute(_GROUPS, {"institutions": names})
    return {row.group_key: GroupLog(row.last, in_flight=bool(row.unfinished)) for row in rows}
