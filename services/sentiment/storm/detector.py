"""The detector of one institution: a serialisable state that mentions and ticks move; it returns steps."""

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from services.messages.records import Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Size, StormState
from services.sentiment.storm.baseline import PRIOR_PER_HOUR, Baseline, exposure
from services.sentiment.storm.ladder import EASED, HORIZONS, RANK, REKINDLED, Horizon, Verdict, judge, unusual
from services.sentiment.storm.window import Sighting, Window, count, sighting

QUIET_HOURS = 4.0  # weighted by the daily rhythm, so that a night does not end what the morning goes on with
VOLUME_PER_NEGATIVE = 5.0  # mentions per negative one, before an institution has a history
MOST_EVIDENCE = 20
MOST_AUTHORS = 2_000  # remembered per incident; beyond it the number of authors stops growing
HOUR = timedelta(hours=1)
_EPOCH = datetime.fromtimestamp(0, UTC)
_CALLED = (StormState.RISING, StormState.STORM, StormState.EASING)


class Open(Struct):
    """The incident that is going on."""

    id: str
    seq: int
    state: StormState
    onset: datetime
    unusual_at: datetime  # when the hour before was last out of the ordinary
    counted_to: datetime  # mentions up to here are in `n` and `authors`
    peak_hour: int = 0  # the most negative authors that an hour has had
    n: int = 0
    authors: list[str] = []
    evidence: list[str] = []


class Detector(Struct):
    """Everything remembered about one institution; `applied` and `now` make a repeat harmless."""

    institution: str
    negative: Baseline
    volume: Baseline
    applied: int = 0  # offset in `scored` below which everything has been taken in
    now: datetime = _EPOCH  # the last tick acted upon
    learned_to: datetime = _EPOCH  # whole hour up to which the baselines have learned; the epoch: not begun
    incidents_offset: int = 0  # offset in `incidents` below which this institution's steps stand
    window: Window = msgspec.field(default_factory=Window)
    pending: list[tuple[int, Sighting]] = []  # offset and sighting of what no tick has released yet
    incident: Open | None = None
    spent_to: datetime = _EPOCH  # what an incident that is closed rested on opens no second one

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
        if offset < self.applied:
            return False
        self.applied = offset + 1
        self.pending.append((offset, sighting(scored)))
        return True

    def tick(self, now: datetime, scored_offset: int) -> list[Incident]:
        """Judge everything up to `now` that stands below `scored_offset`.

        A tick that is not later than the last one does nothing.
        """
        if now <= self.now:
            return []
        self.now = now
        due = self._due(now, scored_offset)
        if self.learned_to == _EPOCH:
            if not due:
                return []  # its time begins with its first mention, whenever that was read
            self.learned_to = due[0].at.replace(minute=0, second=0, microsecond=0)
        for seen in due:
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
        if seen.revision:
            self.window.drop(seen.post)
        elif self.window.holds(seen.post):
            return
        if seen.voice:
            self.window.add(seen)  # one that comes late goes on to the baseline with the rest of its hour

    def _learn(self, to: datetime) -> None:
        """Let what has left the window become baseline; a storm never does, nor the time it took.

        It learns by whole hours of event time, so that it does not matter when the ticks came.
        """
        while self.learned_to + HOUR <= to:
            until = self.learned_to + HOUR
            gone = self.window.expire(until)
            if self.incident is None or self.incident.state not in _CALLED:
                hours = exposure(self.learned_to, until)
                self.negative.learn(count(gone).authors, hours, HOUR)
                self.volume.learn(len(gone), hours, HOUR)
            self.learned_to = until

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
        self._count(incident, now)
        if unusual(looks):
            incident.unusual_at = now
        voices = looks[1].counts.authors
        incident.peak_hour = max(incident.peak_hour, voices)
        state, reasons = _next(incident, now, verdict, voices)
        if state is incident.state and incident.seq >= 0:
            return []
        return [self._emit(incident, now, state, reasons)]

    def _open(self, now: datetime, state: StormState, horizon: float) -> Open:
        """Open an incident at the first negative post of the look back that is out of the ordinary."""
        seen = self.window.between(max(now - horizon * HOUR, self.spent_to), now)
        first = next((s for s in seen if s.negative and not s.reshare), seen[0])
        return Open(
            id=f"{self.institution}/{first.post}",
            seq=-1,  # not told yet
            state=state,
            onset=first.at,
            unusual_at=now,
            counted_to=first.at - timedelta(microseconds=1),
        )

    def _count(self, incident: Open, now: datetime) -> None:
        known = set(incident.authors)
        for seen in self.window.between(incident.counted_to, now):
            if not seen.negative or seen.reshare:
                continue
            incident.n += 1
            if seen.author not in known and len(known) < MOST_AUTHORS:
                known.add(seen.author)
                incident.authors.append(seen.author)
            incident.evidence = [*incident.evidence[: MOST_EVIDENCE - 1], seen.post]
        incident.counted_to = now

    def _emit(
        self, incident: Open, now: datetime, state: StormState, reasons: tuple[Reason, ...]
    ) -> Incident:
        incident.seq += 1
        incident.state = state
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


def _next(
    incident: Open, now: datetime, verdict: Verdict, voices: int
) -> tuple[StormState, tuple[Reason, ...]]:
    """Return where the incident stands now and why; it climbs at once and comes down slowly.

    `voices` are the negative authors of the last hour.
    """
    eased = voices <= EASED * incident.peak_hour
    if verdict.state and _climbs(incident, verdict.state, voices):
        return verdict.state, verdict.reasons
    if incident.state in (StormState.RISING, StormState.STORM) and eased:
        values = {"last_hour": float(voices), "peak_hour": float(incident.peak_hour)}
        return StormState.EASING, (Reason(ReasonCode.SLOWING, values),)
    if exposure(incident.unusual_at, now) >= QUIET_HOURS:
        hours = round((now - incident.unusual_at) / HOUR, 1)
        return StormState.CLOSED, (Reason(ReasonCode.QUIET, {"hours": hours}),)
    return incident.state, ()


def _climbs(incident: Open, state: StormState, voices: int) -> bool:
    """Tell whether the evidence for `state` moves the incident; one that eases must flare up to return."""
    if incident.seq < 0:
        return True
    if incident.state is StormState.EASING:
        return state is not StormState.WATCH and voices >= REKINDLED * incident.peak_hour
    return RANK[state] > RANK[incident.state]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Detector)


def dump(detector: Detector) -> bytes:
    """Return the state as msgpack."""
    return _ENCODER.encode(detector)


def load(raw: bytes) -> Detector:
    """Return the detector that `dump` wrote."""
    return _DECODER.decode(raw)
