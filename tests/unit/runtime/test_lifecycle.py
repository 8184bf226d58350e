"""A service stops in reverse order, on time, and says what ended it."""

import asyncio
from functools import partial

import pytest

from services.runtime import lifecycle
from services.runtime.lifecycle import Lifecycle


class BrokenError(Exception):
    pass


async def test_teardown_runs_in_reverse_and_one_failing_step_does_not_stop_the_rest() -> None:
    life, ran = Lifecycle(), []

    async def step(name: str) -> None:
        ran.append(name)
        if name == "second":
            raise BrokenError

    for name in ("first", "second", "third"):
        life.on_stop(name, partial(step, name))
    life.stop()
    await life.run_until_stopped()

    assert ran == ["third", "second", "first"]


async def test_a_failing_task_ends_the_service_with_its_fault() -> None:
    life = Lifecycle()

    async def fails() -> None:
        raise BrokenError

    life.spawn("task", fails())
    with pytest.raises(BrokenError):
        await life.run_until_stopped()


async def test_the_first_fault_is_the_one_reported() -> None:
    life = Lifecycle()
    life.fail(BrokenError("first"))
    life.fail(ValueError("second"))

    with pytest.raises(BrokenError, match="first"):
        await life.run_until_stopped()


async def test_a_teardown_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "SHUTDOWN_S", 0.05)
    life = Lifecycle()
    life.on_stop("hangs", lambda: asyncio.sleep(60))
    life.stop()

    async with asyncio.timeout(2):
        await life.run_until_stopped()


async def test_sleep_ends_with_the_service() -> None:
    life = Lifecycle()
    asyncio.get_running_loop().call_later(0.01, life.stop)

    async with asyncio.timeout(2):
        await life.sleep(60)
