"""The life of a service: start in order, run until a signal or a fault, stop in reverse within a limit."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

SHUTDOWN_S = 25.0  # below the 40 s that the pods get


class Lifecycle:
    """Holds the stop signal, the background tasks and the teardown steps of one service."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._teardown: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None

    @property
    def stopping(self) -> bool:
        """Whether the service has been told to stop."""
        return self._stopping.is_set()

    def on_stop(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Add a teardown step; the last one added runs first."""
        self._teardown.append((name, step))

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the service; if it raises, the service stops and exits non-zero."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._task_ended)
        self._tasks.append(task)

    def fail(self, fault: BaseException) -> None:
        """Stop the service because of `fault`; the first one is what the process reports."""
        self._fault = self._fault or fault
        self._stopping.set()

    def stop(self) -> None:
        """Ask the service to stop."""
        self._stopping.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not past the stop signal."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def run_until_stopped(self) -> None:
        """Wait for SIGTERM, SIGINT, `stop` or `fail`, then tear down.

        Raises:
            BaseException: the fault that ended the service, if one did.

        """
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self.stop)
        await self._stopping.wait()
        await self.close()
        if self._fault is not None:
            raise self._fault

    async def close(self) -> None:
        """Cancel the background tasks and run the teardown steps; one failing step does not stop the rest."""
        self._stopping.set()
        try:
            async with asyncio.timeout(SHUTDOWN_S):
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                while self._teardown:
                    name, step = self._teardown.pop()
                    try:
                        await step()
                    except Exception as error:  # noqa: BLE001 - the edge of shutdown: logged, and the rest goes on
                        log.warning("teardown_failed", step=name, error=type(error).__name__)
        except TimeoutError:
            log.warning("shutdown_timed_out", seconds=SHUTDOWN_S, left=[name for name, _ in self._teardown])

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("task_failed", task=task.get_name(), error=type(fault).__name__, exc_info=fault)
            self.fail(fault)
