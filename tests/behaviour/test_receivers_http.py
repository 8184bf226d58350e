"""What only HTTP receivers do: Slack's limits and escapes, signatures, and the meaning of each status."""

import hmac
import json
from dataclasses import replace
from hashlib import sha256

import pytest

from services.alerts.notices import Quote
from services.alerts.receivers import DeliveryFault
from services.alerts.receivers.posting import retry_after
from tests.behaviour.receiver_rigs import (
    DELIVERY,
    HOSTILE,
    NOTICE,
    RIGS,
    SECRETS,
    STORY,
    HttpRig,
    failure,
    slack_rig,
    webhook_rig,
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", ["slack", "webhook"])
async def test_too_many_requests_says_how_long_to_wait(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with RIGS[name](monkeypatch) as rig:
        rig.fail("busy")
        error = await failure(rig.receiver.send(NOTICE, DELIVERY))
        await rig.receiver.close()

    assert (error.reason, error.permanent, error.retry_after) == (DeliveryFault.RATE_LIMITED, False, 17.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("90", 90.0),
        ("9" * 400, 3600.0),
        ("Wed, 07 Oct 2015 12:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@pytest.mark.parametrize(
    ("status", "answer", "meaning"),
    [
        (400, "invalid_token", (DeliveryFault.AUTH, True, False)),
        (410, "channel_is_archived", (DeliveryFault.GONE, True, False)),
        (302, "", (DeliveryFault.REFUSED, True, False)),
        (408, "", (DeliveryFault.TIMEOUT, False, False)),
        (503, "", (DeliveryFault.SERVER, False, False)),
        (504, "", (DeliveryFault.SERVER, False, True)),
    ],
)
async def test_what_an_http_answer_means(
    status: int,
    answer: str,
    meaning: tuple[DeliveryFault, bool, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with slack_rig(monkeypatch) as rig:
        assert isinstance(rig, HttpRig)
        rig.server.status, rig.server.answer, rig.server.check_blocks = status, answer, False
        rig.server.headers = {"Location": "/elsewhere"}
        error = await failure(rig.receiver.send(NOTICE, DELIVERY))
        await rig.receiver.close()
        requests = len(rig.server.received)

    assert (error.reason, error.permanent, error.outcome_unknown) == meaning
    assert requests == 1


async def test_slack_escapes_and_stays_within_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = replace(
        HOSTILE,
        title="&" * 400,
        lead="<" * 9000,
        facts=tuple(("&" * 3000, ">" * 9000) for _ in range(35)),
        quotes=tuple(
            Quote("&<>" * 3000, "x" * 900, "y" * 900, f"https://x.nl/{'a' * 5000}") for _ in range(60)
        ),
        advice=("&" * 5000,) * 5,
        hint="<" * 5000,
    )
    async with slack_rig(monkeypatch) as rig:
        assert isinstance(rig, HttpRig)
        for notice in (HOSTILE, huge):
            await rig.receiver.send(notice, DELIVERY)
        await rig.receiver.close()
        hostile, largest = (request.json for request in rig.server.received)

    shown = json.dumps(hostile, ensure_ascii=False)
    assert "<!channel>" not in shown
    assert "<script" not in shown
    assert "javascript:" not in shown
    assert "&lt;!channel&gt;" in shown
    assert largest["blocks"][-1]["type"] == "context"  # the end survives, however much there is to quote
    sections = [
        block["text"] for block in hostile["blocks"] if block["type"] == "section" and "text" in block
    ]
    assert all(text["verbatim"] for text in sections)


async def test_a_webhook_can_check_who_sent_it_and_drop_a_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook_rig(monkeypatch) as rig:
        assert isinstance(rig, HttpRig)
        for _ in range(2):
            await rig.receiver.send(NOTICE, DELIVERY)
        await rig.receiver.send(NOTICE, replace(DELIVERY, key="sleutel\r\nX-Admin: 1"))
        await rig.receiver.close()
        first, second, odd = rig.server.received

    at, signature = (part.partition("=")[2] for part in first.headers["X-Stormwacht-Signature"].split(","))
    expected = hmac.new(SECRETS["HOOK_SECRET"].encode(), f"{at}.".encode() + first.body, sha256).hexdigest()
    assert signature == expected
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == DELIVERY.key
    assert len(odd.headers["Idempotency-Key"]) == 64
    assert "X-Admin" not in odd.headers
    body = first.json
    assert (body["version"], body["kind"], body["thread"]) == (1, "storm", "duin/p0")
    assert (body["quotes"][0]["text"], body["possibly_duplicate"]) == (STORY, False)
