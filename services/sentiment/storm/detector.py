"""The detector of one institution: a stored state that mentions and ticks move; it returns steps.

That of an organisation with parts hears every post about any of them once, and has a detector of each part
beside it. Those of parts only learn and look; the whole takes the steps, so that a storm is one incident.
"""

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from math import log

import msgspec
from msgspec import Struct

from services.messages.records import Correction, Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Ruling, Size, StormState
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
    QUIET_HOURS,
    Horizon,
    Strength,
    Verdict,
    next_state,
    strength,
    unusual,
    worth_a_look,
)
from services.sentiment.storm.rulings import Outcome, Rejected, outcome
from services.sentiment.storm.scopes import WHOLE, Scope, leading, strongest
from services.sentiment.storm.silence import Change, Silence
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
    whole: bool = True  # it shows in the organisation as a whole
    parts: dict[str, Strength] = {}  # peaks of the parts in which it is a storm by itself
    told: dict[str, int] = {}  # whom the steps so far concern
    called: Strength | None = None  # how strong the whole was when staff called it a storm

    @property
    def peaks(self) -> dict[str, Strength]:
        """The peaks of the whole and of parts, as far as they take part."""
        return {WHOLE: self.peak, **self.parts} if self.whole else self.parts

    def note(self, scope: Scope) -> None:
        """Take in how strong it is in a scope, if it takes part."""
        found = strength(scope.looks)
        if scope.name == WHOLE:
            self.whole = self.whole or scope.takes_part
            self.peak = self.peak.highest(found)
        elif scope.takes_part or scope.name in self.parts:
            self.parts[scope.name] = self.parts.get(scope.name, found).highest(found)


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
    parts: list[str] = []  # of an organisation
    corrected: int = 0  # offset in `corrections` below which everything has been taken in
    corrections: list[tuple[int, Correction]] = []  # what no tick has released yet
    rejected: Rejected | None = None
    silence: Silence = msgspec.field(default_factory=Silence)


COUNT_AFTER_H = 2  # an hour is counted when hardly any post of it can still come
LEARN_AFTER_H = 24  # and learned a day late, so that nothing is judged by a baseline that it is part of
QUARTERS = 4


