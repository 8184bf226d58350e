"""Who may send, how much, and what is answered."""

import asyncio
import io
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from services.config.secrets import Secret
from services.ingest.sources import Outcome, webhook
from services.ingest.sources.webhook import Refusal, WebhookSource, sign, split
from services.runtime.http import Health, Server

SECRET = "geheim" * 8
NOW = 1_790_000_000
BODY = json.dumps({"id": "1"}).encode()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def make(rate: int = 600) -> WebhookSource:
    return WebhookSource("hook", Secret(env="HOOK_SECRET"), rate)


@asynccontextmanager
async def settling(
    source: WebhookSource, outcome: Outcome = Outcome.PUBLISHED
) -> AsyncGenerator[list[bytes], None]:
    """Settle whatever the source brings."""
    seen: list[bytes] = []

    async def work() -> None:
        async for item in source.items(None):
            assert isinstance(item.raw, bytes)
            seen.append(item.raw)
            assert item.settled
            item.settled(Outcome.PUBLISHED)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    yield seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def status(
    source: WebhookSource, body: bytes = BODY, signature: str | None = None, now: float = NOW
) -> int:
    try:
        await source.receive(body, sign(SECRET, NOW, body) if signature is None else signature, now)
    except Refusal as refusal:
        return refusal.status
    return 202


async def test_a_signed_request_is_accepted_once_kafka_has_it() -> None:
    source = make()
    async with settling(source) as seen:
        counts = await source.receive(BODY, sign(SECRET, NOW, BODY), NOW)
    assert counts == {"accepted": 1, "unmatched": 0, "dead": 0}
    assert seen == [BODY]


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1=",
        f"t={NOW}",
        f"t={NOW},v1={'0' * 64}",
        sign("ander geheim", NOW, BODY),
        sign(SECRET, NOW, BODY + b" "),
        sign(SECRET, NOW, BODY).upper(),
        sign(SECRET, NOW, BODY).replace(f"t={NOW}", f"t={NOW + 1}"),
        sign(SECRET, NOW - 301, BODY),
        sign(SECRET, NOW + 301, BODY),
        "t=999999999999999999999,v1=" + "0" * 64,
        "t=é,v1=" + "é" * 64,
        "t=\u0661\u0662,v1=" + "0" * 64,
    ],
)
async def test_a_bad_signature_is_refused_without_saying_what_is_bad(signature: str) -> None:
    source = make()
    async with settling(source) as seen:
        with pytest.raises(Refusal) as refusal:
            await source.receive(BODY, signature, NOW)
    assert (refusal.value.status, refusal.value.text, seen) == (401, "bad signature", [])


async def test_a_signature_is_good_for_five_minutes_and_one_use() -> None:
    source = make()
    async with settling(source):
        assert await status(source, now=NOW + 300) == 202
        assert await status(source, now=NOW + 300) == 401
        assert await status(source, BODY + b" ", now=NOW - 300) == 202


async def test_a_refused_request_may_come_again() -> None:
    source = make()
    assert await status(source) == 503  # nobody reads the source yet
    async with settling(source):
        assert await status(source) == 202


async def test_too_many_requests_are_told_when_to_come_back() -> None:
    source = make(rate=2)
    async with settling(source):
        assert [await status(source, b" " * n + BODY) for n in range(2)] == [202, 202]
        with pytest.raises(Refusal) as refusal:
            await source.receive(b"[]", sign(SECRET, NOW, b"[]"), NOW)
    assert refusal.value.status == 429
    assert refusal.value.retry_after == pytest.approx(30, abs=1)


async def test_forged_requests_use_up_nobodys_budget() -> None:
    source = make(rate=1)
    async with settling(source):
        assert {await status(source, signature="t=1,v1=2") for _ in range(10)} == {401}
        assert await status(source) == 202


async def test_without_an_answer_from_kafka_it_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ACK_S", 0.05)
    source = make()
    items = source.items(None)
    reading = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    assert await status(source) == 503
    await reading
    await items.aclose()


