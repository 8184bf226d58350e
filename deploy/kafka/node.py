"""One real Apache Kafka node (KRaft, no container) for local use and tests: fetch, format, start, stop."""

from __future__ import annotations

import argparse
import base64
import contextlib
import fcntl
import hashlib
import logging
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
JARS = HERE / "jars"
DATA = HERE / "data"
HOST = "127.0.0.1"
JAVA_AT_LEAST = 17

# Free ports are taken below the kernel's range for outgoing connections (32768 and up on Linux): a client
# that keeps retrying a dead port from inside that range can end up connected to itself, and so take the port
# away from the node that restarts.
FREE_PORTS = range(20000, 32768)

log = logging.getLogger("stormwacht.kafka")

# Small enough that a trial shows rolling, compaction and deletion within seconds; never meant for real use.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=topics

auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0

log.segment.bytes=16777216
log.index.size.max.bytes=1048576
log.initial.task.delay.ms=1000
log.retention.check.interval.ms=5000
log.segment.delete.delay.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=33554432

# After kill -9 the old registration has to lapse before the node may come back under its name.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
"""


class NodeError(RuntimeError):
    """Something that a person can act on; the message says what."""


class Node:
    """A Kafka node that keeps all it has in `directory`; port 0 takes a free one, kept over restarts."""

    def __init__(self, directory: Path | str = DATA, port: int = 9092, *, foreground: bool = False) -> None:
        self.directory = Path(directory).resolve()
        self.foreground = foreground
        self.log_file = self.directory / "node.log"
        self._pid_file = self.directory / "node.pid"
        self._properties = self.directory / "server.properties"
        # 0 until the first start has taken one.
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def at(cls, directory: Path | str = DATA) -> Self:
        """The node on that directory as it was last started, to ask after it or to stop it."""
        node = cls(directory, 0)
        with contextlib.suppress(OSError):
            text = node._properties.read_text()
            if found := re.search(r"^advertised\.listeners=.*:(\d+)$", text, re.MULTILINE):
                node.port = int(found[1])
        return node

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """The address for clients, HOST:PORT."""
        if self.port == 0:
            raise NodeError("the node has no port before its first start")
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process that runs on this directory, whoever started it; None if there is none."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        try:
            pid = int(self._pid_file.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        # The number may have gone to another program since, so the command line has to name this directory.
        return pid if os.fsencode(self._mark) in words and b"kafka.Kafka" in words else None

    @property
    def ready(self) -> bool:
        """Whether a broker answers on the port (speaking Kafka, not just accepting a connection)."""
        return self.port != 0 and _speaks_kafka(self.port)

    def start(self, timeout: float = 60.0) -> None:
        """Returns once the node answers clients; raises NodeError with the end of its log if it does not."""
        java = _tools()
        fetch_jars()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log_file.touch()
        with _only_one(self.log_file):
            if (pid := self.pid) is not None:
                raise NodeError(f"a node already runs on {self.directory} (process {pid})")
            if self.port == 0:
                self.port = _free_port()
            elif not _is_free(self.port):
                raise NodeError(f"port {self.port} is taken: stop the program on it or choose another port")
            self._properties.write_text(
                PROPERTIES.format(host=HOST, port=self.port, controller=_free_port(but=self.port))
            )
            # Written last by the format step, so an interrupted one is repeated.
            if not (self.directory / "topics" / "meta.properties").exists():
                self._format(java)
            log_start = self.log_file.stat().st_size
            began = time.monotonic()
            try:
                self._wait_until_ready(self._launch(java), began + timeout, log_start)
            except BaseException:
                self.kill()
                raise
        log.info("Kafka answers on %s after %.1f s", self.bootstrap, time.monotonic() - began)

    def wait(self) -> int:
        """Waits for the process that this object started and returns its exit status."""
        if self._process is None:
            raise NodeError("this object started no node")
        return self._process.wait()

    def stop(self, timeout: float = 20.0) -> bool:
        """Ends the node in good order, by SIGKILL after `timeout` seconds; False if none ran."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> bool:
        """SIGKILL, as when a machine fails: the data stays and start() continues on it; False if none ran."""
        return self._end(signal.SIGKILL, 0.0)

    @property
    def _mark(self) -> str:
        return f"-Dstormwacht.kafka.directory={self.directory}"

    def _command(self, java: str, *options: str) -> list[str]:
        # The node's working directory is its own, so that no path has to be escaped in the properties file.
        return [java, *options, f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}", "-cp", f"{JARS}/*"]

    def _format(self, java: str) -> None:
        # A name that starts with "-" would be read as an option.
        cluster = "s" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        command = [
            *self._command(java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("kafka.tools.StorageTool", "format", "-t", cluster, "-c", self._properties.name),
        ]
        done = _run(command, self.directory)
        if done.returncode != 0:
            raise NodeError(f"formatting the node's storage failed:\n{_tail(done.stdout)}")

    def _launch(self, java: str) -> subprocess.Popen[bytes]:
        command = [
            *self._command(java, "-Xmx512m", "-Xms128m", "-Djava.awt.headless=true", self._mark),
            *("kafka.Kafka", self._properties.name),
        ]
        with contextlib.ExitStack() as files:
            # stdout is kept for the address, so in the foreground the node's log goes to stderr.
            out = sys.stderr if self.foreground else files.enter_context(self.log_file.open("ab"))
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                # Ctrl-C in the terminal is for us; we then stop the node in good order.
                start_new_session=True,
            )
        self._pid_file.write_text(f"{self._process.pid}\n")
        return self._process

    def _wait_until_ready(self, process: subprocess.Popen[bytes], until: float, log_start: int) -> None:
        while True:
            status = process.poll()
            if status is None and self.ready:
                return
            if status is not None:
                raise NodeError(f"Kafka ended at once (exit status {status}):\n{self._log_end(log_start)}")
            if time.monotonic() > until:
                raise NodeError(f"no answer on {self.bootstrap} in time:\n{self._log_end(log_start)}")
            time.sleep(0.1)

    def _log_end(self, start: int) -> str:
        if self.foreground:
            return "(its log is above)"
        with self.log_file.open("rb") as file:
            file.seek(start)
            return _tail(file.read().decode(errors="replace"))

    def _end(self, first: signal.Signals, timeout: float) -> bool:
        pid = self.pid
        if pid is not None:
            for number, patience in ((first, timeout), (signal.SIGKILL, 10.0)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                until = time.monotonic() + patience
                while self.pid == pid and time.monotonic() < until:
                    time.sleep(0.05)
                if self.pid != pid:
                    break
            else:
                raise NodeError(f"process {pid} does not end")
        self._process = None
        self._pid_file.unlink(missing_ok=True)
        return pid is not None


def fetch_jars() -> None:
    """Fetches Kafka's jars once, and again when pom.xml has changed."""
    wanted = _pom_digest()
    stamp = JARS / ".pom"
    with _only_one(POM):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        log.info("fetching Kafka (about 45 MB, once) ...")
        # Into a folder of its own first: an interrupted fetch must not look like a whole one.
        part = HERE / "jars.part"
        shutil.rmtree(part, ignore_errors=True)
        quiet = ("-q", "-B", "-Dstyle.color=never")
        done = _run(["mvn", *quiet, "dependency:copy-dependencies", f"-DoutputDirectory={part}"], HERE)
        if done.returncode != 0:
            raise NodeError(f"Maven could not fetch Kafka:\n{_tail(done.stdout)}")
        (part / stamp.name).write_text(wanted)
        shutil.rmtree(JARS, ignore_errors=True)
        part.rename(JARS)


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def missing() -> list[str]:
    """What this machine lacks for a node, each with the way to get it; empty if it can run one."""
    lacks = []
    if _java_version() < JAVA_AT_LEAST:
        lacks.append(f"Java {JAVA_AT_LEAST} or newer (Debian: apt install openjdk-17-jre-headless)")
    if not _jars_there() and shutil.which("mvn") is None:
        lacks.append("Maven, to fetch Kafka once (Debian: apt install maven)")
    return lacks


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return (shutil.which("java", path=f"{home}/bin") if home else None) or shutil.which("java")


def _tools() -> str:
    java, lacks = _java(), missing()
    if java is None or lacks:
        raise NodeError(f"a Kafka node needs {' and '.join(lacks)}.")
    return java


def _java_version() -> int:
    java = _java()
    if java is None:
        return 0
    found = re.search(r'version "(\d+)', _run([java, "-version"], HERE).stdout)
    return int(found[1]) if found else 0


def _pom_digest() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _jars_there() -> bool:
    with contextlib.suppress(OSError):
        return (JARS / ".pom").read_text() == _pom_digest()
    return False


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # Several test workers may start nodes at the same moment.
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        # As Java does, so that connections of a killed node that linger do not count.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port(but: int = 0) -> int:
    for port in random.sample(FREE_PORTS, 200):
        if port != but and _is_free(port):
            return port
    raise NodeError("found no free port")


def _speaks_kafka(port: int) -> bool:
    # ApiVersions, which every broker answers: key 18, version 0, correlation id 1, no client id.
    body = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((HOST, port), timeout=2.0) as link, link.makefile("rb") as answer:
            link.sendall(struct.pack(">i", len(body)) + body)
            head = answer.read(10)
    except OSError:
        return False
    # After the length: our correlation id, no error.
    return head[4:] == struct.pack(">ih", 1, 0)


def _tail(text: str, lines: int = 25) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _start(directory: Path, port: int, *, foreground: bool) -> int:
    there = Node.at(directory)
    if there.pid is not None and not foreground and port in (0, there.port):
        log.info("Kafka already runs (process %d)", there.pid)
        print(there.bootstrap)
        return 0
    node = Node(directory, port, foreground=foreground)
    try:
        node.start()
        print(node.bootstrap, flush=True)
        return node.wait() if foreground else 0
    except KeyboardInterrupt:
        return 0 if node.stop() else 1


def _stop(directory: Path) -> int:
    log.info("stopped" if Node.at(directory).stop() else f"no node runs on {directory}")
    return 0


def _status(directory: Path) -> int:
    node = Node.at(directory)
    pid = node.pid
    if pid is None:
        log.info("no node runs on %s", directory)
        return 1
    ready = node.ready
    log.info("process %d %s", pid, "answers" if ready else "runs but does not answer yet")
    print(node.bootstrap)
    return 0 if ready else 1


def main(arguments: list[str] | None = None) -> int:
    """The command line; the address goes to stdout, everything for people to stderr."""
    parser = argparse.ArgumentParser(prog="node.py", description="One Apache Kafka node on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("start", "start the node and wait until it answers"),
        ("stop", "stop the node, its data stays"),
        ("status", "say whether the node runs; exit status 0 if it answers"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--dir", type=Path, default=DATA, help="where the node keeps everything")
        if name == "start":
            command.add_argument("--port", type=int, default=9092, help="0 takes a free one")
            command.add_argument("--foreground", action="store_true", help="stay until Ctrl-C, log to stderr")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if given.command == "start":
            return _start(given.dir, given.port, foreground=given.foreground)
        return _stop(given.dir) if given.command == "stop" else _status(given.dir)
    except KeyboardInterrupt:
        return 130
    except NodeError as error:
        print(f"node.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
