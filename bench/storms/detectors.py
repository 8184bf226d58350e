"""Our detector and its rivals: a year's posts in, alarms out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bench.storms.generate import DAY, HOUR, WEEK, YEAR, Posts, Year
from services.messages.records import Incident
from services.messages.vocabulary import Size, StormState
from services.sentiment.storm.detector import Detector
from services.sentiment.storm.window import Sighting

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
OURS = "Stormwacht"
STEP = 600.0  # seconds between two looks of a rival
MERGED = 6 * HOUR  # alarms closer than this are one
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E952767F0B153D27B7F0347045B5BF1827F
EVERY_BIT = (1 << 512) - 1


@dataclass(frozen=True)
class Alarm:
    """One alarm; seconds since the start of the year."""

    start: float
    end: float


def replay(year: Year) -> list[Incident]:
    """Run the posts of a year through our class, with a tick after every minute that held some."""
    detector = Detector.fresh("instelling", size_of(year.band))
    steps: list[Incident] = []
    offset = 0
    now = 0.0
    for at, sighting in sightings(year.posts):
        minute = at // 60 * 60 + 60
        if minute > now:
            if offset:
                steps += detector.tick(START + timedelta(seconds=now), offset)
            while detector.incident is not None and now + 300 < minute:
                now += 300
                steps += detector.tick(START + timedelta(seconds=now), offset)
            now = minute
        detector.take(offset, sighting)
        offset += 1
    while now < YEAR and (now == minute or detector.incident is not None):
        steps += detector.tick(START + timedelta(seconds=now), offset)
        now += 300
    return steps


def size_of(band: float) -> Size:
    """The size that the operator of such an institution would give."""
    return Size.SMALL if band < 0.1 else Size.MEDIUM if band < 1 else Size.LARGE


def sightings(posts: Posts) -> Iterator[tuple[float, Sighting]]:
    """The posts as the detector takes them; fingerprints of different texts have nothing in common."""
    start = START.timestamp()
    return (
        (
            at,
            Sighting(
                at=int(start + at),
                post=f"{number:x}",
                revision=0,
                author=author & 0xFFFFFFFF,
                voice=True,
                negative=label < 0,
                positive=label > 0,
                reshare=reshare,
                fingerprint=(text * SPREAD & EVERY_BIT).to_bytes(64),
            ),
        )
        for number, (at, label, author, text, reshare) in enumerate(
            zip(
                posts.time.tolist(),
                posts.label.tolist(),
                posts.author.tolist(),
                posts.text.tolist(),
                posts.reshare.tolist(),
                strict=True,
            )
        )
    )


def alarms_of(steps: list[Incident]) -> list[Alarm]:
    """From the step to `storm` until the incident eases or closes; steps closer than six hours are one."""
    found: list[Alarm] = []
    began: float | None = None
    for step in steps:
        at = (step.at - START).total_seconds()
        if step.state is StormState.STORM and began is None:
            began = at
        elif step.state in (StormState.EASING, StormState.CLOSED) and began is not None:
            found.append(Alarm(began, at))
            began = None
    if began is not None:
        found.append(Alarm(began, YEAR))
    return merged(found)


def merged(alarms: list[Alarm]) -> list[Alarm]:
    """The alarms, with those joined that follow each other within six hours."""
    joined: list[Alarm] = []
    for alarm in alarms:
        if joined and alarm.start - joined[-1].end < MERGED:
            joined[-1] = Alarm(joined[-1].start, max(alarm.end, joined[-1].end))
        else:
            joined.append(alarm)
    return joined


Values = NDArray[np.float64]


def above(statistic: Values, threshold: float) -> list[Alarm]:
    """Alarms of a statistic that is looked at every ten minutes."""
    over = np.flatnonzero(statistic > threshold)
    return merged([Alarm((i + 1) * STEP, (i + 2) * STEP) for i in over.tolist()])


def negatives(year: Year) -> Values:
    """Negative posts in each ten minutes."""
    bins = np.arange(0, YEAR + STEP, STEP)
    return np.histogram(year.posts.time[year.posts.label < 0], bins)[0].astype(float)


def rolling(counts: Values, seconds: float) -> Values:
    """The sum of the last so many seconds."""
    steps = int(seconds / STEP)
    total = np.concatenate([[0.0], counts.cumsum()])
    ends = np.arange(1, len(total))
    return np.asarray(total[ends] - total[np.maximum(0, ends - steps)])


def earlier(values: Values, seconds: float) -> Values:
    """The values of so long ago; 0 before there were any."""
    steps = int(seconds / STEP)
    return np.concatenate([np.zeros(steps), values[:-steps]])


def fixed(counts: Values) -> Values:
    """Negative posts in the last hour."""
    return rolling(counts, HOUR)


def deviations(counts: Values) -> Values:
    """The last hour against mean and deviation of the hours of the week before (Huginn's peak detector)."""
    hour = rolling(counts, HOUR)
    return scored(
        hour, earlier(rolling(hour, WEEK), HOUR), earlier(rolling(hour**2, WEEK), HOUR), WEEK / STEP
    )


def meltwater(counts: Values) -> Values:
    """The last hour against the twelve before, and the same hour a day and a week ago (Meltwater)."""
    hour = rolling(counts, HOUR)
    usual = earlier(rolling(counts, 12 * HOUR), HOUR) / 12
    for ago in (DAY, WEEK):
        usual = np.maximum(usual, earlier(hour, ago))
    return np.where(hour >= 3, hour / np.maximum(usual, 1.0), 0.0)


def same_weekday(counts: Values) -> Values:
    """The last hour against the same hour of the four weeks before (Salesforce)."""
    hour = rolling(counts, HOUR)
    past = np.stack([earlier(hour, weeks * WEEK) for weeks in range(1, 5)])
    return np.asarray((hour - past.mean(0)) / np.maximum(past.std(0), 1.0))


def weekly(counts: Values) -> Values:
    """The last day against the seven before, as a z-score (obsei)."""
    day = rolling(counts, DAY)
    past = np.stack([earlier(day, days * DAY) for days in range(1, 8)])
    return np.asarray((day - past.mean(0)) / np.maximum(past.std(0), 0.5))


def ears_c2(counts: Values) -> Values:
    """EARS C2: the last day against seven days that ended two days before."""
    day = rolling(counts, DAY)
    past = np.stack([earlier(day, days * DAY) for days in range(3, 10)])
    return np.asarray((day - past.mean(0)) / np.maximum(past.std(0, ddof=1), 0.2))


def cusum(counts: Values) -> Values:
    """Poisson CUSUM for a threefold rate, on the mean of the four weeks before."""
    mean = np.maximum(earlier(rolling(counts, 4 * WEEK), HOUR) / (4 * WEEK / STEP), 1e-4)
    steps = (counts - mean * (3 - 1) / np.log(3)) * np.log(3)
    total = np.concatenate([[0.0], steps.cumsum()])
    return np.asarray(total[1:] - np.minimum.accumulate(total)[1:])


def at_random(counts: Values) -> Values:
    """No look at the posts at all."""
    return np.random.default_rng(int(counts.sum())).exponential(1.0, len(counts))


def scored(value: Values, total: Values, squares: Values, n: float) -> Values:
    """A z-score from running sums."""
    mean = total / n
    deviation = np.sqrt(np.maximum(squares / n - mean**2, 0.0))
    return np.asarray((value - mean) / np.maximum(deviation, 0.3))


RIVALS: dict[str, Callable[[Values], Values]] = {
    "fixed number an hour": fixed,
    "mean + k sd": deviations,
    "1 h v 12 h, day and week": meltwater,
    "same weekday of 4 weeks": same_weekday,
    "weekly z-score": weekly,
    "EARS C2": ears_c2,
    "plain CUSUM": cusum,
    "random": at_random,
}
