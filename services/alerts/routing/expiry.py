"""How long news stays worth telling; what is older goes into one catch-up message. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.alerts.routing.hours import after
from services.config.schema import NoticeKind
from services.messages.calendar import Calendar

LIFETIME = {
    NoticeKind.NEGATIVE: timedelta(hours=2),
    NoticeKind.STORM: timedelta(minutes=30),
    NoticeKind.CATCH_UP: timedelta(days=1),
    NoticeKind.SILENCE: timedelta(days=1),
}


class ExpiryReason(StrEnum):
    """Whether something is still news."""

    FRESH = "fresh"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Expiry:
    """A decision, and the moment from which on it is no longer news."""

    reason: ExpiryReason
    at: datetime


def expiry(now: datetime, kind: NoticeKind, since: datetime, opening_time: Calendar | None) -> Expiry:
    """Decide whether what happened at `since` is still news.

    With a calendar only opening time counts: a reaction of Friday night is still news on Monday morning.
    """
    at = after(since, LIFETIME[kind], opening_time) if opening_time else since + LIFETIME[kind]
    return Expiry(ExpiryReason.FRESH if now < at else ExpiryReason.EXPIRED, at)
