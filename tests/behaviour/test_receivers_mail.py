"""What only mail does: threads, headers that nobody can add to, addresses, and TLS."""

import ssl
from dataclasses import replace

import pytest

from services.alerts.notices import Notice
from services.alerts.receivers import Delivery, DeliveryFault, build_receivers
from services.alerts.receivers.email import Email
from services.config.receivers import Tls
from tests.behaviour.receiver_rigs import (
    DELIVERY,
    HOSTILE,
    NOTICE,
    SECRETS,
    TIMEOUT,
    TO,
    Inbox,
    MailRig,
    bodies,
    everything_said,
    failure,
    mail_config,
    mail_rig,
    self_signed,
    smtp_server,
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


async def sent_mail(notice: Notice, *deliveries: Delivery, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    async with mail_rig(monkeypatch) as rig:
        assert isinstance(rig, MailRig)
        for delivery in deliveries:
            await rig.receiver.send(notice, delivery)
        return rig.inbox


async def test_a_mail_is_threaded_and_known_as_automatic(monkeypatch: pytest.MonkeyPatch) -> None:
    again, next_step = replace(DELIVERY, possibly_duplicate=True), replace(DELIVERY, key="duin/p0#4@jan")
    inbox = await sent_mail(NOTICE, DELIVERY, again, next_step, monkeypatch=monkeypatch)

    first, repeat, later = inbox.mails
    assert first["Message-ID"] == repeat["Message-ID"] != later["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == later["References"]
    assert first["Message-ID"].endswith("@stormwacht.example>")
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["List-Id"] == "<duin.stormwacht.stormwacht.example>"
    assert first["Date"]
    assert first["To"] == TO
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert 'href="https://bsky.app/p?a=1&amp;b=2"' in bodies(first)[1]


async def test_a_mail_cannot_be_given_headers_or_markup_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = replace(HOSTILE, institution="duin>\r\nBcc: x@y.z")
    odd = replace(DELIVERY, key="k\r\nBcc: x@y.z", thread="t>\r\nBcc: x@y.z")
    inbox = await sent_mail(hostile, odd, monkeypatch=monkeypatch)

    (mail,) = inbox.mails
    assert inbox.recipients == [TO]
    assert mail["Bcc"] is None
    text, page = bodies(mail)
    assert "<script" not in page
    assert "javascript:" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in text + page
    assert "\u202e" not in text + page


@pytest.mark.parametrize(
    "to",
    [
        None,
        "",
        "geen adres",
        "a@b.nl\r\nBcc: dief@kwaad.example",
        "a@b.nl, dief@kwaad.example",
        "Jan <a@b.nl>",
        "é@b.nl",
    ],
)
async def test_what_is_no_address_gets_no_mail(to: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with mail_rig(monkeypatch) as rig:
        assert isinstance(rig, MailRig)
        error = await failure(rig.receiver.send(NOTICE, replace(DELIVERY, to=to)))

        assert (error.reason, error.permanent, error.outcome_unknown) == (
            DeliveryFault.REFUSED, True, False,
        )  # fmt: skip
        assert not to or to not in everything_said(error)
        assert rig.inbox.mails == []


async def test_a_password_never_crosses_a_line_that_should_have_been_protected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = Inbox()
    async with smtp_server(inbox, authenticator=inbox.login, auth_require_tls=False) as port:
        receiver = build_receivers([mail_config(port, tls=Tls.STARTTLS)], timeout=TIMEOUT)["mail"]
        error = await failure(receiver.send(NOTICE, DELIVERY))

    assert error.reason in {DeliveryFault.REFUSED, DeliveryFault.UNREACHABLE}
    assert inbox.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("trusted", [True, False])
async def test_starttls_is_used_and_the_certificate_checked(
    trusted: bool,  # noqa: FBT001
    certificate: tuple[str, str],
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*certificate)
    checking = ssl.create_default_context(cafile=certificate[0]) if trusted else None
    inbox = Inbox()
    async with smtp_server(
        inbox, tls_context=serving, require_starttls=True, authenticator=inbox.login
    ) as port:
        receiver = Email(mail_config(port, tls=Tls.STARTTLS), 5.0, checking)
        if trusted:
            await receiver.send(NOTICE, DELIVERY)
        else:
            error = await failure(receiver.send(NOTICE, DELIVERY))
            assert error.reason is DeliveryFault.UNREACHABLE

    assert len(inbox.mails) == int(trusted)
