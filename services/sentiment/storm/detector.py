"""The detector of one institution: a serialisable state that mentions and ticks move; it returns steps."""

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from services.messages.records import Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Size, StormState
from services.sentiment.storm.baseline import PRIOR_PER_HOUR, Baseline, exposure
from services.sentiment.storm.ladder import HORIZONS, Horizon, Strength, judge, next_state, strength, unusual
from services.sentiment.storm.window import SPAN, Sighting, Window, count, sighting

VERSION = 1  # of the stored state; another one starts afresh
VOLUME_PER_NEGATIVE = 5.0  # mentions per negative one, before an institution has a history
MOST_EVIDENCE = 20
MOST_AUTHORS = 2_000  # remembered per incident; beyond it the number of authors stops growing
SEEN_LATE = timedelta(hours=1)  # behind the clock, from which an opening says that it was seen late
HOUR = timedelta(hours=1)
EPOCH = datetime.fromtimestamp(0, UTC)


class StateError(ValueError):
    """A stored state of another version."""


class Open(Struct):
    """The incident that is going on."""

    id: str
    seq: int  # -1: not told yet
    state: StormState
    onset: datetime
    unusual_at: datetime  # when the hour before was last out of the ordinary
    stepped_at: datetime  # when it took its last step
    peak: Strength = msgspec.field(default_factory=Strength)
    n: int = 0
    authors: list[str] = []
    evidence: list[str] = []


