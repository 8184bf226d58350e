"""The statistics behind the reply figures: a percentile of waiting times and an interval of a rate. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import groupby
from operator import itemgetter

_Z = 1.959964  # two-sided 95 %
_ROUNDING = 1e-9


class Outcome(IntEnum):
    """How a wait ended, so far."""

    OPEN = 0
    ANSWERED = 1
    WITHDRAWN = 2


def percentile(p: float, waits: Iterable[tuple[float, Outcome]]) -> float | None:
    """Return the wait within which a share `p` is answered; None when that share is not reached.

    Kaplan-Meier, because the mean of the answered alone forgets those still waiting. Withdrawal competes
    with an answer (Aalen-Johansen): who took a post away will never be answered.
    """
    ordered = sorted(waits)
    at_risk, surviving, reached = len(ordered), 1.0, 0.0
    wait: float
    for wait, group in groupby(ordered, key=itemgetter(0)):
        ended = Counter(outcome for _, outcome in group)
        reached += surviving * ended[Outcome.ANSWERED] / at_risk
        if ended[Outcome.ANSWERED] and reached >= p - _ROUNDING:
            return wait
        surviving *= 1 - (ended[Outcome.ANSWERED] + ended[Outcome.WITHDRAWN]) / at_risk
        at_risk -= ended.total()
    return None


def wilson(count: int, of: int, clusters: Sequence[int]) -> tuple[float, float] | None:
    """Return the 95 % interval of a rate whose cases come in `clusters` of these sizes.

    One author's conversations say less than as many authors' would, so the interval is that of Kish's
    effective number of cases; with one case an author it is the plain Wilson interval.
    """
    if not of:
        return None
    n = sum(clusters) ** 2 / sum(size**2 for size in clusters)
    rate = count / of
    middle = rate + _Z**2 / (2 * n)
    margin = _Z * math.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    low, high = (middle - margin) / scale, (middle + margin) / scale
    return max(0.0, min(low, rate)), min(1.0, max(high, rate))  # rounding must not push the rate out
