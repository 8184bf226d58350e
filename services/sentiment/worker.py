"""What both Faust apps have in common: our settings, our HTTP port, and a watchdog over Faust.

Faust is kept for group membership, assignment and tables. It acknowledges what an agent was working on
when that agent raises, so an agent's body may not raise: `Worker.guard` turns a fault into the end of
the process, with nothing acknowledged.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

import faust
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from services.messages.faults import OperatorError
from services.messages.topics import Topic
from services.runtime import kafka
from services.runtime.http import Health, Server
from services.runtime.lifecycle import Lifecycle
from services.runtime.settings import Settings

log = structlog.get_logger()

STALLED_S = 90.0  # Faust's consumers are known to stall after broker trouble
_WATCH_S = 1.0


class StalledError(OperatorError):
    """Records waited in Kafka and none was handled for too long."""


class DurableTable(faust.Table):  # type: ignore[misc]
    """A table whose changes can be waited for.

    Faust only queues them, and its flush before a commit gives up when nothing moves for a moment.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sent: list[Awaitable[Any]] = []

    def send_changelog(self, *args: Any, **more: Any) -> Any:
        """Queue a change and remember it."""
        sent = super().send_changelog(*args, **more)
        self._sent.append(sent)
        return sent

    async def settled(self) -> None:
        """Return when Kafka has every change.

        Raises:
            BrokerUnavailableError: it had not within `RETRY_S`.

        """
        sent, self._sent = self._sent, []
        try:
            async with asyncio.timeout(kafka.RETRY_S):
                await asyncio.gather(*sent)
        except (TimeoutError, KafkaError) as fault:
            raise kafka.BrokerUnavailableError(
                f"state was not acknowledged: {type(fault).__name__}"
            ) from None


class Progress:
    """Whether each partition that an agent reads moves on."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._topics = {topic.name for topic in topics}
        self._read: dict[tuple[str, int], int] = {}  # next offset
        self._moved: dict[tuple[str, int], float] = {}  # when it last moved, or had nothing to read

    def read(self, topic: str, partition: int, offset: int, now: float) -> None:
        """Note that a record has been read."""
        place = (topic, partition)
        self._read[place] = max(self._read.get(place, 0), offset + 1)
        self._moved[place] = now

    def stalled(self, offsets: Iterable[tuple[str, int, int, int]], now: float) -> list[tuple[str, int]]:
        """Return the partitions that have records to read and have not moved for `STALLED_S`.

        `offsets` holds topic, partition, high watermark and committed offset of what is assigned; `now` is
        in seconds. Other topics than the agent's, such as a table's changelog, are left out.
        """
        found = []
        for topic, partition, high, committed in offsets:
            place = (topic, partition)
            if topic not in self._topics or high <= max(self._read.get(place, 0), committed):
                self._moved[place] = now
            elif now - self._moved.setdefault(place, now) > STALLED_S:
                found.append(place)
        return found


class Worker:
    """One Faust app in this event loop, with its producer, port and life."""

    def __init__(self, settings: Settings, group: str, reads: tuple[Topic, ...]) -> None:
        self.settings = settings
        self.life = Lifecycle()
        self.health = Health(("kafka",))
        self.registry = CollectorRegistry()
        self.server = Server(settings.http_host, settings.http_port, self.registry, self.health)
        self.producer: AIOKafkaProducer = kafka.make_producer(settings)
        self.app = make_app(settings, group)
        self.app.on_rebalance_complete.connect(self._stop_reading)
        self._reads = reads
        self._progress = Progress(reads)

    def handled(self, *messages: Any) -> None:
        """Note what the agent has read."""
        for message in messages:
            self._progress.read(message.topic, message.partition, message.offset, time.monotonic())

    def waiting(self, topic: Topic, partition: int, position: int) -> int:
        """Return how many records of a partition stand beyond a position, as far as the last fetch tells."""
        consumer = self.app.consumer
        ends = [
            consumer.highwater(tp) or 0
            for tp in consumer.assignment()
            if (tp.topic, tp.partition) == (topic.name, partition)
        ]
        return max(ends, default=position) - position

    async def guard(self, body: Awaitable[None]) -> None:
        """Run the body of an agent; a fault ends the process instead of acknowledging the batch."""
        try:
            await body
        except asyncio.CancelledError:
            raise
        except BaseException as fault:
            log.exception("agent_failed", error=type(fault).__name__)
            self.life.fail(fault)
            await asyncio.Event().wait()  # until cancelled: returning or raising would acknowledge

    async def run(self, *writes: Topic) -> None:
        """Start everything, work until told to stop, stop everything; `writes` are the topics it needs too.

        Raises:
            BaseException: what ended the service, unless that was a signal.

        """
        life = self.life
        try:
            life.spawn("heartbeat", self.health.beat_until_stopped(life))
            await self.server.start()
            life.on_stop("http", self.server.stop)
            await kafka.start(self.producer)
            life.on_stop("producer", self.producer.stop)
            await kafka.check_topics(self.settings, (*self._reads, *writes))
            self.app.finalize()
            await self.app.start()
            life.on_stop("faust", self.app.stop)
            life.spawn("watchdog", self._watchdog())
            log.info("started", port=self.server.port)
        except BaseException:
            await life.close()
            raise
        await life.run_until_stopped()

    async def _watchdog(self) -> None:
        """Keep readiness up to date; end the process when Faust has crashed or a partition stands still."""
        while not self.life.stopping:
            self.health.set_ready("kafka", ready=self._assigned())
            if self.app.crashed:
                self.life.fail(self.app.crash_reason or StalledError("Faust crashed"))
            for place in self._stalled():
                self.life.fail(
                    StalledError(f"{place[0]}/{place[1]} has records and none was read for {STALLED_S:.0f} s")
                )
            await self.life.sleep(_WATCH_S)

    async def _stop_reading(self, *_: Any, **__: Any) -> None:
        """Keep Faust from reading until it has gone back to the last acknowledgement; it resumes by itself.

        Otherwise it reads on meanwhile and then empties its queues: records are passed over, their absence is
        taken for compaction and so acknowledged (https://github.com/faust-streaming/faust/issues/596).
        """
        self.app.consumer.stop_flow()

    def _assigned(self) -> bool:
        return bool(self.app.started and not self.app.rebalancing and self.app.consumer.assignment())

    def _stalled(self) -> list[tuple[str, int]]:
        """Return the partitions that stand still; none during a rebalance."""
        if self.app.rebalancing:
            return []
        consumer = self.app.consumer
        committed = consumer._committed_offset  # noqa: SLF001 - Faust has no public way to ask
        offsets = [
            (tp.topic, tp.partition, consumer.highwater(tp) or 0, committed.get(tp) or 0)
            for tp in consumer.assignment()
        ]
        return self._progress.stalled(offsets, time.monotonic())


def make_app(settings: Settings, group: str) -> faust.App:
    """Return a Faust app that declares no topics, opens no port and moves raw bytes."""
    limits = settings.limits
    return faust.App(
        group,
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
        Table=DurableTable,
        autodiscover=False,
        datadir=str(Path(tempfile.gettempdir()) / group),  # unused by tables in memory, but always made
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication,
        table_standby_replicas=1 if settings.replication > 1 else 0,
        broker_session_timeout=limits.session_timeout_s,
        broker_heartbeat_interval=limits.heartbeat_s,
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        worker_redirect_stdouts=False,
    )
