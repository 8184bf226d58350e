"""Invented years of institutions: an everyday rhythm, storms of two families, and bursts that are none.

Times are seconds since the start of the year, a Monday at midnight; labels are -1, 0 and 1. Everything
follows from the seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
YEAR = 52 * WEEK
BANDS = (0.02, 0.2, 2.0, 20.0, 200.0)  # mentions an hour
TRAIN, TEST = 1_000_000, 2_000_000  # first seed of each part
CHANNELS = 5
BACKGROUND = -1

# Posts by hour of the day, mean 1: quiet nights, a lunch bump, an evening peak.
BY_HOUR = np.array(
    [0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 0.9, 1.2, 1.3, 1.3, 1.3,
     1.4, 1.3, 1.2, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 1.7, 1.3, 0.8]
)  # fmt: skip
BY_DAY = np.array([1.1, 1.1, 1.05, 1.05, 1.1, 0.8, 0.8])
# Hours of the year between which clocks are two hours ahead of UTC; else they are one.
SUMMER = (83 * 24 + 1, 293 * 24 + 1)
HOLIDAYS = (0, 95, 116, 124, 134, 145, 358, 359)  # days on which people are elsewhere
# What a classifier makes of a true label; rows negative, neutral, positive.
CONFUSION = np.array([[0.80, 0.14, 0.06], [0.08, 0.87, 0.05], [0.08, 0.10, 0.82]])


class Kind(StrEnum):
    """What an episode is; the first two are storms."""

    CASCADE = "cascade"
    RAMP = "ramp"
    CAMPAIGN = "campaign"
    AWARD = "award"
    COMPLIMENT = "compliment"
    VACANCIES = "vacancies"
    NEWS = "national news"
    BOT = "copied text"
    ANGRY_MAN = "angry man"
    CROWD = "happy crowd"


STORMS = (Kind.CASCADE, Kind.RAMP)
BENIGN = tuple(kind for kind in Kind if kind not in STORMS)


@dataclass
class Episode:
    """A storm or a benign burst, and what of it can be measured only when it is over."""

    kind: Kind
    times: NDArray[np.float64]  # of all its posts
    negatives: int = 0
    authors: int = 0  # distinct, of its negative posts
    steepest: float = 0.0  # negatives of its busiest six hours, as a multiple of what was expected in them

    @property
    def onset(self) -> float:
        """When its first post came."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """When 95 % of it had come."""
        return float(np.quantile(self.times, 0.95))

    @property
    def eligible(self) -> bool:
        """Whether it is large enough that a detector is expected to find it."""
        return self.negatives >= 30 and self.authors >= 15 and self.steepest >= 3


@dataclass
class Posts:
    """Posts in order of time, a value each."""

    time: NDArray[np.float64]
    label: NDArray[np.int8]  # as the classifier read it
    author: NDArray[np.int64]
    text: NDArray[np.int64]  # the same number for copies of one text
    reshare: NDArray[np.bool_]
    channel: NDArray[np.int8]
    episode: NDArray[np.int16]  # index of the episode, or BACKGROUND

    def __len__(self) -> int:
        return len(self.time)


@dataclass
class Year:
    """One institution for 52 weeks; the first four are for getting acquainted and hold no episode."""

    seed: int
    band: float
    posts: Posts
    episodes: list[Episode] = field(default_factory=list)


@dataclass
class Person:
    """How one institution differs from the next."""

    rate: float  # mentions an hour
    negative: float  # share
    positive: float
    shift: int  # hours
    noise: float  # squared coefficient of variation of an hour's rate

    @classmethod
    def drawn(cls, band: float, chance: Generator) -> "Person":
        """Draw one within its band."""
        return cls(
            rate=band * float(chance.lognormal(0.0, 0.3)),
            negative=float(chance.beta(5, 15)),
            positive=float(chance.beta(6, 14)),
            shift=int(chance.integers(-2, 3)),
            # Few people post in fits and starts; many even each other out.
            noise=float(chance.uniform(0.05, 0.25) + chance.uniform(0.0, 0.6) / (1 + band)),
        )

    def rates(self, chance: Generator) -> NDArray[np.float64]:
        """Mentions expected in each hour of the year."""
        number = np.arange(int(YEAR / HOUR))
        # The year begins at midnight UTC; people live by the clock on their wall.
        hours = number + 1 + ((number >= SUMMER[0]) & (number < SUMMER[1]))
        day = hours // 24
        profile = BY_HOUR[(hours - self.shift) % 24] * BY_DAY[day % 7]
        profile[np.isin(day, HOLIDAYS)] *= 0.5
        drift = np.cumsum(chance.normal(0, 0.08, 53))
        return np.asarray(self.rate * profile * np.exp(drift - drift.mean())[number // 168])


def year(seed: int, band: float, families: tuple[Kind, ...], storms: int, bursts: int) -> Year:
    """Invent a year with so many storms of the given families and so many benign bursts."""
    chance = np.random.default_rng(seed)
    person = Person.drawn(band, chance)
    rates = person.rates(chance)
    parts = [everyday(person, rates, chance)]
    kinds = [families[i % len(families)] for i in range(storms)]
    kinds += [BENIGN[(seed + i) % len(BENIGN)] for i in range(bursts)]
    episodes: list[Episode] = []
    slots = chance.permutation(np.linspace(4.5 * WEEK, YEAR - 1.5 * WEEK, len(kinds)))
    for kind, slot in zip(kinds, slots, strict=True):
        start = slot + chance.uniform(-0.3, 0.3) * (YEAR / (len(kinds) + 1))
        start = daytime(float(np.clip(start, 4.2 * WEEK, YEAR - WEEK)), chance)
        expected = float(rates[int(start / HOUR) : int(start / HOUR) + 6].sum()) * person.negative
        made = MAKERS[kind](start, expected, chance)
        made.episode[:] = len(episodes)
        inside = made.time < YEAR
        made = chosen(made, np.flatnonzero(inside))
        episodes.append(measured(kind, made, rates, person))
        parts.append(made)
    posts = joined(parts)
    posts.label = misread(posts.label, chance)
    return Year(seed, band, posts, episodes)


def year_of(part: int, band: float, number: int) -> Year:
    """One year of a part: cascades only for training, both families for testing."""
    families = (Kind.CASCADE,) if part == TRAIN else STORMS
    storms = 2 if band <= 2 else 6
    return year(part + number + int(band * 1000) * 10_000, band, families, storms, storms + 6)


def years(part: int, band: float, count: int) -> Iterator[Year]:
    """The first years of a part."""
    for number in range(count):
        yield year_of(part, band, number)


def everyday(person: Person, rates: NDArray[np.float64], chance: Generator) -> Posts:
    """Life without episodes: over-dispersed hours, and now and then a post that draws a few replies."""
    noise = chance.gamma(1 / person.noise, person.noise, len(rates))
    counts = chance.poisson(rates * noise)
    time = np.repeat(np.arange(len(rates)) * HOUR, counts) + chance.uniform(0, HOUR, counts.sum())
    label = chance.choice([-1, 1, 0], len(time), p=shares(person.negative, person.positive))
    drawn = chance.poisson(np.where(label == -1, 0.25, 0.05))
    parents = np.repeat(np.arange(len(time)), drawn)
    replies = time[parents] + chance.exponential(0.7 * HOUR, len(parents))
    kept = replies < YEAR
    moods = np.where(chance.random(len(parents)) < 0.5, label[parents], 0)
    return posts(
        np.concatenate([time, replies[kept]]),
        np.concatenate([label, moods[kept]]),
        chance,
        new_author=0.7,
        copies=0.03,
        reshares=0.05,
        authors=max(20, int(person.rate * 300)),
    )


def cascade(start: float, expected: float, chance: Generator) -> Posts:
    """A storm that feeds itself: every post draws others soon and later (a Hawkes process), by day more."""
    size = storm_size(expected, chance)
    ratio = chance.uniform(0.75, 0.97)
    fast = chance.uniform(3, 20) * 60
    slow = chance.uniform(1, 5) * HOUR
    seeds = max(2, int(size * (1 - ratio)))
    spread = chance.uniform(0.2, 8) * HOUR
    times = list(start + np.sort(chance.gamma(2.0, spread / 2, seeds)) - 0.0)
    generation = np.array(times)
    while len(times) < size and len(generation):
        awake = BY_HOUR[((generation / HOUR) % 24).astype(int)] ** 0.5
        drawn = chance.poisson(ratio * np.minimum(awake, 1.2))
        parents = np.repeat(generation, drawn)
        delays = np.where(
            chance.random(len(parents)) < 0.6,
            chance.exponential(fast, len(parents)),
            chance.exponential(slow, len(parents)),
        )
        generation = parents + delays
        times += list(generation)
    return storm_posts(np.sort(np.array(times[: int(size * 1.3)])), chance)


def ramp(start: float, expected: float, chance: Generator) -> Posts:
    """A storm that swells and dies down: a ramp of minutes to half a day, then a heavy tail."""
    size = storm_size(expected, chance)
    rise = np.exp(chance.uniform(np.log(5 * 60), np.log(12 * HOUR)))
    power = chance.uniform(1.2, 2.2)
    rising = chance.uniform(0.15, 0.5)
    up = chance.random(size) < rising
    before = rise * chance.random(size) ** (1 / chance.uniform(1.5, 3.0))
    after = rise * (1 + (chance.random(size) ** (-1 / power) - 1) * chance.uniform(0.5, 2.0))
    return storm_posts(start + np.sort(np.where(up, before, np.minimum(after, 5 * DAY))), chance)


def storm_size(expected: float, chance: Generator) -> int:
    """Posts in all: 25 to 3,000 for the quiet, more where more is normal; some too small to be eligible."""
    floor = max(25.0, 3 * expected)
    return int(min(20_000, floor * np.exp(chance.uniform(0, np.log(60 if floor < 60 else 15)))))


def storm_posts(times: NDArray[np.float64], chance: Generator) -> Posts:
    """A storm's posts: mostly negative, by many people, on one channel first."""
    negative = chance.uniform(0.55, 0.9)
    positive = (1 - negative) * chance.uniform(0.1, 0.5)
    made = posts(
        times,
        chance.choice([-1, 1, 0], len(times), p=shares(negative, positive)),
        chance,
        new_author=chance.uniform(0.75, 0.95),
        copies=chance.uniform(0.03, 0.2),
        reshares=chance.uniform(0.1, 0.5),
    )
    spread = times[0] + chance.exponential(4 * HOUR, CHANNELS)
    home = int(chance.integers(CHANNELS))
    away = chance.integers(CHANNELS, size=len(times))
    made.channel = np.where(times >= spread[away], away, home).astype(np.int8)
    return made


