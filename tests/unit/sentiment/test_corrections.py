"""What staff say of an incident changes it, at the tick that counts it, and only it."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from services.messages.records import Correction, Incident, ReasonCode, ScoredMention
from services.messages.vocabulary import Ruling, Size, StormState
from services.sentiment.correcting import CorrectionError, check
from services.sentiment.storm.detector import Detector, dump, load
from services.sentiment.storm.rulings import Outcome, outcome
from tests.support import records

START = datetime(2026, 10, 5, 0, 0, tzinfo=UTC)
STORM_AT = START + timedelta(days=1, hours=12)
END = 1 << 40
MINUTE = timedelta(minutes=1)


def said(ruling: Ruling, incident: str = "vennehart/p00001") -> Correction:
    return Correction(incident=incident, ruling=ruling, by="Ans", at=STORM_AT)


def wave(
    count: int, minutes: float, first: int, at: datetime = STORM_AT, author: str | None = None
) -> list[ScoredMention]:
    return [
        records.scored(records.mention(first + n, at + n * minutes / count * MINUTE, author=author))
        for n in range(count)
    ]


class Course:
    """A detector that ticks every five minutes from the storm on, and is corrected on the way."""

    def __init__(self, *mentions: ScoredMention, restart: bool = False) -> None:
        self.detector = Detector.fresh("vennehart", Size.MEDIUM)
        self.now = STORM_AT
        self.steps: list[Incident] = []
        self.outcomes: list[Outcome] = []
        self._restart = restart
        self._said = 0
        for offset, found in enumerate(sorted(mentions, key=lambda m: m.mention.event_time)):
            self.detector.apply(offset, found)

    def until(self, after: timedelta) -> list[Incident]:
        """Return the steps up to some time after the storm began."""
        taken = len(self.steps)
        while self.now < STORM_AT + after:
            self.now += 5 * MINUTE
            self.steps += self.detector.tick(self.now, END, self._said)
            self.outcomes += self.detector.outcomes
            self.detector.outcomes.clear()
            if self._restart:
                self.detector = load(dump(self.detector))
        return self.steps[taken:]

    def correct(self, ruling: Ruling, incident: str = "vennehart/p00001") -> None:
        assert self.detector.correct(self._said, said(ruling, incident))
        self._said += 1


HOUR = timedelta(hours=1)


def test_no_storm_ends_the_incident_with_its_reason_and_what_goes_on_opens_no_second_one() -> None:
    course = Course(*wave(30, 180, 1))
    assert StormState.STORM in [step.state for step in course.until(HOUR)]
    course.correct(Ruling.NO_STORM)

    (end,) = course.until(6 * HOUR)
    assert (end.id, end.seq, end.state) == ("vennehart/p00001", course.steps[-2].seq + 1, StormState.CLOSED)
    assert [reason.code for reason in end.reasons] == [ReasonCode.SAID_NO_STORM]
    assert course.outcomes == [Outcome.CLOSED]


def test_clearly_more_than_what_was_no_storm_opens_a_new_incident() -> None:
    course = Course(*wave(30, 180, 1), *wave(60, 40, 1001, STORM_AT + 2 * HOUR))
    course.until(HOUR)
    course.correct(Ruling.NO_STORM)
    after = course.until(8 * HOUR)

    assert {step.id for step in after[1:]} == {after[1].id}
    assert after[1].id != "vennehart/p00001"
    assert StormState.STORM in [step.state for step in after]
    assert after[1].at - STORM_AT > 2 * HOUR


def test_after_it_has_been_quiet_the_usual_threshold_holds_again() -> None:
    again = wave(30, 180, 1001, STORM_AT + timedelta(hours=24))
    course = Course(*wave(30, 180, 1), *again)
    course.until(HOUR)
    course.correct(Ruling.NO_STORM)
    course.until(23 * HOUR)

    assert course.detector.state.rejected is None
    assert StormState.STORM in [step.state for step in course.until(30 * HOUR)]


def test_a_muted_watch_becomes_a_storm() -> None:
    course = Course(*wave(30, 60, 1, author="ronnie"))
    assert [step.state for step in course.until(HOUR)] == [StormState.WATCH]
    incident = course.steps[0].id
    course.correct(Ruling.STORM, incident)

    (step,) = course.until(HOUR + 5 * MINUTE)
    assert (step.id, step.state) == (incident, StormState.STORM)
    assert [reason.code for reason in step.reasons] == [ReasonCode.SAID_STORM]
    assert course.until(24 * HOUR)[-1].state is StormState.CLOSED


def test_what_was_called_a_storm_is_one_again_when_it_is_as_strong_again() -> None:
    """Four people an hour are no storm by the evidence; staff said that they are."""
    course = Course(*wave(4, 30, 1), *wave(4, 30, 1001, STORM_AT + 3 * HOUR))
    assert {step.state for step in course.until(40 * MINUTE)} == {StormState.RISING}
    course.correct(Ruling.STORM)
    assert [step.state for step in course.until(2 * HOUR)] == [StormState.STORM, StormState.EASING]

    again = course.until(5 * HOUR)[0]
    assert again.state is StormState.STORM
    assert again.reasons[0].code is ReasonCode.SAID_STORM


def test_no_storm_that_turns_out_to_be_one_is_lifted() -> None:
    course = Course(*wave(60, 180, 1))
    course.until(HOUR)
    course.correct(Ruling.NO_STORM)
    course.until(HOUR + 15 * MINUTE)
    course.correct(Ruling.STORM)
    after = course.until(4 * HOUR)

    assert course.outcomes == [Outcome.CLOSED, Outcome.LIFTED]
    assert StormState.STORM in [step.state for step in after]
    assert after[0].id != "vennehart/p00001"


def test_a_correction_counts_from_the_tick_that_names_it() -> None:
    course = Course(*wave(30, 60, 1))
    course.until(30 * MINUTE)
    course.detector.correct(0, said(Ruling.NO_STORM))

    assert course.until(40 * MINUTE) == []
    assert not course.detector.correct(0, said(Ruling.NO_STORM))
    (end,) = course.detector.tick(course.now + MINUTE, END, 1)
    assert end.state is StormState.CLOSED


def test_said_twice_or_of_another_incident_it_changes_nothing() -> None:
    course = Course(*wave(30, 60, 1))
    course.until(30 * MINUTE)
    course.correct(Ruling.STORM)
    course.correct(Ruling.NO_STORM, "vennehart/other")
    assert course.until(40 * MINUTE) == []
    course.correct(Ruling.NO_STORM)
    course.correct(Ruling.NO_STORM)

    assert len(course.until(50 * MINUTE)) == 1
    assert course.outcomes == [
        Outcome.NOTHING_NEW,
        Outcome.NOT_RUNNING,
        Outcome.CLOSED,
        Outcome.NOTHING_NEW,
    ]


def test_a_restart_at_any_tick_takes_the_same_decisions() -> None:
    courses = []
    for restart in (False, True):
        course = Course(*wave(60, 180, 1), *wave(60, 40, 1001, STORM_AT + 2 * HOUR), restart=restart)
        course.until(HOUR)
        course.correct(Ruling.NO_STORM)
        course.until(12 * HOUR)
        courses.append(course)

    assert courses[0].steps == courses[1].steps


def test_a_part_where_it_did_not_play_is_not_held_to_what_was_no_storm_elsewhere() -> None:
    def about(part: str, found: list[ScoredMention]) -> list[ScoredMention]:
        return [replace(one, institution=part, organisation="anker") for one in found]

    noord = about("noord", wave(40, 180, 1))
    oost = about("oost", wave(8, 40, 1001, STORM_AT + HOUR))
    detector = Detector.fresh("anker", Size.MEDIUM)
    for offset, one in enumerate([*noord, *oost]):
        if one.institution not in detector.parts:
            detector.join(Detector.fresh(one.institution, Size.SMALL))
        detector.apply(offset, one)
    steps = []
    for minute in range(0, 180, 5):
        if minute == 60:
            detector.correct(0, said(Ruling.NO_STORM, "anker/p00001"))
        steps += detector.tick(STORM_AT + minute * MINUTE, END, 1)

    closed = next(n for n, step in enumerate(steps) if step.state is StormState.CLOSED)
    assert {name for step in steps[closed + 1 :] for name in step.locations} == {"oost"}


@pytest.mark.parametrize("state", [None, *StormState])
@pytest.mark.parametrize("ruling", Ruling)
def test_every_ruling_on_every_state_has_an_outcome(ruling: Ruling, state: StormState | None) -> None:
    found = outcome(ruling, state, rejected=False, called=False)

    assert (found is Outcome.NOT_RUNNING) is (state is None)
    if state is not None and ruling is Ruling.NO_STORM:
        assert found is Outcome.CLOSED


def test_the_command_refuses_what_cannot_be_corrected() -> None:
    course = Course(*wave(30, 60, 1))
    (first, *_) = course.until(30 * MINUTE)
    course.correct(Ruling.NO_STORM)
    (ended,) = course.until(40 * MINUTE)

    check(said(Ruling.NO_STORM), first)
    check(said(Ruling.STORM), ended)
    with pytest.raises(CorrectionError, match="ended at 2026-10-06"):
        check(said(Ruling.NO_STORM), ended)
    with pytest.raises(CorrectionError, match="there is no incident"):
        check(said(Ruling.STORM), None)
