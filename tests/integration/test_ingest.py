"""Ingest against a broker: what reaches Kafka, what a crash costs, and what a sender is answered."""

import asyncio
import io
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from services.config.schema import Config
from services.ingest import app
from services.ingest.app import Ingest, IngestReport
from services.ingest.sources import SourceError, webhook
from services.ingest.sources.webhook import sign
from services.messages.records import Cursor, DeadLetter, Mention, Record
from services.messages.topics import Topic
from services.messages.vocabulary import Kind
from services.runtime import kafka, lifecycle
from services.runtime.broker import EmbeddedBroker
from services.runtime.settings import EMBEDDED, Settings
from tests.support.kafka import Reader

SECRET = "geheim" * 8
ACCOUNTS = [{"channel": "x", "handle": "@VennehartZorg"}]
GOOD = 1200


def post(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"native-{number}",
        "channel": "x",
        "author": f"@schrijver{number}",
        "text": f"Vennehart laat mij wachten, nummer {number}",
        "created_at": f"2026-10-14T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        **fields,
    }


def file_source(folder: Path, posts: Sequence[dict[str, Any] | bytes], name: str = "week") -> dict[str, Any]:
    path = folder / f"{name}.ndjson"
    path.write_bytes(b"".join((p if isinstance(p, bytes) else json.dumps(p).encode()) + b"\n" for p in posts))
    return {"type": "file", "id": name, "path": str(path), "speed": "max"}


def config(*sources: dict[str, Any]) -> Config:
    institution = {"id": "vennehart", "name": "Vennehart", "sector": "ziekenhuis", "accounts": ACCOUNTS}
    return Config.model_validate({"version": 1, "institutions": [institution], "sources": sources})


async def run(settings: Settings, *sources: dict[str, Any]) -> IngestReport:
    async with asyncio.timeout(60):
        return await app.run(settings, config(*sources))


async def read(settings: Settings, topic: Topic, kind: type[Record]) -> list[Any]:
    async with Reader(settings, topic, kind) as reader:
        return await reader.settled()


@pytest.fixture
async def topics(settings: Settings) -> Settings:
    await kafka.create_topics(settings, settings.topics.all())
    return settings


async def test_a_file_becomes_mentions_and_is_read_once(topics: Settings, tmp_path: Path) -> None:
    source = file_source(tmp_path, [post(n) for n in range(GOOD)] + [post(GOOD, text="Mooi weer")])
    report = await run(topics, source)
    assert (report.read, report.published, report.unmatched) == (GOOD + 1, GOOD, 1)
    again = await run(topics, source)
    assert again.read == 0

    mentions = await read(topics, topics.topics.mentions, Mention)
    assert len({found.post for found in mentions}) == len(mentions) == GOOD
    assert all(found.received_at == found.event_time == found.created_at for found in mentions)
    cursor = (await read(topics, topics.topics.cursors, Cursor))[-1]
    assert cursor.finished
    assert (cursor.position, cursor.published, cursor.unmatched) == (str(GOOD + 1), GOOD, 1)


BROKEN: list[dict[str, Any] | bytes] = [
    b"{not json",
    post(1, text=5),
    post(2, text="a" * 2_000_000),
    json.dumps(post(3)).encode().replace(b"wachten", b"wach\0ten"),
    json.dumps(post(4)).encode().replace(b"wachten", b"wach\xffen"),
    b'{"channel": "x", "created_at": "2026-10-14"}',
    post(5, created_at="9999-12-31T23:59:59Z"),
    post(6, reach=-1),
    post(7, channel="hyves"),
    b"[" * 100_000,
]


async def test_ten_kinds_of_broken_posts_are_ten_dead_letters(topics: Settings, tmp_path: Path) -> None:
    mixed: list[dict[str, Any] | bytes] = []
    for number, broken in enumerate(BROKEN):
        mixed += [post(100 + number), broken]
    report = await run(topics, file_source(tmp_path, mixed))
    assert (report.published, report.dead.total(), len(report.dead)) == (10, 10, 10)
    letters = await read(topics, topics.topics.deadletters, DeadLetter)
    assert len({letter.reason for letter in letters}) == 10
    assert [letter.position for letter in letters] == [str(n) for n in range(2, 21, 2)]


