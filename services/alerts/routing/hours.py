"""Business hours: outside them only a storm goes, the rest waits for the opening. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from services.messages.calendar import Calendar


class HoursReason(StrEnum):
    """Why something may go now, or waits."""

    OPEN = "open"
    ALWAYS = "always"
    STORM = "storm"
    NEVER_OPENS = "never_opens"
    CLOSED = "closed"

    @property
    def goes(self) -> bool:
        """Whether it may go now."""
        return self is not HoursReason.CLOSED


@dataclass(frozen=True)
class Gate:
    """A decision, and from when on it may go."""

    reason: HoursReason
    opens: datetime


def gate(
    now: datetime, calendar: Calendar, hours: Literal["business", "always"], *, storm: bool = False
) -> Gate:
    """Decide whether something may go at this hour."""
    if storm:
        return Gate(HoursReason.STORM, now)
    if hours == "always":
        return Gate(HoursReason.ALWAYS, now)
    opening = calendar.next_opening(now)
    if opening is None:
        return Gate(HoursReason.NEVER_OPENS, now)  # waiting for ever would be silence
    return Gate(HoursReason.OPEN if opening <= now else HoursReason.CLOSED, opening)


def after(start: datetime, span: timedelta, calendar: Calendar) -> datetime:
    """Return when the office has been open for `span` since `start`; by the clock when it never opens."""
    moment, left = start, span
    while (opening := calendar.next_opening(moment)) is not None:
        closing = _closing(opening, calendar)
        if opening + left <= closing:
            return opening + left
        left -= closing - opening
        moment = closing
    return start + span


def _closing(opening: datetime, calendar: Calendar) -> datetime:
    """Return the end of the period that `opening` lies in."""
    day = opening.astimezone(calendar.zone).date()
    return next(end for start, end in calendar.periods(day) if start <= opening < end)
