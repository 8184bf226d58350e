"""Kafka as every service uses it: factories with our settings, durable publishing, topics, dead letters."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, RecordTooLargeError, TopicAlreadyExistsError
from aiokafka.partitioner import murmur2

from services.messages import codec
from services.messages.faults import OperatorError
from services.messages.records import DeadLetter, Record
from services.messages.topics import Topic, Topics
from services.runtime.settings import Settings

log = structlog.get_logger()

RETRY_S = 60.0  # how long an infrastructure fault is ridden out before the process gives up
_PAUSE_S = 1.0
_QUIET_MS = 500  # where end offsets cannot be trusted, this long without a record is the end


class BrokerUnavailableError(OperatorError):
    """Kafka did not take or give what it was asked to within `RETRY_S`."""


class TopicError(OperatorError):
    """A topic is missing or is not laid out as the settings say."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to publish; `partition` None leaves the choice to the key."""

    topic: str
    key: str
    value: Record | None
    partition: int | None = None


def partition_of(key: str, partitions: int) -> int:
    """Return the partition that Kafka's default partitioner gives a key (murmur2, sign bit cleared)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """Return a producer that counts a record as sent only when all in-sync replicas have it."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        acks="all",
        enable_idempotence=settings.limits.idempotent_producer,
        request_timeout_ms=int(RETRY_S * 1000),
    )


def make_consumer(settings: Settings, *topics: Topic, group: str | None = None) -> AIOKafkaConsumer:
    """Return a consumer that commits only by hand and starts at the beginning of what it has never read."""
    return AIOKafkaConsumer(
        *(topic.name for topic in topics),
        bootstrap_servers=settings.bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=int(settings.limits.session_timeout_s * 1000),
        heartbeat_interval_ms=int(settings.limits.heartbeat_s * 1000),
        max_poll_interval_ms=300_000,
    )


class Startable(Protocol):
    """A producer, consumer or admin client."""

    async def start(self) -> None:
        """Connect."""
        ...


async def start(client: Startable) -> None:
    """Connect a client, riding out a broker that is not there yet.

    Raises:
        BrokerUnavailableError: it was not there within `RETRY_S`.

    """
    deadline = time.monotonic() + RETRY_S
    while True:
        try:
            await client.start()
        except KafkaError as fault:
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(f"no connection to Kafka: {type(fault).__name__}") from None
            log.warning("connect_retried", error=type(fault).__name__)
            await asyncio.sleep(_PAUSE_S)
        else:
            return