async def test_a_crash_between_publishing_and_the_cursor_costs_repeats_only(
    topics: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = file_source(tmp_path, [post(n) for n in range(GOOD)])
    saves = 0
    save = Ingest._save

    async def crash(self: Ingest, cursor: Cursor) -> None:
        nonlocal saves
        saves += 1
        if saves == 2:
            raise ConnectionAbortedError
        await save(self, cursor)

    with monkeypatch.context() as patched:
        patched.setattr(Ingest, "_save", crash)
        with pytest.raises(ConnectionAbortedError):
            await run(topics, source)
    report = await run(topics, source)
    assert report.published == GOOD - app.BATCH_ITEMS
    mentions = await read(topics, topics.topics.mentions, Mention)
    assert len(mentions) == GOOD + app.BATCH_ITEMS
    assert len({(found.post, found.revision) for found in mentions}) == GOOD


async def test_threads_and_deletions_survive_a_restart(topics: Settings, tmp_path: Path) -> None:
    await run(topics, file_source(tmp_path, [post(1), post(2, revision=3)], "first"))
    later = [
        post(3, text="Bij mij ook", in_reply_to="native-1"),
        post(4, text="Wat vervelend", author="vennehartzorg", in_reply_to="native-1"),
        post(2, kind="deletion", text="", author=""),
        post(5, text="Bij mij ook", in_reply_to="native-99"),
    ]
    report = await run(topics, file_source(tmp_path, later, "second"))
    assert (report.published, report.unmatched) == (3, 1)
    mentions = await read(topics, topics.topics.mentions, Mention)
    assert sorted(found.kind for found in mentions) == [
        "deletion",
        "mention",
        "mention",
        "mention",
        "own_reply",
    ]
    gone = next(found for found in mentions if found.kind is Kind.DELETION)
    assert (gone.revision, gone.text, gone.institutions) == (4, "", ("vennehart",))


async def test_nothing_raw_is_logged_or_kept(topics: Settings, tmp_path: Path) -> None:
    private = post(
        1, author="@jantjebeton", text="Vennehart: @pietpuk, mail anna@voorbeeld.nl of bel 06-12345678"
    )
    broken = post(2, author="@jantjebeton", channel="geheimkanaal")
    with structlog.testing.capture_logs() as logs:
        await run(topics, file_source(tmp_path, [private, broken]))
    kept = [
        *await read(topics, topics.topics.mentions, Mention),
        *await read(topics, topics.topics.deadletters, DeadLetter),
        *await read(topics, topics.topics.cursors, Cursor),
    ]
    assert len(kept) > 2
    for secret in ("jantjebeton", "pietpuk", "anna@", "12345678", "native-1", "geheimkanaal"):
        assert secret not in repr(kept)
        assert secret not in repr(logs)


async def test_a_missing_file_ends_the_service_with_its_name(topics: Settings, tmp_path: Path) -> None:
    source = {"type": "file", "id": "week", "path": str(tmp_path / "none")}
    with pytest.raises(SourceError, match="source week cannot be read"):
        await run(topics, source)
    cursor = (await read(topics, topics.topics.cursors, Cursor))[-1]
    assert (cursor.position, cursor.last_error) == ("", "source week cannot be read: FileNotFoundError")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return {"type": "webhook", "id": "hook", "secret_env": "HOOK_SECRET", "rate_per_minute": 4}


async def ready(ingest: Ingest) -> None:
    async with asyncio.timeout(30):
        while ingest.health.waiting():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(settings: Settings, *sources: dict[str, Any]) -> AsyncGenerator[tuple[Ingest, str], None]:
    """Run the service and give its address once it is ready."""
    ingest = Ingest(settings, config(*sources))
    task = asyncio.create_task(ingest.run())
    try:
        await ready(ingest)
        yield ingest, f"http://127.0.0.1:{ingest.server.port}"
    finally:
        ingest.life.stop()
        await asyncio.gather(task, return_exceptions=True)


async def send(url: str, body: bytes, stamp: int | None = None) -> tuple[int, Any, str | None]:
    stamp = stamp or int(time.time())
    headers = {"X-Stormwacht-Signature": sign(SECRET, stamp, body)}
    async with (
        aiohttp.ClientSession() as client,
        client.post(url + "/v1/posts/hook", data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, await answer.json(), answer.headers.get("Retry-After")


async def test_a_webhook_is_answered_when_kafka_has_it(topics: Settings, hook: dict[str, Any]) -> None:
    now = post(1, created_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    body = json.dumps([now, post(2, text="Mooi weer"), {"id": "3"}]).encode()
    async with serving(topics, hook) as (_, url):
        assert await send(url, body) == (202, {"accepted": 1, "unmatched": 1, "dead": 1}, None)
        (mention,) = await read(topics, topics.topics.mentions, Mention)
        assert (mention.source, mention.backfill) == ("hook", False)
        assert (await send(url, body, int(time.time()) - 400))[0] == 401
        assert (await send(url, b"x" * (1024 * 1024 + 1)))[0] == 413
        statuses = [(await send(url, b" " * n + b"[]"))[0] for n in range(4)]
        assert statuses == [202, 202, 202, 429]
        status, _, retry_after = await send(url, b"[ ]")
        assert status == 429
        assert retry_after
        async with aiohttp.ClientSession() as client, client.get(url + "/metrics") as answer:
            metrics = await answer.text()
    assert 'stormwacht_ingest_items_total{outcome="published",source="hook"} 1.0' in metrics
    cursor = (await read(topics, topics.topics.cursors, Cursor))[-1]
    assert (cursor.position, cursor.finished) == ("3", False)


async def test_without_kafka_a_webhook_answers_503_and_the_process_gives_up(
    hook: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "RETRY_S", 3.0)
    monkeypatch.setattr(webhook, "ACK_S", 1.0)
    monkeypatch.setattr(app, "_SLOW_S", 1.2)
    monkeypatch.setattr(lifecycle, "SHUTDOWN_S", 3.0)
    async with EmbeddedBroker() as broker:
        settings = Settings(bootstrap=broker.bootstrap, limits=EMBEDDED, partitions=1, secrets=(b"k" * 32,))
        await kafka.create_topics(settings, settings.topics.all())
        ingest = Ingest(settings, config(hook))
        task = asyncio.create_task(ingest.run())
        await ready(ingest)
        url = f"http://127.0.0.1:{ingest.server.port}"
        await broker.stop()
        status, _, retry_after = await send(url, json.dumps(post(1)).encode())
        assert (status, retry_after) == (503, "30")
        await asyncio.sleep(0.5)
        assert (await send(url, b"[]"))[0] == 503
        with pytest.raises(kafka.BrokerUnavailableError):
            await asyncio.wait_for(task, 30)
