"""Another system, told by a signed HTTP request that it may safely receive twice."""

import hmac
import json
import time
from dataclasses import asdict
from hashlib import sha256

from services.alerts.notices import Notice
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receipt
from services.alerts.receivers.plain import titled
from services.alerts.receivers.posting import Poster, header_safe
from services.config.receivers import WebhookReceiver
from services.config.secrets import SecretError

BODY_VERSION = 1
SIGNATURE = "X-Stormwacht-Signature"


class Webhook:
    """Posts notices as JSON."""

    def __init__(self, config: WebhookReceiver, timeout: float) -> None:
        self.id = config.id
        self._config = config
        self._poster = Poster(timeout)

    async def send(self, notice: Notice, delivery: Delivery) -> Receipt:
        """Post the notice; every attempt carries the same idempotency key."""
        try:
            url, secret = self._config.address(), self._config.secret.reveal()
        except SecretError as error:  # it names the variable or file, never what that holds
            raise DeliveryError(DeliveryFault.AUTH, permanent=True) from error
        body = json.dumps(content(notice, delivery), ensure_ascii=False).encode("utf-8", "replace")
        key = header_safe(delivery.key)
        headers = {SIGNATURE: sign(secret, body, int(time.time())), "Idempotency-Key": key}
        await self._poster.post(url, body, headers)
        return Receipt(key)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def content(notice: Notice, delivery: Delivery) -> dict[str, object]:
    """Return the body: the notice's parts, and what a receiving system needs to sort them."""
    return {
        "version": BODY_VERSION,
        "key": delivery.key,
        "thread": delivery.thread,
        "to": delivery.to,
        "language": delivery.language,
        "possibly_duplicate": delivery.possibly_duplicate,
        **asdict(notice),
        "title": titled(notice, delivery),
    }


def sign(secret: str, body: bytes, at: int) -> str:
    """Return the signature over time and body; the time lets a receiver refuse an old request."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    return f"t={at},v1={signed}"
