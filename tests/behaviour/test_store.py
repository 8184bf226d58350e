"""What every database does for the alert service: SQLite always, PostgreSQL where a URL is given."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from services.alerts.routing.group import FlushReason
from services.alerts.routing.planned import Item, Plan, Planned, Snapshot, State
from services.alerts.store import DatabaseUrlError, Store, migrate, pending_migrations
from services.alerts.store import store as store_module
from services.alerts.store.engine import _sync_engine, open_engine
from services.alerts.store.intake import UnstorableError, incident_row, mention_row
from services.alerts.store.log import LEASE
from services.alerts.store.store import DatabaseUnavailableError
from services.alerts.store.tables import metadata
from services.config.schema import NoticeKind
from services.messages.records import Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Kind, Mark, Sentiment, StormState, Theme
from tests.support.records import NOW, mention, scored

MINUTE = timedelta(minutes=1)
POSTGRES = "STORMWACHT_TEST_POSTGRES"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database of this test's own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server = os.environ.get(POSTGRES)
    if not server:
        pytest.skip(f"needs PostgreSQL: {POSTGRES}=postgresql://user@host/database")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload, unused-ignore]
        yield f"{server.rpartition('/')[0]}/{name}"
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload, unused-ignore]


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    migrate(url)
    opened = Store(url)
    yield opened
    await opened.close()


async def apply(store: Store, *records: ScoredMention | Incident) -> datetime | None:
    return await store.apply(
        [mention_row(r) for r in records if isinstance(r, ScoredMention)],
        [incident_row(r) for r in records if isinstance(r, Incident)],
    )


async def known(store: Store, now: datetime = NOW) -> Snapshot:
    seen: list[Snapshot] = []

    def look(snapshot: Snapshot) -> Plan:
        seen.append(snapshot)
        return Plan()

    await store.plan(now, look)
    return seen[0]


def planned(*posts: str, at: datetime = NOW, **changes: Any) -> Planned:
    values: dict[str, Any] = {
        "kind": NoticeKind.NEGATIVE,
        "institution": "vennehart",
        "group_key": "vennehart|negative|person:ans",
        "recipient": "person:ans",
        "items": tuple(Item(post) for post in posts),
        "reason": FlushReason.FIRST,
        "planned_at": at,
        "expires_at": at + 120 * MINUTE,
        "thread": "t",
    }
    return Planned(**{**values, **changes})


async def write(store: Store, *notifications: Planned, settled: tuple[str, ...] = ()) -> list[Planned]:
    done = frozenset(("vennehart", Item(post)) for post in settled)
    _, new = await store.plan(NOW, lambda _: Plan(notifications, settled=done))
    return new


async def claim(store: Store, key: str, now: datetime = NOW) -> bool:
    return await store.claim(key, now, receiver="chat", address=None, hop=0)


def files_with(text: str, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if text.encode() in file.read_bytes()]


def step(seq: int, state: StormState = StormState.RISING, at: datetime = NOW) -> Incident:
    return Incident(
        id="vennehart/p00001",
        seq=seq,
        institution="vennehart",
        state=state,
        at=at,
        event_time=at,
        onset=NOW,
        n=12,
        authors=9,
        reasons=(Reason(ReasonCode.BURST, {"hours": 1.0, "authors": 9}),),
        evidence=("p00001", "p00002"),
    )


def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    assert pending_migrations(url) == ["0001", "0002"]
    migrate(url)
    migrate(url)

    assert pending_migrations(url) == []
    with _sync_engine(url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_wrong_url_is_refused_without_quoting_it() -> None:
    for wrong in ("mysql://root:geheim@host/x", "geheim", "sqlite+pysqlcipher://:geheim@/x"):
        with pytest.raises(DatabaseUrlError) as caught:
            open_engine(wrong)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("dead", ["sqlite:////no/such/folder/x.db", "postgresql://nobody@127.0.0.1:1/x"])
async def test_a_database_that_does_not_answer_is_reported_in_the_end(
    dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RETRY_S", 0.5)
    heard: list[bool] = []
    store = Store(dead, heard.append)
    with pytest.raises(DatabaseUnavailableError):
        await store.check()
    await store.close()

    assert heard == [False, False]


async def test_a_mention_comes_back_as_it_went_in(store: Store) -> None:
    given = ScoredMention(
        institution="vennehart",
        mention=mention(1, marks=(Mark.ADDRESSED,)),
        negative=0.75,
        neutral=0.15,
        positive=0.1,
        label=Sentiment.NEGATIVE,
        question=True,
        complaint=True,
        themes=(Theme.WACHTTIJD, Theme.KOSTEN),
        model="m1",
    )
    await apply(store, given)

    assert await store.mentions("vennehart", ["p00001", "p99999"]) == [given]
    assert await store.mentions("elders", ["p00001"]) == []


async def test_a_step_comes_back_as_it_went_in(store: Store) -> None:
    await apply(store, step(0), step(1, StormState.STORM, NOW + MINUTE))

    assert await store.steps([("vennehart/p00001", 1), ("vennehart/p00001", 0)]) == [
        step(0),
        step(1, StormState.STORM, NOW + MINUTE),
    ]


async def test_a_batch_that_comes_again_changes_nothing(store: Store) -> None:
    batch = (scored(mention(1)), scored(mention(2)), step(0))
    assert await apply(store, *batch) == NOW
    before = await known(store)
    await apply(store, *batch, *batch)

    assert await known(store) == before
    assert [w.post for w in before.waiting] == ["p00001", "p00002"]
    assert before.pending == {Item(incident="vennehart/p00001")}


async def test_what_is_settled_stays_settled_when_it_comes_again(store: Store) -> None:
    await apply(store, scored(mention(1)))
    await write(store, planned("p00001"), settled=("p00001",))
    await apply(store, scored(mention(1)))

    assert (await known(store)).waiting == ()


async def test_the_steps_of_a_period_come_in_order_of_time(store: Store) -> None:
    late = step(2, StormState.CLOSED, NOW + 2 * MINUTE)
    await apply(store, late, step(1, StormState.STORM, NOW + MINUTE), step(0))

    assert await store.steps_between("vennehart", NOW, NOW + 2 * MINUTE) == [
        step(1, StormState.STORM, NOW + MINUTE),
        late,
    ]
    assert await store.steps_between("elders", NOW - MINUTE, NOW + MINUTE) == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_highest_revision_wins(store: Store, order: tuple[int, ...]) -> None:
    for revision in order:
        await apply(store, scored(mention(1, text=f"versie {revision}", revision=revision)))

    (found,) = await store.mentions("vennehart", ["p00001"])
    assert found.mention.text == "versie 2"


async def test_revisions_in_one_batch_end_with_the_highest(store: Store) -> None:
    await apply(store, *(scored(mention(1, text=f"v{r}", revision=r)) for r in (1, 3, 2)))

    (found,) = await store.mentions("vennehart", ["p00001"])
    assert found.mention.text == "v3"


async def test_an_edit_that_is_no_longer_negative_is_not_waited_for(store: Store) -> None:
    await apply(store, scored(mention(1)))
    await apply(store, scored(mention(1, revision=1), Sentiment.NEUTRAL))

    assert (await known(store)).waiting == ()


async def test_a_deletion_erases_the_text_for_good(store: Store, url: str, tmp_path: Path) -> None:
    secret = "heelgeheimetekst"
    await apply(store, scored(mention(1, text=secret)))
    await apply(store, scored(mention(1, text="", kind=Kind.DELETION)))
    await apply(store, scored(mention(1, text=secret, revision=5)))

    assert await store.mentions("vennehart", ["p00001"]) == []
    assert (await known(store)).waiting == ()
    ((kept, deleted),) = await store.week("vennehart", NOW - MINUTE, NOW)
    assert (kept.mention.text, kept.mention.link, kept.mention.kind) == ("", "", Kind.MENTION)
    assert deleted == NOW
    if url.startswith("sqlite"):
        await store.close()
        with _sync_engine(url).connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        assert not files_with(secret, tmp_path)


async def test_a_deletion_that_comes_first_wins_too(store: Store) -> None:
    await apply(store, scored(mention(1, text="", kind=Kind.DELETION)))
    await apply(store, scored(mention(1)))

    assert await store.mentions("vennehart", ["p00001"]) == []


async def test_a_tombstone_erases(store: Store) -> None:
    await apply(store, scored(mention(1)))
    await store.apply([], [], [("vennehart", "p00001", NOW), ("vennehart", "unknown", NOW)])

    assert await store.mentions("vennehart", ["p00001"]) == []


async def test_what_no_database_takes_is_refused_before_it_stops_a_batch(store: Store) -> None:
    with pytest.raises(UnstorableError):
        mention_row(scored(mention(1, NOW.replace(tzinfo=None))))
    with pytest.raises(UnstorableError):
        mention_row(scored(mention(1, datetime.max.replace(tzinfo=UTC))))
    odd = mention(1, text="nul \0 en 🦀", revision=2**70)
    await apply(store, scored(odd))

    (found,) = await store.mentions("vennehart", ["p00001"])
    assert found.mention.text == "nul  en 🦀"


async def test_nothing_from_after_now_is_known(store: Store) -> None:
    await apply(
        store,
        scored(mention(1, NOW)),
        scored(mention(2, NOW + MINUTE)),
        step(0, at=NOW),
        step(1, StormState.CLOSED, NOW + 2 * MINUTE),
    )
    now = await known(store, NOW)

    assert [w.post for w in now.waiting] == ["p00001"]
    assert [len(steps) for steps in now.steps.values()] == [1]
    assert [s.seq for s in now.open] == [0]
    assert now.next_moment == NOW + MINUTE
    later = await known(store, NOW + 2 * MINUTE)
    assert later.open == ()
    assert later.next_moment is None


async def test_a_plan_that_comes_again_logs_nothing_new(store: Store) -> None:
    assert await write(store, planned("p1", "p2")) == [planned("p1", "p2")]
    assert await write(store, planned("p2", "p1", at=NOW + MINUTE)) == []

    (row,) = await store.history()
    assert [item.post for item in row.items] == ["p1", "p2"]
    assert (row.state, row.attempts, row.planned_at) == (State.PLANNED, 0, NOW)


async def test_one_of_many_senders_gets_the_claim(store: Store) -> None:
    await write(store, planned("p1"))
    key = planned("p1").key
    won = await asyncio.gather(*(claim(store, key) for _ in range(8)))

    assert sorted(won) == [False] * 7 + [True]
    (row,) = await store.history()
    assert (row.state, row.attempts, row.first_sent_at) == (State.SENDING, 1, NOW)


async def test_what_was_sent_stays_sent(store: Store) -> None:
    await write(store, planned("p1"))
    key = planned("p1").key
    await claim(store, key)
    await store.finish(key, state=State.SENT, sent_at=NOW, provider_id="x1")
    await store.finish(key, state=State.EXPIRED)

    assert not await claim(store, key)
    (row,) = await store.history("vennehart")
    assert (row.state, row.sent_at, row.provider_id) == (State.SENT, NOW, "x1")
    assert await store.history("elders") == []


async def test_a_lost_claim_is_planned_again_as_possibly_a_duplicate(store: Store) -> None:
    await write(store, planned("p1"))
    await claim(store, planned("p1").key)

    assert await store.recover(NOW + LEASE - MINUTE, starting=False) == 0
    assert await store.recover(NOW + LEASE, starting=False) == 1
    (row,) = await store.due(NOW + LEASE)
    assert row.possibly_duplicate
    assert row.attempts == 1


async def test_a_group_keeps_its_order(store: Store) -> None:
    await write(store, planned("p1"), planned("p2", at=NOW + MINUTE))
    await store.finish(planned("p1").key, next_at=NOW + 10 * MINUTE)

    assert await store.due(NOW + 5 * MINUTE) == []
    due = await store.due(NOW + 10 * MINUTE)
    assert [row.items[0].post for row in due] == ["p1", "p2"]


async def test_the_expired_wait_for_their_catch_up(store: Store) -> None:
    await write(store, planned("p1", state=State.EXPIRED))
    (expired,) = (await known(store)).expired
    assert (expired.recipient, expired.items, expired.noticed_at) == ("person:ans", (Item("p1"),), NOW)

    notice = planned(
        "p1", kind=NoticeKind.CATCH_UP, group_key="vennehart|catch_up|person:ans", catches_up=(expired.key,)
    )
    await write(store, notice)
    assert (await known(store)).expired == ()


async def test_groups_say_when_they_went_out_last(store: Store) -> None:
    await apply(store, scored(mention(1)))
    await write(store, planned("p8"), planned("p9", at=NOW + MINUTE, state=State.MUTED))
    group = (await known(store)).groups["vennehart|negative|person:ans"]
    assert (group.last, group.in_flight) == (NOW, True)

    await store.finish(planned("p8").key, state=State.SENT)
    assert not (await known(store)).groups["vennehart|negative|person:ans"].in_flight


async def test_the_muted_are_those_not_told_one_by_one(store: Store) -> None:
    await apply(
        store,
        *(scored(mention(n, NOW + n * MINUTE)) for n in range(6)),
        scored(mention(7, NOW), Sentiment.POSITIVE),
        scored(mention(8, NOW, marks=(Mark.RESHARE,))),
    )
    await write(store, planned("p00001"), planned("p00002", state=State.MUTED))

    muted = await store.muted("vennehart", "person:ans", since=NOW, until=NOW + 4 * MINUTE, least=0.6)
    assert muted == 4  # 0, 2, 3 and 4


async def test_a_history_with_a_limit_is_the_newest(store: Store) -> None:
    await write(store, *(planned(f"p{n}", at=NOW + n * MINUTE) for n in range(5)))

    assert [row.items[0].post for row in await store.history(limit=2)] == ["p3", "p4"]
