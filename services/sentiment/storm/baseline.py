"""What an institution may expect: a rate that is learned, on a rhythm that is learned, with its own noise.

The belief about a rate is a Gamma distribution, so counts are negative-binomial (Gelman et al., Bayesian
Data Analysis, 2.6). Forgetting multiplies both its parameters: the mean stays and the doubt grows. The rhythm
is a common one, bent towards the institution's own hours as these become known. How much more a count varies
than chance allows is learned by the method of moments, for each look back by itself.
"""

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.messages.calendar import public_holidays
from services.messages.vocabulary import Region, Size
from services.sentiment.storm.evidence import evidence
from services.sentiment.storm.window import HOUR_S

DAY_S = 24 * HOUR_S
HALF_LIFE_S = 14 * DAY_S  # of the rate
RHYTHM_HALF_LIFE_S = 56 * DAY_S  # of hours and noise, which need longer to be seen and change less
SURGE = 3.0
PRIOR_SHAPE = 1.0  # an institution without history is believed about as much as one mention
PRIOR_PER_HOUR = {Size.SMALL: 0.01, Size.MEDIUM: 0.05, Size.LARGE: 0.2}
RHYTHM_WEIGHT = (
    15.0  # mentions an hour of the week must have had before it counts as much as the common rhythm
)
NOISE = 0.6  # squared coefficient of variation of an hour before it is known
NOISE_WEIGHT = 6.0
LEAST_NOISE = 0.08
OUTLIER = 5.0  # nats from which a count is an episode, not noise
_ZONE = ZoneInfo("Europe/Amsterdam")  # Brussels keeps the same time

# Share of Dutch posts by local hour, mean 1: quiet nights, a lunch bump, an evening peak.
_BY_HOUR = (0.35, 0.2, 0.12, 0.1, 0.12, 0.25, 0.55, 0.9, 1.15, 1.25, 1.3, 1.3,
            1.35, 1.3, 1.25, 1.25, 1.3, 1.35, 1.4, 1.6, 1.75, 1.7, 1.3, 0.81)  # fmt: skip
SATURDAY = 5
_FREE_DAY = 0.8  # of a weekend or holiday, against a working day
HOURS_OF_WEEK = 48  # of a working day, then of a free one


@lru_cache(maxsize=24 * 800)
def hour_of_week(hour: int) -> int:
    """Return which of the 48 an hour is, given by its number since the epoch; both zones keep whole hours."""
    local = datetime.fromtimestamp(hour * HOUR_S, _ZONE)
    return local.hour + (24 if _is_free(local.date()) else 0)


@lru_cache(maxsize=800)
def _is_free(day: date) -> bool:
    """Tell whether most people are free: weekends, and what both countries celebrate."""
    both = public_holidays(Region.NL, day.year) & public_holidays(Region.VL, day.year)
    return day.weekday() >= SATURDAY or day in both


def common(slot: int) -> float:
    """Return the common rhythm of one of the 48 hours."""
    return _BY_HOUR[slot % 24] * (_FREE_DAY if slot >= 24 else 1.0)  # noqa: PLR2004


class Rhythm(Struct):
    """How an institution's hours differ from the common ones: mentions seen and expected in each."""

    seen: list[float]
    expected: list[float]

    @classmethod
    def fresh(cls) -> "Rhythm":
        """Return the common rhythm."""
        return cls([0.0] * HOURS_OF_WEEK, [0.0] * HOURS_OF_WEEK)

    def weight(self, hour: int) -> float:
        """Return the weight of an hour, given by its number since the epoch; about 1 on average."""
        slot = hour_of_week(hour)
        return common(slot) * self._bend(slot)

    def exposure(self, start: float, end: float) -> float:
        """Return the hours between two times in seconds, each weighted."""
        first, last = int(start // HOUR_S), int(end // HOUR_S)
        if first == last:
            return self.weight(first) * max(0.0, end - start) / HOUR_S
        total = self.weight(first) * (first + 1 - start / HOUR_S) + self.weight(last) * (end / HOUR_S - last)
        for hour in range(first + 1, last):
            total += self.weight(hour)
        return total

    def learn(self, hour: int, seen: float, expected: float) -> None:
        """Take in what an hour held, and what the common rhythm made of it."""
        slot = hour_of_week(hour)
        keep = 0.5 ** (DAY_S / RHYTHM_HALF_LIFE_S)
        # A surge by its own measure: an institution may have four times the common share of an hour.
        self.seen[slot] = self.seen[slot] * keep + min(seen, SURGE * expected * self._bend(slot) + 1)
        self.expected[slot] = self.expected[slot] * keep + expected

    def _bend(self, slot: int) -> float:
        return (self.seen[slot] + RHYTHM_WEIGHT) / (self.expected[slot] + RHYTHM_WEIGHT)


class Rate(Struct):
    """The believed rate of one kind of event: `shape / hours` events per weighted hour."""

    shape: float
    hours: float

    @classmethod
    def prior(cls, per_hour: float) -> "Rate":
        """Return the belief about an institution that has not been seen yet."""
        return cls(shape=PRIOR_SHAPE, hours=PRIOR_SHAPE / per_hour)

    def expected(self, hours: float) -> float:
        """Return the expected number of events in so many weighted hours."""
        return self.shape / self.hours * hours

    def doubt(self) -> None:
        """Keep the belief but not its certainty: what is counted is about to change."""
        self.hours *= PRIOR_SHAPE / self.shape
        self.shape = PRIOR_SHAPE

    def learn(self, events: float, hours: float) -> None:
        """Take in what one hour held, which weighed `hours`.

        More than `SURGE` times what was expected counts as just that: a storm hardly moves the belief, and a
        rise that lasts becomes normal within days.
        """
        events = min(events, SURGE * self.expected(hours) + 1)
        keep = 0.5 ** (HOUR_S / HALF_LIFE_S)
        # Never fall below the prior's weight: doubt is not allowed to grow without bound.
        keep = max(keep, min(1.0, PRIOR_SHAPE / self.shape))
        self.shape = self.shape * keep + events
        self.hours = self.hours * keep + hours


class Noise(Struct):
    """The squared coefficient of variation of counts, beyond chance: variance = mean + noise x mean^2."""

    excess: float = NOISE * NOISE_WEIGHT
    weight: float = NOISE_WEIGHT

    @property
    def value(self) -> float:
        """The noise as it is believed."""
        return max(LEAST_NOISE, self.excess / self.weight)

    def learn(self, events: float, expected: float, span_s: float) -> None:
        """Take in a count; one that is far out is left out, so that a storm is not taken for noise."""
        if evidence(events, expected, 1 / self.value) > OUTLIER:
            return
        keep = 0.5 ** (span_s / RHYTHM_HALF_LIFE_S)
        self.excess = self.excess * keep + (events - expected) ** 2 - expected
        self.weight = self.weight * keep + expected**2
        if self.weight < NOISE_WEIGHT:
            self.excess += NOISE * (NOISE_WEIGHT - self.weight)
            self.weight = NOISE_WEIGHT


def spread(rate: Rate, noise: Noise) -> float:
    """Return the squared coefficient of variation of a rate: the doubt about it and its noise.

    One divided by it is the shape of the negative-binomial counts.
    """
    return 1 / rate.shape + noise.value
