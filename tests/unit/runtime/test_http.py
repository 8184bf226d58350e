"""The pages that every service has."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from services.runtime import http
from services.runtime.http import Health, Server


@pytest.fixture
def health() -> Health:
    return Health(("kafka", "model"))


@pytest.fixture
async def server(health: Health) -> AsyncIterator[Server]:
    registry = CollectorRegistry()
    Counter("stormwacht_things_total", "Things", registry=registry).inc(3)
    server = Server("127.0.0.1", 0, registry, health)
    await server.start()
    yield server
    await server.stop()


async def get(server: Server, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_ready_names_what_it_waits_for(server: Server, health: Health) -> None:
    assert await get(server, "/-/ready") == (503, "waiting for kafka, model\n")
    health.set_ready("kafka")
    health.set_ready("model")
    assert await get(server, "/-/ready") == (200, "ready\n")
    health.set_ready("kafka", ready=False)
    assert await get(server, "/-/ready") == (503, "waiting for kafka\n")


async def test_healthy_means_that_the_loop_turns(
    server: Server, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    health.beat()
    assert (await get(server, "/-/healthy"))[0] == 200
    monkeypatch.setattr(http, "HEALTHY_WITHIN_S", -1.0)
    assert (await get(server, "/-/healthy"))[0] == 503


async def test_metrics_are_the_registrys(server: Server) -> None:
    status, body = await get(server, "/metrics")

    assert status == 200
    assert "stormwacht_things_total 3.0" in body
