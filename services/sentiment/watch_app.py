"""The watch app: scored mentions and ticks in, incident steps out; the detectors live in a Faust table."""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog

from services.messages.codec import CodecError, decode
from services.messages.records import Correction, Incident, ScoredMention, Stage, Tick
from services.messages.vocabulary import Size
from services.runtime.clock import SystemClock
from services.runtime.kafka import Outgoing, partition_of, publish, undecodable
from services.runtime.settings import Settings
from services.sentiment.metrics import WatchMetrics
from services.sentiment.storm.detector import Detector, StateError, dump, load
from services.sentiment.storm.rulings import Outcome
from services.sentiment.worker import STALLED_S, StalledError, Worker

log = structlog.get_logger()

TICK_S = 5.0
BACKLOG = 100  # records from which the clock waits until they are read ...
CATCH_UP_S = 300.0  # ... but no longer than this after a partition was assigned
_MARKER = "@"  # prefix of the key under which a partition's position stands; no institution id has it


async def run(settings: Settings, sizes: Mapping[str, Size]) -> None:
    """Watch until told to stop; `sizes` by institution id, for those that have no history yet."""
    topics = settings.topics
    worker = Worker(settings, topics.watch_group, reads=(topics.scored, topics.ticks, topics.corrections))
    table = worker.app.Table(
        "detectors", partitions=settings.partitions, key_type=bytes, value_type=bytes, default=None
    )  # a DurableTable, by the worker's settings
    watch = Watch(worker, table, sizes)

    @worker.app.on_partitions_assigned.connect
    async def assigned(_app: Any, partitions: Any, **_: Any) -> None:
        watch.assign({tp.partition for tp in partitions if tp.topic == topics.scored.name})

    @worker.app.on_partitions_revoked.connect
    async def revoked(_app: Any, _partitions: Any, **_: Any) -> None:
        watch.assign(set())  # whatever stays is assigned again, and read again from its last acknowledgement

    # The three have as many partitions as one another, so each is read beside the others of its number.
    reads = worker.app.topic(topics.scored.name, topics.ticks.name, topics.corrections.name)

    @worker.app.agent(reads, concurrency=1)
    async def watch_institutions(stream: Any) -> AsyncIterator[None]:
        async for event in stream.noack().events():
            await worker.guard(watch.handle(event))
            yield

    if settings.clock == "system":
        worker.life.spawn("ticks", watch.send_ticks())
    await worker.run(topics.incidents, topics.detectors)


