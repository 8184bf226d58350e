"""When a batch is complete."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from services.ingest.batches import batches


async def numbers(count: int, pause: float = 0.0) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number
        if pause:
            await asyncio.sleep(pause)


async def collect(items: AsyncGenerator[int, None], size: int, wait_s: float) -> list[list[int]]:
    return [batch async for batch in batches(items, size, wait_s)]


async def test_a_full_batch_does_not_wait() -> None:
    assert await collect(numbers(5), 2, 60) == [[0, 1], [2, 3], [4]]


async def test_a_batch_does_not_wait_longer_than_allowed() -> None:
    assert await collect(numbers(3, pause=0.1), 10, 0.01) == [[0], [1], [2]]


async def test_nothing_makes_no_batch() -> None:
    assert await collect(numbers(0), 2, 0.01) == []


async def test_a_fault_of_the_source_comes_through() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await collect(broken(), 10, 60)


async def test_closing_closes_the_source() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    groups = batches(endless(), 10, 0.01)
    assert await anext(groups) == [1]
    await groups.aclose()
    assert closed.is_set()
