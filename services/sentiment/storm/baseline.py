"""What an institution may expect: a Gamma-Poisson rate that forgets, on a daily rhythm.

The rate of a Poisson process with a Gamma(shape, exposure) belief has a negative-binomial predictive
distribution, which is the over-dispersion that quiet institutions need (Gelman et al., Bayesian Data
Analysis, 2.6). Forgetting multiplies both parameters, so the mean stays and the doubt grows.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from math import exp, lgamma, log, log1p
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.messages.vocabulary import Size

HALF_LIFE = timedelta(days=14)
SURGE = 3.0
PRIOR_SHAPE = 0.5  # an institution without history is believed about as much as half a mention
PRIOR_PER_HOUR = {Size.SMALL: 0.01, Size.MEDIUM: 0.05, Size.LARGE: 0.2}
_ZONE = ZoneInfo("Europe/Amsterdam")  # Brussels keeps the same time

# Share of Dutch posts by local hour, mean 1: quiet nights, a lunch bump, an evening peak. A common
# assumption until an institution's own hours are learned.
_BY_HOUR = (0.35, 0.2, 0.12, 0.1, 0.12, 0.25, 0.55, 0.9, 1.15, 1.25, 1.3, 1.3,
            1.35, 1.3, 1.25, 1.25, 1.3, 1.35, 1.4, 1.6, 1.75, 1.7, 1.3, 0.81)  # fmt: skip


@lru_cache(maxsize=24 * 400)
def _weight(hour: int) -> float:
    """Return the weight of an hour, given by its number since the epoch; both zones keep whole hours."""
    return _BY_HOUR[datetime.fromtimestamp(hour * 3600, _ZONE).hour]


def exposure(start: datetime, end: datetime) -> float:
    """Return the hours from `start` to `end`, each weighted by the daily rhythm."""
    begin, until = start.timestamp() / 3600, end.timestamp() / 3600
    first, last = int(begin), int(until)
    if first == last:
        return _weight(first) * max(0.0, until - begin)
    whole = sum(_weight(hour) for hour in range(first + 1, last))
    return _weight(first) * (first + 1 - begin) + whole + _weight(last) * (until - last)


class Baseline(Struct):
    """The believed rate of one kind of event: `shape / hours` events per weighted hour."""

    shape: float
    hours: float

    @classmethod
    def prior(cls, per_hour: float) -> "Baseline":
        """Return the belief about an institution that has not been seen yet."""
        return cls(shape=PRIOR_SHAPE, hours=PRIOR_SHAPE / per_hour)

    def expected(self, hours: float) -> float:
        """Return the expected number of events in so many weighted hours."""
        return self.shape / self.hours * hours

    def learn(self, events: float, hours: float, elapsed: timedelta) -> None:
        """Take in what was seen over `hours` weighted hours, forgetting by the `elapsed` time.

        More than `SURGE` times what was expected counts as just that: a storm hardly moves the belief, and a
        rise that lasts becomes normal within days.
        """
        events = min(events, SURGE * self.expected(hours) + 1)
        keep = 0.5 ** (elapsed / HALF_LIFE)
        # Never fall below the prior's weight: doubt is not allowed to grow without bound.
        keep = max(keep, min(1.0, PRIOR_SHAPE / self.shape))
        self.shape = self.shape * keep + events
        self.hours = self.hours * keep + hours

    def tail(self, n: int, hours: float) -> float:
        """Return the probability of `n` or more events in so many weighted hours."""
        if n <= 0 or hours <= 0:
            return 1.0 if n <= 0 else 0.0
        log_hit = log(hours) - log(hours + self.hours)  # success probability of the negative binomial
        log_miss = -log1p(hours / self.hours)
        term = exp(
            lgamma(n + self.shape) - lgamma(self.shape) - lgamma(n + 1) + self.shape * log_miss + n * log_hit
        )
        total, k = 0.0, n
        while term > total * 1e-9 and k < n + 10_000:
            total += term
            term *= (self.shape + k) / (k + 1) * exp(log_hit)
            k += 1
        return min(1.0, total)
