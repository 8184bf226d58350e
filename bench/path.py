"""Real text through the whole path on Apache Kafka: counts that must be equal, rate and memory."""

import argparse
import asyncio
import json
import resource
import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from deploy.kafka.node import Node
from services.messages.codec import decode
from services.messages.records import DeadLetter, Mention, ScoredMention
from services.messages.topics import Topics
from services.runtime import kafka
from services.runtime.settings import Settings
from services.sentiment.models import load_scorer
from tests.support.services import Child

CONFIG = """
version: 1
sources: [{type: file, id: posts, path: %s, institution: zorg}]
receivers: [{id: console, type: console}]
institutions: [{id: zorg, name: Zorg, sector: overig}]
routes: [{institution: zorg, to: ["receiver:console"]}]
"""
WEEK = Path(__file__).parents[1] / "services" / "demo" / "week.ndjson"
LIMIT_S = 540.0


class Followed:
    """What has come out of Kafka so far."""

    def __init__(self) -> None:
        self.mentions: set[str] = set()
        self.scored: set[str] = set()
        self.dead = 0
        self.last = time.monotonic()

    def take(self, settings: Settings, topic: str, value: bytes) -> None:
        self.last = time.monotonic()
        if topic == settings.topics.mentions.name:
            self.mentions.add(decode(Mention, value).post)
        elif topic == settings.topics.scored.name:
            self.scored.add(decode(ScoredMention, value).mention.post)
        else:
            decode(DeadLetter, value)
            self.dead += 1


async def follow(
    settings: Settings, posts: int, children: dict[str, Child], peaks: dict[str, float]
) -> Followed:
    topics = settings.topics
    consumer = kafka.make_consumer(settings, topics.mentions, topics.scored, topics.deadletters)
    await kafka.start(consumer)
    followed = Followed()
    deadline = time.monotonic() + LIMIT_S
    shown = 0.0
    while len(followed.scored) + followed.dead < posts and time.monotonic() < deadline:
        for batch in (await consumer.getmany(timeout_ms=500)).values():
            for record in batch:
                followed.take(settings, record.topic, record.value)
        peaks |= {
            service: peak_mb(child) for service, child in children.items() if child.process.poll() is None
        }
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"  {len(followed.mentions)} mentions, {len(followed.scored)} scored, {followed.dead} dead")
    await consumer.stop()
    return followed


def peak_mb(child: Child) -> float:
    """Return the most memory a running child has had."""
    status = Path(f"/proc/{child.process.pid}/status").read_text()
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0  # a process that has just ended has none


def whole_path(posts: Path, count: int) -> float:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = Node(folder / "kafka", port=0)
        node.start()
        stack.callback(node.stop)
        settings = Settings(
            bootstrap=node.bootstrap,
            topics=Topics(f"bench-{secrets.token_hex(3)}"),
            config=folder / "stormwacht.yaml",
            database=f"sqlite:///{folder / 'alerts.db'}",
            secrets=(secrets.token_hex(32).encode(),),
        )
        settings.config.write_text(CONFIG % json.dumps(str(posts.resolve())))
        asyncio.run(kafka.create_topics(settings, settings.topics.all()))
        children: dict[str, Child] = {}
        for service in ("score", "watch", "alerts", "ingest"):
            children[service] = child = Child(service, settings, folder / f"{service}.log")
            stack.callback(lambda child=child: child.process.poll() is None and child.kill())
            if service != "ingest":
                child.wait_ready()
        started = time.monotonic()
        peaks: dict[str, float] = {}
        followed = asyncio.run(follow(settings, count, children, peaks))
        seconds = followed.last - started
        lost = count - len(followed.scored) - followed.dead
        print(
            f"{count} posts: {len(followed.mentions)} mentions, {len(followed.scored)} scored, "
            f"{followed.dead} dead letters, {lost} unaccounted for; "
            f"{seconds:.0f} s, {count / seconds:.0f} posts/s"
        )
        for service, peak in peaks.items():
            print(f"  {service}: peak {peak:.0f} MB")
        return count / seconds


def bare_model(posts: Path) -> float:
    texts = [json.loads(line)["text"] for line in posts.read_text(encoding="utf-8").splitlines()]
    scorer = load_scorer(None, "onnx", 2)
    scorer.score(texts[:32])
    started = time.monotonic()
    for start in range(0, len(texts), 64):
        scorer.score(texts[start : start + 64])
    return len(texts) / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "posts", type=Path, nargs="?", default=WEEK, help="NDJSON of posts; default the demo's week"
    )
    posts = parser.parse_args().posts
    count = sum(1 for line in posts.open(encoding="utf-8") if line.strip())
    path = whole_path(posts, count)
    bare = bare_model(posts)
    print(f"bare model in one process: {bare:.0f} texts/s; the path reaches {path / bare:.0%} of it")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of that process: {peak} MB")


if __name__ == "__main__":
    main()
