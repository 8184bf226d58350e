"""Which steps of an incident are told, and to whom. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.alerts.routing.inhibit import MUTING
from services.config.schema import NoticeKind
from services.messages.records import Incident, ReasonCode
from services.messages.vocabulary import StormState

_EXPLAINED = frozenset({ReasonCode.ONE_AUTHOR, ReasonCode.ONE_TEXT, ReasonCode.HAPPY_CROWD})


class StepReason(StrEnum):
    """Why a step is told, or is not."""

    RAISED = "raised"
    RECOVERED = "recovered"
    EXPLAINED = "explained"
    SILENT = "silent"
    HEARD = "heard"
    SAME_STATE = "same_state"
    ONLY_WATCHED = "only_watched"

    @property
    def told(self) -> bool:
        """Whether the step is told."""
        return self not in (StepReason.SAME_STATE, StepReason.ONLY_WATCHED)

    @property
    def waits(self) -> bool:
        """Whether it waits for opening hours: what is no storm does."""
        return self.kind is NoticeKind.SILENCE or self is StepReason.EXPLAINED

    @property
    def kind(self) -> NoticeKind:
        """What kind of notice it is."""
        return NoticeKind.SILENCE if self in (StepReason.SILENT, StepReason.HEARD) else NoticeKind.STORM

    @property
    def route(self) -> NoticeKind:
        """The kind whose routes the step takes; "it is no storm" is for those who answer reactions."""
        return NoticeKind.NEGATIVE if self is StepReason.EXPLAINED else self.kind


@dataclass(frozen=True)
class Step:
    """A step of an incident, and what becomes of it."""

    incident: Incident
    reason: StepReason


def judge(steps: Sequence[Incident]) -> Iterator[Step]:
    """Say of each step of one incident, in order, whether it is told."""
    before: StormState | None = None
    raised = False
    for step in steps:
        yield Step(step, _reason(step, before, raised=raised))
        raised = raised or step.state in MUTING
        before = step.state


def _reason(step: Incident, before: StormState | None, *, raised: bool) -> StepReason:
    if step.silence:
        return StepReason.HEARD if step.state is StormState.CLOSED else StepReason.SILENT
    if step.state is before:
        spread = any(reason.code is ReasonCode.SPREAD for reason in step.reasons)
        return StepReason.RAISED if spread else StepReason.SAME_STATE
    if step.state in MUTING:
        return StepReason.RAISED
    if step.state is StormState.CLOSED:
        return StepReason.RECOVERED if raised else StepReason.ONLY_WATCHED
    explained = any(reason.code in _EXPLAINED for reason in step.reasons)
    return StepReason.EXPLAINED if explained else StepReason.ONLY_WATCHED
