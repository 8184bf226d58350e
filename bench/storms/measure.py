"""What alarms are worth: recall, precision, false alarms, delays, and bursts that were called storms."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.storms.detectors import Alarm
from bench.storms.generate import DAY, HOUR, STORMS, WEEK, YEAR, Episode, Year

MONTHS = (YEAR - 4 * WEEK) / (365.25 * DAY / 12)  # judged of a year: not the four weeks of getting acquainted
FLASH_S, FLASH_N = 600.0, 6


@dataclass
class Result:
    """One year's outcome; delays of storms that were caught."""

    months: float = MONTHS
    storms: int = 0
    caught: int = 0
    small: int = 0
    small_caught: int = 0
    true_alarms: int = 0
    false_alarms: int = 0
    minutes: list[float] = field(default_factory=list)
    flash_minutes: list[float] = field(default_factory=list)  # of storms with six negatives in ten minutes
    mentions: list[int] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)  # of the final volume at the alarm; 1 where missed
    ends: list[float] = field(default_factory=list)  # minutes from the true end to the alarm's
    bursts: int = 0
    bursts_called: int = 0


def assess(year: Year, alarms: Sequence[Alarm]) -> Result:
    """Compare a year's alarms with what happened in it."""
    result = Result()
    claimed: set[int] = set()
    for episode in year.episodes:
        hits = [
            (number, alarm)
            for number, alarm in enumerate(alarms)
            if episode.onset <= alarm.start <= float(episode.times[-1]) + HOUR
        ]
        if episode.kind not in STORMS:
            result.bursts += 1
            result.bursts_called += bool(hits)
            continue
        claimed.update(number for number, _ in hits)
        if episode.eligible:
            _storm(result, episode, hits[0][1] if hits else None)
        else:
            result.small += 1
            result.small_caught += bool(hits)
    judged = [number for number, alarm in enumerate(alarms) if alarm.start >= 4 * WEEK]
    result.false_alarms = len(set(judged) - claimed)
    result.true_alarms = len(set(judged) & claimed)
    return result


def _storm(result: Result, episode: Episode, alarm: Alarm | None) -> None:
    result.storms += 1
    if alarm is None:
        result.shares.append(1.0)
        return
    result.caught += 1
    before = int(np.searchsorted(episode.times, alarm.start))
    result.minutes.append((alarm.start - episode.onset) / 60)
    result.mentions.append(before)
    result.shares.append(before / len(episode.times))
    result.ends.append((alarm.end - episode.end) / 60)
    if (
        np.searchsorted(episode.times, episode.onset + FLASH_S) * episode.negatives / len(episode.times)
        >= FLASH_N
    ):
        result.flash_minutes.append((alarm.start - episode.onset) / 60)


def summary(results: Sequence[Result]) -> dict[str, float]:
    """The figures of many years together."""

    def total(name: str) -> int:
        return sum(getattr(result, name) for result in results)

    def every(name: str) -> list[float]:
        return [value for result in results for value in getattr(result, name)]

    shares = np.array(every("shares"))
    return {
        "years": len(results),
        "storms": total("storms"),
        "recall": total("caught") / max(1, total("storms")),
        "precision": total("true_alarms") / max(1, total("true_alarms") + total("false_alarms")),
        "false_per_month": total("false_alarms") / sum(result.months for result in results),
        "delay_p50": _quantile(every("minutes"), 0.5),
        "delay_p90": _quantile(every("minutes"), 0.9),
        "flash_p50": _quantile(every("flash_minutes"), 0.5),
        "flashes": len(every("flash_minutes")),
        "mentions_p50": _quantile(every("mentions"), 0.5),
        "mentions_p90": _quantile(every("mentions"), 0.9),
        **{f"before_{p}": float((shares < p / 100).mean()) if len(shares) else 0.0 for p in (10, 25, 50)},
        "end_error_p50": _quantile(every("ends"), 0.5),
        "bursts": total("bursts"),
        "bursts_called": total("bursts_called") / max(1, total("bursts")),
        "small": total("small"),
        "small_recall": total("small_caught") / max(1, total("small")),
    }


def intervals(results: Sequence[Result], rounds: int = 500) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals over the years."""
    chance = np.random.default_rng(1)
    drawn = [
        summary([results[i] for i in chance.integers(len(results), size=len(results))]) for _ in range(rounds)
    ]
    return {
        name: (float(np.nanquantile(values, 0.025)), float(np.nanquantile(values, 0.975)))
        for name in ("recall", "precision", "false_per_month", "before_10", "bursts_called")
        for values in [[one[name] for one in drawn]]
    }


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else float("nan")
