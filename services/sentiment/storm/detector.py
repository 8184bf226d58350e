"""The detector of one institution: a stored state that mentions and ticks move; it returns steps."""

from datetime import UTC, datetime, timedelta
from math import log

import msgspec
from msgspec import Struct

from services.messages.records import Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Size, StormState
from services.sentiment.storm.baseline import (
    PRIOR_PER_HOUR,
    Noise,
    Rate,
    Rhythm,
    common,
    hour_of_week,
    spread,
)
from services.sentiment.storm.evidence import evidence
from services.sentiment.storm.ladder import (
    Horizon,
    Strength,
    judge,
    next_state,
    strength,
    unusual,
    worth_a_look,
)
from services.sentiment.storm.window import (
    BUCKET_S,
    HOUR_S,
    SPANS_S,
    Memory,
    Sighting,
    Voice,
    Window,
    sighting,
)

VERSION = 2  # of the stored state; another one starts afresh
VOLUME_PER_NEGATIVE = 5.0  # mentions per negative one, before an institution has a history
MISREAD = 0.05  # share of the posts that are not negative which a model takes for negative
MOST_EVIDENCE = 20
AUTHOR_BITS = 1 << 14
LEAST_S = 60  # a beginning is looked for no closer to the present
SEEN_LATE = timedelta(hours=1)  # behind the clock, from which an opening says that it was seen late
EPOCH = datetime.fromtimestamp(0, UTC)


class StateError(ValueError):
    """A stored state of another version."""


