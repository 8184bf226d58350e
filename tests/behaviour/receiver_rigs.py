"""Receivers with a server behind them that can be told to fail, and the notices that the suites send."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.alerts.notices import Notice, Quote
from services.alerts.receivers import Delivery, DeliveryError, Receipt, Receiver, build_receivers
from services.config.receivers import EmailReceiver, SlackWebhookReceiver, Tls, WebhookReceiver
from services.config.schema import NoticeKind, Secret
from tests.behaviour.slack_server import HttpServer, http_server

TIMEOUT = 1.0
SECRETS = {
    "SLACK_PATH": "T0AA/B0BB/geheimslacktoken",
    "HOOK_SECRET": "geheimhooksleutel",
    "MAIL_PASSWORD": "geheimwachtwoord",
}
TO = "jan.jansen@huisterduin.example"
STORY = "Zij hebben mijn moeder laten vallen"
EVIL = (
    "<!channel> <script>alert(1)</script> & *vet*\r\nBcc: dief@kwaad.example\r\n\r\n.\r\n"
    "\x1b[2J\u202e{{ 7*7 }}"
)

NOTICE = Notice(
    kind=NoticeKind.STORM,
    institution="duin",
    name="Huis ter Duin",
    title="Storm rond Huis ter Duin",
    lead="Er is een storm rond Huis ter Duin.",
    facts=(("Negatieve berichten", "43"),),
    quotes=(Quote(STORY, "Bluesky", "wo 7 oktober, 14.05 uur", "https://bsky.app/p?a=1&b=2"),),
    advice=("Bel de woordvoerder.",),
    hint="Bevestig nooit dat iemand patiënt is.",
    figures="Afgelopen 7 dagen beantwoord: 14 van 37 (38 %).",
    footer="Geen melding betekent niet dat er geen risico is.",
)
DELIVERY = Delivery(key="duin/p0#3@jan", thread="duin/p0", to=TO)
HOSTILE = replace(
    NOTICE,
    title=f"Titel {EVIL}",
    name=EVIL,
    lead=EVIL,
    facts=((EVIL, EVIL),),
    quotes=(Quote(EVIL, EVIL, EVIL, "javascript:alert(1)"), Quote(EVIL, "X", "nu", "https://x.nl/|<>\"'")),
    advice=(EVIL,),
    figures=EVIL,
)


class Rig(Protocol):
    """A receiver with a server behind it that can be told to fail."""

    receiver: Receiver

    def fail(self, how: str) -> None: ...

    def texts(self) -> list[str]: ...


@dataclass
class HttpRig:
    receiver: Receiver
    server: HttpServer

    def fail(self, how: str) -> None:
        server = self.server
        codes = {"busy": 429, "broken": 500, "auth": 403, "gone": 404, "refused": 400}
        server.status = codes.get(how, 200)
        server.headers = {"Retry-After": "17"} if how == "busy" else {}
        server.hang, server.hang_up = how == "hang", how == "hang_up"

    def texts(self) -> list[str]:
        return [json.dumps(request.json, ensure_ascii=False) for request in self.server.received]


class Inbox:
    """aiosmtpd's handler: keeps what it accepts, and fails as it is told to."""

    def __init__(self) -> None:
        self.how = ""
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, to: str, _options: Any) -> str:  # noqa: N802
        answers = {"gone": "550 5.1.1 no such user", "broken": "451 4.3.0 later", "refused": "554 5.7.1 no"}
        if self.how in answers:
            return f"{answers[self.how]} <{to}>"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=modern))
        self.recipients += envelope.rcpt_tos
        if self.how == "hang":
            await asyncio.sleep(TIMEOUT * 3)
        if self.how == "hang_up":
            server.transport.abort()
        return "250 OK"

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        good = self.how != "auth" and data.password.decode() == SECRETS["MAIL_PASSWORD"]
        return AuthResult(success=good, handled=False)


@dataclass
class MailRig:
    receiver: Receiver
    inbox: Inbox = field(default_factory=Inbox)

    def fail(self, how: str) -> None:
        self.inbox.how = how

    def texts(self) -> list[str]:
        return [part for mail in self.inbox.mails for part in (mail["Subject"], *bodies(mail))]


def bodies(mail: EmailMessage) -> list[str]:
    return [part.get_content() for part in mail.iter_parts() if isinstance(part, EmailMessage)]


@asynccontextmanager
async def slack_rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with http_server() as server:
        server.check_blocks = True
        monkeypatch.setenv("SLACK_URL", f"{server.url}/services/{SECRETS['SLACK_PATH']}")
        config = SlackWebhookReceiver(type="slack_webhook", id="slack", url=Secret(env="SLACK_URL"))
        yield HttpRig(build_receivers([config], timeout=TIMEOUT)["slack"], server)


@asynccontextmanager
async def webhook_rig(_monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    async with http_server() as server:
        config = WebhookReceiver(
            type="webhook", id="hook", url=f"{server.url}/storm", secret=Secret(env="HOOK_SECRET")
        )
        yield HttpRig(build_receivers([config], timeout=TIMEOUT)["hook"], server)


@asynccontextmanager
async def smtp_server(inbox: Inbox, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    made: list[SMTP] = []

    def factory() -> SMTP:
        made.append(SMTP(inbox, hostname="mail.example", loop=loop, **options))
        return made[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for smtp in made:
            if smtp._handler_coroutine:
                smtp._handler_coroutine.cancel()
        await asyncio.sleep(0)
        await server.wait_closed()


def mail_config(port: int, **changes: Any) -> EmailReceiver:
    values = {"tls": Tls.NONE, "username": "webcare", "password": Secret(env="MAIL_PASSWORD")} | changes
    return EmailReceiver(
        type="email", id="mail", host="127.0.0.1", port=port, sender="storm@stormwacht.example", **values
    )


@asynccontextmanager
async def mail_rig(_monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    inbox = Inbox()
    async with smtp_server(inbox, authenticator=inbox.login, auth_require_tls=False) as port:
        yield MailRig(build_receivers([mail_config(port)], timeout=TIMEOUT)["mail"], inbox)


RIGS = {"slack": slack_rig, "webhook": webhook_rig, "email": mail_rig}


async def failure(sending: Awaitable[Receipt]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await sending
    return caught.value


def everything_said(error: BaseException | None) -> str:
    """Return what any log could show of an error, the ones behind it included."""
    said = []
    while error is not None:
        said += [
            str(error),
            repr(error),
            *map(repr, vars(error).values()),
            *traceback.format_exception(error),
        ]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def self_signed(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(certificate), str(private)
