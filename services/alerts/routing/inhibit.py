"""What a storm keeps quiet: single negative reactions while an incident of the institution is open. Pure."""

from collections.abc import Iterable
from enum import StrEnum

from services.messages.vocabulary import StormState

MUTING = frozenset({StormState.RISING, StormState.STORM, StormState.EASING})


class InhibitReason(StrEnum):
    """Why single reactions are muted, or told."""

    OPEN_INCIDENT = "open_incident"
    NO_INCIDENT = "no_incident"
    NOT_TOLD_OF_STORMS = "not_told_of_storms"


def inhibit(states: Iterable[StormState], *, told_of_storms: bool) -> InhibitReason:
    """Decide at flush, from the present states of an institution's incidents.

    Whoever is not told of its storms is not muted by one: it would be silence, just then.
    """
    if not any(state in MUTING for state in states):
        return InhibitReason.NO_INCIDENT
    return InhibitReason.OPEN_INCIDENT if told_of_storms else InhibitReason.NOT_TOLD_OF_STORMS
