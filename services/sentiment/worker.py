"""What both Faust apps have in common: our settings, our HTTP port, and a watchdog over Faust.

Faust is kept for group membership, assignment and tables. It acknowledges what an agent was working on
when that agent raises, so an agent's body may not raise: `Worker.guard` turns a fault into the end of
the process, with nothing acknowledged.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

import faust
import structlog
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from services.messages.faults import OperatorError
from services.messages.topics import Topic
from services.runtime import kafka
from services.runtime.http import Health, Server
from services.runtime.lifecycle import Lifecycle
from services.runtime.settings import Settings

log = structlog.get_logger()

STALLED_S = 90.0  # Faust's consumers are known to stall after broker trouble
_BEAT_S = 1.0


class StalledError(OperatorError):
    """Records waited in Kafka and none was handled for too long."""


class Worker:
    """One Faust app in this event loop, with its producer, port and life."""

    def __init__(self, settings: Settings, group: str, waits_for: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.life = Lifecycle()
        self.health = Health(("kafka", *waits_for))
        self.registry = CollectorRegistry()
        self.server = Server(settings.http_host, settings.http_port, self.registry, self.health)
        self.producer: AIOKafkaProducer = kafka.make_producer(settings)
        self.app = make_app(settings, group)
        self._handled = time.monotonic()

    def handled(self) -> None:
        """Note that the agent got something done."""
        self._handled = time.monotonic()

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

    async def run(self, *topics: Topic) -> None:
        """Start everything, work until told to stop, stop everything.

        Raises:
            BaseException: what ended the service, unless that was a signal.

        """
        life = self.life
        try:
            await self.server.start()
            life.on_stop("http", self.server.stop)
            await kafka.start(self.producer)
            life.on_stop("producer", self.producer.stop)
            await self._check_partitions(topics)
            self.app.finalize()
            await self.app.start()
            life.on_stop("faust", self.app.stop)
            life.spawn("watchdog", self._watchdog())
            log.info("started", port=self.server.port)
        except BaseException:
            await life.close()
            raise
        await life.run_until_stopped()

    async def _check_partitions(self, topics: tuple[Topic, ...]) -> None:
        for topic in topics:
            found = len(await self.producer.partitions_for(topic.name))
            if found != self.settings.partitions:
                raise kafka.TopicError(
                    f"topic {topic.name} has {found} partitions, STORMWACHT_PARTITIONS says "
                    f"{self.settings.partitions}; make them equal, or run: stormwacht topics"
                )

    async def _watchdog(self) -> None:
        """Keep health up to date, and end the process when Faust has crashed or stands still."""
        while not self.life.stopping:
            self.health.beat()
            self.health.set_ready("kafka", ready=self._assigned())
            if self.app.crashed:
                self.life.fail(self.app.crash_reason or StalledError("Faust crashed"))
            if self._lag() == 0:
                self.handled()
            elif time.monotonic() - self._handled > STALLED_S:
                self.life.fail(StalledError(f"records wait and none was handled for {STALLED_S:.0f} s"))
            await self.life.sleep(_BEAT_S)

    def _assigned(self) -> bool:
        return bool(self.app.started and not self.app.rebalancing and self.app.consumer.assignment())

    def _lag(self) -> int:
        """Return how many records wait, as far as the fetched high watermarks tell."""
        consumer = self.app.consumer
        committed = consumer._committed_offset  # noqa: SLF001 - Faust has no public way to ask
        return sum(
            max(0, (consumer.highwater(tp) or 0) - (committed.get(tp) or 0)) for tp in consumer.assignment()
        )


def make_app(settings: Settings, group: str) -> faust.App:
    """Return a Faust app that declares no topics, opens no port and moves raw bytes."""
    limits = settings.limits
    return faust.App(
        group,
        broker=f"kafka://{settings.bootstrap}",
        store="memory://",
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
