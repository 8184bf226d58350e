"""The notification log: planned, claimed before sending, and finished. A row is never removed.

A claim is a conditional UPDATE that is committed before anything is sent. So of several senders one wins,
and a crash in between leaves a row in `sending`, whose outcome is unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.routing.planned import Item, Plan, Planned, State
from services.alerts.store.intake import insert_into
from services.alerts.store.questions import item_of
from services.alerts.store.tables import incidents, mentions, notification_items, notifications
from services.config.schema import NoticeKind

LEASE = timedelta(minutes=2)  # far above the limit of one attempt; after it the sender is taken for dead

_N = notifications.c


@dataclass(frozen=True)
class Notification:
    """A row of the log with its items."""

    key: str
    kind: NoticeKind
    institution: str
    group_key: str
    recipient: str
    receiver: str | None
    hop: int
    thread: str
    business: bool
    planned_at: datetime
    next_at: datetime
    expires_at: datetime
    first_sent_at: datetime | None
    sent_at: datetime | None
    state: State
    attempts: int
    possibly_duplicate: bool
    fault: str | None
    provider_id: str | None
    items: tuple[Item, ...]


async def write_plan(connection: AsyncConnection, plan: Plan) -> list[Planned]:
    """Log a plan and return what of it is new; a plan that comes again changes nothing."""
    new = [planned for planned in plan.notifications if await _write_planned(connection, planned)]
    for key in plan.abandoned:
        await connection.execute(
            notifications.update()
            .where(_N.key == key)
            .values(state=State.FAILED, fault="no_route_for_catch_up")
        )
    for institution, item in sorted(plan.settled):
        table, mine = (
            (mentions, (mentions.c.institution == institution, mentions.c.post == item.post))
            if item.post
            else (incidents, (incidents.c.id == item.incident, incidents.c.seq == item.seq))
        )
        await connection.execute(table.update().where(*mine).values(pending=False))
    return new


async def _write_planned(connection: AsyncConnection, planned: Planned) -> bool:
    insert = insert_into(connection)(notifications).on_conflict_do_nothing().returning(_N.key)
    row = {
        "key": planned.key,
        "kind": planned.kind.value,
        "institution": planned.institution,
        "group_key": planned.group_key,
        "recipient": str(planned.recipient),
        "hop": 0,
        "payload": {
            "reason": planned.reason.value,
            "thread": planned.thread,
            "business": planned.business,
        },
        "planned_at": planned.planned_at,
        "next_at": planned.planned_at,
        "expires_at": planned.expires_at,
        "state": planned.state.value,
        "attempts": 0,
        "possibly_duplicate": False,
    }
    if await connection.scalar(insert.values(row)) is None:
        return False
    items = [
        {
            "notification": planned.key,
            "position": position,
            "post": item.post or None,
            "incident": item.incident or None,
            "seq": None if item.post else item.seq,
        }
        for position, item in enumerate(planned.items)
    ]
    await connection.execute(notification_items.insert(), items)
    if planned.catches_up:
        await connection.execute(
            notifications.update().where(_N.key.in_(planned.catches_up)).values(caught_up=planned.key)
        )
    return True


async def due(connection: AsyncConnection, now: datetime) -> list[Notification]:
    """Return what is to be sent now, the oldest first.

    A group's messages keep their order: while an older one waits for its next attempt, so do the others.
    """
    older = notifications.alias("older")
    blocked = select(older.c.key).where(
        older.c.group_key == _N.group_key,
        older.c.planned_at < _N.planned_at,
        or_(older.c.state == State.SENDING, (older.c.state == State.PLANNED) & (older.c.next_at > now)),
    )
    ready = (_N.state == State.PLANNED, _N.next_at <= now, ~blocked.exists())
    return await _read(connection, select(notifications).where(*ready))


async def claim(
    connection: AsyncConnection, key: str, now: datetime, *, receiver: str, address: str | None, hop: int
) -> bool:
    """Take a planned row for sending; False when somebody else has it."""
    result = await connection.execute(
        notifications.update()
        .where(_N.key == key, _N.state == State.PLANNED)
        .values(
            state=State.SENDING,
            attempts=_N.attempts + 1,
            first_sent_at=func.coalesce(_N.first_sent_at, now),
            next_at=now + LEASE,
            receiver=receiver,
            address=address,
            hop=hop,
        )
    )
    return result.rowcount == 1


async def finish(connection: AsyncConnection, key: str, **values: Any) -> None:
    """Note how an attempt ended, or that none is made any more."""
    unfinished = _N.state.in_((State.PLANNED, State.SENDING))
    await connection.execute(notifications.update().where(_N.key == key, unfinished).values(**values))


async def recover(connection: AsyncConnection, now: datetime, *, alone: bool) -> int:
    """Plan again what was being sent when its sender died, as possibly a duplicate; return how many.

    With `alone` no other process can be sending; otherwise a claim is honoured until its lease ends.
    """
    mine = (_N.state == State.SENDING,) if alone else (_N.state == State.SENDING, _N.next_at <= now)
    result = await connection.execute(
        notifications.update().where(*mine).values(state=State.PLANNED, possibly_duplicate=True, next_at=now)
    )
    return result.rowcount


async def history(
    connection: AsyncConnection, institution: str | None = None, limit: int | None = None
) -> list[Notification]:
    """Return the log, the oldest first; with a limit the newest so many."""
    query = select(notifications)
    if institution is not None:
        query = query.where(_N.institution == institution)
    if limit is not None:
        newest = query.order_by(_N.planned_at.desc(), _N.key.desc()).limit(limit).subquery()
        query = select(notifications).where(_N.key.in_(select(newest.c.key)))
    return await _read(connection, query)


async def _read(connection: AsyncConnection, query: Any) -> list[Notification]:
    rows = list(await connection.execute(query.order_by(_N.planned_at, _N.group_key, _N.key)))
    items = await _items(connection, [row.key for row in rows])
    return [_notification(row, items[row.key]) for row in rows]


async def _items(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    for some in _chunks(keys):
        rows = await connection.execute(
            select(notification_items)
            .where(notification_items.c.notification.in_(some))
            .order_by(notification_items.c.notification, notification_items.c.position)
        )
        for row in rows:
            found[row.notification].append(item_of(row))
    return found


def _chunks(keys: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    """Yield parts that stay below the databases' limits on parameters."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _notification(row: Row[Any], items: Sequence[Item]) -> Notification:
    values: dict[str, Any] = {name: getattr(row, name, None) for name in Notification.__dataclass_fields__}
    return Notification(
        **values
        | {
            "kind": NoticeKind(row.kind),
            "state": State(row.state),
            "thread": row.payload["thread"],
            "business": row.payload["business"],
            "items": tuple(items),
        }
    )
