"""The alert service on a broker: told once, whatever happens in between."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.alerts import app
from services.alerts.pipeline import decide
from services.alerts.receivers.delivery import DeliveryError, DeliveryFault
from services.alerts.routing.planned import State
from services.alerts.store import Store, migrate
from services.alerts.store.log import Notification
from services.config.schema import Config, NoticeKind
from services.messages.identity import Keyring
from services.messages.records import DeadLetter, Incident, Reason, ReasonCode, ScoredMention, Stage, Tick
from services.messages.topics import Topics, scored_key
from services.messages.vocabulary import Kind, StormState
from services.runtime import kafka
from services.runtime.lifecycle import Lifecycle
from services.runtime.settings import Settings
from tests.support.kafka import Reader, send
from tests.support.receivers import Memory
from tests.support.records import NOW, mention, scored
from tests.support.services import Child, running

pytestmark = pytest.mark.broker

MINUTE = timedelta(minutes=1)
PARTITIONS = 3
LINK = "https://example.org/bericht/1"


def config(**route: Any) -> Config:
    return Config.model_validate(
        {
            "version": 1,
            "receivers": [{"id": "chat", "type": "console"}, {"id": "spare", "type": "console"}],
            "people": [
                {"id": "ans", "name": "Ans", "addresses": [{"receiver": "chat"}, {"receiver": "spare"}]},
            ],
            "institutions": [
                {"id": "vennehart", "name": "Ziekenhuis Vennehart", "sector": "ziekenhuis"},
                {"id": "lindemeer", "name": "GGZ Lindemeer", "sector": "ggz"},
            ],
            "routes": [{"institution": "*", "to": ["person:ans"], "hours": "always", **route}],
        }
    )


class Bench:
    """A broker's topics, a receiver, and a service that can be started again and again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = dataclasses.replace(settings, clock="ticks")
        self.config = config()
        self.chat, self.spare = Memory("chat"), Memory("spare")
        self.reached: dict[tuple[str, int], int] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Lifecycle]:
        life = Lifecycle()
        receivers = {"chat": self.chat, "spare": self.spare}
        service = asyncio.create_task(app.run(self.settings, self.config, receivers=receivers, life=life))
        try:
            yield life
        finally:
            life.stop()
            await service

    async def feed(self, *records: ScoredMention | Incident) -> None:
        topics = self.settings.topics
        outgoing = []
        for record in records:
            partition = kafka.partition_of(record.institution, PARTITIONS)
            if isinstance(record, Incident):
                outgoing.append(kafka.Outgoing(topics.incidents.name, record.institution, record, partition))
            else:
                key = scored_key(record.institution, record.mention.post)
                outgoing.append(kafka.Outgoing(topics.scored.name, key, record, partition))
        self.reached |= await send(self.settings, outgoing)

    async def tick(self, *minutes: int) -> None:
        topics = self.settings.topics
        ticks = [
            Tick(
                stage=Stage.WATCHED,
                partition=partition,
                now=NOW + minute * MINUTE,
                scored_offset=self.reached.get((topics.scored.name, partition), 0),
                incidents_offset=self.reached.get((topics.incidents.name, partition), 0),
            )
            for minute in minutes
            for partition in range(PARTITIONS)
        ]
        await send(
            self.settings,
            [kafka.Outgoing(topics.ticks.name, str(t.partition), t, t.partition) for t in ticks],
        )

    async def told(self, minute: int) -> list[datetime]:
        """Wait until the service has acted upon a minute; return every moment it has reported."""
        async with Reader(self.settings, self.settings.topics.ticks, Tick) as reader:
            async with asyncio.timeout(60):
                while True:
                    seen: list[Tick] = await reader.until(len(reader.seen) + 1)
                    moments = [tick.now for tick in seen if tick.stage is Stage.TOLD]
                    if NOW + minute * MINUTE in moments:
                        return moments

    async def log(self) -> list[Notification]:
        store = Store(self.settings.database)
        try:
            return await store.history()
        finally:
            await store.close()

    async def play(self, *minutes: int) -> None:
        """Run the service until it has acted upon every minute."""
        await self.tick(*minutes)
        async with self.running():
            await self.told(minutes[-1])


@pytest.fixture
async def bench(settings: Settings) -> Bench:
    await kafka.create_topics(settings, settings.topics.all())
    return Bench(settings)


def reaction(number: int, minute: int = 0, institution: str = "vennehart") -> ScoredMention:
    found = mention(number, NOW + minute * MINUTE, institutions=(institution,))
    link = Keyring([b"k" * 32]).seal(LINK)
    return scored(_with(found, link=link), institution=institution)


def _with(found: Any, **changes: Any) -> Any:
    return type(found)(**{name: getattr(found, name) for name in found.__struct_fields__} | changes)


def incident(seq: int, state: StormState, minute: int) -> Incident:
    return Incident(
        id="vennehart/p00001",
        seq=seq,
        institution="vennehart",
        state=state,
        at=NOW + minute * MINUTE,
        event_time=NOW + minute * MINUTE,
        onset=NOW,
        n=12,
        authors=9,
        reasons=(Reason(ReasonCode.BURST, {"hours": 1.0, "authors": 9.0, "expected": 0.5}),),
        evidence=("p00001", "p00002"),
    )