def benign(
    low: int,
    high: int,
    hours: tuple[float, float],
    negative: tuple[float, float],
    positive: tuple[float, float],
) -> Callable[[float, float, Generator], Posts]:
    """A burst of so many posts over so many hours, with shares of negative and positive ones."""

    def make(start: float, expected: float, chance: Generator) -> Posts:
        size = int(np.exp(chance.uniform(np.log(low), np.log(high)))) + int(expected * chance.uniform(0, 10))
        times = start + np.sort(chance.gamma(1.5, chance.uniform(*hours) * HOUR / 1.5, size))
        bad, good = chance.uniform(*negative), chance.uniform(*positive)
        labels = chance.choice([-1, 1, 0], size, p=shares(bad, min(good, 1 - bad)))
        return posts(times, labels, chance, new_author=0.85, copies=0.05, reshares=chance.uniform(0.1, 0.5))

    return make


def copied_text(start: float, expected: float, chance: Generator) -> Posts:
    """A robot: one negative text under many names, some of it with small changes."""
    size = int(chance.integers(20, 300)) + int(expected * chance.uniform(0, 5))
    times = start + np.sort(chance.uniform(0, chance.uniform(0.3, 12) * HOUR, size))
    made = posts(times, np.full(size, -1), chance, new_author=0.95, copies=0, reshares=0)
    made.text = np.where(chance.random(size) < 0.97, made.text[0], made.text)
    return made