class Detector(Struct):
    """Everything remembered about one institution; `applied` and `now` make a repeat harmless."""

    institution: str
    negative: Baseline
    volume: Baseline
    applied: int = 0  # offset in `scored` below which everything has been taken in
    now: datetime = EPOCH  # the last tick acted upon
    learned_to: datetime = EPOCH  # whole hour up to which the baselines have learned; the epoch: not begun
    incidents_offset: int = 0  # offset in `incidents` below which this institution's steps stand
    window: Window = msgspec.field(default_factory=Window)
    pending: list[tuple[int, Sighting]] = []  # offset and sighting of what no tick has released yet
    incident: Open | None = None
    spent_to: datetime = EPOCH  # what a closed incident rested on opens no second one

    @classmethod
    def fresh(cls, institution: str, size: Size) -> "Detector":
        """Return the detector of an institution that has not been seen yet."""
        rate = PRIOR_PER_HOUR[size]
        return cls(
            institution=institution,
            negative=Baseline.prior(rate),
            volume=Baseline.prior(rate * VOLUME_PER_NEGATIVE),
        )

    def apply(self, offset: int, scored: ScoredMention) -> bool:
        """Take a record of `scored` in; return False when it was taken in before."""
        return self._take(offset, sighting(scored))

    def forget(self, offset: int, post: str) -> bool:
        """Take in that a post was erased; return False when that was taken in before."""
        return self._take(offset, Sighting.erased(post))

    def _take(self, offset: int, seen: Sighting) -> bool:
        if offset < self.applied:
            return False
        self.applied = offset + 1
        self.pending.append((offset, seen))
        return True

    def tick(self, now: datetime, scored_offset: int) -> list[Incident]:
        """Judge everything up to `now` that stands below `scored_offset`.

        A tick that is not later than the last one does nothing.
        """
        if now <= self.now:
            return []
        self.now = now
        for seen in self._due(now, scored_offset):
            if self.learned_to == EPOCH and seen.voice:
                # Its time begins with the first voice, whenever that was read; not with what was imported.
                self.learned_to = seen.at.replace(minute=0, second=0, microsecond=0)
            self._learn(seen.at)
            self._see(seen)
        self._learn(now)
        return self._step(now)

    def _due(self, now: datetime, scored_offset: int) -> list[Sighting]:
        """Take what the tick releases, in order of time whatever order it came in."""
        due, later = [], []
        for offset, seen in self.pending:
            if offset < scored_offset and seen.at <= now:
                due.append(seen)
            else:
                later.append((offset, seen))
        self.pending = later
        return sorted(due, key=lambda seen: (seen.at, seen.post, seen.revision))

    def _see(self, seen: Sighting) -> None:
        """Put a post into the window; an id counts once, and its highest revision wins."""
        if not self.window.replaces(seen):
            return
        new = self.window.put(seen)
        incident = self.incident
        if incident is None:
            return
        if not seen.voice and seen.post in incident.evidence:
            incident.evidence = [post for post in incident.evidence if post != seen.post]
        elif new and seen.at >= incident.onset:
            _count(incident, seen)

    def _learn(self, to: datetime) -> None:
        """Let hours of which a day has passed become baseline.

        It learns by whole hours of event time, so that it does not matter when the ticks came; and a day
        late, so that nothing is judged by a baseline that it is part of.
        """
        while EPOCH < self.learned_to <= to - HOUR:
            self.learned_to += HOUR
            past = self.window.finish(self.learned_to - SPAN - HOUR)
            if past is None:
                continue
            hours = exposure(past.start, past.start + HOUR)
            self.negative.learn(past.voices, hours, HOUR)
            self.volume.learn(past.mentions, hours, HOUR)

    def _look_back(self, now: datetime) -> list[Horizon]:
        looks = []
        for span in HORIZONS:
            start = max(now - span, self.spent_to)
            counts = count(self.window.between(start, now))
            hours = exposure(start, now)
            looks.append(
                Horizon(
                    hours=span / HOUR,
                    counts=counts,
                    expected_authors=self.negative.expected(hours),
                    surprise=self.negative.tail(counts.authors, hours),
                    burst_surprise=self.negative.tail(counts.negative, hours),
                    volume_surprise=self.volume.tail(counts.mentions, hours),
                )
            )
        return looks

    def _step(self, now: datetime) -> list[Incident]:
        if self.incident is None and not self.window.sightings:
            return []  # nothing has been said for a day, and nothing is open
        looks = self._look_back(now)
        verdict = judge(looks)
        incident = self.incident
        if incident is None:
            if verdict.state is None:
                return []
            incident = self.incident = self._open(now, verdict.state, verdict.horizon)
            return [self._emit(incident, now, verdict.state, (*verdict.reasons, *self._late(now)))]
        if unusual(looks):
            incident.unusual_at = now
        found = strength(looks)
        incident.peak = incident.peak.highest(found)
        state, reasons = next_state(
            incident.state,
            verdict,
            now_strength=found,
            peak=incident.peak,
            since_step=now - incident.stepped_at,
            quiet_hours=exposure(incident.unusual_at, now),
        )
        return [] if state is incident.state else [self._emit(incident, now, state, reasons)]

    def _open(self, now: datetime, state: StormState, horizon: float) -> Open:
        """Open an incident at the first negative post of the look back that is out of the ordinary."""
        seen = self.window.between(max(now - horizon * HOUR, self.spent_to), now)
        first = next((s for s in seen if s.negative and not s.reshare), seen[0])
        incident = Open(
            id=f"{self.institution}/{first.post}",
            seq=-1,
            state=state,
            onset=first.at,
            unusual_at=now,
            stepped_at=now,
        )
        for one in self.window.sightings:
            if one.at >= first.at:
                _count(incident, one)
        return incident

    def _late(self, now: datetime) -> tuple[Reason, ...]:
        behind = now - max(seen.at for seen in self.window.sightings)
        if behind < SEEN_LATE:
            return ()
        return (Reason(ReasonCode.SEEN_LATE, {"hours": round(behind / HOUR, 1)}),)

    def _emit(
        self, incident: Open, now: datetime, state: StormState, reasons: tuple[Reason, ...]
    ) -> Incident:
        incident.seq += 1
        incident.state = state
        incident.stepped_at = now
        if state is StormState.CLOSED:
            self.incident = None
            self.spent_to = now
        since_onset = self.window.between(incident.onset, now)
        return Incident(
            id=incident.id,
            seq=incident.seq,
            institution=self.institution,
            state=state,
            at=now,
            event_time=max((seen.at for seen in since_onset), default=incident.onset),
            onset=incident.onset,
            n=incident.n,
            authors=len(incident.authors),
            reasons=reasons,
            evidence=tuple(incident.evidence),
        )


def _count(incident: Open, seen: Sighting) -> None:
    if not seen.negative or seen.reshare or not seen.voice:
        return
    incident.n += 1
    if len(incident.authors) < MOST_AUTHORS and seen.author not in incident.authors:
        incident.authors.append(seen.author)
    incident.evidence = [*incident.evidence[: MOST_EVIDENCE - 1], seen.post]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Detector)


def dump(detector: Detector) -> bytes:
    """Return the state as a version byte and msgpack."""
    return bytes([VERSION]) + _ENCODER.encode(detector)


def load(raw: bytes) -> Detector:
    """Return the detector that `dump` wrote.

    Raises:
        StateError: it is of another version.

    """
    if raw[:1] != bytes([VERSION]):
        raise StateError(f"state of version {raw[0] if raw else 'none'}, this program reads {VERSION}")
    return _DECODER.decode(raw[1:])
