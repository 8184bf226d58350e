"""A rise in plain counts, where nobody knows what was said: the detector of volume mode.

What a count may be is a learned rhythm times a moving rate, with the noise that the series has had. How
strongly a look back speaks against that is measured in nats. Series differ in how wild they are, so the bar
is no number of nats but a multiple of the highest evidence of this series' ordinary days: where such peaks
are about exponential, four times their mean is passed on one day in fifty-five.
"""

from collections import deque
from datetime import UTC, datetime

from msgspec import Struct

from services.messages.vocabulary import StormState
from services.sentiment.storm.baseline import DAY_S, Noise, Rate, Rhythm, common, hour_of_week, spread
from services.sentiment.storm.evidence import evidence
from services.sentiment.storm.window import HOUR_S

LOOK_BACKS_S = (HOUR_S // 2, HOUR_S)
GET_ACQUAINTED_S = 7 * DAY_S  # every hour of the week has been seen once before anything is called
LEARN_AFTER_H = 24  # so that nothing is judged by a baseline that it is part of
LEAST_WEIGHT = 1.0  # of an hour: what is much for a night is not yet much
LEAST_PER_HOUR = 0.05
CALLED = 4.0  # times the peak of an ordinary day
LEAST_EVIDENCE = 6.5  # nats, however calm the series has been
PEAK = 2.0  # nats, of an ordinary day before any is known
PEAK_WEIGHT = 4.0  # days that this belief counts for
PEAK_HALF_LIFE_DAYS = 14.0
UNUSUAL = 0.3  # share of the bar from which an episode goes on
QUIET_S = 6 * HOUR_S  # without that, it has ended


class Count(Struct, frozen=True):
    """How much was counted between the moment before and this one."""

    at: float
    seconds: float
    value: float


class Finding(Struct, frozen=True):
    """A step of an episode: `score` is the evidence against the bar, 1 or more when it begins.

    `n` is what the look back held when it begins, and what the episode held when it ends.
    """

    state: StormState
    at: datetime
    onset: datetime
    n: float
    expected: float
    hours: float
    evidence: float
    score: float


class Look(Struct, frozen=True):
    """What one look back saw."""

    hours: float
    n: float
    expected: float
    evidence: float


class Peaks(Struct):
    """The highest evidence of each day, as an average that forgets."""

    total: float = PEAK * PEAK_WEIGHT
    weight: float = PEAK_WEIGHT

    @property
    def bar(self) -> float:
        """The evidence from which something is called."""
        return max(LEAST_EVIDENCE, CALLED * self.total / self.weight)

    def learn(self, peak: float) -> None:
        """Take a day in; one that was called counts for no more than twice the bar."""
        keep = 0.5 ** (1 / PEAK_HALF_LIFE_DAYS)
        peak = min(peak, 2 * self.bar)
        self.total = self.total * keep + peak
        self.weight = self.weight * keep + 1
        if self.weight < PEAK_WEIGHT:
            self.total += PEAK * (PEAK_WEIGHT - self.weight)
            self.weight = PEAK_WEIGHT


class Hour(Struct):
    """What one hour counted, and how much of it was covered, until it becomes baseline."""

    number: int
    value: float = 0.0
    seconds: float = 0.0


class Volume:
    """One series of counts, in order of time."""

    def __init__(self) -> None:
        self._rate: Rate | None = None
        self._rhythm = Rhythm.fresh()
        self._noise = Noise()
        self._peaks = Peaks()
        self._counts: deque[Count] = deque()
        self._hours: deque[Hour] = deque()
        self._first = 0.0
        self._before: float | None = None
        self._day = 0
        self._day_peak = 0.0
        self._onset: float | None = None
        self._unusual_at = 0.0
        self._held = 0.0  # counted in the episode that is going on

    @property
    def open(self) -> bool:
        """Whether an episode is going on."""
        return self._onset is not None

    def take(self, at: datetime, value: float) -> Finding | None:
        """Take in what was counted up to `at`, later than before; return a step when one is due.

        What the first count covers is not known, so it only sets the clock; after a gap one covers an hour.
        """
        now, before = at.timestamp(), self._before
        self._before = now
        if before is None:
            self._first = now
            return None
        count = Count(now, min(now - before, HOUR_S), value)
        self._remember(count)
        self._new_day(int(now // DAY_S))
        look = self._strongest(now)
        if look is None:
            return None
        self._day_peak = max(self._day_peak, look.evidence)
        return self._step(at, value, look)

    def _step(self, at: datetime, value: float, look: Look) -> Finding | None:
        now, bar = at.timestamp(), self._peaks.bar
        if self._onset is None:
            if look.evidence < bar or now - self._first < GET_ACQUAINTED_S:
                return None
            self._onset = self._unusual_at = now
            self._held = look.n
            return self._finding(StormState.STORM, at, look, bar)
        self._held += value
        if look.evidence >= UNUSUAL * bar:
            self._unusual_at = now
        if now - self._unusual_at < QUIET_S:
            return None
        closed = self._finding(StormState.CLOSED, at, look, bar)
        self._onset = None
        return closed

    def _finding(self, state: StormState, at: datetime, look: Look, bar: float) -> Finding:
        return Finding(
            state=state,
            at=at,
            onset=datetime.fromtimestamp(self._onset or at.timestamp(), UTC),
            n=self._held,
            expected=look.expected,
            hours=look.hours,
            evidence=look.evidence,
            score=look.evidence / bar,
        )

    def _strongest(self, now: float) -> Look | None:
        """Return the look back that speaks most against what was expected; None while nothing is known."""
        if self._rate is None:
            return None
        shape = 1 / spread(self._rate, self._noise)
        strongest = Look(0.0, 0.0, 0.0, 0.0)
        for span in LOOK_BACKS_S:
            held = [count for count in self._counts if count.at > now - span]
            start = held[0].at - held[0].seconds
            n = sum(count.value for count in held)
            hours = max(self._rhythm.exposure(start, now), LEAST_WEIGHT * (now - start) / HOUR_S)
            expected = self._rate.expected(hours)
            found = evidence(n, expected, shape)
            if found >= strongest.evidence:
                strongest = Look((now - start) / HOUR_S, n, expected, found)
        return strongest

    def _remember(self, count: Count) -> None:
        self._counts.append(count)
        while self._counts[0].at <= count.at - LOOK_BACKS_S[-1]:
            self._counts.popleft()
        # By the middle of what it covers, so that the count of a full hour belongs to that hour.
        number = int((count.at - count.seconds / 2) // HOUR_S)
        if not self._hours or self._hours[-1].number != number:
            self._hours.append(Hour(number))
        self._hours[-1].value += count.value
        self._hours[-1].seconds += count.seconds
        while self._hours[0].number < number - LEARN_AFTER_H:
            self._learn(self._hours.popleft())

    def _learn(self, hour: Hour) -> None:
        """Let an hour become baseline."""
        share = min(1.0, hour.seconds / HOUR_S)
        usual = common(hour_of_week(hour.number)) * share
        if self._rate is None:
            self._rate = Rate.prior(max(hour.value / usual, LEAST_PER_HOUR))
        weight = self._rhythm.weight(hour.number) * share
        expected = self._rate.expected(max(weight, LEAST_WEIGHT * share))
        self._noise.learn(hour.value, expected, HOUR_S)
        self._rhythm.learn(hour.number, hour.value, self._rate.expected(usual))
        self._rate.learn(hour.value, weight)

    def _new_day(self, day: int) -> None:
        if day != self._day and self._rate is not None:
            self._peaks.learn(self._day_peak)
            self._day_peak = 0.0
        self._day = day
