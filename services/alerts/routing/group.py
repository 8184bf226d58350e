"""When a group of news goes out: Alertmanager's group_wait, group_interval and repeat_interval. Pure.

A group is everything of one kind about one institution for one recipient.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.config.schema import NoticeKind


class FlushReason(StrEnum):
    """Why a group goes out now, or does not."""

    FIRST = "first"
    NEW_ITEMS = "new_items"
    REPEAT = "repeat"
    WAITING = "waiting"
    TOO_SOON = "too_soon"
    CLOSED = "closed"
    IN_FLIGHT = "in_flight"
    NOTHING_NEW = "nothing_new"

    @property
    def goes(self) -> bool:
        """Whether the group goes out now."""
        return self in (FlushReason.FIRST, FlushReason.NEW_ITEMS, FlushReason.REPEAT)


@dataclass(frozen=True)
class Timing:
    """The three times of a route."""

    wait: timedelta
    interval: timedelta
    repeat: timedelta | None


@dataclass(frozen=True)
class Flush:
    """A decision; `due` is when to decide again, None when only something new can change it."""

    reason: FlushReason
    due: datetime | None = None


def group_key(institution: str, kind: NoticeKind, recipient: str) -> str:
    """Return the name of a group; no part of it can hold a bar."""
    return f"{institution}|{kind}|{recipient}"


def flush(
    now: datetime,
    timing: Timing,
    *,
    oldest_new: datetime | None,
    last: datetime | None,
    in_flight: bool = False,
    active: bool = False,
) -> Flush:
    """Decide whether a group goes out.

    Args:
        now: The clock.
        timing: The times of the route.
        oldest_new: When the oldest thing happened that was not told yet; None when there is nothing new.
        last: When the group went out last; None when it never did.
        in_flight: The last message has not arrived yet; a second one would only queue up behind it.
        active: What was told last is still going on, so it may be repeated.

    """
    if in_flight:
        return Flush(FlushReason.IN_FLIGHT)
    if oldest_new is None:
        return _repeat(now, timing, last, active=active)
    if last is None or oldest_new >= last + timing.interval:
        due = oldest_new + timing.wait
        return Flush(FlushReason.FIRST, due) if now >= due else Flush(FlushReason.WAITING, due)
    due = last + timing.interval
    return Flush(FlushReason.NEW_ITEMS, due) if now >= due else Flush(FlushReason.TOO_SOON, due)


def _repeat(now: datetime, timing: Timing, last: datetime | None, *, active: bool) -> Flush:
    if not active or last is None or timing.repeat is None:
        return Flush(FlushReason.NOTHING_NEW)
    due = last + timing.repeat
    return Flush(FlushReason.REPEAT if now >= due else FlushReason.NOTHING_NEW, due)
