"""One HTTP request of a receiver, and what its failure means; no error holds address, header or text."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus

import aiohttp

from services.alerts.receivers.delivery import DeliveryError, DeliveryFault

_CONNECT_S = 10.0
_LONGEST_WAIT_S = 3600.0
_MAX_ANSWER = 4096
_HEADER_SAFE = re.compile(r"[!-~]{1,255}")
_GATEWAY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)  # what stood behind it may have done the work


class Poster:
    """Sends requests one connection each; the session is opened at the first."""

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_S))
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Send JSON and return the headers of the answer.

        Raises:
            DeliveryError: anything but a 2xx answer.

        """
        if self._session is None or self._session.closed:
            # A connection kept alive may be closed by the other side just as a message leaves, and then
            # nobody knows whether it arrived.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True), timeout=self._timeout
            )
        try:
            # A redirect would carry the message to an address that nobody configured.
            async with self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8", **headers},
                allow_redirects=False,
            ) as response:
                if response.status < HTTPStatus.MULTIPLE_CHOICES:
                    return response.headers.copy()
                answer = (await response.content.read(_MAX_ANSWER)).decode("utf-8", "replace")
                fault = refusal(response.status, response.headers, answer)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            fault = _failure(error)
        raise fault  # outside the handler, so that the error of the library does not come along

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def refusal(status: int, headers: Mapping[str, str], answer: str) -> DeliveryError:
    """Return what an answer other than 2xx means."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return DeliveryError(
            DeliveryFault.RATE_LIMITED, retry_after=retry_after(headers.get("Retry-After", ""))
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = retry_after(headers.get("Retry-After", ""))
        return DeliveryError(DeliveryFault.SERVER, outcome_unknown=status in _GATEWAY, retry_after=wait)
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return DeliveryError(DeliveryFault.TIMEOUT)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or "invalid_token" in answer:
        return DeliveryError(DeliveryFault.AUTH, permanent=True)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return DeliveryError(DeliveryFault.GONE, permanent=True)
    return DeliveryError(DeliveryFault.REFUSED, permanent=True)


def retry_after(value: str) -> float | None:
    """Return the seconds that `Retry-After` asks for, at most an hour; it holds seconds or a date."""
    if value.strip().isdecimal():
        return min(float(value), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    wait = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), _LONGEST_WAIT_S)


def header_safe(key: str) -> str:
    """Return the key itself when it can be a header's value, else a hash of it."""
    return key if _HEADER_SAFE.fullmatch(key) else sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _failure(error: Exception) -> DeliveryError:
    """Tell a request that never left from one that may have arrived."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return DeliveryError(DeliveryFault.TIMEOUT)
        case aiohttp.ClientConnectorError():
            return DeliveryError(DeliveryFault.UNREACHABLE)
        case aiohttp.InvalidURL() | ValueError():
            return DeliveryError(DeliveryFault.REFUSED, permanent=True)
        case TimeoutError():
            return DeliveryError(DeliveryFault.TIMEOUT, outcome_unknown=True)
        case _:
            return DeliveryError(DeliveryFault.UNREACHABLE, outcome_unknown=True)
