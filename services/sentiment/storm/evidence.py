"""How strongly a count speaks against what was expected."""

from math import log


def evidence(n: float, expected: float, shape: float) -> float:
    """Return the generalised log-likelihood ratio, in nats, of a higher rate against the expected one.

    `n` events were seen where a negative-binomial count with this mean and shape was expected; at or below
    the mean there is none. Tested over several look backs at every moment it is a window-limited sequential
    test (Höhle and Paul, Count data regression charts, CSDA 2008); exp(-evidence) bounds the probability
    of such a count (Chernoff), so that 7 nats are at most one in a thousand and 14 one in a million.
    """
    if n <= expected:
        return 0.0
    if expected <= 0:
        return float("inf")
    return n * log(n / expected) - (n + shape) * log((n + shape) / (expected + shape))


def shortfall(n: float, expected: float, shape: float) -> float:
    """Return that of a lower rate; exp(-shortfall) bounds the probability of so few, exactly of none."""
    if n >= expected:
        return 0.0
    seen = n * log(n / expected) if n else 0.0
    return seen - (n + shape) * log((n + shape) / (expected + shape))


def share_evidence(found: float, of: float, usual: float) -> float:
    """Return the log-likelihood ratio, in nats, of a higher share than `usual`, after `found` of so many."""
    share = found / of if of > 0 else 0.0
    if share <= usual:
        return 0.0
    rest = of - found
    return found * log(share / usual) + (rest * log(rest / of / (1 - usual)) if rest > 0 else 0.0)
