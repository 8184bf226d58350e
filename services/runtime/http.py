"""The HTTP port that every service opens: /metrics, /-/healthy and /-/ready, and whatever it adds."""

import time
from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from services.runtime.lifecycle import Lifecycle

HEALTHY_WITHIN_S = 30.0
BEAT_S = 1.0


class Health:
    """Whether the main loop turns, and what a service still waits for before it is ready."""

    def __init__(self, waits_for: Iterable[str]) -> None:
        self._waiting = set(waits_for)
        self._beat = time.monotonic()

    def beat(self) -> None:
        """Note that the main loop has turned."""
        self._beat = time.monotonic()

    async def beat_until_stopped(self, life: Lifecycle) -> None:
        """Beat for a service whose main loop is the event loop itself."""
        while not life.stopping:
            self.beat()
            await life.sleep(BEAT_S)

    def set_ready(self, what: str, *, ready: bool = True) -> None:
        """Note that `what` works, or no longer does."""
        (self._waiting.discard if ready else self._waiting.add)(what)

    def waiting(self) -> list[str]:
        """Return what is not ready, sorted."""
        return sorted(self._waiting)

    def silent_s(self) -> float:
        """Return the seconds since the main loop last turned."""
        return time.monotonic() - self._beat


class Server:
    """An aiohttp server with the standard pages; `port` 0 takes a free one, shown by `port` once started."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health) -> None:
        self.app = web.Application()
        self.host = host
        self.port = port
        self._registry = registry
        self._health = health
        self._runner: web.AppRunner | None = None
        self.app.router.add_get("/metrics", self._metrics)
        self.app.router.add_get("/-/healthy", self._healthy)
        self.app.router.add_get("/-/ready", self._ready)

    async def start(self) -> None:
        """Open the port."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double every page and nobody asks for them
        self._runner = web.AppRunner(self.app, access_log=None)  # access logs would hold query strings
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port; requests in flight are finished first."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _healthy(self, _request: web.Request) -> web.Response:
        silent = self._health.silent_s()
        ok = silent < HEALTHY_WITHIN_S
        return web.Response(
            status=200 if ok else 503,
            text="ok\n" if ok else f"the main loop stood still for {silent:.0f} s\n",
        )

    async def _ready(self, _request: web.Request) -> web.Response:
        waiting = self._health.waiting()
        return web.Response(
            status=503 if waiting else 200,
            text=f"waiting for {', '.join(waiting)}\n" if waiting else "ready\n",
        )
