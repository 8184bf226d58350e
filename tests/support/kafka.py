"""Reading and writing topics in a test."""

import time
from collections.abc import Iterable
from typing import Generic, Self

from aiokafka import AIOKafkaConsumer

from services.messages.codec import R, decode
from services.messages.topics import Topic
from services.runtime import kafka
from services.runtime.settings import Settings


async def send(settings: Settings, records: Iterable[kafka.Outgoing]) -> dict[tuple[str, int], int]:
    """Publish records and return how far each partition came."""
    producer = kafka.make_producer(settings)
    await kafka.start(producer)
    try:
        return await kafka.publish(producer, records)
    finally:
        await producer.stop()


class Reader(Generic[R]):
    """Reads one topic from its beginning, bit by bit."""

    def __init__(self, settings: Settings, topic: Topic, kind: type[R]) -> None:
        self._consumer: AIOKafkaConsumer = kafka.make_consumer(settings, topic)
        self._kind = kind
        self.seen: list[R] = []

    async def __aenter__(self) -> Self:
        await kafka.start(self._consumer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def until(self, count: int, within: float = 60.0) -> list[R]:
        """Return everything read so far, once that is at least `count` records."""
        deadline = time.monotonic() + within
        while len(self.seen) < count:
            assert time.monotonic() < deadline, f"{len(self.seen)} of {count} records within {within} s"
            await self._read(200)
        return self.seen

    async def settled(self, quiet_ms: int = 1000) -> list[R]:
        """Return everything read so far, once nothing has come for a while."""
        while await self._read(quiet_ms):
            pass
        return self.seen

    async def _read(self, timeout_ms: int) -> bool:
        batches = await self._consumer.getmany(timeout_ms=timeout_ms)
        for batch in batches.values():
            self.seen += [decode(self._kind, record.value) for record in batch]
        return bool(batches)