def kinds(bench: Bench) -> list[NoticeKind]:
    return [notice.kind for notice, _ in bench.chat.got]


def states(rows: Iterable[Notification]) -> list[tuple[NoticeKind, State]]:
    return [(row.kind, row.state) for row in rows]


async def test_reactions_are_told_once_with_their_links_opened(bench: Bench) -> None:
    await bench.feed(reaction(1), reaction(2, 1), reaction(3, institution="lindemeer"))
    await bench.play(1, 2, 5, 6, 7)

    names = sorted(notice.institution for notice, _ in bench.chat.got)
    assert names == ["lindemeer", "vennehart"]
    notice = next(n for n, _ in bench.chat.got if n.institution == "vennehart")
    assert [quote.link for quote in notice.quotes] == [LINK, LINK]
    assert not any(delivery.possibly_duplicate for _, delivery in bench.chat.got)
    rows = await bench.log()
    assert states(rows) == [(NoticeKind.NEGATIVE, State.SENT)] * 2
    assert [(row.attempts, row.receiver, row.sent_at) for row in rows] == [(1, "chat", NOW + 5 * MINUTE)] * 2


async def test_every_moment_is_reported_in_order(bench: Bench) -> None:
    await bench.tick(*range(1, 60))
    async with bench.running():
        moments = await bench.told(59)

    assert moments == [NOW + minute * MINUTE for minute in range(1, 60)]


async def test_a_restart_tells_nobody_twice(bench: Bench) -> None:
    await bench.feed(reaction(1))
    await bench.play(1, 5)
    await bench.play(6, 7)
    await bench.feed(reaction(1))
    await bench.play(8, 60)

    assert len(bench.chat.got) == 1


async def test_reading_everything_again_tells_nobody_twice(bench: Bench) -> None:
    await bench.feed(reaction(1), incident(0, StormState.RISING, 3))
    await bench.play(1, 3, 5)
    before = await bench.log()

    topics = Topics(bench.settings.topics.scored.name.partition(".")[0])
    topics.alerts_group += "-again"
    bench.settings = dataclasses.replace(bench.settings, topics=topics)
    await bench.play(6)

    assert kinds(bench) == [NoticeKind.STORM]
    assert await bench.log() == before


async def test_a_crash_while_sending_is_sent_again_as_possibly_a_duplicate(bench: Bench) -> None:
    await bench.feed(reaction(1))
    await bench.play(1)
    store = Store(bench.settings.database)
    _, (planned,) = await decide(store, bench.config, NOW + 5 * MINUTE)
    assert await store.claim(planned.key, NOW + 5 * MINUTE, receiver="chat", address=None, hop=0)
    await store.close()
    await bench.play(5)

    ((_, delivery),) = bench.chat.got
    assert delivery.possibly_duplicate
    (row,) = await bench.log()
    assert (row.state, row.attempts, row.possibly_duplicate) == (State.SENT, 2, True)


async def test_an_unknown_outcome_is_sent_again_as_possibly_a_duplicate(bench: Bench) -> None:
    bench.chat.faults = [DeliveryError(DeliveryFault.TIMEOUT, outcome_unknown=True)]
    await bench.feed(reaction(1))
    await bench.play(1, 5)

    ((_, delivery),) = bench.chat.got
    assert delivery.possibly_duplicate