class Detector:
    """One institution's state and what follows from it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.parts: dict[str, Detector] = {}
        self.outcomes: list[Outcome] = []  # of corrections, for whoever counts them
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

    def join(self, part: "Detector") -> None:
        """Look at a part too, from its first mention on."""
        state, name = self.state, part.state.institution
        self.parts[name] = part
        if name in state.parts:
            return  # half of it was stored when the program was cut off
        if not state.parts and state.counted_to:
            # What was learned of the organisation alone says little about all of it together.
            state.negative.doubt()
            state.volume.doubt()
        state.parts.append(name)

    def apply(self, offset: int, scored: ScoredMention) -> bool:
        """Take a record of `scored` in; return False when it was taken in before."""
        return self.take(offset, sighting(scored), scored.institution)

    def forget(self, offset: int, post: str, part: str = "") -> bool:
        """Take in that a post was erased; return False when that was taken in before."""
        return self.take(offset, Sighting.erased(post), part)

    def take(self, offset: int, seen: Sighting, about: str = "") -> bool:
        """Take a sighting in, of a post about one of the parts too; False when it was taken in before."""
        part = self.parts.get(about)
        taken = part is not None and part.take(offset, seen)
        if offset < self.state.applied:
            return taken
        self.state.applied = offset + 1
        self.state.pending.append((offset, seen))
        return True

    def correct(self, offset: int, correction: Correction) -> bool:
        """Take in what staff say; return False when it was taken in before."""
        if offset < self.state.corrected:
            return False
        self.state.corrected = offset + 1
        self.state.corrections.append((offset, correction))
        return True

    @property
    def unfinished(self) -> bool:
        """Whether time alone changes what it does next, so that its state is to be kept at every tick."""
        return self.state.incident is not None or self.state.rejected is not None

    def tick(self, now: datetime, scored_offset: int, corrections_offset: int = 0) -> list[Incident]:
        """Judge everything up to `now` that stands below `scored_offset`, and what staff said of it.

        A tick that is not later than the last one does nothing.
        """
        for part in self.parts.values():
            part.hear(now, scored_offset)
        if now <= self.state.now:
            return []
        heard = self.hear(now, scored_offset)
        at = now.timestamp()
        steps = self._rule(at, corrections_offset)
        if steps and self.state.incident is None:
            return steps  # closed just now: nothing is left to judge
        if self.state.rejected is not None:
            self._keep_rejecting(at, self.state.rejected)
        if self.state.incident is not None:
            return [*steps, *self._go_on(at, self.state.incident)]
        # Silence opens nothing, so only what came in is judged.
        return self._open(at) if heard else []

    def hear(self, now: datetime, scored_offset: int) -> bool:
        """Take what a tick releases into the window, and learn; return whether a reaction was among it."""
        state = self.state
        if now <= state.now:
            return False
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
        return any(seen.voice for seen in due)

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
            hour = self._hour(state.counted_to)
            state.hours.append(hour)
            usual = state.volume.expected(state.rhythm.weight(state.counted_to))
            state.silence.count(state.counted_to, hour.mentions, usual)
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
        if not state.silence.teaches(number):
            return
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

    def listen(self) -> list[Incident]:
        """Return what the last tick made known about silence, of the whole and of its parts.

        Apart from `tick`, since a recorded file says nothing about sources that live ones should give.
        """
        steps = self._silence()
        for name in sorted(self.parts):
            part = self.parts[name]
            # Where the whole is silent, its parts are: that is said once.
            if part.state.silence.told or not self.state.silence.told:
                steps += part._silence()  # noqa: SLF001 - one of us
        return steps

    def _silence(self) -> list[Incident]:
        state, found = self.state, self.state.silence
        since, seen, usual = found.told or found.since, found.seen, found.expected
        change = found.change(state.counted_to, 1 / state.volume.shape, state.volume_noise.value)
        if change is None:
            return []
        over = change is Change.HEARD_AGAIN
        hours = float(state.counted_to - since)
        if over:
            seen, usual = found.late_seen, found.late_expected
        code = ReasonCode.HEARD_AGAIN if over else ReasonCode.FELL_SILENT
        values = {"hours": hours, "mentions": round(seen, 1), "expected": round(usual, 1)}
        onset = datetime.fromtimestamp(since * HOUR_S, UTC)
        return [
            Incident(
                id=f"{state.institution}/silence-{since}",
                seq=int(over),
                institution=state.institution,
                state=StormState.CLOSED if over else StormState.WATCH,
                at=state.now,
                event_time=datetime.fromtimestamp(state.counted_to * HOUR_S, UTC),
                onset=onset,
                n=0,
                authors=0,
                reasons=(Reason(code, values),),
            )
        ]

    def _rule(self, at: float, corrections_offset: int) -> list[Incident]:
        """Do what staff said, in the order in which they said it."""
        state = self.state
        due = [said for offset, said in state.corrections if offset < corrections_offset]
        if not due:
            return []
        state.corrections = [one for one in state.corrections if one[0] >= corrections_offset]
        steps = []
        for said in due:
            incident = state.incident if state.incident and state.incident.id == said.incident else None
            rejected = state.rejected is not None and state.rejected.id == said.incident
            found = outcome(
                said.ruling,
                incident.state if incident else None,
                rejected=rejected,
                called=incident is not None and incident.called is not None,
            )
            self.outcomes.append(found)
            if found is Outcome.LIFTED:
                state.rejected = None
            elif incident is not None and found is not Outcome.NOTHING_NEW:
                steps += self._ruled(at, incident, said.ruling)
        return steps

    def _ruled(self, at: float, incident: Open, ruling: Ruling) -> list[Incident]:
        scopes = self._scopes(at, self.parts)
        now = {scope.name: strength(scope.looks) for scope in scopes}
        if ruling is Ruling.STORM:
            incident.called = now[WHOLE]
            reason = Reason(ReasonCode.SAID_STORM)
            easing = incident.state is StormState.EASING
            return [] if easing else [self._step(at, incident, StormState.STORM, (reason,))]
        peaks = {name: found.highest(incident.parts.get(name, found)) for name, found in now.items()}
        peaks[WHOLE] = incident.peak.highest(now[WHOLE])
        self.state.rejected = Rejected(incident.id, peaks, at)
        reason = Reason(ReasonCode.SAID_NO_STORM)
        return [self._step(at, incident, StormState.CLOSED, (reason,))]

    def _keep_rejecting(self, at: float, rejected: Rejected) -> None:
        """What was called no storm is over once it has been quiet; then the usual threshold holds again."""
        if any(unusual(scope.looks) for scope in self._scopes(at, ())):
            rejected.unusual_at = at
        if self.state.rhythm.exposure(rejected.unusual_at, at) >= QUIET_HOURS:
            self.state.rejected = None

    def look_back(self, at: float, spent_to: int) -> list[Horizon]:
        """Return what each look back saw since `spent_to`, against what was expected."""
        state = self.state
        looks = []
        for span, block, counts in zip(
            SPANS_S, state.noise, self._window.counts(int(at), spent_to), strict=True
        ):
            hours = state.rhythm.exposure(max(at - span, spent_to), at)
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
        if not self._worth_a_look():
            return []
        state = self.state
        scopes = self._scopes(at, ())
        lead = leading(scopes)
        verdict = lead.verdict
        if verdict.state is None:
            return []
        leader = self.parts.get(lead.name, self)
        voices = leader.since_onset(at, verdict.horizon, state.spent_to)
        onset = voices[0].at if voices else int(at)
        named = leader.named(onset)
        opening = named[0] if named else str(onset)
        incident = Open(
            id=f"{state.institution}/{opening}",
            seq=-1,
            state=verdict.state,
            onset=onset,
            unusual_at=at,
            stepped_at=at,
            whole=lead.name == WHOLE,
            parts={} if lead.name == WHOLE else {lead.name: strength(lead.looks)},
        )
        for scope in scopes:
            incident.note(scope)
        if leader is not self:
            voices = [voice for voice in state.memory.voices if voice.at >= onset]
        evidence_of = leader.state.memory.named
        for voice in voices:
            _count(incident, voice.author, evidence_of.get(voice.post))
        state.incident = incident
        return [self._step(at, incident, verdict.state, (*verdict.reasons, *self._late(at)))]

    def _worth_a_look(self) -> bool:
        memory = self.state.memory
        return worth_a_look(len(memory.voices), sum(bucket.mentions for bucket in memory.buckets))

    def _scopes(self, at: float, always: Container[str]) -> list[Scope]:
        """Return the whole, and each part that could be anything or has to be looked at.

        Nothing follows from one that shows no more than what staff called no storm.
        """
        spent_to = self.state.spent_to
        scopes = [Scope.of(WHOLE, self.look_back(at, spent_to))]
        for name in sorted(self.parts):
            part = self.parts[name]
            if name in always or part._worth_a_look():  # noqa: SLF001 - one of us
                scopes.append(Scope.of(name, part.look_back(at, spent_to)))
        rejected = self.state.rejected
        if rejected is not None:
            return [scope if rejected.allows(scope) else scope.silenced() for scope in scopes]
        return scopes

    def named(self, since: int) -> list[str]:
        """Return the ids of the newest voices from `since` on, in order of time."""
        return self._window.named(since)

    def since_onset(self, at: float, horizon: float, spent_to: int) -> list[Voice]:
        """Return the voices from the likeliest beginning on: the one that most evidence speaks for."""
        state = self.state
        since = max(int(at - horizon * HOUR_S), spent_to)
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
        scopes = self._scopes(at, incident.parts)
        for scope in scopes:
            incident.note(scope)
        if any(unusual(s.looks) for s in scopes if s.name == WHOLE or s.name in incident.parts):
            incident.unusual_at = at
        now_strength, peak = strongest(scopes, incident.peaks)
        to, reasons = next_state(
            incident.state,
            self._verdict(scopes, incident),
            now_strength=now_strength,
            peak=peak,
            since_step=timedelta(seconds=at - incident.stepped_at),
            quiet_hours=state.rhythm.exposure(incident.unusual_at, at),
        )
        if to is not incident.state:
            return [self._step(at, incident, to, reasons)]
        if to in (StormState.RISING, StormState.STORM) and incident.parts.keys() - incident.told.keys():
            parts = len({*incident.parts, *incident.told} - {state.institution})
            return [self._step(at, incident, to, (Reason(ReasonCode.SPREAD, {"locations": float(parts)}),))]
        return []

    def _verdict(self, scopes: list[Scope], incident: Open) -> Verdict:
        """Return the highest verdict; what staff called a storm is one again when it is as strong again."""
        verdict = leading(scopes).verdict
        called = incident.called
        if called is None or strength(scopes[0].looks).share_of(called) < 1:
            return verdict
        return Verdict(StormState.STORM, (Reason(ReasonCode.SAID_STORM), *verdict.reasons), verdict.horizon)

    def _concerned(self, at: float, incident: Open) -> dict[str, int]:
        """Return whom a step concerns, each with its voices; whoever was concerned before still is."""
        if not self.parts:
            return {}
        parts = set(incident.parts)
        found = dict(incident.told)
        if incident.whole:
            parts |= {scope.name for scope in self._scopes(at, self.parts) if scope.shows}
            found[self.state.institution] = incident.n
        for name in sorted((parts | found.keys()) & self.parts.keys()):
            voices = self.parts[name].state.memory.voices
            count = sum(voice.at >= incident.onset for voice in voices)
            found[name] = max(found.get(name, 0), count)
        return found

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
        incident.told = self._concerned(at, incident)
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
            locations=dict(incident.told),
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