async def publish(producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> dict[tuple[str, int], int]:
    """Publish records and return, when all are acknowledged, the next offset by topic and partition.

    Raises:
        BrokerUnavailableError: not all were acknowledged within `RETRY_S`. Some may have been.

    """
    pending = list(records)
    deadline = time.monotonic() + RETRY_S
    reached: dict[tuple[str, int], int] = {}
    while True:
        pending, fault = await _publish_once(producer, pending, reached)
        if not pending:
            return reached
        if time.monotonic() > deadline:
            raise BrokerUnavailableError(f"{len(pending)} records were not acknowledged: {fault}")
        log.warning("publish_retried", records=len(pending), error=type(fault).__name__)
        await asyncio.sleep(_PAUSE_S)


async def _publish_once(
    producer: AIOKafkaProducer, records: Sequence[Outgoing], reached: dict[tuple[str, int], int]
) -> tuple[list[Outgoing], BaseException | None]:
    """Return what was not acknowledged, and the last fault; note in `reached` how far the rest came."""
    results = await asyncio.gather(
        *[await _send(producer, record) for record in records], return_exceptions=True
    )
    failed: list[Outgoing] = []
    fault: BaseException | None = None
    for record, result in zip(records, results, strict=True):
        if isinstance(result, RecordTooLargeError) or (
            isinstance(result, BaseException) and not isinstance(result, KafkaError)
        ):
            raise result
        if isinstance(result, BaseException):
            failed.append(record)
            fault = result
        else:
            place = (result.topic, result.partition)
            reached[place] = max(reached.get(place, 0), result.offset + 1)
    return failed, fault


async def _send(producer: AIOKafkaProducer, record: Outgoing) -> Awaitable[Any]:
    """Hand a record over; a fault at once is told by the future like a later one."""
    value = codec.encode(record.value) if record.value is not None else None
    try:
        sent: Awaitable[Any] = await producer.send(
            record.topic, value, key=record.key.encode(), partition=record.partition
        )
    except KafkaError as fault:
        failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        failed.set_exception(fault)
        return failed
    return sent


async def to_end(settings: Settings, topic: Topic) -> AsyncGenerator[tuple[str, bytes | None], None]:
    """Yield key and value of every record that is there now."""
    consumer = make_consumer(settings, topic)
    await start(consumer)
    try:
        ends = await consumer.end_offsets(consumer.assignment()) if settings.limits.true_end_offsets else None
        while ends is None or await _behind(consumer, ends):
            found = await consumer.getmany(timeout_ms=_QUIET_MS, max_records=2000)
            if ends is None and not found:
                return
            for records in found.values():
                for record in records:
                    yield (record.key or b"").decode(errors="replace"), record.value
            await asyncio.sleep(0)  # getmany need not wait, and /-/healthy must be answered
    finally:
        await consumer.stop()


async def _behind(consumer: AIOKafkaConsumer, ends: dict[object, int]) -> bool:
    """Tell whether a partition has not been read to where it ended."""
    positions = [(await consumer.position(partition), end) for partition, end in ends.items()]
    return any(position < end for position, end in positions)


async def create_topics(settings: Settings, topics: Iterable[Topic]) -> list[str]:
    """Create the topics that are missing and return their names."""
    async with _admin(settings) as admin:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        new = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions or settings.partitions,
                replication_factor=settings.replication,
                topic_configs=topic.config(settings.min_insync) if settings.limits.topic_settings else {},
            )
            for topic in missing
        ]
        if new:
            response = await admin.create_topics(new)
            _check_created(response.topic_errors)
        return [topic.name for topic in missing]


async def check_topics(settings: Settings, topics: Iterable[Topic]) -> None:
    """Check that topics are there with the partitions that the settings say.

    Raises:
        TopicError: one is missing, or has another number of partitions.

    """
    async with _admin(settings) as admin:
        found = dict.fromkeys(await admin.list_topics(), 0)
        wanted = {topic.name: topic.partitions or settings.partitions for topic in topics}
        for described in await admin.describe_topics([name for name in wanted if name in found]):
            found[described["topic"]] = len(described["partitions"])
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise TopicError(f"missing: {', '.join(missing)}; make them with: stormwacht topics")
    for name, partitions in wanted.items():
        if found[name] != partitions:
            raise TopicError(
                f"topic {name} has {found[name]} partitions, the settings say {partitions}: correct "
                "STORMWACHT_PARTITIONS, or delete it if Kafka made it by itself and run: stormwacht topics"
            )


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await start(admin)
    try:
        yield admin
    finally:
        await admin.close()


def _check_created(errors: Iterable[tuple[str, int, str | None]]) -> None:
    """Raise for the first topic that neither was created nor existed already."""
    for name, code, message in errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise TopicError(f"topic {name} could not be created: error {code} {message or ''}")


def dead_letter(
    *, source: str, stage: str, reason: str, position: str, raw: bytes, at: datetime
) -> DeadLetter:
    """Return the record of something that could not be processed; of `raw` only length and hash are kept."""
    return DeadLetter(
        source=source,
        stage=stage,
        reason=reason,
        position=position,
        length=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        at=at,
    )


def undecodable(topics: Topics, stage: str, record: Any, reason: str) -> Outgoing:
    """Return the dead letter of a Kafka record that a stage could not read."""
    position = f"{record.topic}/{record.partition}/{record.offset}"
    log.warning("dead_letter", stage=stage, position=position, reason=reason)
    letter = dead_letter(
        source=record.topic,
        stage=stage,
        reason=reason,
        position=position,
        raw=record.value or b"",
        at=datetime.now(UTC),
    )
    return Outgoing(topics.deadletters.name, record.topic, letter)
