"""Volume mode: what it calls in plain counts, once, and what it leaves alone."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.messages.vocabulary import StormState
from services.sentiment.backtest.timeline import MOST_BINS, Timeline
from services.sentiment.backtest.volume import Finding, Peaks, Volume

START = datetime(2026, 3, 2, tzinfo=UTC)  # the clocks change within these weeks
MINUTES = 5
BURST = START + timedelta(days=20, hours=11)


def life(mean: float, days: int = 30, *, seed: int = 1) -> list[tuple[datetime, float]]:
    """Return counts with a rhythm and more variation than chance, `mean` in five minutes."""
    draw = random.Random(seed)
    counts: list[tuple[datetime, float]] = []
    for step in range(days * 24 * 60 // MINUTES):
        at = START + timedelta(minutes=MINUTES * step)
        if at.minute == 0:
            busy = draw.gammavariate(8, 1 / 8)
        expected = mean * busy * (0.3 if at.hour < 7 else 1.3)
        counts.append((at, float(poisson(draw, expected))))
    return counts


def poisson(draw: random.Random, mean: float) -> int:
    """Return a count by chance alone."""
    n, left = 0, draw.expovariate(1.0)
    while left < mean:
        n, left = n + 1, left + draw.expovariate(1.0)
    return n


def with_burst(
    counts: list[tuple[datetime, float]], times: float, hours: float, at: datetime = BURST
) -> list[tuple[datetime, float]]:
    return [(t, n + times if at <= t < at + timedelta(hours=hours) else n) for t, n in counts]


def findings(counts: list[tuple[datetime, float]]) -> list[Finding]:
    volume = Volume()
    return [found for at, value in counts if (found := volume.take(at, value)) is not None]


@pytest.mark.parametrize("mean", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_ordinary_life_is_not_called(mean: float, seed: int) -> None:
    assert len(findings(life(mean, seed=seed))) <= 2  # an episode at most, in a month


@pytest.mark.parametrize("mean", [0.3, 3.0, 30.0])
def test_a_burst_is_called_within_half_an_hour_and_once(mean: float) -> None:
    found = [f for f in findings(with_burst(life(mean), 25 * mean, 3)) if f.onset >= BURST]

    assert [f.state for f in found] == [StormState.STORM, StormState.CLOSED]
    assert found[0].at - BURST <= timedelta(minutes=30)
    assert found[0].score >= 1
    assert found[0].n > found[0].expected
    assert found[1].onset == found[0].at


def test_an_episode_with_pauses_is_one_event() -> None:
    counts = life(3.0)
    for pause in range(0, 12, 4):
        counts = with_burst(counts, 80, 1, BURST + timedelta(hours=pause))

    assert [f.state for f in findings(counts) if f.at >= BURST] == [StormState.STORM, StormState.CLOSED]


def test_two_bursts_days_apart_are_two_events() -> None:
    counts = with_burst(with_burst(life(3.0), 80, 1), 160, 1, BURST + timedelta(days=3))

    assert [f.state for f in findings(counts) if f.at >= BURST] == [StormState.STORM, StormState.CLOSED] * 2


def test_nothing_is_called_in_the_week_of_getting_acquainted() -> None:
    early = START + timedelta(days=5, hours=11)

    assert findings(with_burst(life(3.0, days=6), 80, 3, early)) == []


def test_a_rise_that_lasts_becomes_normal() -> None:
    counts = [(at, n + 30 if at >= BURST else n) for at, n in life(3.0, days=60)]
    found = findings(counts)

    assert found[-1].state is StormState.CLOSED
    assert found[-1].at - BURST < timedelta(days=14)


@pytest.mark.parametrize("every", [1, 15, 60])
def test_any_spacing_up_to_an_hour_will_do(every: int) -> None:
    counts = with_burst(life(3.0), 80, 3)
    held: dict[datetime, float] = {}
    if every < MINUTES:
        held = {at + timedelta(minutes=m): n / MINUTES for at, n in counts for m in range(MINUTES)}
    else:
        for at, n in counts:
            end = START + ((at - START) // timedelta(minutes=every) + 1) * timedelta(minutes=every)
            held[end] = held.get(end, 0.0) + n

    found = [f for f in findings(sorted(held.items())) if f.onset >= BURST]
    assert [f.state for f in found] == [StormState.STORM, StormState.CLOSED]
    assert found[0].at - BURST <= timedelta(minutes=max(30, every))


def test_a_gap_is_not_taken_for_silence() -> None:
    counts = [(at, n) for at, n in life(3.0) if not BURST <= at < BURST + timedelta(days=3)]

    assert [f for f in findings(counts) if f.at >= BURST] == []


def test_the_bar_follows_what_a_series_does_by_itself() -> None:
    def bar(peak: Callable[[int], float]) -> float:
        peaks = Peaks()
        for day in range(60):
            peaks.learn(peak(day))
        return peaks.bar

    calm, wild = bar(lambda _: 0.5), bar(lambda _: 6.0)
    assert calm < wild
    assert bar(lambda day: 500.0 if day == 59 else 6.0) < 1.6 * wild  # one great day hardly raises it


def test_bins_widen_and_lose_nothing() -> None:
    line = Timeline()
    for hour in range(5000):
        line.add(hour * 3600.0, 2, hour % 2)
    line.add(-3600.0 * 24, 1, 0)

    assert line.seconds == 8 * 3600
    assert line.last - line.first < MOST_BINS
    assert sum(mentions for mentions, _ in line.bins.values()) == 10_001
    assert sum(negative for _, negative in line.bins.values()) == 2500
