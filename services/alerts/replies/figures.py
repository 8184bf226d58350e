"""The reply figures of one institution: rate, speed by two clocks, what is open or counted apart. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from services.alerts.replies.conversations import (
    PUBLIC,
    Answer,
    Fact,
    How,
    OwnPosts,
    answered,
    conversations,
)
from services.alerts.replies.estimates import Outcome, percentile, wilson
from services.messages.calendar import Calendar
from services.messages.vocabulary import Mark

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)

Elapsed = Callable[[datetime, datetime], timedelta]


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share as a fraction; None of nothing."""
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class Speed:
    """How fast, by one clock; a percentile is None when the curve never gets there ("niet bereikt").

    A share is of the conversations that are old enough to tell.
    """

    within_1h: Share
    within_4h: Share
    p50_hours: float | None
    p90_hours: float | None


@dataclass(frozen=True)
class Figures:
    """The reply figures of one institution over `since` to `until`.

    `actionable` leaves out what its author took away unanswered (`withdrawn`) and what cannot be measured
    (`not_measurable`). `moved`, `copied`, `automatic` and `general` were reacted to, but not answered.
    `always` counts every hour, `business` only the opening hours. `oldest_open` got no reaction of its own.
    `direct_mentions` is the plain figure of 2012: mentions by name to which anything at all was replied.
    """

    since: datetime
    until: datetime
    actionable: int
    answered: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    always: Speed
    business: Speed
    within_1_working_day: Share
    oldest_open: datetime | None
    direct_mentions: Share
    not_measurable: int
    withdrawn: int = 0
    moved: int = 0
    copied: int = 0
    automatic: int = 0
    general: int = 0


@dataclass(frozen=True)
class _Case:
    """A conversation that asks for an answer, and how it stands."""

    author: str
    opened: datetime
    ended: datetime  # answered, withdrawn, or last looked at
    outcome: Outcome
    how: How


def summary(facts: Iterable[Fact], now: datetime, calendar: Calendar, *, period: timedelta = WEEK) -> Figures:
    """Return the reply figures of one institution over the `period` up to `now`; later facts do not count.

    Give earlier facts too where there are any: an answer may point to one.
    """
    known = [fact for fact in facts if fact.event_time <= now]
    own, since = OwnPosts(known, now), now - period
    begun = [talk for talk in conversations(known) if talk.posts[0].event_time > since]
    cases = [_case(talk.opening, answered(talk, own), now) for talk in begun if talk.opening]
    counted = [case for case in cases if case.outcome is not Outcome.WITHDRAWN]
    replied = sum(case.outcome is Outcome.ANSWERED for case in counted)
    interval = wilson(replied, len(counted), [*Counter(case.author for case in counted).values()])
    apart = Counter(case.how for case in counted)
    return Figures(
        since=since,
        until=now,
        actionable=len(counted),
        answered=replied,
        rate=Share(replied, len(counted)).value,
        rate_low=interval and interval[0],
        rate_high=interval and interval[1],
        always=_speed(cases, now, lambda start, end: end - start),
        business=_speed(cases, now, calendar.between),
        within_1_working_day=_within_working_day(cases, now, calendar),
        oldest_open=min(
            (c.opened for c in counted if c.how in (How.NOT, How.GENERAL, How.AUTOMATIC)), default=None
        ),
        direct_mentions=_direct_mentions(known, own, since),
        not_measurable=sum(talk.opening is None and not talk.measurable for talk in begun),
        withdrawn=len(cases) - len(counted),
        moved=apart[How.MOVED],
        copied=apart[How.COPIED],
        automatic=apart[How.AUTOMATIC],
        general=apart[How.GENERAL],
    )


def _case(opening: Fact, answer: Answer, now: datetime) -> _Case:
    gone = opening.deleted if opening.deleted and opening.deleted <= now else None
    if answer.how is How.ANSWERED and answer.at and not (gone and gone < answer.at):
        ended, outcome = answer.at, Outcome.ANSWERED
    elif gone:
        ended, outcome = gone, Outcome.WITHDRAWN
    else:
        ended, outcome = now, Outcome.OPEN
    return _Case(opening.author, opening.event_time, ended, outcome, answer.how)


def _speed(cases: Sequence[_Case], now: datetime, elapsed: Elapsed) -> Speed:
    waits = [(elapsed(case.opened, case.ended) / HOUR, case.outcome) for case in cases]
    ages = [elapsed(case.opened, now) / HOUR for case in cases]

    def within(hours: float) -> Share:
        told = [
            (wait, outcome)
            for (wait, outcome), age in zip(waits, ages, strict=True)
            if age >= hours and not (outcome is Outcome.WITHDRAWN and wait < hours)
        ]
        return Share(sum(o is Outcome.ANSWERED and wait <= hours for wait, o in told), len(told))

    return Speed(within(1), within(4), percentile(0.5, waits), percentile(0.9, waits))


def _within_working_day(cases: Sequence[_Case], now: datetime, calendar: Calendar) -> Share:
    count = of = 0
    for case in cases:
        deadline = one_working_day(case.opened, calendar)
        if deadline is None or deadline > now:
            continue
        if case.outcome is Outcome.WITHDRAWN and case.ended < deadline:
            continue
        of += 1
        count += case.outcome is Outcome.ANSWERED and case.ended <= deadline
    return Share(count, of)


def one_working_day(start: datetime, calendar: Calendar) -> datetime | None:
    """Return the same local time on the working day after the first opening; at most its close."""
    begins = calendar.next_opening(start)
    if begins is None:
        return None
    local = begins.astimezone(calendar.zone)
    midnight = datetime.combine(local.date() + timedelta(days=1), time(0), calendar.zone)
    opens = calendar.next_opening(midnight)
    if opens is None:
        return None
    day = opens.astimezone(calendar.zone).date()
    same_time = datetime.combine(day, local.time(), calendar.zone)
    closes = max(end for _, end in calendar.periods(day))
    return max(opens, min(same_time, closes))


def _direct_mentions(facts: Sequence[Fact], own: OwnPosts, since: datetime) -> Share:
    mentions = [f for f in facts if f.kind in PUBLIC and Mark.ADDRESSED in f.marks and f.event_time > since]
    replied = sum(
        any(
            own.addressee(reply) == fact.author
            for reply in own.later(fact.thread or fact.post, fact.event_time)
        )
        for fact in mentions
    )
    return Share(replied, len(mentions))
