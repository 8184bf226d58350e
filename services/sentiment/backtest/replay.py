"""Posts in the order of a file through the detectors, with ticks in recorded time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.messages.records import Incident, ScoredMention
from services.messages.vocabulary import Size
from services.sentiment.storm.detector import Detector
from services.sentiment.storm.window import Sighting, sighting

MINUTE_S = 60
OPEN_STEP_S = 300  # between two looks at an incident during which nothing is said
LATEST = timedelta(
    days=1
)  # a post that stands later than this behind the newest is no late one: it is misplaced


class DisorderError(ValueError):
    """A post more than a day older than the newest one above it."""


class Watched:
    """The detector and clock of an institution and its parts: the minute of their newest post."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.newest = 0
        self._now = 0
        self._taken = 0

    def take(self, scored: ScoredMention, seen: Sighting) -> list[Incident]:
        """Take a post in, and let the minute before it be judged when it is the first of its own."""
        steps: list[Incident] = []
        minute = seen.at // MINUTE_S * MINUTE_S + MINUTE_S
        if minute > self._now:
            if self._taken:
                steps = self.pass_time(minute - 1)
            self._now = minute
        self.newest = max(self.newest, seen.at)
        self.detector.take(self._taken, seen, scored.institution)
        self._taken += 1
        return steps

    def pass_time(self, until: int) -> list[Incident]:
        """Judge what was taken in, and while an incident is open also the silence up to a moment."""
        steps = self._tick()
        while self.detector.incident is not None and self._now + OPEN_STEP_S <= until:
            self._now += OPEN_STEP_S
            steps += self._tick()
        return steps

    def _tick(self) -> list[Incident]:
        return self.detector.tick(datetime.fromtimestamp(self._now, UTC), self._taken)


class Replay:
    """The detectors of every institution that has been read about."""

    def __init__(self, size_of: Callable[[str], Size]) -> None:
        self._size_of = size_of
        self._watched: dict[str, Watched] = {}

    def take(self, scored: ScoredMention) -> tuple[Sighting, list[Incident]]:
        """Take a post in; return what the detector sees of it, and the steps of the time before it.

        Raises:
            DisorderError: it is too far from its place for the decisions to mean anything.

        """
        name, seen = scored.watched_as, sighting(scored)
        watched = self._watched.get(name)
        if watched is None:
            watched = self._watched[name] = Watched(self._fresh(name))
        if scored.institution not in (name, *watched.detector.parts):
            watched.detector.join(self._fresh(scored.institution))
        if watched.newest - seen.at > LATEST.total_seconds():
            raise DisorderError
        return seen, watched.take(scored, seen)

    def _fresh(self, name: str) -> Detector:
        return Detector.fresh(name, self._size_of(name))

    def finish(self) -> list[Incident]:
        """Let time pass for all until the newest post of any; what came after it is not known."""
        end = max((watched.newest for watched in self._watched.values()), default=0)
        return [step for watched in self._watched.values() for step in watched.pass_time(end)]

    @property
    def institutions(self) -> int:
        """How many have been read about."""
        return sum(1 + len(watched.detector.parts) for watched in self._watched.values())

    @property
    def open(self) -> int:
        """How many incidents had not closed when the posts ended."""
        return sum(watched.detector.incident is not None for watched in self._watched.values())
