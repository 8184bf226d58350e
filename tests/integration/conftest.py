"""Brokers for the integration tests: the embedded one, and Apache Kafka where `--kafka` names one."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.messages.topics import Topics
from services.runtime.broker import EmbeddedBroker
from services.runtime.settings import APACHE, EMBEDDED, Settings


@pytest.fixture(scope="session")
def embedded_bootstrap() -> Iterator[str]:
    with asyncio.Runner() as runner:
        broker = EmbeddedBroker()
        runner.run(broker.__aenter__())
        yield broker.bootstrap
        runner.run(broker.stop())


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return settings with topics of their own on one of the brokers."""
    embedded = request.param == "embedded"
    bootstrap = (
        request.getfixturevalue("embedded_bootstrap") if embedded else request.config.getoption("--kafka")
    )
    return Settings(
        bootstrap=bootstrap,
        limits=EMBEDDED if embedded else APACHE,
        topics=Topics(f"test-{secrets.token_hex(4)}"),
        partitions=3,
        config=tmp_path / "stormwacht.yaml",
        database=f"sqlite:///{tmp_path / 'alerts.db'}",
        secrets=(b"k" * 32,),
    )