def angry_man(start: float, expected: float, chance: Generator) -> Posts:
    """One person who does not stop, and once in a while somebody who answers."""
    size = int(chance.integers(15, 60)) + int(expected)
    times = start + np.sort(chance.gamma(1.5, chance.uniform(1, 12) * HOUR / 1.5, size))
    his = chance.random(size) < 0.92
    labels = np.where(his, -1, chance.choice([-1, 0, 1], size))
    made = posts(times, labels, chance, new_author=0.95, copies=0.05, reshares=0)
    made.author = np.where(his, made.author[0], made.author)
    return made


MAKERS = {
    Kind.CASCADE: cascade,
    Kind.RAMP: ramp,
    Kind.CAMPAIGN: benign(40, 400, (12, 72), (0.02, 0.08), (0.3, 0.6)),
    Kind.AWARD: benign(30, 300, (3, 24), (0.0, 0.04), (0.7, 0.95)),
    Kind.COMPLIMENT: benign(40, 1500, (2, 24), (0.0, 0.05), (0.75, 0.95)),
    Kind.VACANCIES: benign(20, 150, (2, 48), (0.0, 0.02), (0.05, 0.2)),
    Kind.NEWS: benign(40, 800, (3, 30), (0.04, 0.15), (0.02, 0.1)),
    Kind.BOT: copied_text,
    Kind.ANGRY_MAN: angry_man,
    Kind.CROWD: benign(100, 2000, (2, 12), (0.0, 0.03), (0.7, 0.9)),
}