class Crowd(Struct):
    """How many different authors, in two kilobytes: linear counting (Whang et al., ACM TODS 1990)."""

    bits: bytearray = msgspec.field(default_factory=lambda: bytearray(AUTHOR_BITS // 8))
    ones: int = 0

    def add(self, author: int) -> None:
        """Take an author in."""
        place, bit = divmod(author % AUTHOR_BITS, 8)
        if not self.bits[place] >> bit & 1:
            self.bits[place] |= 1 << bit
            self.ones += 1

    def __len__(self) -> int:
        """Return the estimate; within one in a hundred up to some 20,000."""
        empty = max(1, AUTHOR_BITS - self.ones)
        return round(AUTHOR_BITS * log(AUTHOR_BITS / empty))


class Open(Struct):
    """The incident that is going on; times in seconds since the epoch."""

    id: str
    seq: int  # -1: not told yet
    state: StormState
    onset: int
    unusual_at: float  # when the hour before was last out of the ordinary
    stepped_at: float  # when it took its last step
    peak: Strength = msgspec.field(default_factory=Strength)
    n: int = 0
    crowd: Crowd = msgspec.field(default_factory=Crowd)
    evidence: list[str] = []


class Hour(Struct, array_like=True):
    """What one hour held, kept until it becomes baseline."""

    voices: list[int]  # in each quarter, and in the whole of it
    mentions: int


class Block(Struct, array_like=True):
    """The hours of a longer look back that have been learned so far, and their noise."""

    noise: Noise
    voices: float = 0.0
    expected: float = 0.0


class State(Struct):
    """Everything stored about one institution; `applied` and `now` make a repeat harmless."""

    institution: str
    negative: Rate  # of voices
    volume: Rate  # of mentions
    rhythm: Rhythm
    noise: list[Block]  # of each look back
    volume_noise: Noise
    applied: int = 0  # offset in `scored` below which everything has been taken in
    now: datetime = EPOCH  # the last tick acted upon
    counted_to: int = 0  # hour since the epoch up to which hours were counted; 0: not begun
    hours: list[Hour] = []  # counted, not yet learned
    incidents_offset: int = 0  # offset in `incidents` below which this institution's steps stand
    memory: Memory = msgspec.field(default_factory=Memory)
    pending: list[tuple[int, Sighting]] = []  # offset and sighting of what no tick has released yet
    incident: Open | None = None
    spent_to: int = 0  # what a closed incident rested on opens no second one


COUNT_AFTER_H = 2  # an hour is counted when hardly any post of it can still come
LEARN_AFTER_H = 24  # and learned a day late, so that nothing is judged by a baseline that it is part of
QUARTERS = 4


class Detector:
    """One institution's state and what follows from it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._window = Window(state.memory)

    @classmethod
    def fresh(cls, institution: str, size: Size) -> "Detector":
        """Return the detector of an institution that has not been seen yet."""
        rate = PRIOR_PER_HOUR[size]
        return cls(
            State(
                institution=institution,
                negative=Rate.prior(rate),
                volume=Rate.prior(rate * VOLUME_PER_NEGATIVE),
                rhythm=Rhythm.fresh(),
                noise=[Block(Noise()) for _ in SPANS_S],
                volume_noise=Noise(),
            )
        )

    @property
    def incident(self) -> Open | None:
        """The incident that is going on."""
        return self.state.incident

    def apply(self, offset: int, scored: ScoredMention) -> bool:
        """Take a record of `scored` in; return False when it was taken in before."""
        return self.take(offset, sighting(scored))

    def forget(self, offset: int, post: str) -> bool:
        """Take in that a post was erased; return False when that was taken in before."""
        return self.take(offset, Sighting.erased(post))

    def take(self, offset: int, seen: Sighting) -> bool:
        """Take a sighting in; return False when it was taken in before."""
        if offset < self.state.applied:
            return False
        self.state.applied = offset + 1
        self.state.pending.append((offset, seen))
        return True

    def tick(self, now: datetime, scored_offset: int) -> list[Incident]:
        """Judge everything up to `now` that stands below `scored_offset`.

        A tick that is not later than the last one does nothing.
        """
        state = self.state
        if now <= state.now:
            return []
        state.now = now
        at = now.timestamp()
        due = self._due(at, scored_offset)
        for seen in due:
            if not state.counted_to and seen.voice:
                # Its time begins with the first voice, whenever that was read; not with what was imported.
                state.counted_to = seen.at // HOUR_S
            self._count_hours(seen.at)
            self._see(seen)
        self._count_hours(at)
        if state.incident is not None:
            return self._go_on(at, state.incident)
        # Silence opens nothing, so only what came in is judged.
        return self._open(at) if any(seen.voice for seen in due) else []

    def _due(self, at: float, scored_offset: int) -> list[Sighting]:
        """Take what the tick releases, in order of time whatever order it came in."""
        pending = self.state.pending
        if not pending:
            return []
        due = [seen for offset, seen in pending if offset < scored_offset and seen.at <= at]
        if len(due) == len(pending):
            self.state.pending = []
        else:
            self.state.pending = [
                (offset, seen) for offset, seen in pending if offset >= scored_offset or seen.at > at
            ]
        due.sort(key=lambda seen: (seen.at, seen.post, seen.revision))
        return due

    def _see(self, seen: Sighting) -> None:
        """Put a post into the window; an id counts once, and its highest revision wins."""
        if self._window.knows(seen):
            return
        new = self._window.put(seen)
        incident = self.state.incident
        if incident is None:
            return
        if new and seen.at >= incident.onset:
            _count(incident, seen.author, seen.post)
        elif not seen.voice and seen.post in incident.evidence:
            incident.evidence = [post for post in incident.evidence if post != seen.post]

    def _count_hours(self, to: float) -> None:
        """Count the hours that are over and learn those of a day ago.

        By whole hours of event time, so that it does not matter when the ticks came.
        """
        state = self.state
        last = int(to // HOUR_S) - COUNT_AFTER_H
        while 0 < state.counted_to < last:
            state.hours.append(self._hour(state.counted_to))
            state.counted_to += 1
            self._window.expire((state.counted_to + COUNT_AFTER_H) * HOUR_S - SPANS_S[-1])
            if len(state.hours) > LEARN_AFTER_H - COUNT_AFTER_H:
                self._learn(state.counted_to - len(state.hours), state.hours.pop(0))

    def _hour(self, number: int) -> Hour:
        """Count an hour of the window, by its number since the epoch."""
        memory, start = self.state.memory, number * HOUR_S
        voices: list[list[Voice]] = [[] for _ in range(QUARTERS + 1)]
        for voice in memory.voices:
            if voice.at >= start + HOUR_S:
                break
            if voice.at >= start:
                voices[(voice.at - start) * QUARTERS // HOUR_S].append(voice)
                voices[-1].append(voice)
        mentions = 0
        for bucket in memory.buckets:
            if bucket.start >= start + HOUR_S:
                break
            mentions += bucket.mentions if bucket.start >= start else 0
        return Hour([different(some) for some in voices], mentions)

    def _learn(self, number: int, hour: Hour) -> None:
        """Let an hour become baseline."""
        state = self.state
        hours = state.rhythm.weight(number)
        expected = state.negative.expected(hours)
        *quarters, voices = hour.voices
        for found in quarters:
            state.noise[0].noise.learn(found, expected / QUARTERS, HOUR_S / QUARTERS)
        for block, span in zip(state.noise[1:], SPANS_S[1:], strict=True):
            block.voices += voices
            block.expected += expected
            if (number + 1) * HOUR_S % span == 0:
                block.noise.learn(block.voices, block.expected, span)
                block.voices = block.expected = 0.0
        state.volume_noise.learn(hour.mentions, state.volume.expected(hours), HOUR_S)
        state.rhythm.learn(number, hour.mentions, state.volume.expected(common(hour_of_week(number))))
        state.negative.learn(voices, hours)
        state.volume.learn(hour.mentions, hours)

    def _look_back(self, at: float) -> list[Horizon]:
        state = self.state
        looks = []
        for span, block, counts in zip(
            SPANS_S, state.noise, self._window.counts(int(at), state.spent_to), strict=True
        ):
            hours = state.rhythm.exposure(max(at - span, state.spent_to), at)
            usual = state.negative.expected(hours)
            mentions = state.volume.expected(hours)
            others = counts.mentions - counts.negative - counts.reshares - (mentions - usual)
            expected = usual + MISREAD * max(0.0, others)
            doubt = spread(state.negative, block.noise)
            # Misreadings are counted by chance alone; only the usual part has the doubt and the noise.
            shape = expected**2 / (usual**2 * doubt)
            volume_shape = 1 / spread(state.volume, state.volume_noise)
            looks.append(
                Horizon(
                    hours=span / HOUR_S,
                    counts=counts,
                    expected=expected,
                    expected_mentions=mentions,
                    evidence=evidence(counts.voices, expected, shape),
                    burst=evidence(counts.negative, expected, shape),
                    volume=evidence(counts.mentions, mentions, volume_shape),
                )
            )
        return looks

    def _open(self, at: float) -> list[Incident]:
        """Open an incident where the look backs call for one."""
        memory = self.state.memory
        if not worth_a_look(len(memory.voices), sum(bucket.mentions for bucket in memory.buckets)):
            return []
        looks = self._look_back(at)
        verdict = judge(looks)
        if verdict.state is None:
            return []
        state = self.state
        voices = self._since_onset(at, verdict.horizon)
        onset = voices[0].at if voices else int(at)
        named = self._window.named(onset)
        opening = named[0] if named else str(onset)
        incident = Open(
            id=f"{state.institution}/{opening}",
            seq=-1,
            state=verdict.state,
            onset=onset,
            unusual_at=at,
            stepped_at=at,
            peak=strength(looks),
        )
        for voice in voices:
            _count(incident, voice.author, memory.named.get(voice.post))
        state.incident = incident
        return [self._step(at, incident, verdict.state, (*verdict.reasons, *self._late(at)))]

    def _since_onset(self, at: float, horizon: float) -> list[Voice]:
        """Return the voices from the likeliest beginning on: the one that most evidence speaks for."""
        state = self.state
        since = max(int(at - horizon * HOUR_S), state.spent_to)
        voices = [voice for voice in state.memory.voices if voice.at > since]
        shape = 1 / spread(state.negative, state.noise[0].noise)
        authors: set[int] = set()
        texts: set[int] = set()
        best, first = 0.0, 0
        for number in range(len(voices) - 1, -1, -1):
            voice = voices[number]
            authors.add(voice.author)
            texts.add(voice.text)
            expected = state.negative.expected(state.rhythm.exposure(min(voice.at, at - LEAST_S), at))
            found = evidence(min(len(authors), len(texts)), expected, shape)
            if found >= best:
                best, first = found, number
        return voices[first:]

    def _go_on(self, at: float, incident: Open) -> list[Incident]:
        """Let the open incident take a step, if it is time for one."""
        state = self.state
        looks = self._look_back(at)
        if unusual(looks):
            incident.unusual_at = at
        found = strength(looks)
        incident.peak = incident.peak.highest(found)
        to, reasons = next_state(
            incident.state,
            judge(looks),
            now_strength=found,
            peak=incident.peak,
            since_step=timedelta(seconds=at - incident.stepped_at),
            quiet_hours=state.rhythm.exposure(incident.unusual_at, at),
        )
        return [] if to is incident.state else [self._step(at, incident, to, reasons)]

    def _late(self, at: float) -> tuple[Reason, ...]:
        memory = self.state.memory
        newest = max(
            memory.voices[-1].at if memory.voices else 0,
            memory.buckets[-1].start + BUCKET_S if memory.buckets else 0,
        )
        behind = timedelta(seconds=at - newest)
        if behind < SEEN_LATE:
            return ()
        return (Reason(ReasonCode.SEEN_LATE, {"hours": round(behind / timedelta(hours=1), 1)}),)

    def _step(self, at: float, incident: Open, to: StormState, reasons: tuple[Reason, ...]) -> Incident:
        state = self.state
        incident.seq += 1
        incident.state = to
        incident.stepped_at = at
        if to is StormState.CLOSED:
            state.incident = None
            state.spent_to = int(at)
        newest = state.memory.voices[-1].at if state.memory.voices else incident.onset
        return Incident(
            id=incident.id,
            seq=incident.seq,
            institution=state.institution,
            state=to,
            at=state.now,
            event_time=datetime.fromtimestamp(max(newest, incident.onset), UTC),
            onset=datetime.fromtimestamp(incident.onset, UTC),
            n=incident.n,
            authors=len(incident.crowd),
            reasons=reasons,
            evidence=tuple(incident.evidence),
        )


def _count(incident: Open, author: int, post: str | None) -> None:
    incident.n += 1
    incident.crowd.add(author)
    if post is not None:
        incident.evidence = [*incident.evidence[: MOST_EVIDENCE - 1], post]


def different(voices: list[Voice]) -> int:
    """Return how many independent voices there are among some."""
    if len(voices) < 2:  # noqa: PLR2004
        return len(voices)
    return min(len({voice.author for voice in voices}), len({voice.text for voice in voices}))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(State)


def dump(detector: Detector) -> bytes:
    """Return the state as a version byte and msgpack."""
    return bytes([VERSION]) + _ENCODER.encode(detector.state)


def load(raw: bytes) -> Detector:
    """Return the detector that `dump` wrote.

    Raises:
        StateError: it is of another version.

    """
    if raw[:1] != bytes([VERSION]):
        raise StateError(f"state of version {raw[0] if raw else 'none'}, this program reads {VERSION}")
    return Detector(_DECODER.decode(raw[1:]))