async def test_who_waits_when_the_source_closes_gets_503() -> None:
    source = make()
    items = source.items(None)
    reading = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    sending = asyncio.create_task(status(source))
    await reading
    await items.aclose()
    assert await sending == 503


async def test_a_missing_secret_is_503_not_401(tmp_path: Path) -> None:
    source = WebhookSource("hook", Secret(file=str(tmp_path / "none")), 10)
    async with settling(source):
        assert await status(source) == 503


@pytest.mark.parametrize(
    ("body", "posts"),
    [
        (b'{"a": 1}', [b'{"a": 1}']),
        (b' [{"a": 1}, 2 ,"x"]', [b'{"a": 1}', b"2", b'"x"']),
        (b"[]", []),
        (b"[1, ", [b"[1, "]),
        (b"", [b""]),
        (b"[" * 50_000, [b"[" * 50_000]),
        (b"\xff", [b"\xff"]),
    ],
)
def test_a_body_is_one_post_or_a_list(body: bytes, posts: list[bytes]) -> None:
    assert posts == split(body)


def test_a_list_has_a_limit() -> None:
    with pytest.raises(Refusal) as refusal:
        split(b"[" + b",".join([b"1"] * 1001) + b"]")
    assert refusal.value.status == 413


@asynccontextmanager
async def serving(source: WebhookSource, *, ready: bool = True) -> AsyncGenerator[str, None]:
    server = Server("127.0.0.1", 0, CollectorRegistry(), Health(()))
    answer = webhook.handler({"hook": source}, lambda: ready, lambda: NOW)
    server.app.router.add_post("/v1/posts/{source}", answer)
    await server.start()
    try:
        async with settling(source):
            yield f"http://127.0.0.1:{server.port}/v1/posts/"
    finally:
        await server.stop()


HEADERS = {"X-Stormwacht-Signature": sign(SECRET, NOW, BODY)}


async def test_over_http_it_answers_in_json() -> None:
    async with serving(make()) as url, aiohttp.ClientSession() as client:
        async with client.post(url + "hook", data=BODY, headers=HEADERS) as answer:
            assert answer.status == 202
            assert await answer.json() == {"accepted": 1, "unmatched": 0, "dead": 0}
        async with client.post(url + "hook", data=BODY, headers=HEADERS) as answer:
            assert (answer.status, await answer.json()) == (401, {"error": "bad signature"})
        async with client.post(url + "other", data=BODY) as answer:
            assert answer.status == 404
        async with client.post(url + "hook", data=BODY, headers={"Content-Encoding": "gzip"}) as answer:
            assert answer.status in (400, 415)


async def test_over_http_a_body_has_a_limit() -> None:
    async def drip() -> AsyncGenerator[bytes, None]:
        for _ in range(20):
            yield b"x" * 100_000

    async with serving(make()) as url, aiohttp.ClientSession() as client:
        async with client.post(url + "hook", data=io.BytesIO(b"x" * (1024 * 1024 + 1))) as answer:
            assert answer.status == 413
        async with client.post(url + "hook", data=drip()) as answer:
            assert answer.status == 413
        exact = b" " * (1024 * 1024 - len(BODY)) + BODY
        signed = {"X-Stormwacht-Signature": sign(SECRET, NOW, exact)}
        async with client.post(url + "hook", data=io.BytesIO(exact), headers=signed) as answer:
            assert answer.status == 202


async def test_over_http_a_slow_body_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "BODY_S", 0.1)

    async with serving(make()) as url:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/posts/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        start = time.monotonic()
        head = await reader.readuntil(b"\r\n")
        assert b"408" in head
        assert time.monotonic() - start < 2
        writer.close()
        await writer.wait_closed()


async def test_over_http_it_is_503_with_retry_after_while_not_ready() -> None:
    async with (
        serving(make(), ready=False) as url,
        aiohttp.ClientSession() as client,
        client.post(url + "hook", data=BODY, headers=HEADERS) as answer,
    ):
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
