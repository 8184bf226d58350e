"""The score app: every mention is scored once per institution, whatever stands between."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from services.messages.codec import decode
from services.messages.records import DeadLetter, Mention, ScoredMention
from services.messages.vocabulary import Kind, Sentiment
from services.runtime import kafka
from services.runtime.settings import Settings
from tests.support.kafka import Reader, send
from tests.support.records import NOW, mention
from tests.support.services import Child, running


def outgoing(settings: Settings, *mentions: Mention) -> list[kafka.Outgoing]:
    return [kafka.Outgoing(settings.topics.mentions.name, found.post, found) for found in mentions]


async def test_a_mention_becomes_one_scored_mention_per_institution(
    settings: Settings, tmp_path: Path
) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    bad = mention(1, text="Schandalig hoe mijn moeder hier is behandeld, niemand luisterde naar haar.")
    good = mention(
        2, text="Wat een geweldig lief team op de afdeling, heel erg bedankt!", institutions=("a", "b")
    )
    own = mention(3, text="Schandalig slecht weer vandaag", kind=Kind.OWN_POST)
    gone = mention(4, text="", kind=Kind.DELETION, revision=2)

    with running("score", settings, tmp_path) as score:
        await send(settings, outgoing(settings, bad, good, own, gone))
        async with Reader(settings, settings.topics.scored, ScoredMention) as reader:
            found = {(s.institution, s.mention.post): s for s in await reader.until(5)}
        assert score.get("/-/healthy") == (200, "ok\n")
        assert 'stormwacht_scored_total{label="negative"} 1.0' in score.get("/metrics")[1]
        assert score.stop() == 0

    assert found["vennehart", bad.post].label is Sentiment.NEGATIVE
    assert found["a", good.post].label is found["b", good.post].label is Sentiment.POSITIVE
    assert found["vennehart", own.post].label is Sentiment.NEUTRAL
    assert found["vennehart", gone.post].mention.revision == 2


async def test_parts_of_one_organisation_meet_in_one_partition(settings: Settings, tmp_path: Path) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    parts = tuple(f"huis-{n}" for n in range(6))
    over = replace(mention(1, institutions=(*parts, "alleen")), organisations=dict.fromkeys(parts, "anker"))

    with running("score", settings, tmp_path):
        await send(settings, outgoing(settings, over))
        consumer = kafka.make_consumer(settings, settings.topics.scored)
        await kafka.start(consumer)
        found: dict[str, tuple[str, int]] = {}
        while len(found) < len(parts) + 1:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    one = decode(ScoredMention, record.value)
                    found[one.institution] = (one.organisation, record.partition)
        await consumer.stop()

    assert {found[part] for part in parts} == {("anker", kafka.partition_of("anker", 3))}
    assert found["alleen"] == ("", kafka.partition_of("alleen", 3))


async def test_an_unreadable_record_costs_one_dead_letter_and_not_the_stream(
    settings: Settings, tmp_path: Path
) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    letter = DeadLetter(source="s", stage="t", reason="r", position="0", length=0, sha256="", at=NOW)

    with running("score", settings, tmp_path):
        await send(settings, [kafka.Outgoing(settings.topics.mentions.name, "x", letter)])
        await send(settings, outgoing(settings, *(mention(n) for n in range(20))))
        async with Reader(settings, settings.topics.scored, ScoredMention) as reader:
            assert len(await reader.until(20)) == 20
        async with Reader(settings, settings.topics.deadletters, DeadLetter) as reader:
            (dead,) = await reader.until(1)

    assert dead.stage == "score"
    assert "missing required field" in dead.reason


@pytest.mark.kafka
@pytest.mark.parametrize("settings", ["apache"], indirect=True)
async def test_a_killed_score_app_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    mentions = [mention(n) for n in range(3000)]
    await send(settings, outgoing(settings, *mentions))

    async with Reader(settings, settings.topics.scored, ScoredMention) as reader:
        for kills in range(1, 4):
            child = Child("score", settings, tmp_path / "score.log")
            child.wait_ready()
            await reader.until(min(3000, 300 * kills))
            child.kill()
        with running("score", settings, tmp_path):
            while {s.mention.post for s in reader.seen} != {m.post for m in mentions}:
                await reader.until(len(reader.seen) + 1)
