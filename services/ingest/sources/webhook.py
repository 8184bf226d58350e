"""Posts that another system sends over HTTP, signed with a shared secret; see docs/webhook.md.

A request is answered only when Kafka has what it brought, so whoever sends keeps what is not answered 202.
"""

import asyncio
import hmac
import math
import re
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from hashlib import sha256

import msgspec
import structlog
from aiohttp import web

from services.config.secrets import Secret, SecretError
from services.ingest.sources import Item, Outcome

log = structlog.get_logger()

MAX_BODY = 1024 * 1024
MAX_POSTS = 1000
TOLERANCE_S = 300
BODY_S = 10.0  # a sender that takes longer for a megabyte is broken or means harm
ACK_S = 15.0
RETRY_AFTER_S = 30
_WAITING_REQUESTS = 8
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})", re.ASCII)

_POSTS = msgspec.json.Decoder(list[msgspec.Raw])


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """An answer other than 202; says nothing that helps to forge a signature."""

    def __init__(self, status: int, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


class WebhookSource:
    """Receives requests for one source and hands their posts on in order.

    A position is the number of posts received in the source's life.
    """

    finite = False
    resumable = True
    replay = False

    def __init__(self, id: str, secret: Secret, rate_per_minute: int) -> None:  # noqa: A002 - the protocol's word
        self.id = id
        self._secret = secret
        self._budget = _Budget(rate_per_minute)
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._requests: asyncio.Queue[_Request] = asyncio.Queue(_WAITING_REQUESTS)
        self._open: set[_Request] = set()
        self._closed = True

    async def items(self, position: str | None) -> AsyncGenerator[Item, None]:
        """Yield what requests bring; when it is closed, those that wait for an answer get 503."""
        received = int(position or 0)
        self._closed = False
        try:
            while True:
                request = await self._requests.get()
                for raw in request.posts:
                    received += 1
                    yield Item(str(received), raw, settled=request.settle)
        finally:
            self._closed = True
            for request in self._open:
                request.abandon()

    async def receive(self, body: bytes, signature: str, now: float) -> dict[str, int]:
        """Take one request and return its counts once they are durable.

        Raises:
            Refusal: the request is not accepted; the sender may try again when `retry_after` is set.

        """
        if self._closed:
            raise Refusal(503, "not ready", RETRY_AFTER_S)
        token = self._check(body, signature, now)
        wait = self._budget.take(time.monotonic())
        if wait > 0:
            self._seen.pop(token, None)
            raise Refusal(429, "too many requests", wait)
        try:
            return await self._deliver(split(body))
        except BaseException:
            self._seen.pop(token, None)  # not accepted, so the same request may come again
            raise

    async def _deliver(self, posts: list[bytes]) -> dict[str, int]:
        request = _Request(posts)
        if not posts:
            return request.counts()
        self._open.add(request)
        try:
            async with asyncio.timeout(ACK_S):
                await self._requests.put(request)
                await request.done.wait()
        except TimeoutError:
            raise Refusal(503, "Kafka does not answer", RETRY_AFTER_S) from None
        finally:
            self._open.discard(request)
        if request.abandoned:
            raise Refusal(503, "stopping", RETRY_AFTER_S)
        return request.counts()

    def _check(self, body: bytes, signature: str, now: float) -> str:
        """Verify a signature, note it as used, and return it."""
        found = _SIGNATURE.fullmatch(signature)
        stamp = found[1] if found else "0"
        try:
            expected = sign(self._secret.reveal(), int(stamp), body)
        except SecretError:
            log.warning("secret_unreadable", source=self.id)
            raise Refusal(503, "not ready", RETRY_AFTER_S) from None
        genuine = hmac.compare_digest(expected, signature if found else "")
        if not genuine or abs(now - int(stamp)) > TOLERANCE_S or expected in self._seen:
            raise Refusal(401, "bad signature")
        self._seen[expected] = int(stamp)
        while next(iter(self._seen.values())) < now - TOLERANCE_S:
            self._seen.popitem(last=False)
        return expected


class _Request:
    """The posts of one request, and what became of them."""

    def __init__(self, posts: list[bytes]) -> None:
        self.posts = posts
        self.done = asyncio.Event()
        self.abandoned = False
        self._outcomes: Counter[Outcome] = Counter()

    def settle(self, outcome: Outcome) -> None:
        """Note what became of one post."""
        self._outcomes[outcome] += 1
        if self._outcomes.total() == len(self.posts):
            self.done.set()

    def abandon(self) -> None:
        """Give up waiting: the source has been closed."""
        self.abandoned = not self.done.is_set()
        self.done.set()

    def counts(self) -> dict[str, int]:
        """Return the body of the answer."""
        return {
            "accepted": self._outcomes[Outcome.PUBLISHED],
            "unmatched": self._outcomes[Outcome.UNMATCHED],
            "dead": self._outcomes[Outcome.DEAD],
        }


class _Budget:
    """A token bucket that holds one minute's requests."""

    def __init__(self, per_minute: int) -> None:
        self._per_second = per_minute / 60
        self._most = float(per_minute)
        self._tokens = self._most
        self._at: float | None = None

    def take(self, now: float) -> float:
        """Take one and return 0, or return the seconds until there is one."""
        if self._at is not None:
            self._tokens = min(self._most, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


def sign(secret: str, stamp: int, body: bytes) -> str:
    """Return the header `X-Stormwacht-Signature` for a body."""
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def split(body: bytes) -> list[bytes]:
    """Return the posts of a body, still unchecked; what is no list is one post, good or bad.

    Raises:
        Refusal: there are too many.

    """
    if not body.lstrip().startswith(b"["):
        return [body]
    try:
        posts = _POSTS.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return [body]
    if len(posts) > MAX_POSTS:
        raise Refusal(413, f"more than {MAX_POSTS} posts")
    return [bytes(post) for post in posts]


def handler(
    sources: Mapping[str, WebhookSource], ready: Callable[[], bool], now: Callable[[], float]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of POST /v1/posts/{source}."""

    async def accept(request: web.Request) -> dict[str, int]:
        source = sources.get(request.match_info["source"])
        if source is None:
            raise Refusal(404, "no such source")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refusal(415, "send it without compression")
        if not ready():
            raise Refusal(503, "not ready", RETRY_AFTER_S)
        body = await _read(request)
        return await source.receive(body, request.headers.get("X-Stormwacht-Signature", ""), now())

    async def post(request: web.Request) -> web.Response:
        try:
            return web.json_response(await accept(request), status=202)
        except Refusal as refusal:
            log.info("request_refused", status=refusal.status)
            return _answer(refusal)

    return post


async def _read(request: web.Request) -> bytes:
    """Read a body within its limits of size and time."""
    if (request.content_length or 0) > MAX_BODY:
        raise Refusal(413, f"larger than {MAX_BODY} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Refusal(413, f"larger than {MAX_BODY} bytes")
    except TimeoutError:
        raise Refusal(408, "the body took too long") from None
    return bytes(body)


def _answer(refusal: Refusal) -> web.Response:
    headers = {} if refusal.retry_after is None else {"Retry-After": str(math.ceil(refusal.retry_after))}
    answer = web.json_response({"error": refusal.text}, status=refusal.status, headers=headers)
    if refusal.status in (408, 413):
        answer.force_close()  # the rest of the body is not worth reading
    return answer
