"""From Kafka into the database: decode, write a batch in one transaction, then commit its offsets."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.alerts.metrics import Metrics
from services.alerts.store.intake import Row, UnstorableError, incident_row, mention_row
from services.alerts.store.store import Store
from services.messages.codec import CodecError, decode
from services.messages.records import Incident, ScoredMention, Stage, Tick
from services.runtime.kafka import RETRY_S, BrokerUnavailableError, Outgoing, publish, undecodable
from services.runtime.settings import Settings

log = structlog.get_logger()

MOST_RECORDS = 1000  # in one transaction
FEW_RECORDS = 100  # so many may wait while the service counts as caught up
_PAUSE_S = 1.0


@dataclass
class Batch:
    """What was read at once."""

    mentions: list[Row] = field(default_factory=list)
    incidents: list[Row] = field(default_factory=list)
    erased: list[tuple[str, str, datetime]] = field(default_factory=list)
    ticks: list[tuple[int, int, Tick | None]] = field(default_factory=list)
    dead: list[Outgoing] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was read."""
        return not self.offsets and not self.ticks


class Reader:
    """Reads batches; each is in the database before its offsets are committed."""

    def __init__(
        self,
        settings: Settings,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        store: Store,
        metrics: Metrics,
    ) -> None:
        self._topics = settings.topics
        self._consumer = consumer
        self._producer = producer
        self._store = store
        self._metrics = metrics
        self.applied: dict[tuple[str, int], int] = {}

    async def read(self, wait_s: float) -> tuple[Batch, datetime | None]:
        """Apply the next batch; return it, and the earliest moment at which it can make something due."""
        found = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=MOST_RECORDS)
        batch = Batch()
        for place, records in found.items():
            for record in records:
                self._sort(batch, record)
            if place.topic != self._topics.ticks.name:
                batch.offsets[place] = records[-1].offset + 1
        touched = None
        if batch.mentions or batch.incidents or batch.erased:
            touched = await self._store.apply(batch.mentions, batch.incidents, batch.erased)
        if batch.dead:
            self._metrics.dead.inc(len(batch.dead))
            await publish(self._producer, batch.dead)
        await self.commit(batch.offsets)
        await self._note(batch)
        return batch, touched

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit offsets, riding out a broker that does not answer.

        Raises:
            BrokerUnavailableError: it did not answer within `RETRY_S`.

        """
        deadline = time.monotonic() + RETRY_S
        while offsets:
            try:
                await self._consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError) as fault:
                # The partitions went to another member, which reads this batch again; that changes nothing.
                log.warning("commit_refused", error=type(fault).__name__)
                return
            except KafkaError as fault:
                if time.monotonic() > deadline:
                    raise BrokerUnavailableError(f"offsets not committed: {type(fault).__name__}") from None
                log.warning("commit_retried", error=type(fault).__name__)
                await asyncio.sleep(_PAUSE_S)
            else:
                return

    def _sort(self, batch: Batch, record: "ConsumerRecord[bytes, bytes]") -> None:
        """Put a record where it belongs; one that cannot be read becomes a dead letter."""
        try:
            if record.topic == self._topics.scored.name:
                self._take_scored(batch, record)
            elif record.topic == self._topics.incidents.name:
                batch.incidents.append(incident_row(decode(Incident, record.value)))
            else:
                tick = decode(Tick, record.value)
                mine = tick if tick.stage is Stage.WATCHED else None
                batch.ticks.append((record.partition, record.offset, mine))
        except (CodecError, UnstorableError) as fault:
            batch.dead.append(undecodable(self._topics, "alerts", record, str(fault)))
            if record.topic == self._topics.ticks.name:
                batch.ticks.append((record.partition, record.offset, None))

    def _take_scored(self, batch: Batch, record: Any) -> None:
        if record.value is not None:
            batch.mentions.append(mention_row(decode(ScoredMention, record.value)))
            return
        institution, _, post = (record.key or b"").decode(errors="replace").partition("/")
        batch.erased.append((institution, post, datetime.fromtimestamp(record.timestamp / 1000, UTC)))

    async def _note(self, batch: Batch) -> None:
        deletions = sum(row["deleted_at"] is not None for row in batch.mentions) + len(batch.erased)
        self._metrics.applied.labels("mention").inc(len(batch.mentions) + len(batch.erased) - deletions)
        self._metrics.applied.labels("deletion").inc(deletions)
        self._metrics.applied.labels("incident").inc(len(batch.incidents))
        for place in self._consumer.assignment():
            try:
                self.applied[place.topic, place.partition] = await self._consumer.position(place)
            except IllegalStateError:
                continue  # taken away since

    @property
    def assigned(self) -> bool:
        """Whether this consumer has partitions."""
        return bool(self._consumer.assignment())

    @property
    def caught_up(self) -> bool:
        """Whether next to nothing waits in Kafka, as far as every partition's last fetch tells."""
        ends = [self._consumer.highwater(place) for place in self._consumer.assignment()]
        return bool(ends) and None not in ends and sum(self.lag().values()) <= FEW_RECORDS

    def lag(self) -> dict[str, int]:
        """Return how many records wait, by the last part of the topic's name."""
        waiting: dict[str, int] = {}
        for place in self._consumer.assignment():
            name = place.topic.rpartition(".")[2]
            end = self._consumer.highwater(place) or 0
            behind = max(0, end - self.applied.get((place.topic, place.partition), end))
            waiting[name] = waiting.get(name, 0) + behind
        return waiting
