"""The watch app decides what the pure detector decides, also when it is killed."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from services.messages.records import Incident, ScoredMention, Stage, Tick
from services.messages.vocabulary import Sentiment, Size, StormState
from services.runtime import kafka
from services.runtime.settings import Settings
from services.sentiment.storm.detector import Detector
from tests.support.kafka import Reader, send
from tests.support.records import NOW, mention, scored
from tests.support.services import Child, running

INSTITUTIONS = ("vennehart", "lindemeer", "wilgenborgh", "molenwerf")
CONFIG = """
version: 1
receivers: [{id: console, type: console}]
institutions:
"""
HOURS = 30


@pytest.fixture
def ticking(settings: Settings) -> Settings:
    entries = "".join(f"  - {{id: {name}, name: Zorg {name}, sector: ggz}}\n" for name in INSTITUTIONS)
    route = 'routes: [{institution: "*", to: ["receiver:console"]}]\n'
    settings.config.write_text(CONFIG + entries + route)
    return dataclasses.replace(settings, clock="ticks")


def recorded() -> list[ScoredMention]:
    """Return a quiet day everywhere and a storm at one institution."""
    quiet = [
        scored(mention(100 * i + n, NOW + timedelta(hours=3 * n)), Sentiment.NEUTRAL, name)
        for i, name in enumerate(INSTITUTIONS)
        for n in range(8)
    ]
    storm = [
        scored(mention(5000 + n, NOW + timedelta(hours=20, minutes=n)), institution="lindemeer")
        for n in range(60)
    ]
    return sorted(quiet + storm, key=lambda s: s.mention.event_time)


def expected(mentions: list[ScoredMention]) -> list[Incident]:
    """Return what the pure class makes of it."""
    steps: list[Incident] = []
    for name in INSTITUTIONS:
        detector = Detector.fresh(name, Size.MEDIUM)
        for offset, found in enumerate(m for m in mentions if m.institution == name):
            detector.apply(offset, found)
        for minute in range(0, HOURS * 60, 5):
            steps += detector.tick(NOW + timedelta(minutes=minute), 1 << 40)
    return steps


async def feed(settings: Settings, mentions: list[ScoredMention]) -> None:
    topics = settings.topics
    reached = await send(
        settings,
        [
            kafka.Outgoing(
                topics.scored.name,
                f"{m.institution}/{m.mention.post}",
                m,
                kafka.partition_of(m.institution, 3),
            )
            for m in mentions
        ],
    )
    ticks = [
        Tick(
            stage=Stage.SCORED,
            partition=partition,
            now=NOW + timedelta(minutes=minute),
            scored_offset=reached.get((topics.scored.name, partition), 0),
        )
        for minute in range(0, HOURS * 60, 5)
        for partition in range(3)
    ]
    await send(settings, [kafka.Outgoing(topics.ticks.name, str(t.partition), t, t.partition) for t in ticks])


def distinct(steps: list[Incident]) -> list[Incident]:
    return sorted({(step.id, step.seq): step for step in steps}.values(), key=lambda s: (s.id, s.seq))


async def test_incidents_are_those_of_the_pure_detector(ticking: Settings, tmp_path: Path) -> None:
    await kafka.create_topics(ticking, ticking.topics.all())
    mentions = recorded()
    want = expected(mentions)
    assert StormState.STORM in [step.state for step in want]

    with running("watch", ticking, tmp_path) as watch:
        await feed(ticking, mentions)
        async with Reader(ticking, ticking.topics.incidents, Incident) as reader:
            got = await reader.until(len(want))
        assert watch.stop() == 0

    assert distinct(got) == distinct(want)


@pytest.mark.kafka
@pytest.mark.parametrize("settings", ["apache"], indirect=True)
async def test_a_killed_watch_app_takes_the_same_decisions(ticking: Settings, tmp_path: Path) -> None:
    await kafka.create_topics(ticking, ticking.topics.all())
    mentions = recorded()
    want = expected(mentions)
    await feed(ticking, mentions)

    async with Reader(ticking, ticking.topics.ticks, Tick) as ticks:
        for kills in range(1, 4):
            child = Child("watch", ticking, tmp_path / "watch.log")
            child.wait_ready()
            await ticks.until(HOURS * 12 * 3 + 200 * kills)
            child.kill()
        with running("watch", ticking, tmp_path):
            async with Reader(ticking, ticking.topics.incidents, Incident) as reader:
                await reader.until(len(want))
                while {(s.id, s.seq) for s in reader.seen} != {(s.id, s.seq) for s in want}:
                    await reader.until(len(reader.seen) + 1)

    assert distinct(reader.seen) == distinct(want)
    assert {(s.id, s.seq, s.at, s.n) for s in reader.seen} == {(s.id, s.seq, s.at, s.n) for s in want}
