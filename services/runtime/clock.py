"""The one clock of a process: the system's, or one that ticks move in a demo or a replay."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the present moment."""
        ...


class SystemClock:
    """The clock of a service at work."""

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is moved, and never runs back."""

    def __init__(self) -> None:
        self._now = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment it was last moved to."""
        return self._now

    def advance(self, moment: datetime) -> None:
        """Move to `moment` unless that lies in the past."""
        self._now = max(self._now, moment)
