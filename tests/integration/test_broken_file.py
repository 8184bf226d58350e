"""A file with ten kinds of broken lines, as an operator imports it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from services.messages.records import DeadLetter, ScoredMention
from services.runtime import kafka
from services.runtime.settings import Settings, to_environment
from tests.support.kafka import Reader
from tests.support.services import running

CONFIG = """
version: 1
sources: [{type: file, id: broken, path: posts.ndjson}]
receivers: [{id: console, type: console}]
institutions: [{id: vennehart, name: Vennehart, sector: ziekenhuis}]
routes: [{institution: "*", to: ["receiver:console"]}]
"""
GOOD = {
    "id": "g",
    "channel": "x",
    "kind": "mention",
    "author": "@piet",
    "text": "Een bericht over Vennehart",
    "created_at": "2026-10-05T08:00:00+02:00",
}


def line(**other: object) -> bytes:
    return json.dumps({**GOOD, **other}, ensure_ascii=False).encode()


BROKEN = (
    b'{"id": "a", nope',
    line(text=5),
    line(text="x" * 2_000_000),
    line(text="a?b").replace(b"?", b"\x00"),
    line(text="a?b").replace(b"?", b"\xff"),
    json.dumps({key: value for key, value in GOOD.items() if key != "id"}).encode(),
    line(created_at="9999-01-01T00:00:00+00:00"),
    line(reach=-5),
    line(channel="hyves"),
    b'{"id":' + b"[" * 5000 + b"]" * 5000 + b"}",
)


async def test_ten_broken_lines_cost_ten_dead_letters_and_no_good_line(
    settings: Settings, tmp_path: Path
) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    settings.config.write_text(CONFIG)
    lines = [part for n, broken in enumerate(BROKEN) for part in (line(id=f"g{n}"), broken, line(id=f"h{n}"))]
    (tmp_path / "posts.ndjson").write_bytes(b"\n".join(lines) + b"\n")

    ingest = subprocess.run(
        [sys.executable, "-m", "services.cli", "run", "ingest"],
        env=os.environ | to_environment(settings, tmp_path / "key", 0),
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert "warning: 10 dead letters" in ingest.stderr.decode()
    with running("score", settings, tmp_path):
        async with Reader(settings, settings.topics.scored, ScoredMention) as scored:
            assert len({found.mention.post for found in await scored.until(20)}) == 20
    async with Reader(settings, settings.topics.deadletters, DeadLetter) as reader:
        letters = await reader.until(10)
    assert len({letter.reason for letter in letters}) == 10
    assert all("Vennehart" not in letter.reason for letter in letters)
