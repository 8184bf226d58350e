"""`stormwacht demo`: the real services on a fresh broker, and a recorded week with a storm."""

import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.demo.clockwork import Clockwork
from services.demo.processes import Process
from services.demo.summary import Summary, summarise
from services.demo.view import View
from services.messages.codec import decode
from services.messages.records import Cursor, Incident, Mention, ScoredMention, Tick
from services.messages.topics import Topics
from services.runtime import kafka
from services.runtime.broker import EmbeddedBroker, free_port
from services.runtime.settings import APACHE, EMBEDDED, Settings, to_environment

HERE = Path(__file__).resolve().parent
WEEK = HERE / "week.ndjson"
SERVICES = ("ingest", "score", "watch", "alerts")
PARTITIONS = 3
SOURCE = "week"
_TICKS_AT_ONCE = 500


async def demo(*, speed: str, leave: bool, bootstrap: str | None) -> Summary:
    """Replay the week and return what happened.

    Args:
        speed: How many times faster than life, or `max`.
        leave: End when the week has ended; otherwise keep the services running until cancelled.
        bootstrap: A Kafka to use instead of the embedded broker.

    """
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stormwacht-demo-")))
        embedded = bootstrap is None
        if bootstrap is None:
            bootstrap = (await stack.enter_async_context(EmbeddedBroker())).bootstrap
        settings = _settings(folder, bootstrap, embedded=embedded)
        _write_config(folder, speed)
        await kafka.create_topics(settings, settings.topics.all())
        view = View(settings.topics, WEEK)
        services = _start(stack, settings, view)
        clockwork = Clockwork(PARTITIONS)
        await _beside(services, _replay(settings, clockwork, view))
        summary = await summarise(clockwork, settings, WEEK, time.monotonic() - started)
        view.over(summary, leave=leave)
        if not leave:
            await _beside(services, asyncio.Event().wait())
        return summary


def _settings(folder: Path, bootstrap: str, *, embedded: bool) -> Settings:
    return Settings(
        bootstrap=bootstrap,
        limits=EMBEDDED if embedded else APACHE,
        # A broker that stays keeps the topics of each run apart.
        topics=Topics("stormwacht" if embedded else f"stormwacht-demo-{secrets.token_hex(3)}"),
        partitions=PARTITIONS,
        config=folder / "stormwacht.yaml",
        database=f"sqlite:///{folder / 'alerts.db'}",
        clock="ticks",
        log_level="warning",
        secrets=(secrets.token_hex(32).encode(),),
    )


def _write_config(folder: Path, speed: str) -> None:
    """Write the subscription file of this run: the eight institutions, and the week as their source."""
    config = {
        "version": 1,
        "include": [str(HERE / "institutions.yaml")],
        "sources": [{"type": "file", "id": SOURCE, "path": str(WEEK), "speed": speed}],
    }
    (folder / "stormwacht.yaml").write_text(json.dumps(config, indent=2))  # JSON is YAML


def _start(stack: AsyncExitStack, settings: Settings, view: View) -> list[asyncio.Task[None]]:
    """Start the services; the last one started is the first one stopped."""
    tasks = []
    for service in SERVICES:
        port = free_port()
        view.add_service(service, port)
        show = view.told if service == "alerts" else _ignore
        env = _bare_environment() | to_environment(settings, settings.config.parent / "key", port)
        process = Process(service, env, show)
        stack.push_async_callback(process.stop)
        tasks.append(asyncio.create_task(process.keep_running()))
    return tasks


def _bare_environment() -> dict[str, str]:
    """Return the environment without the user's own settings, except for the model to use."""
    keep = "STORMWACHT_MODEL"
    return {k: v for k, v in os.environ.items() if k.startswith(keep) or not k.startswith("STORMWACHT_")}


def _ignore(_line: str) -> None:
    """Only the console receiver of the alerts has something to say to people."""


async def _beside(services: list[asyncio.Task[None]], work: Coroutine[Any, Any, object]) -> None:
    """Do the work while the services run; a service that gives up ends it."""
    job = asyncio.create_task(work)
    pending: set[asyncio.Task[Any]] = {job, *(task for task in services if not task.done())}
    try:
        while job in pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        job.cancel()


async def _replay(settings: Settings, clockwork: Clockwork, view: View) -> None:
    """Follow the topics and move the clock until the last tick has come through."""
    topics = settings.topics
    consumer = kafka.make_consumer(
        settings,
        topics.cursors,
        topics.mentions,
        topics.scored,
        topics.incidents,
        topics.ticks,
        topics.deadletters,
    )
    producer = kafka.make_producer(settings)
    async with AsyncExitStack() as stack:
        for client in (consumer, producer):
            await kafka.start(client)
            stack.push_async_callback(client.stop)
        while not clockwork.finished:
            await _read(consumer, topics, clockwork)
            await _tick(producer, settings, clockwork)
            view.progress(clockwork)


async def _read(consumer: AIOKafkaConsumer, topics: Topics, clockwork: Clockwork) -> None:
    take: Mapping[str, Callable[..., None]] = {
        topics.cursors.name: lambda r: setattr(clockwork, "cursor", decode(Cursor, r.value)),
        topics.mentions.name: lambda r: clockwork.see_mention(decode(Mention, r.value), r.timestamp),
        topics.scored.name: lambda r: clockwork.see_scored(
            decode(ScoredMention, r.value), r.partition, r.offset, r.timestamp
        ),
        topics.incidents.name: lambda r: clockwork.see_incident(decode(Incident, r.value)),
        topics.ticks.name: lambda r: clockwork.see_tick(decode(Tick, r.value)),
        topics.deadletters.name: lambda _: clockwork.see_dead_letter(),
    }
    for batch in (await consumer.getmany(timeout_ms=200, max_records=5000)).values():
        for record in batch:
            take[record.topic](record)


async def _tick(producer: AIOKafkaProducer, settings: Settings, clockwork: Clockwork) -> None:
    ticks = [
        kafka.Outgoing(settings.topics.ticks.name, str(tick.partition), tick, tick.partition)
        for tick in clockwork.due()
    ]
    for start in range(0, len(ticks), _TICKS_AT_ONCE):
        await kafka.publish(producer, ticks[start : start + _TICKS_AT_ONCE])
