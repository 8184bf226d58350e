"""The ingest service: sources to mentions. Wiring and the order of effects; decisions are in `processing`.

A batch is published, acknowledged, and only then the cursor moves: a crash repeats posts and loses none.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from services.config.schema import Config, FileSource, WebhookSource
from services.ingest.batches import batches
from services.ingest.matching.matcher import Matcher
from services.ingest.memory import ThreadMemory
from services.ingest.metrics import Metrics
from services.ingest.processing import Origin, Processor, Result
from services.ingest.sources import Item, Outcome, Source, SourceError, file, webhook
from services.ingest.state import read_cursors, read_memory
from services.messages.records import Cursor
from services.runtime import kafka
from services.runtime.clock import Clock, SystemClock
from services.runtime.http import Health, Server
from services.runtime.kafka import Outgoing
from services.runtime.lifecycle import Lifecycle
from services.runtime.settings import Settings

log = structlog.get_logger()

BATCH_ITEMS = 500
BATCH_S = 0.05
STAGE = "ingest"
_SLOW_S = 2.0  # a batch that Kafka has not taken by then makes the service not ready


@dataclass
class IngestReport:
    """What one run did; `dead` counts by reason."""

    read: int = 0
    published: int = 0
    unmatched: int = 0
    dead: Counter[str] = field(default_factory=Counter)


async def run(settings: Settings, config: Config) -> IngestReport:
    """Read the sources of a subscription until all are finished, or until a signal.

    Raises:
        BaseException: the fault that ended the service; no cursor has moved past what it concerns.

    """
    return await Ingest(settings, config).run()


class Ingest:
    """One ingest process in this event loop."""

    def __init__(self, settings: Settings, config: Config, clock: Clock | None = None) -> None:
        self.life = Lifecycle()
        self.health = Health(("kafka",))
        self.registry = CollectorRegistry()
        self.server = Server(settings.http_host, settings.http_port, self.registry, self.health)
        self.report = IngestReport()
        self._settings = settings
        self._clock = clock or SystemClock()
        self._metrics = Metrics(self.registry, [source.id for source in config.sources])
        self._memory = ThreadMemory()
        self._processor = Processor(Matcher(config.flat()), settings.keyring(), self._memory)
        self._producer: AIOKafkaProducer = kafka.make_producer(settings)
        self._webhooks: dict[str, webhook.WebhookSource] = {}
        self._sources = [(self._make(source), source.institution) for source in config.sources]
        self._running = len(self._sources)

    async def run(self) -> IngestReport:
        """Start everything, work until the end or a signal, stop everything."""
        try:
            await self._start()
        except BaseException:
            await self.life.close()
            raise
        await self.life.run_until_stopped()
        return self.report

    async def _start(self) -> None:
        self.server.app.router.add_post(
            "/v1/posts/{source}",
            webhook.handler(
                self._webhooks, lambda: not self.health.waiting(), lambda: self._clock.now().timestamp()
            ),
        )
        await self.server.start()
        self.life.on_stop("http", self.server.stop)
        self.life.spawn("heartbeat", self.health.beat_until_stopped(self.life))
        self.life.on_stop("producer", self._producer.stop)
        await kafka.start(self._producer)
        cursors = await read_cursors(self._settings)
        await read_memory(self._settings, self._memory)
        for source, bound in self._sources:
            origin = Origin(source.id, bound, source.replay)
            self.life.spawn(f"source {source.id}", self._read(source, origin, cursors.get(source.id)))
        self.health.set_ready("kafka")
        if not self._running:
            self.life.stop()
        log.info("started", port=self.server.port, sources=len(self._sources))

    def _make(self, entry: FileSource | WebhookSource) -> Source:
        if isinstance(entry, FileSource):
            return file.FileSource(entry.id, entry.path, entry.speed)
        made = webhook.WebhookSource(entry.id, entry.secret, entry.rate_per_minute)
        self._webhooks[entry.id] = made
        return made

    async def _read(self, source: Source, origin: Origin, cursor: Cursor | None) -> None:
        """Work through one source from where its cursor stands."""
        cursor = cursor or Cursor(source=source.id, position="", since=self._clock.now())
        if not (cursor.finished and source.resumable):
            cursor = replace(cursor, finished=False)
            log.info("source_started", source=source.id, position=cursor.position)
            try:
                async with aclosing(
                    batches(source.items(cursor.position or None), BATCH_ITEMS, BATCH_S)
                ) as groups:
                    async for batch in groups:
                        cursor = await self._commit(origin, cursor, batch)
            except SourceError as fault:
                await self._save(replace(cursor, last_error=str(fault), since=self._clock.now()))
                raise
            await self._save(replace(cursor, finished=True))
        log.info("source_finished", source=source.id, published=cursor.published, dead=cursor.dead)
        self._running -= 1
        if not self._running:
            self.life.stop()

    async def _commit(self, origin: Origin, cursor: Cursor, batch: Sequence[Item]) -> Cursor:
        """Publish a batch, then tell who waits for it, then move the cursor."""
        now = self._clock.now()
        results = [
            Result(fault=item.fault) if item.fault else self._processor.process(item.raw, origin, now)
            for item in batch
        ]
        records = [
            record
            for item, result in zip(batch, results, strict=True)
            if (record := self._record(origin, item, result, now))
        ]
        if records:
            await self._publish(records)
        outcomes = [_outcome(result) for result in results]
        for item, outcome in zip(batch, outcomes, strict=True):
            if item.settled:
                item.settled(outcome)
        count = Counter(outcomes)
        dated = [result.created_at for result in results if result.created_at]
        cursor = replace(
            cursor,
            position=batch[-1].position,
            published=cursor.published + count[Outcome.PUBLISHED],
            unmatched=cursor.unmatched + count[Outcome.UNMATCHED],
            dead=cursor.dead + count[Outcome.DEAD],
            last_item=dated[-1] if dated else cursor.last_item,
            last_error=None,
            since=now if cursor.last_error else cursor.since,
        )
        await self._save(cursor)
        self._count(origin, results)
        if dated and not origin.replay:
            self._metrics.lag.labels(origin.source).set(max(0.0, (now - dated[-1]).total_seconds()))
        return cursor

    def _record(self, origin: Origin, item: Item, result: Result, now: datetime) -> Outgoing | None:
        topics = self._settings.topics
        if result.mention is not None:
            return Outgoing(topics.mentions.name, result.mention.post, result.mention)
        if result.fault is None:
            return None
        letter = kafka.dead_letter(
            source=origin.source,
            stage=STAGE,
            reason=result.fault.reason,
            position=item.position,
            raw=item.raw if isinstance(item.raw, bytes) else msgspec.json.encode(item.raw),
            at=now,
        )
        return Outgoing(topics.deadletters.name, origin.source, letter)

    def _count(self, origin: Origin, results: Sequence[Result]) -> None:
        for result in results:
            outcome = _outcome(result)
            self._metrics.items.labels(origin.source, outcome).inc()
            if result.fault is not None:
                self._metrics.dead.labels(result.fault.code).inc()
                self.report.dead[result.fault.code.value] += 1
            for kind, found in result.masked.items():
                self._metrics.masked.labels(kind).inc(found)
            self.report.read += 1
            self.report.published += outcome is Outcome.PUBLISHED
            self.report.unmatched += outcome is Outcome.UNMATCHED

    async def _save(self, cursor: Cursor) -> None:
        await self._publish([Outgoing(self._settings.topics.cursors.name, cursor.source, cursor)])

    async def _publish(self, records: Sequence[Outgoing]) -> None:
        """Publish; while Kafka does not take it the service is not ready, and webhooks answer 503."""
        slow = asyncio.get_running_loop().call_later(
            _SLOW_S, lambda: self.health.set_ready("kafka", ready=False)
        )
        try:
            with self._metrics.publish.time():
                await kafka.publish(self._producer, records)
        finally:
            slow.cancel()
        self.health.set_ready("kafka")


def _outcome(result: Result) -> Outcome:
    if result.mention is not None:
        return Outcome.PUBLISHED
    return Outcome.DEAD if result.fault is not None else Outcome.UNMATCHED