def posts(
    time: NDArray[np.float64],
    label: NDArray[np.int64],
    chance: Generator,
    *,
    new_author: float,
    copies: float,
    reshares: float,
    authors: int = 0,
) -> Posts:
    """Posts at these times; not every author is new, and not every text."""
    size = len(time)
    own = chance.integers(1 << 40, 1 << 60, size=size)
    pool = chance.integers(1 << 20, 1 << 40, size=authors) if authors else own[: max(1, size // 10)]
    author = np.where(chance.random(size) < new_author, own, chance.choice(pool, size))
    text = chance.integers(1 << 40, 1 << 60, size=size)
    earlier = (chance.random(size) * np.arange(size)).astype(int)
    text = np.where(chance.random(size) < copies, text[earlier], text)
    return Posts(
        time=time,
        label=label.astype(np.int8),
        author=author,
        text=text,
        reshare=chance.random(size) < reshares,
        channel=chance.integers(CHANNELS, size=size).astype(np.int8),
        episode=np.full(size, BACKGROUND, dtype=np.int16),
    )


def measured(kind: Kind, made: Posts, rates: NDArray[np.float64], person: Person) -> Episode:
    """What the episode was, by its true labels."""
    bad = made.time[made.label == -1]
    steepest = 0.0
    if len(bad):
        ends = np.searchsorted(bad, bad + 6 * HOUR)
        most = int(np.argmax(ends - np.arange(len(bad))))
        hour = int(bad[most] / HOUR)
        expected = float(rates[hour : hour + 6].sum()) * person.negative
        steepest = (ends[most] - most) / max(expected, 1e-9)
    return Episode(
        kind, made.time, len(bad), len(set(made.author[made.label == -1].tolist())), float(steepest)
    )


def misread(label: NDArray[np.int8], chance: Generator) -> NDArray[np.int8]:
    """The labels as a classifier would give them."""
    limits = CONFUSION.cumsum(axis=1)[label + 1]
    return np.asarray((chance.random(len(label))[:, None] > limits).sum(axis=1) - 1, dtype=np.int8)


def shares(negative: float, positive: float) -> list[float]:
    """Probabilities of -1, 1 and 0."""
    return [negative, positive, max(0.0, 1 - negative - positive)]


def daytime(start: float, chance: Generator) -> float:
    """The same day at an hour at which people post."""
    day = start // DAY * DAY
    return float(day + chance.choice(24, p=BY_HOUR / BY_HOUR.sum()) * HOUR + chance.uniform(0, HOUR))


def chosen(given: Posts, index: NDArray[np.int64]) -> Posts:
    """Some of the posts."""
    return Posts(**{name: values[index] for name, values in vars(given).items()})


def joined(parts: list[Posts]) -> Posts:
    """All posts in order of time."""
    names = vars(parts[0])
    together = Posts(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    return chosen(together, np.argsort(together.time, kind="stable"))
