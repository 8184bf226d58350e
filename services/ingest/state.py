"""What ingest knows from before it was started, read back from Kafka: cursors and the thread memory."""

from contextlib import aclosing

import structlog

from services.ingest.memory import ThreadMemory
from services.messages import codec
from services.messages.records import Cursor, Mention
from services.runtime import kafka
from services.runtime.settings import Settings

log = structlog.get_logger()


async def read_cursors(settings: Settings) -> dict[str, Cursor]:
    """Return the last cursor of each source.

    Raises:
        CodecError: one cannot be read; starting over in silence would repeat everything.

    """
    cursors: dict[str, Cursor] = {}
    async with aclosing(kafka.to_end(settings, settings.topics.cursors)) as records:
        async for key, value in records:
            if value is None:
                cursors.pop(key, None)
            else:
                cursors[key] = codec.decode(Cursor, value)
    return cursors


async def read_memory(settings: Settings, memory: ThreadMemory) -> None:
    """Fill the thread memory from the mentions; one that cannot be read is left out and counted."""
    unreadable = 0
    async with aclosing(kafka.to_end(settings, settings.topics.mentions)) as records:
        async for key, value in records:
            if value is None:
                memory.forget(key)
                continue
            try:
                memory.note(codec.decode(Mention, value))
            except codec.CodecError:
                unreadable += 1
    log.info("memory_read", posts=len(memory), unreadable=unreadable)