async def test_a_receiver_that_breaks_is_met_like_an_unknown_outcome_and_not_quoted(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.chat.faults = [RuntimeError("https://hooks.example.org/geheim")]
    await bench.feed(reaction(1))
    await bench.play(1, 5)

    ((_, delivery),) = bench.chat.got
    assert delivery.possibly_duplicate
    printed = "".join(capsys.readouterr())
    assert "receiver_broke" in printed
    assert "geheim" not in printed


async def test_a_temporary_fault_is_tried_again_unmarked(bench: Bench) -> None:
    bench.chat.faults = [DeliveryError(DeliveryFault.RATE_LIMITED, retry_after=0.1)]
    await bench.feed(reaction(1))
    await bench.play(1, 5)

    ((_, delivery),) = bench.chat.got
    assert not delivery.possibly_duplicate
    assert bench.chat.attempts == 2


async def test_a_dead_receiver_fails_over_to_the_next_address(bench: Bench) -> None:
    bench.chat.always = DeliveryError(DeliveryFault.GONE, permanent=True)
    await bench.feed(reaction(1))
    await bench.play(1, 5)

    assert len(bench.spare.got) == 1
    (row,) = await bench.log()
    assert (row.state, row.receiver, row.attempts) == (State.SENT, "spare", 2)


async def test_who_cannot_be_reached_at_all_is_in_the_log(bench: Bench) -> None:
    gone = DeliveryError(DeliveryFault.GONE, permanent=True)
    bench.chat.always = bench.spare.always = gone
    await bench.feed(reaction(1))
    await bench.play(1, 5)

    (row,) = await bench.log()
    assert (row.state, row.fault) == (State.FAILED, "gone")


async def test_what_expired_is_told_in_one_catch_up(bench: Bench) -> None:
    bench.chat.always = DeliveryError(DeliveryFault.UNREACHABLE)
    await bench.feed(reaction(1), reaction(2, 8))
    await bench.play(5, 119)
    assert bench.chat.got == []
    bench.chat.always = None
    await bench.play(120, 128, 132, 133, 134)

    assert kinds(bench) == [NoticeKind.CATCH_UP]
    assert "2" in bench.chat.got[0][0].title
    assert sorted(states(await bench.log())) == [
        (NoticeKind.CATCH_UP, State.SENT),
        (NoticeKind.NEGATIVE, State.EXPIRED),
        (NoticeKind.NEGATIVE, State.EXPIRED),
    ]


async def test_a_storm_mutes_single_reactions_and_counts_them(bench: Bench) -> None:
    await bench.feed(
        *(reaction(n, n) for n in (1, 2, 3)),
        incident(0, StormState.RISING, 3),
        incident(1, StormState.STORM, 10),
        incident(2, StormState.CLOSED, 20),
    )
    await bench.feed(reaction(30, 30))
    await bench.play(3, 6, 10, 20, 35)

    assert kinds(bench) == [NoticeKind.STORM] * 3 + [NoticeKind.NEGATIVE]
    assert len({delivery.thread for _, delivery in bench.chat.got[:3]}) == 1
    assert dict(bench.chat.got[1][0].facts)["Niet apart gemeld"].startswith("3 ")
    muted = [row for row in await bench.log() if row.state is State.MUTED]
    assert sorted(item.post for row in muted for item in row.items) == ["p00001", "p00002", "p00003"]


async def test_a_post_that_was_deleted_meanwhile_is_not_told(bench: Bench) -> None:
    bench.chat.always = DeliveryError(DeliveryFault.UNREACHABLE)
    await bench.feed(reaction(1))
    await bench.play(5)
    bench.chat.always = None
    await bench.feed(scored(mention(1, NOW, kind=Kind.DELETION, text="")))
    await bench.play(10)

    assert bench.chat.got == []
    (row,) = await bench.log()
    assert row.state is State.WITHDRAWN


async def test_a_record_that_cannot_be_read_costs_one_dead_letter(bench: Bench) -> None:
    topics = bench.settings.topics
    producer = kafka.make_producer(bench.settings)
    await kafka.start(producer)
    for topic in (topics.scored, topics.incidents, topics.ticks):
        await producer.send_and_wait(topic.name, b'{"geheim":', key=b"k", partition=0)
    await producer.stop()
    await bench.feed(reaction(1))
    async with bench.running(), Reader(bench.settings, topics.deadletters, DeadLetter) as letters:
        found: list[DeadLetter] = await letters.until(3)
    assert {letter.stage for letter in found} == {"alerts"}


async def test_by_the_systems_clock_it_tells_within_seconds(bench: Bench) -> None:
    bench.settings = dataclasses.replace(bench.settings, clock="system")
    bench.config = config(group_wait="0s")
    await bench.feed(scored(mention(1, datetime.now(UTC))))
    async with bench.running(), asyncio.timeout(60):
        await bench.chat.arrived.wait()
        await asyncio.sleep(2)

    assert kinds(bench) == [NoticeKind.NEGATIVE]


async def test_a_database_of_an_older_version_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "migrate", lambda _: None)
    with pytest.raises(app.SchemaError, match="stormwacht migrate"):
        await app.run(bench.settings, bench.config, receivers={})
    migrate(bench.settings.database)


CONFIG = """
version: 1
receivers: [{id: chat, type: console}]
institutions:
  - {id: vennehart, name: Ziekenhuis Vennehart, sector: ziekenhuis}
  - {id: lindemeer, name: GGZ Lindemeer, sector: ggz}
routes: [{institution: "*", to: ["receiver:chat"], hours: always}]
"""


async def test_a_killed_service_loses_nothing_and_marks_what_it_may_have_told(
    bench: Bench, tmp_path: Path
) -> None:
    bench.settings.config.write_text(CONFIG)
    reactions = [
        reaction(n, 3 * n, institution) for n in range(40) for institution in ("vennehart", "lindemeer")
    ]
    await bench.feed(*reactions)
    await bench.tick(*range(180))
    for kill_after_s in (0.1, 0.3, 0.2):
        child = Child("alerts", bench.settings, tmp_path / "alerts.log")
        await asyncio.to_thread(child.wait_ready)
        await asyncio.sleep(kill_after_s)
        child.kill()
    with running("alerts", bench.settings, tmp_path) as child:
        await bench.told(179)
        assert await asyncio.to_thread(child.stop) == 0

    rows = await bench.log()
    told = Counter((row.institution, item.post) for row in rows for item in row.items)
    assert told == Counter((r.institution, r.mention.post) for r in reactions)
    assert {row.state for row in rows} == {State.SENT}
    assert all(row.attempts == 1 or row.possibly_duplicate for row in rows)
