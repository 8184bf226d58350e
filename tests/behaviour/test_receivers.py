"""One suite for every receiver: what arrives, what each failure means, and what never leaks."""

import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.alerts.receivers import DeliveryFault, build_receivers
from services.config.receivers import ConsoleReceiver, Receiver, SlackWebhookReceiver, WebhookReceiver
from services.config.schema import Secret
from tests.behaviour.receiver_rigs import (
    DELIVERY,
    HOSTILE,
    NOTICE,
    RIGS,
    SECRETS,
    STORY,
    TIMEOUT,
    TO,
    Rig,
    everything_said,
    failure,
    mail_config,
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with RIGS[request.param](monkeypatch) as made:
        yield made
        await made.receiver.close()


async def test_a_notice_arrives_whole(rig: Rig) -> None:
    await rig.receiver.send(NOTICE, DELIVERY)

    arrived = "\n".join(rig.texts())
    for part in (
        NOTICE.title,
        NOTICE.lead,
        "43",
        STORY,
        "woordvoerder",
        "patiënt is",
        "14 van 37",
        "geen risico",
    ):
        assert part in arrived
    assert "mogelijk dubbel" not in arrived


async def test_a_possible_duplicate_is_marked(rig: Rig) -> None:
    await rig.receiver.send(NOTICE, replace(DELIVERY, possibly_duplicate=True))
    await rig.receiver.send(NOTICE, replace(DELIVERY, possibly_duplicate=True, language="en"))

    arrived = "\n".join(rig.texts())
    assert "(mogelijk dubbel)" in arrived
    assert "(possibly a duplicate)" in arrived


@pytest.mark.parametrize(
    ("how", "meaning"),
    [
        ("broken", (DeliveryFault.SERVER, False, False)),
        ("auth", (DeliveryFault.AUTH, True, False)),
        ("gone", (DeliveryFault.GONE, True, False)),
        ("refused", (DeliveryFault.REFUSED, True, False)),
        ("hang", (DeliveryFault.TIMEOUT, False, True)),
        ("hang_up", (DeliveryFault.UNREACHABLE, False, True)),
    ],
)
async def test_each_failure_says_whether_to_try_again_and_leaks_nothing(
    rig: Rig,
    how: str,
    meaning: tuple[DeliveryFault, bool, bool],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, "services")
    rig.fail(how)

    error = await failure(rig.receiver.send(NOTICE, DELIVERY))

    assert (error.reason, error.permanent, error.outcome_unknown) == meaning
    said = everything_said(error) + caplog.text + "".join(capfd.readouterr())
    for secret in (*SECRETS.values(), TO, STORY, "127.0.0.1"):
        assert secret not in said


async def test_it_works_again_after_a_failure(rig: Rig) -> None:
    for how in ("hang", "hang_up", "broken"):
        rig.fail(how)
        await failure(rig.receiver.send(NOTICE, DELIVERY))
    rig.fail("")

    await rig.receiver.send(NOTICE, DELIVERY)


async def test_text_of_strangers_stays_text(rig: Rig) -> None:
    await rig.receiver.send(HOSTILE, DELIVERY)

    arrived = "\n".join(rig.texts())
    assert "{{ 7*7 }}" in arrived
    assert "\x1b" not in arrived


def unreachable() -> tuple[str, int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return "127.0.0.1", taken.getsockname()[1]


async def test_nobody_there_is_known_not_to_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = unreachable()
    monkeypatch.setenv("SLACK_URL", f"http://{host}:{port}/{SECRETS['SLACK_PATH']}")
    configs: list[Receiver] = [
        SlackWebhookReceiver(type="slack_webhook", id="slack", url=Secret(env="SLACK_URL")),
        WebhookReceiver(
            type="webhook", id="hook", url=f"http://{host}:{port}", secret=Secret(env="HOOK_SECRET")
        ),
        mail_config(port),
    ]
    for receiver in build_receivers(configs, timeout=TIMEOUT).values():
        error = await failure(receiver.send(NOTICE, DELIVERY))
        await receiver.close()

        assert (error.reason, error.permanent, error.outcome_unknown) == (
            DeliveryFault.UNREACHABLE, False, False,
        )  # fmt: skip
        assert str(port) not in everything_said(error)


async def test_a_missing_secret_names_its_place_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_SECRET")
    monkeypatch.delenv("MAIL_PASSWORD")
    configs: list[Receiver] = [
        SlackWebhookReceiver(type="slack_webhook", id="slack", url=Secret(env="SLACK_URL")),
        WebhookReceiver(
            type="webhook", id="hook", url="http://127.0.0.1:9", secret=Secret(env="HOOK_SECRET")
        ),
        mail_config(9),
    ]
    for receiver in build_receivers(configs, timeout=TIMEOUT).values():
        error = await failure(receiver.send(NOTICE, DELIVERY))

        assert (error.reason, error.permanent) == (DeliveryFault.AUTH, True)
        assert "environment variable" in str(error.__cause__)


async def test_the_console_prints_a_block_that_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    receiver = build_receivers([ConsoleReceiver(type="console", id="screen")])["screen"]
    await receiver.send(NOTICE, DELIVERY)
    await receiver.send(HOSTILE, replace(DELIVERY, possibly_duplicate=True))
    await receiver.close()

    printed = capsys.readouterr().out
    assert "Storm rond Huis ter Duin" in printed
    assert "(mogelijk dubbel)" in printed.replace("\n", " ")
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "javascript:" not in printed


async def test_a_closed_terminal_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    receiver = build_receivers([ConsoleReceiver(type="console", id="screen")])["screen"]
    gone = (tmp_path_factory.mktemp("console") / "out").open("w", encoding="ascii")
    gone.close()
    monkeypatch.setattr("sys.stdout", gone)

    error = await failure(receiver.send(NOTICE, DELIVERY))

    assert error.reason is DeliveryFault.UNREACHABLE