class Desk:
    """One partition of `scored`: its detectors, and what was read but is not yet acknowledged."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.applied = 0  # offset in `scored` below which every record was taken in
        self.corrected = 0  # the same in `corrections`
        self.marked: dict[str, int] = {}  # both, as they stand in the table
        self.detectors: dict[str, Detector] = {}  # by organisation; those of its parts stand in it
        self.changed: set[tuple[str, str]] = set()  # organisation and part
        self.held: list[Any] = []
        self.ticks: deque[tuple[Any, Tick]] = deque()
        self.loaded = False
        self.assigned_at = time.monotonic()
        self.waiting_since: float | None = None  # how long its first tick has waited, by the monotonic clock

    @property
    def marks(self) -> dict[str, int]:
        """Its position, by the key under which it is stored."""
        here = f"{_MARKER}{self.partition}"
        return {here: self.applied, f"{here}/corrections": self.corrected}

    def ready(self, tick: Tick) -> bool:
        """Tell whether everything that a tick counts on was taken in."""
        return tick.scored_offset <= self.applied and tick.corrections_offset <= self.corrected

    def watching(self, organisation: str, fresh: Callable[[str], Detector]) -> Detector:
        """Return the detector of an organisation."""
        if organisation not in self.detectors:
            self.detectors[organisation] = fresh(organisation)
        return self.detectors[organisation]

    def heard_of(self, institution: str) -> str | None:
        """Return the organisation under which an institution is watched here; None when it is not."""
        found = (name for name, whole in self.detectors.items() if institution in (name, *whole.parts))
        return next(found, None)


class Watch:
    """Handles one event at a time.

    The order is what makes a crash harmless: decide, publish the incidents and wait, write the table,
    acknowledge. A tick waits until the records that it counts on have been taken in.
    """

    def __init__(self, worker: Worker, table: Any, sizes: Mapping[str, Size]) -> None:
        self._worker = worker
        self._settings = worker.settings
        self._table = table
        self._sizes = sizes
        self._desks: dict[int, Desk] = {}
        self._metrics = WatchMetrics(worker.registry)

    def assign(self, partitions: set[int]) -> None:
        """Start afresh with these partitions of `scored`."""
        self._desks = {partition: Desk(partition) for partition in partitions}

    async def handle(self, event: Any) -> None:
        """Take one record in, and act on every tick that is due."""
        message = event.message
        desk = self._desks.get(message.partition)
        if desk is None:
            return  # revoked while it stood in a queue: its next owner reads it again
        self._load(desk)
        try:
            if message.topic == self._settings.topics.ticks.name:
                self._take_tick(desk, event)
            elif message.topic == self._settings.topics.corrections.name:
                self._take_correction(desk, message)
                desk.held.append(event)
            else:
                self._take_scored(desk, message)
                desk.held.append(event)
        except CodecError as fault:
            self._metrics.dead.inc()
            await publish(
                self._worker.producer, [undecodable(self._settings.topics, "watch", message, str(fault))]
            )
            desk.held.append(event)
        while desk.ticks and desk.ready(desk.ticks[0][1]):
            await self._act(desk, *desk.ticks.popleft())
        if not desk.ticks:
            desk.waiting_since = None
        elif desk.waiting_since is None:
            desk.waiting_since = time.monotonic()
        elif time.monotonic() - desk.waiting_since > STALLED_S:
            raise StalledError(f"partition {desk.partition} does not get the records that its ticks count on")
        self._metrics.held.set(sum(len(d.held) for d in self._desks.values()))
        self._worker.handled(message)

    async def send_ticks(self) -> None:
        """Send the present time to every partition that is watched here, every few seconds."""
        clock = SystemClock()
        while not self._worker.life.stopping:
            # A desk without an event since it was assigned does not know its position: it counts on nothing.
            now = clock.now()
            desks = [desk for desk in self._desks.values() if not self._catches_up(desk)]
            ticks = [self._tick(Stage.SCORED, d, now, d.applied, d.corrected) for d in desks]
            if ticks and not self._worker.app.rebalancing:
                await publish(self._worker.producer, ticks)
            await self._worker.life.sleep(TICK_S)

    def _catches_up(self, desk: Desk) -> bool:
        """Tell whether a backlog is being read: judged by the clock, what it holds would look like silence.

        Not for long: where the offsets tell of records that do not come, the clock goes on all the same.
        """
        behind = self._worker.waiting(self._settings.topics.scored, desk.partition, desk.applied)
        return behind > BACKLOG and time.monotonic() - desk.assigned_at < CATCH_UP_S

    def _load(self, desk: Desk) -> None:
        """Read the desk's detectors from the table; recovered by now, since events only flow after that."""
        if desk.loaded:
            return
        for key, value in sorted(self._table.items()):  # an organisation stands before its parts
            name, _, part = key.decode().partition("/")
            if name == f"{_MARKER}{desk.partition}":
                desk.marked[key.decode()] = int(value)
            elif not name.startswith(_MARKER) and self._partition_of(name) == desk.partition:
                if part:
                    desk.watching(name, self._fresh).join(self._restored(part, value))
                else:
                    desk.detectors[name] = self._restored(name, value)
        desk.applied, desk.corrected = (desk.marked.get(key, 0) for key in desk.marks)
        desk.loaded = True

    def _restored(self, name: str, value: bytes) -> Detector:
        """Return the stored detector, or a fresh one when a newer or older program stored it."""
        try:
            return load(value)
        except (StateError, msgspec.DecodeError) as fault:
            self._metrics.restarted.inc()
            log.warning("detector_started_afresh", institution=name, reason=str(fault))
            return self._fresh(name)

    def _fresh(self, name: str) -> Detector:
        return Detector.fresh(name, self._sizes.get(name, Size.MEDIUM))

    def _take_tick(self, desk: Desk, event: Any) -> None:
        tick = decode(Tick, event.value)
        if tick.stage is Stage.SCORED:
            desk.ticks.append((event, tick))
        else:
            desk.held.append(event)  # our own, further down the pipeline

    def _take_scored(self, desk: Desk, message: Any) -> None:
        desk.applied = max(desk.applied, message.offset + 1)
        if message.value is None:  # a tombstone: the post was erased
            name, _, post = (message.key or b"").decode(errors="replace").partition("/")
            organisation = desk.heard_of(name) or ""
            whole = desk.detectors.get(organisation)
            taken = whole is not None and whole.forget(message.offset, post, name)
        else:
            scored = decode(ScoredMention, message.value)
            name, organisation = scored.institution, scored.watched_as
            whole = desk.watching(organisation, self._fresh)
            if name != organisation and name not in whole.parts:
                whole.join(self._fresh(name))
            taken = whole.apply(message.offset, scored)
        if taken:
            desk.changed |= {(organisation, ""), (organisation, "" if name == organisation else name)}

    def _take_correction(self, desk: Desk, message: Any) -> None:
        desk.corrected = max(desk.corrected, message.offset + 1)
        correction = decode(Correction, message.value)
        name = correction.institution
        if name not in desk.detectors and name not in self._sizes:
            self._metrics.corrections.labels(Outcome.NOT_RUNNING).inc()
            log.warning("correction", incident=correction.incident, outcome=Outcome.NOT_RUNNING)
        # In a replay it may be read before the first mention.
        elif desk.watching(name, self._fresh).correct(message.offset, correction):
            desk.changed.add((name, ""))

    async def _act(self, desk: Desk, event: Any, tick: Tick) -> None:
        """Let every detector of the desk judge, then make it durable."""
        steps: list[tuple[str, Incident]] = []
        for name in sorted(desk.detectors):
            detector = desk.detectors[name]
            was_unfinished = detector.unfinished
            found = detector.tick(tick.now, tick.scored_offset, tick.corrections_offset)
            silences = detector.listen()
            steps += [(name, step) for step in (*found, *silences)]
            if was_unfinished or detector.unfinished:
                desk.changed.add((name, ""))
            desk.changed |= {(name, "" if s.institution == name else s.institution) for s in silences}
            self._note_corrections(name, detector)
        await self._publish(desk, steps)
        if self._desks.get(desk.partition) is not desk:
            return  # taken away meanwhile: its next owner decides the same, and writing now would set it back
        self._write(desk)
        await self._table.settled()
        if self._desks.get(desk.partition) is not desk:
            return  # as above: what is not acknowledged here is read again there
        if self._settings.clock == "ticks":
            handed_on = self._tick(Stage.WATCHED, desk, tick.now, tick.scored_offset, tick.corrections_offset)
            await publish(self._worker.producer, [handed_on])
        for done in (*desk.held, event):
            done.ack()
        desk.held.clear()
        self._metrics.ticks.inc()
        watched = (whole for d in self._desks.values() for whole in d.detectors.values())
        self._metrics.institutions.set(sum(1 + len(whole.parts) for whole in watched))

    def _note_corrections(self, name: str, detector: Detector) -> None:
        for outcome in detector.outcomes:
            self._metrics.corrections.labels(outcome).inc()
            log.info("correction", institution=name, outcome=outcome)
        detector.outcomes.clear()

    async def _publish(self, desk: Desk, steps: list[tuple[str, Incident]]) -> None:
        """Publish steps, each with the organisation that it is of."""
        if not steps:
            return
        name = self._settings.topics.incidents.name
        reached = await publish(
            self._worker.producer,
            [Outgoing(name, step.institution, step, desk.partition) for _, step in steps],
        )
        for organisation, step in steps:
            desk.detectors[organisation].state.incidents_offset = reached[name, desk.partition]
            desk.changed.add((organisation, ""))
            self._metrics.steps.labels(step.state).inc()
            log.info("incident_step", incident=step.id, seq=step.seq, state=step.state, n=step.n)

    def _write(self, desk: Desk) -> None:
        """Write what changed once; the position last, so that a crash in between only repeats."""
        for name, part in sorted(desk.changed):
            whole = desk.detectors[name]
            state = dump(whole.parts[part] if part else whole)
            self._metrics.state_bytes.observe(len(state))
            self._table[(f"{name}/{part}" if part else name).encode()] = state
        desk.changed.clear()
        for key, offset in desk.marks.items():
            if offset != desk.marked.get(key, 0):
                self._table[key.encode()] = str(offset).encode()
                desk.marked[key] = offset

    def _tick(
        self, stage: Stage, desk: Desk, now: datetime, scored_offset: int, corrections_offset: int
    ) -> Outgoing:
        offset = max((d.state.incidents_offset for d in desk.detectors.values()), default=0)
        tick = Tick(
            stage=stage,
            partition=desk.partition,
            now=now,
            scored_offset=scored_offset,
            incidents_offset=offset,
            corrections_offset=corrections_offset,
        )
        return Outgoing(self._settings.topics.ticks.name, str(desk.partition), tick, desk.partition)

    def _partition_of(self, institution: str) -> int:
        return partition_of(institution, self._settings.partitions)
