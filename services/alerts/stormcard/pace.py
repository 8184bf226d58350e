"""How fast a storm goes: by the hour, its growth, and an honest guess at the next hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, log1p

from services.alerts.stormcard.card import Forecast, Growth, Hour, ids
from services.messages.records import ScoredMention

MOST_HOURS = 48  # the newest ones
LEAST_SPAN = timedelta(minutes=10)  # of a younger storm nothing is said about its pace
MOST_GROWTH = 2.0  # in one span, up or down; nothing doubles for long
SMOOTHING = 2.0  # posts on both sides, so that 3 after 1 is no trebling
DAMPED = 0.5  # power of the growth that is carried on
UNSTEADY = 0.5  # variance of a pace from one hour to the next, as a share of its square
_QUANTILES = (0.1, 0.5, 0.9)
_HOUR = timedelta(hours=1)


def grown(voices: Sequence[ScoredMention], onset: datetime, now: datetime) -> Growth | None:
    """Compare the last hour with the one before it; halves of the storm when it is younger than that."""
    span = min(_HOUR, (now - onset) / 2)
    if span < LEAST_SPAN:
        return None
    last = [one for one in voices if one.mention.event_time > now - span]
    before = sum(now - 2 * span < one.mention.event_time <= now - span for one in voices)
    if span < _HOUR:
        before = len(voices) - len(last)  # the onset itself belongs to the first half
    factor = (len(last) + SMOOTHING) / (before + SMOOTHING)
    return Growth(
        hours=_by_hour(voices, onset, now),
        span=span / _HOUR,
        last=len(last),
        before=before,
        factor=min(MOST_GROWTH, max(1 / MOST_GROWTH, factor)),
        posts=ids(last),
    )


def _by_hour(voices: Sequence[ScoredMention], onset: datetime, now: datetime) -> tuple[Hour, ...]:
    hours: dict[int, list[str]] = {at: [] for at in range((now - onset) // _HOUR + 1)}
    for one in voices:
        hours[(one.mention.event_time - onset) // _HOUR].append(one.mention.author)
    course = [Hour(onset + at * _HOUR, len(found), len(set(found))) for at, found in sorted(hours.items())]
    return tuple(course[-MOST_HOURS:])


def forecast(growth: Growth) -> Forecast:
    """Carry the pace on for an hour, with half of its bounded growth (a damped trend).

    The count of a Poisson process of which one span was seen is negative-binomial (Gelman et al., Bayesian
    Data Analysis, 3rd edition, section 2.6; Jeffreys' prior). A storm is no such steady process, so the
    pace has a spread of its own. `DAMPED` and `UNSTEADY` were chosen on storms that `bench/storms` invents,
    where the interval then holds the next hour 8 times in 10. What news will do is not in it.
    """
    mean = (growth.last + 0.5) / growth.span * growth.factor**DAMPED
    shape = 1 / (1 / (growth.last + 0.5) + UNSTEADY)
    low, expected, high = _quantiles(mean, shape)
    return Forecast(expected=expected, low=low, high=high, posts=growth.posts)


def _quantiles(mean: float, shape: float) -> list[int]:
    """Return the counts below or at which a negative-binomial one falls with the chances `_QUANTILES`."""
    chance = exp(-shape * log1p(mean / shape))
    total, count, found = chance, 0, []
    for quantile in _QUANTILES:
        while total < quantile:
            chance *= (count + shape) / (count + 1) * mean / (mean + shape)
            count += 1
            total += chance
        found.append(count)
    return found


def busiest(voices: Sequence[ScoredMention]) -> list[ScoredMention]:
    """Return the posts, in order of time, of the hour that had most different authors."""
    best: tuple[int, int, int] = (0, 0, 0)
    start = 0
    inside: dict[str, int] = {}
    for end, one in enumerate(voices):
        inside[one.mention.author] = inside.get(one.mention.author, 0) + 1
        while one.mention.event_time - voices[start].mention.event_time >= _HOUR:
            leaving = voices[start].mention.author
            inside[leaving] -= 1
            if not inside[leaving]:
                del inside[leaving]
            start += 1
        if len(inside) > best[0]:
            best = (len(inside), start, end + 1)
    return list(voices[best[1] : best[2]])
