"""The services as child processes that are started again when they are killed, and die with the demo."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from services.messages.faults import OperatorError
from services.runtime.broker import die_with_parent

log = structlog.get_logger()

MOST_RESTARTS = 20
STOP_S = 15.0
_LINE_LIMIT = 1 << 20


class ServiceGaveUpError(OperatorError):
    """A service kept ending; its last lines of log are in the message."""


class Process:
    """One `stormwacht run SERVICE`, kept running; what it prints goes to `show`."""

    def __init__(self, service: str, env: Mapping[str, str], show: Callable[[str], None]) -> None:
        self.service = service
        self.restarts = 0
        self._env = dict(env)
        self._show = show
        self._child: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._log: list[str] = []

    async def keep_running(self) -> None:
        """Run until it ends by itself with status 0, or `stop` is called.

        Raises:
            ServiceGaveUpError: it ended too often.

        """
        while not self._stopping:
            code = await self._run_once()
            if code == 0 or self._stopping:
                return
            self.restarts += 1
            if code > 0 or self.restarts > MOST_RESTARTS:  # by itself rather than by a signal
                raise ServiceGaveUpError(f"{self.service} ended with status {code}:\n" + "\n".join(self._log))
            log.warning("service_restarted", service=self.service, status=code)

    async def stop(self) -> None:
        """End the process: politely, then not."""
        self._stopping = True
        child = self._child
        if child is None or child.returncode is not None:
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), STOP_S)
        except TimeoutError:
            child.kill()
            await child.wait()

    async def _run_once(self) -> int:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", "run", self.service,
            env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=_LINE_LIMIT, preexec_fn=die_with_parent,
        )  # fmt: skip
        await asyncio.gather(
            self._read(self._child.stdout, self._show), self._read(self._child.stderr, self._remember)
        )
        return await self._child.wait()

    async def _read(self, stream: asyncio.StreamReader | None, take: Callable[[str], None]) -> None:
        while stream is not None and (line := await stream.readline()):
            take(line.decode(errors="replace").rstrip("\n"))

    def _remember(self, line: str) -> None:
        """Keep the last lines of log, for the day that the process gives up."""
        self._log = [*self._log[-29:], line]
