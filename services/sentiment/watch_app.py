"""The watch app: scored mentions and ticks in, incident steps out; the detectors live in a Faust table."""

import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import structlog

from services.messages.codec import CodecError, decode
from services.messages.records import Incident, ScoredMention, Stage, Tick
from services.messages.vocabulary import Size
from services.runtime.clock import SystemClock
from services.runtime.kafka import Outgoing, partition_of, publish, undecodable
from services.runtime.settings import Settings
from services.sentiment.metrics import WatchMetrics
from services.sentiment.storm.detector import Detector, StateError, dump, load
from services.sentiment.worker import STALLED_S, StalledError, Worker

log = structlog.get_logger()

TICK_S = 5.0
_MARKER = "@"  # prefix of the key under which a partition's position stands; no institution id has it


async def run(settings: Settings, sizes: Mapping[str, Size]) -> None:
    """Watch until told to stop; `sizes` by institution id, for those that have no history yet."""
    topics = settings.topics
    worker = Worker(settings, topics.watch_group, reads=(topics.scored, topics.ticks))
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

    @worker.app.agent(worker.app.topic(topics.scored.name, topics.ticks.name), concurrency=1)
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
        self.applied = 0  # offset below which every record was taken in
        self.marked = 0  # the same, as it stands in the table
        self.detectors: dict[str, Detector] = {}
        self.changed: set[str] = set()
        self.held: list[Any] = []
        self.ticks: deque[tuple[Any, Tick]] = deque()
        self.loaded = False
        self.waiting_since: float | None = None  # how long its first tick has waited, by the monotonic clock


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
        """Take one record of `scored` or `ticks` in, and act on every tick that is due."""
        message = event.message
        desk = self._desks.get(message.partition)
        if desk is None:
            return  # revoked while it stood in a queue: its next owner reads it again
        self._load(desk)
        try:
            if message.topic == self._settings.topics.ticks.name:
                self._take_tick(desk, event)
            else:
                self._take_scored(desk, message)
                desk.held.append(event)
        except CodecError as fault:
            self._metrics.dead.inc()
            await publish(
                self._worker.producer, [undecodable(self._settings.topics, "watch", message, str(fault))]
            )
            desk.held.append(event)
        while desk.ticks and desk.ticks[0][1].scored_offset <= desk.applied:
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
            ticks = [self._tick(Stage.SCORED, d, clock.now(), d.applied) for d in self._desks.values()]
            if ticks and not self._worker.app.rebalancing:
                await publish(self._worker.producer, ticks)
            await self._worker.life.sleep(TICK_S)

    def _load(self, desk: Desk) -> None:
        """Read the desk's detectors from the table; recovered by now, since events only flow after that."""
        if desk.loaded:
            return
        for key, value in self._table.items():
            name = key.decode()
            if name == f"{_MARKER}{desk.partition}":
                desk.applied = desk.marked = int(value)
            elif not name.startswith(_MARKER) and self._partition_of(name) == desk.partition:
                desk.detectors[name] = self._restored(name, value)
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
            known = desk.detectors.get(name)
            taken = known is not None and known.forget(message.offset, post)
        else:
            scored = decode(ScoredMention, message.value)
            name = scored.institution
            if name not in desk.detectors:
                desk.detectors[name] = self._fresh(name)
            taken = desk.detectors[name].apply(message.offset, scored)
        if taken:
            desk.changed.add(name)

    async def _act(self, desk: Desk, event: Any, tick: Tick) -> None:
        """Let every detector of the desk judge, then make it durable."""
        steps: list[Incident] = []
        for name in sorted(desk.detectors):
            detector = desk.detectors[name]
            was_open = detector.incident is not None
            steps += detector.tick(tick.now, tick.scored_offset)
            if was_open or detector.incident is not None:
                desk.changed.add(name)
        await self._publish(desk, steps)
        if self._desks.get(desk.partition) is not desk:
            return  # taken away meanwhile: its next owner decides the same, and writing now would set it back
        self._write(desk)
        await self._table.settled()
        if self._desks.get(desk.partition) is not desk:
            return  # as above: what is not acknowledged here is read again there
        if self._settings.clock == "ticks":
            await publish(
                self._worker.producer, [self._tick(Stage.WATCHED, desk, tick.now, tick.scored_offset)]
            )
        for done in (*desk.held, event):
            done.ack()
        desk.held.clear()
        self._metrics.ticks.inc()
        self._metrics.institutions.set(sum(len(d.detectors) for d in self._desks.values()))

    async def _publish(self, desk: Desk, steps: list[Incident]) -> None:
        if not steps:
            return
        name = self._settings.topics.incidents.name
        reached = await publish(
            self._worker.producer, [Outgoing(name, step.institution, step, desk.partition) for step in steps]
        )
        for step in steps:
            desk.detectors[step.institution].state.incidents_offset = reached[name, desk.partition]
            self._metrics.steps.labels(step.state).inc()
            log.info("incident_step", incident=step.id, seq=step.seq, state=step.state, n=step.n)

    def _write(self, desk: Desk) -> None:
        """Write what changed once; the position last, so that a crash in between only repeats."""
        for name in sorted(desk.changed):
            state = dump(desk.detectors[name])
            self._metrics.state_bytes.observe(len(state))
            self._table[name.encode()] = state
        desk.changed.clear()
        if desk.applied != desk.marked:
            self._table[f"{_MARKER}{desk.partition}".encode()] = str(desk.applied).encode()
            desk.marked = desk.applied

    def _tick(self, stage: Stage, desk: Desk, now: datetime, scored_offset: int) -> Outgoing:
        offset = max((d.state.incidents_offset for d in desk.detectors.values()), default=0)
        tick = Tick(
            stage=stage,
            partition=desk.partition,
            now=now,
            scored_offset=scored_offset,
            incidents_offset=offset,
        )
        return Outgoing(self._settings.topics.ticks.name, str(desk.partition), tick, desk.partition)

    def _partition_of(self, institution: str) -> int:
        return partition_of(institution, self._settings.partitions)
