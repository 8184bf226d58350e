"""What ingest knows from before it was started, read back from Kafka: cursors and the thread memory."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from aiokafka import AIOKafkaConsumer

from services.ingest.memory import ThreadMemory
from services.messages import codec
from services.messages.records import Cursor, Mention
from services.messages.topics import Topic
from services.runtime import kafka
from services.runtime.settings import Settings

log = structlog.get_logger()

QUIET_MS = 500  # where end offsets cannot be trusted, this long without a record is the end


async def read_cursors(settings: Settings) -> dict[str, Cursor]:
    """Return the last cursor of each source.

    Raises:
        CodecError: one cannot be read; starting over in silence would repeat everything.

    """
    cursors: dict[str, Cursor] = {}
    async with aclosing(_to_end(settings, settings.topics.cursors)) as records:
        async for key, value in records:
            if value is None:
                cursors.pop(key, None)
            else:
                cursors[key] = codec.decode(Cursor, value)
    return cursors


async def read_memory(settings: Settings, memory: ThreadMemory) -> None:
    """Fill the thread memory from the mentions; one that cannot be read is left out and counted."""
    unreadable = 0
    async with aclosing(_to_end(settings, settings.topics.mentions)) as records:
        async for key, value in records:
            if value is None:
                memory.forget(key)
                continue
            try:
                memory.note(codec.decode(Mention, value))
            except codec.CodecError:
                unreadable += 1
    log.info("memory_read", posts=len(memory), unreadable=unreadable)


async def _to_end(settings: Settings, topic: Topic) -> AsyncGenerator[tuple[str, bytes | None], None]:
    """Yield key and value of every record that is there now."""
    consumer = kafka.make_consumer(settings, topic)
    await kafka.start(consumer)
    try:
        ends = await consumer.end_offsets(consumer.assignment()) if settings.limits.true_end_offsets else None
        while ends is None or await _behind(consumer, ends):
            found = await consumer.getmany(timeout_ms=QUIET_MS, max_records=2000)
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
