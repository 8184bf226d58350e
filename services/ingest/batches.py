"""Groups what a source brings: a batch is full, or its first item has waited long enough."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")


async def batches(items: AsyncGenerator[T, None], size: int, wait_s: float) -> AsyncGenerator[list[T], None]:
    """Yield batches of at most `size`; the items are closed with this generator."""
    loop = asyncio.get_running_loop()
    batch: list[T] = []
    due = 0.0
    pending: asyncio.Task[tuple[T] | None] | None = None
    try:
        while True:
            pending = pending or asyncio.create_task(_next(items))
            await asyncio.wait({pending}, timeout=max(0.0, due - loop.time()) if batch else None)
            if pending.done():
                found = pending.result()
                pending = None
                if found is None:
                    break
                due = due if batch else loop.time() + wait_s
                batch.append(found[0])
            if batch and (len(batch) >= size or loop.time() >= due):
                yield batch
                batch = []
        if batch:
            yield batch
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await items.aclose()


async def _next(items: AsyncGenerator[T, None]) -> tuple[T] | None:
    """Return the next item in a tuple; None at the end."""
    async for item in items:
        return (item,)
    return None
