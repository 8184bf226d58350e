"""Services as child processes: started, awaited by their own /-/ready, killed at will."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.runtime.broker import die_with_parent, free_port
from services.runtime.settings import Settings, to_environment

READY_S = 60.0


class Child:
    """One `stormwacht run SERVICE`."""

    def __init__(self, service: str, settings: Settings, log: Path) -> None:
        self.port = free_port()
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", "run", service],
                env=os.environ | to_environment(settings, settings.config.parent / "key", self.port),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads in a test
            )

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page of its HTTP port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_ready(self) -> None:
        """Return when /-/ready says so."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended with {self.process.poll()}:\n{self.log()}"
            try:
                if self.get("/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready within {READY_S} s:\n{self.log()}")

    def log(self) -> str:
        """Return what it printed."""
        return self._log.read_text()

    def kill(self) -> None:
        """Kill it as the out-of-memory killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop and return its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(service: str, settings: Settings, folder: Path) -> Iterator[Child]:
    """Run a service, ready, for the length of a block."""
    child = Child(service, settings, folder / f"{service}.log")
    try:
        child.wait_ready()
        yield child
    finally:
        if child.process.poll() is None:
            child.kill()
