"""The alert service: keeps what was said and what the watch app made of it, and tells the right people."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from services.alerts.composing import Composer
from services.alerts.consuming import Reader
from services.alerts.delivery import Courier
from services.alerts.metrics import Metrics
from services.alerts.pipeline import Pipeline
from services.alerts.receivers import Receiver, build_receivers
from services.alerts.routing.count import CountReason, count
from services.alerts.store import Store, migrate, pending_migrations
from services.alerts.ticking import Ticks
from services.config.schema import Config
from services.messages.faults import OperatorError
from services.messages.records import Stage, Tick
from services.runtime import kafka
from services.runtime.clock import Clock, SimulatedClock, SystemClock
from services.runtime.http import Health, Server
from services.runtime.lifecycle import Lifecycle
from services.runtime.settings import Settings

log = structlog.get_logger()

STEP_S = 1.0
PROBE_S = 5.0
FIGURES_S = 60.0
LOOK_AGAIN = timedelta(seconds=15)  # another replica may have stored something
FINISH_S = 20.0  # how long a stopping service waits for what is being sent
MOST_MOMENTS = 200  # acted upon before they are reported
_WEEK = timedelta(days=7)


class SchemaError(OperatorError):
    """The database is not at this version's schema."""


async def run(
    settings: Settings,
    config: Config,
    *,
    receivers: Mapping[str, Receiver] | None = None,
    life: Lifecycle | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        settings: The process's settings.
        config: The subscription file.
        receivers: By id, instead of those of the file.
        life: To stop the service from within the same process.

    Raises:
        BaseException: what ended the service, unless that was a signal.

    """
    life = life or Lifecycle()
    service = _Service(settings, config, life)
    try:
        await service.start(receivers)
    except BaseException:
        await life.close()
        raise
    try:
        await life.run_until_stopped()
    except asyncio.CancelledError:
        await life.close()
        raise


class _Service:
    """Everything that runs, wired in one place."""

    def __init__(self, settings: Settings, config: Config, life: Lifecycle) -> None:
        self._settings = settings
        self._config = config
        self._life = life
        self._health = Health(("kafka", "database"))
        registry = CollectorRegistry()
        self._metrics = Metrics(registry, config.flat())
        self._server = Server(settings.http_host, settings.http_port, registry, self._health)
        self._simulated = SimulatedClock() if settings.clock == "ticks" else None
        self._clock: Clock = self._simulated or SystemClock()
        self._in_flight: asyncio.Task[None] | None = None

    async def start(self, given: Mapping[str, Receiver] | None) -> None:
        """Start in order: port, database, receivers, Kafka, work. A named step undoes each."""
        settings, life = self._settings, self._life
        keyring = settings.keyring()
        await self._server.start()
        life.on_stop("http", self._server.stop)
        self._store = await self._open_store()
        life.on_stop("database", self._store.close)
        receivers = build_receivers(self._config.receivers) if given is None else given
        for name, receiver in receivers.items():
            life.on_stop(f"receiver {name}", receiver.close)
        self._composer = Composer(self._store, self._config, keyring)
        self._pipeline = self._make_pipeline(receivers)
        await self._pipeline.recover(self._clock.now(), starting=True)
        self._producer = kafka.make_producer(settings)
        await kafka.start(self._producer)
        life.on_stop("producer", self._producer.stop)
        self._consumer = await self._subscribe()
        life.on_stop("consumer", self._consumer.stop)
        self._reader = Reader(settings, self._consumer, self._producer, self._store, self._metrics)
        life.on_stop("in flight", self._finish)
        if self._simulated is not None:
            life.spawn("ticks", self._follow_ticks(self._simulated))
        else:
            life.spawn("read", self._read())
            life.spawn("tell", self._tell())
        life.spawn("probe", self._probe())
        life.spawn("figures", self._show_figures())
        log.info("started", port=self._server.port)

    async def _open_store(self) -> Store:
        """Open the database; SQLite is ours alone, so it is migrated here."""
        url = self._settings.database
        store = Store(url, lambda ok: self._health.set_ready("database", ready=ok))
        if store.alone:
            await asyncio.to_thread(migrate, url)
        await store.check()
        if pending := await asyncio.to_thread(pending_migrations, url):
            await store.close()
            raise SchemaError(f"the database lacks {', '.join(pending)}; run: stormwacht migrate")
        return store

    def _make_pipeline(self, receivers: Mapping[str, Receiver]) -> Pipeline:
        simulated = self._simulated is not None
        courier = Courier(
            self._store, self._composer, receivers, self._metrics, self._clock, resolve=simulated
        )
        look_again = None if simulated else LOOK_AGAIN
        return Pipeline(self._store, self._config, courier, self._metrics, look_again=look_again)

    async def _subscribe(self) -> AIOKafkaConsumer:
        topics = self._settings.topics
        wanted = [topics.scored, topics.incidents, *([topics.ticks] if self._simulated else [])]
        await kafka.check_topics(self._settings, wanted)
        consumer = kafka.make_consumer(self._settings, *wanted, group=topics.alerts_group)
        await kafka.start(consumer)
        return consumer

    async def _read(self) -> None:
        """Keep the database up to date."""
        while not self._life.stopping:
            _, touched = await self._reader.read(STEP_S)
            self._pipeline.touch(touched)
            self._turned()

    async def _tell(self) -> None:
        """Decide and deliver every second, once the backlog is read: what it holds belongs together."""
        while not self._life.stopping and not self._reader.caught_up:
            await self._life.sleep(STEP_S / 10)
        while not self._life.stopping:
            await self._uninterrupted(self._pipeline.step(self._clock.now()))
            await self._life.sleep(STEP_S)

    async def _follow_ticks(self, clock: SimulatedClock) -> None:
        """Move the clock from tick to tick; each moment is acted upon, reported, and only then committed."""
        topics, partitions = self._settings.topics, self._settings.partitions
        ticks = Ticks(topics.scored.name, topics.incidents.name, partitions)
        committed: dict[int, int] = {}
        while not self._life.stopping:
            batch, touched = await self._reader.read(STEP_S / 5)
            self._pipeline.touch(touched)
            for partition, offset, tick in batch.ticks:
                if tick is None:
                    ticks.skip(partition, offset)
                else:
                    ticks.take(partition, offset, tick)
            await self._uninterrupted(self._act(clock, ticks))
            done = ticks.done_to()
            if done != committed:
                places = {TopicPartition(topics.ticks.name, number): to for number, to in done.items()}
                await self._reader.commit(places)
                committed = done
            self._turned()

    async def _act(self, clock: SimulatedClock, ticks: Ticks) -> None:
        """Act upon every moment that is ready, in order."""
        told: list[kafka.Outgoing] = []
        while not self._life.stopping and (now := ticks.ready(self._reader.applied)) is not None:
            clock.advance(now)
            await self._pipeline.step(now)
            told.append(self._told(now, ticks.handled(now)))
            if len(told) == MOST_MOMENTS:
                await kafka.publish(self._producer, told)
                told.clear()
                self._turned()
        if told:
            await kafka.publish(self._producer, told)

    def _told(self, now: datetime, counted_on: Mapping[tuple[str, int], int]) -> kafka.Outgoing:
        topics = self._settings.topics
        tick = Tick(
            stage=Stage.TOLD,
            partition=0,
            now=now,
            scored_offset=counted_on.get((topics.scored.name, 0), 0),
            incidents_offset=counted_on.get((topics.incidents.name, 0), 0),
        )
        return kafka.Outgoing(topics.ticks.name, "0", tick, 0)

    async def _probe(self) -> None:
        """Ask Kafka for its topics now and then: a consumer that has nothing to read notices no outage."""
        answered = time.monotonic()
        while not self._life.stopping:
            try:
                await self._consumer.topics()
                answered = time.monotonic()
                self._health.set_ready("kafka", ready=self._reader.assigned)
            except KafkaError as fault:
                self._health.set_ready("kafka", ready=False)
                log.warning("kafka_does_not_answer", error=type(fault).__name__)
                if time.monotonic() - answered > kafka.RETRY_S:
                    raise kafka.BrokerUnavailableError(
                        f"Kafka has not answered for {kafka.RETRY_S:.0f} s"
                    ) from None
            await self._life.sleep(PROBE_S if self._reader.assigned else STEP_S)

    async def _show_figures(self) -> None:
        """Put the reply figures of the past week into the metrics."""
        start = datetime.min.replace(tzinfo=UTC)
        while not self._life.stopping:
            now = self._clock.now()
            for institution in self._config.flat() if now > start else ():
                figures = await self._composer.figures(institution, now)
                rate = nan if figures.rate is None else figures.rate
                self._metrics.reply_rate.labels(institution).set(rate)
                open_ = await self._open_negatives(institution, now)
                self._metrics.open_negatives.labels(institution).set(open_)
            await self._life.sleep(FIGURES_S)

    async def _open_negatives(self, institution: str, now: datetime) -> int:
        week = await self._store.week(institution, now - _WEEK, now)
        answered = {scored.mention.in_reply_to for scored, _ in week if scored.mention.own}
        return sum(
            deleted is None
            and count(scored, min_negative=0.5) is CountReason.COUNTS
            and scored.mention.post not in answered
            for scored, deleted in week
        )

    def _turned(self) -> None:
        self._health.beat()
        for topic, waiting in self._reader.lag().items():
            self._metrics.lag.labels(topic).set(waiting)

    async def _uninterrupted(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work end even when the service stops: what is cut off while being sent is sent twice."""
        self._in_flight = asyncio.create_task(work)
        await asyncio.shield(self._in_flight)

    async def _finish(self) -> None:
        if self._in_flight is not None:
            async with asyncio.timeout(FINISH_S):
                await self._in_flight
