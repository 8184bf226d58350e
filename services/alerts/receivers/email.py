"""Mail by SMTP: text and HTML, threaded, recognisable as automatic, and with a stable Message-ID."""

import asyncio
import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from hashlib import sha256

import aiosmtplib
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.alerts.notices import Notice
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receipt
from services.alerts.receivers.plain import plain_text, titled
from services.alerts.words import Words
from services.alerts.words.cleaning import clean, shorten, web_link
from services.config.receivers import EmailReceiver, Tls
from services.config.secrets import SecretError

MOST_SUBJECT = 150
_QUIT_S = 5.0
_BAD_MAILBOX = (550, 551, 553)
_BAD_LOGIN = (530, 534, 535, 538)
_PERMANENT = 500

_TEMPLATES = Environment(
    loader=PackageLoader("services.alerts"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_TEMPLATES.filters |= {"clean": clean, "web_link": web_link}


class Email:
    """A mail server; each message goes to one address over a connection of its own."""

    def __init__(self, config: EmailReceiver, timeout: float, context: ssl.SSLContext | None = None) -> None:
        self.id = config.id
        self._config = config
        self._timeout = timeout
        self._context = context

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Hand the mail to the server."""
        password = self._password()
        fault: DeliveryError | None = None
        session = _Session(self._config, self._timeout, self._context)
        try:
            message = compose(notice, delivery, self._config.sender)
            raw = message.as_bytes(policy=WIRE)
            async with asyncio.timeout(self._timeout):
                await session.hand_over(raw, delivery.to or "", password)
            await session.quit()
        except (aiosmtplib.SMTPException, OSError, ValueError, IndexError) as error:
            fault = _fault(error, handed=session.handed)
        finally:
            session.close()
        if fault:  # outside the handler: a server's words may hold the address
            raise fault
        return Receipt(message["Message-ID"])

    def _password(self) -> str | None:
        try:
            return self._config.password.reveal() if self._config.password else None
        except SecretError as error:  # it names the variable or file, never what that holds
            raise DeliveryError(DeliveryFault.AUTH, permanent=True) from error

    async def close(self) -> None:
        """Nothing stays open between two mails."""


class _Session:
    """One connection; `handed` once the text may have reached the server."""

    def __init__(self, config: EmailReceiver, timeout: float, context: ssl.SSLContext | None) -> None:
        self._config = config
        self._smtp = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            timeout=timeout,
            use_tls=config.tls is Tls.TLS,
            start_tls=config.tls is Tls.STARTTLS,
            tls_context=context,
        )
        self.handed = False

    async def hand_over(self, raw: bytes, to: str, password: str | None) -> None:
        await self._smtp.connect()
        if self._config.username is not None and password is not None:
            await self._smtp.login(self._config.username, password)
        await self._smtp.mail(self._config.sender)
        await self._smtp.rcpt(to)
        self.handed = True
        await self._smtp.data(raw)

    async def quit(self) -> None:
        # The server has taken the mail over: whatever goes wrong now is no failure.
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._smtp.quit(timeout=_QUIT_S)

    def close(self) -> None:
        self._smtp.close()


def compose(notice: Notice, delivery: Delivery, sender: str) -> EmailMessage:
    """Return the mail; `ValueError` or `IndexError` when the address is not one."""
    domain = sender.rpartition("@")[2]
    message = EmailMessage()
    message["From"] = Address("Stormwacht", addr_spec=sender)
    message["To"] = Address(addr_spec=delivery.to or "")
    root = f"<thread.{_stable(delivery.thread)}@{domain}>"
    message["Subject"] = shorten(titled(notice, delivery), MOST_SUBJECT)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{_stable(delivery.key)}@{domain}>"
    message["In-Reply-To"] = root
    message["References"] = root
    message["List-Id"] = f"<{re.sub('[^a-z0-9-]', '-', notice.institution)}.stormwacht.{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"  # Exchange and Outlook answer with out-of-office otherwise
    message.set_content(plain_text(notice, delivery), cte="quoted-printable")
    page = _TEMPLATES.get_template("mail.html").render(
        notice=notice,
        title=titled(notice, delivery),
        language=delivery.language,
        words=Words(delivery.language),
    )
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    return message


def _stable(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _fault(error: Exception, *, handed: bool) -> DeliveryError:
    match error:
        case aiosmtplib.SMTPResponseException(code=code):
            return _refused(code)
        case TimeoutError():  # SMTPTimeoutError is one
            return DeliveryError(DeliveryFault.TIMEOUT, outcome_unknown=handed)
        case aiosmtplib.SMTPServerDisconnected() | OSError():
            return DeliveryError(DeliveryFault.UNREACHABLE, outcome_unknown=handed)
        case _:
            return DeliveryError(DeliveryFault.REFUSED, permanent=True)


def _refused(code: int) -> DeliveryError:
    """Return what an SMTP code means: 4xx may pass, 5xx will not."""
    if code < _PERMANENT:
        return DeliveryError(DeliveryFault.SERVER)
    if code in _BAD_LOGIN:
        return DeliveryError(DeliveryFault.AUTH, permanent=True)
    fault = DeliveryFault.GONE if code in _BAD_MAILBOX else DeliveryFault.REFUSED
    return DeliveryError(fault, permanent=True)
