"""kill -9 of each service in the middle of the demo, on a real Apache Kafka, and what it costs: nothing."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.node import Node
from tests.support import demo

SERVICES = ("ingest", "score", "watch", "alerts")
SPEED = "20000"  # half a minute for the week, so that ingest is still at work when it is killed
ROUNDS = 2
SEED = 2026


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("kafka"), port=0)
    node.start()
    yield node
    node.stop()


def children(parent: int) -> dict[str, int]:
    """Return the pids of a demo's services, from /proc."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue  # it ended while we looked
        if int(fields[1]) == parent and "run" in command:
            found[command[command.index("run") + 1]] = int(entry.name)
    return found


def test_services_killed_in_the_middle_change_nothing(kafka: Node, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    calm = demo.summary(
        demo.start("--speed", "max", "--bootstrap", kafka.bootstrap, err=tmp_path / "calm"), tmp_path / "calm"
    )

    process = demo.start("--speed", SPEED, "--bootstrap", kafka.bootstrap, err=tmp_path / "wild")
    killed: list[str] = []
    time.sleep(8)  # until the services work
    for _ in range(ROUNDS):
        for service in rng.sample(SERVICES, len(SERVICES)):
            time.sleep(rng.uniform(0.5, 4))
            pid = children(process.pid).get(service)
            if pid is not None and process.poll() is None:
                os.kill(pid, signal.SIGKILL)
                killed.append(service)
    wild = demo.summary(process, tmp_path / "wild")

    print(
        f"killed {', '.join(killed)}; {wild['scored']} scored, {wild['lost']} lost, "
        f"{wild['duplicates_told']} told twice unmarked, {len(wild['incidents'])} incident steps"
    )
    assert set(killed) == set(SERVICES)
    assert wild["lost"] == wild["duplicates_told"] == 0
    for key in ("mentions_in", "scored", "incidents", "dead_letters"):
        assert wild[key] == calm[key], key
