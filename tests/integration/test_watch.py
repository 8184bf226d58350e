"""The watch app decides what the pure detector decides, also when it is killed."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.messages.records import (
    Correction,
    Incident,
    Mention,
    ReasonCode,
    ScoredMention,
    Stage,
    Tick,
)
from services.messages.topics import Topics
from services.messages.vocabulary import Ruling, Sentiment, Size, StormState
from services.runtime import kafka
from services.runtime.settings import Settings, to_environment
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
    await tick(settings, await send_scored(settings, mentions), range(0, HOURS * 60, 5))


async def send_scored(settings: Settings, mentions: list[ScoredMention]) -> dict[tuple[str, int], int]:
    topics = settings.topics
    return await send(
        settings,
        [
            kafka.Outgoing(
                topics.scored.name,
                f"{m.institution}/{m.mention.post}",
                m,
                kafka.partition_of(m.watched_as, 3),
            )
            for m in mentions
        ],
    )


async def tick(settings: Settings, reached: dict[tuple[str, int], int], minutes: Iterable[int]) -> None:
    topics = settings.topics
    ticks = [
        Tick(
            stage=Stage.SCORED,
            partition=partition,
            now=NOW + timedelta(minutes=minute),
            scored_offset=reached.get((topics.scored.name, partition), 0),
            corrections_offset=reached.get((topics.corrections.name, partition), 0),
        )
        for minute in minutes
        for partition in range(3)
    ]
    await send(settings, [kafka.Outgoing(topics.ticks.name, str(t.partition), t, t.partition) for t in ticks])


def over_parts() -> list[ScoredMention]:
    """Return a storm over two parts of an organisation that each has a quiet day besides."""
    quiet = [
        about_part(part, mention(100 * i + n, NOW + timedelta(hours=3 * n)), Sentiment.NEUTRAL)
        for i, part in enumerate(("noord", "oost"))
        for n in range(8)
    ]
    storm = [
        about_part(part, mention(5000 + 100 * i + n, NOW + timedelta(hours=20, minutes=2 * n)))
        for i, part in enumerate(("noord", "oost"))
        for n in range(20)
    ]
    both = replace(storm[0], institution="oost")
    return sorted([*quiet, *storm, both], key=lambda s: s.mention.event_time)


def about_part(part: str, of: Mention, label: Sentiment = Sentiment.NEGATIVE) -> ScoredMention:
    return replace(scored(of, label, part), organisation="anker")


def expected_of_parts(mentions: list[ScoredMention]) -> list[Incident]:
    whole = Detector.fresh("anker", Size.MEDIUM)
    for offset, found in enumerate(mentions):
        if found.institution not in whole.parts:
            whole.join(Detector.fresh(found.institution, Size.SMALL))
        whole.apply(offset, found)
    ticks = (NOW + timedelta(minutes=minute) for minute in range(0, HOURS * 60, 5))
    return [step for now in ticks for step in whole.tick(now, 1 << 40)]


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


def write_parts(settings: Settings) -> None:
    parts = "[{id: noord, name: Huis Noord, size: small}, {id: oost, name: Huis Oost, size: small}]"
    entry = f"  - {{id: anker, name: Zorg Anker, sector: ggz, parts: {parts}}}\n"
    settings.config.write_text(CONFIG + entry + 'routes: [{institution: "*", to: ["receiver:console"]}]\n')


async def test_a_storm_over_the_parts_of_an_organisation_is_one_incident(
    ticking: Settings, tmp_path: Path
) -> None:
    write_parts(ticking)
    await kafka.create_topics(ticking, ticking.topics.all())
    mentions = over_parts()
    want = expected_of_parts(mentions)
    assert want[-1].locations == {"anker": 40, "noord": 20, "oost": 21}

    with running("watch", ticking, tmp_path) as watch:
        await feed(ticking, mentions)
        async with Reader(ticking, ticking.topics.incidents, Incident) as reader:
            got = await reader.until(len(want))
        assert "stormwacht_watch_institutions 3.0" in watch.get("/metrics")[1]
        assert watch.stop() == 0

    assert distinct(got) == distinct(want)


async def test_what_staff_say_of_an_incident_counts_from_the_next_tick_on(
    ticking: Settings, tmp_path: Path
) -> None:
    """By the command, in the same partition, and the same again for a watch app that reads it all anew."""
    await kafka.create_topics(ticking, ticking.topics.all())
    topics, place = ticking.topics, kafka.partition_of("lindemeer", 3)
    before, after = range(0, 21 * 60, 5), range(21 * 60, HOURS * 60, 5)
    reached = await send_scored(ticking, recorded())
    await tick(ticking, reached, before)

    with running("watch", ticking, tmp_path) as watch:
        async with Reader(ticking, topics.incidents, Incident) as reader:
            (first, *_) = await reader.until(1)
            for _ in range(2):  # sent twice, it changes nothing more
                done = stormwacht(ticking, "correct", first.id, "geen-storm", "--by", "Ans")
                assert json.loads(done.stdout)["sent"] is True
            dry = stormwacht(ticking, "correct", first.id, "wel-storm", "--by", "Bo", "--dry-run")
            assert json.loads(dry.stdout)["sent"] is False
            await tick(ticking, {**reached, (topics.corrections.name, place): 2}, after)
            seen = await reader.until(2)
            while seen[-1].state is not StormState.CLOSED:
                seen = await reader.until(len(seen) + 1)
        metrics = watch.get("/metrics")[1]
        assert watch.stop() == 0

    steps = distinct(seen)
    assert steps[-1].at == NOW + timedelta(hours=21)
    assert [reason.code for reason in steps[-1].reasons] == [ReasonCode.SAID_NO_STORM]
    assert 'stormwacht_watch_corrections_total{outcome="closed"} 1.0' in metrics
    again = stormwacht(ticking, "correct", first.id, "geen-storm", "--by", "Ans", status=1)
    assert "only a running incident" in again.stderr
    nothing = stormwacht(ticking, "correct", "lindemeer/x", "wel-storm", "--by", "Ans", status=1)
    assert "there is no incident lindemeer/x" in nothing.stderr

    other = dataclasses.replace(ticking, topics=Topics(f"{topics.prefix}-again"))
    await kafka.create_topics(other, other.topics.all())
    said = Correction(incident=first.id, ruling=Ruling.NO_STORM, by="Ans", at=NOW)
    reached = await send_scored(other, recorded())
    out = kafka.Outgoing(other.topics.corrections.name, "lindemeer", said, place)
    reached |= await send(other, [out, out])
    counted = {name: offset for name, offset in reached.items() if name[0] != other.topics.corrections.name}
    await tick(other, counted, before)
    await tick(other, reached, after)
    with running("watch", other, tmp_path):
        async with Reader(other, other.topics.incidents, Incident) as reader:
            assert distinct(await reader.until(len(steps))) == steps


async def test_silence_is_told_once_and_so_is_its_end(ticking: Settings, tmp_path: Path) -> None:
    await kafka.create_topics(ticking, ticking.topics.all())
    hours = [hour for hour in range(22 * 24) if not 18 * 24 <= hour < 20 * 24]
    mentions = [
        scored(mention(10 * hour + n, NOW + timedelta(hours=hour, minutes=9 * n)), Sentiment.NEUTRAL)
        for hour in hours
        for n in range(4)
    ]
    reached = await send_scored(ticking, mentions)
    await tick(ticking, reached, range(0, 22 * 24 * 60, 60))

    with running("watch", ticking, tmp_path):
        async with Reader(ticking, ticking.topics.incidents, Incident) as reader:
            began, over = await reader.until(2)

    assert (began.id, began.seq, began.state) == (over.id, 0, StormState.WATCH)
    assert (over.seq, over.state) == (1, StormState.CLOSED)
    assert began.reasons[0].code is ReasonCode.FELL_SILENT
    assert timedelta(0) <= began.onset - (NOW + timedelta(days=18)) < timedelta(hours=2)
    assert over.reasons[0].code is ReasonCode.HEARD_AGAIN


def stormwacht(settings: Settings, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    env = os.environ | to_environment(settings, settings.config.parent / "key", 0)
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.kafka
@pytest.mark.parametrize("settings", ["apache"], indirect=True)
async def test_a_killed_watch_app_brings_the_parts_back(ticking: Settings, tmp_path: Path) -> None:
    write_parts(ticking)
    await kafka.create_topics(ticking, ticking.topics.all())
    mentions = over_parts()
    want = expected_of_parts(mentions)
    await feed(ticking, mentions)

    async with Reader(ticking, ticking.topics.ticks, Tick) as ticks:
        for kills in range(1, 4):
            child = Child("watch", ticking, tmp_path / "watch.log")
            child.wait_ready()
            await ticks.until(HOURS * 12 * 3 + 200 * kills)
            child.kill()
    with running("watch", ticking, tmp_path):
        async with Reader(ticking, ticking.topics.incidents, Incident) as reader:
            while {(s.id, s.seq) for s in reader.seen} != {(s.id, s.seq) for s in want}:
                await reader.until(len(reader.seen) + 1)

    assert distinct(reader.seen) == distinct(want)


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
