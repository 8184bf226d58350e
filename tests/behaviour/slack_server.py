"""A small HTTP server for the receivers' suite: takes posts as Slack does, and fails as it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

# https://docs.slack.dev/reference/block-kit/blocks
MOST_BLOCKS = 50
TEXT_LIMITS = {"header": 150, "section": 3000, "context": 3000}
MOST_FIELDS = 10
MOST_FIELD = 2000


@dataclass
class Request:
    """What arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpServer:
    """Answers with `status`, or hangs or hangs up after it has read the request."""

    url: str = ""
    status: int = 200
    answer: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    hang_up: bool = False
    check_blocks: bool = False
    received: list[Request] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append(Request(dict(request.headers), body))
        if self.hang:
            await self._released.wait()
        if self.hang_up and request.transport:
            request.transport.abort()
        if self.check_blocks and (fault := block_fault(json.loads(body))):
            return web.Response(status=400, text=f"invalid_blocks: {fault}")
        return web.Response(status=self.status, text=self.answer, headers=self.headers)

    def release(self) -> None:
        self._released.set()


def block_fault(message: dict[str, Any]) -> str:
    """Say which of Slack's limits a message breaks; empty when it keeps them."""
    blocks = message["blocks"]
    if not message.get("text") or not 0 < len(blocks) <= MOST_BLOCKS:
        return "text or number of blocks"
    for block in blocks:
        texts = [block["text"]] if "text" in block else block.get("elements", [])
        if any(not 0 < len(text["text"]) <= TEXT_LIMITS[block["type"]] for text in texts):
            return f"length in {block['type']}"
        fields = block.get("fields", [])
        if len(fields) > MOST_FIELDS or any(not 0 < len(text["text"]) <= MOST_FIELD for text in fields):
            return "fields"
    return ""


@asynccontextmanager
async def http_server() -> AsyncIterator[HttpServer]:
    """Run the server on a free port."""
    server = HttpServer()
    app = web.Application()
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        server.release()
        await runner.cleanup()
