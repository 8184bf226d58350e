"""What staff say of an incident changes it: it is no storm, or it is one. Decisions with their reason."""

from enum import StrEnum

from msgspec import Struct

from services.messages.vocabulary import Ruling, StormState
from services.sentiment.storm.ladder import Strength, strength
from services.sentiment.storm.scopes import Scope

CLEARLY_MORE = 2.0  # times the strength of what was no storm, from which it is another matter


class Outcome(StrEnum):
    """What becomes of a correction."""

    CLOSED = "closed"  # the incident ends here
    RAISED = "raised"  # it becomes a storm
    RESPECTED = "respected"  # it eases already; what it is now counts as a storm should it flare up
    LIFTED = "lifted"  # it was called none before; a new one opens at the usual threshold again
    NOTHING_NEW = "nothing_new"  # said before
    NOT_RUNNING = "not_running"  # it ended, or there never was one

    @property
    def steps(self) -> bool:
        """Whether the incident takes a step."""
        return self in (Outcome.CLOSED, Outcome.RAISED)


def outcome(ruling: Ruling, state: StormState | None, *, rejected: bool, called: bool) -> Outcome:
    """Decide what a ruling does to an incident.

    Args:
        ruling: What was said.
        state: Of the incident while it runs, else None.
        rejected: It was called no storm before, and what it was about is not over yet.
        called: It was called a storm before.

    """
    if state is None:
        if not rejected:
            return Outcome.NOT_RUNNING
        return Outcome.LIFTED if ruling is Ruling.STORM else Outcome.NOTHING_NEW
    if ruling is Ruling.NO_STORM:
        return Outcome.CLOSED
    if state in (StormState.WATCH, StormState.RISING):
        return Outcome.RAISED
    return Outcome.RESPECTED if state is StormState.EASING and not called else Outcome.NOTHING_NEW


class Rejected(Struct):
    """An incident that staff called no storm, until it has been quiet; times in seconds since the epoch."""

    id: str
    peaks: dict[str, Strength]  # of the whole and of each part
    unusual_at: float

    def allows(self, scope: Scope) -> bool:
        """Tell whether a scope shows clearly more than what was called no storm."""
        peak = self.peaks.get(scope.name, Strength())
        return not peak.four or strength(scope.looks).share_of(peak) >= CLEARLY_MORE
