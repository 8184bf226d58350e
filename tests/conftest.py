"""What every test gets: a clean environment, and `--kafka HOST:PORT` for a real Apache Kafka."""

import os

import pytest
import structlog


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kafka", metavar="HOST:PORT", help="a real Apache Kafka for the broker tests too")
    parser.addoption("--kafka-dir", metavar="DIR", help="where that Kafka keeps its log, for a byte search")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--kafka"):
        return
    skip = pytest.mark.skip(reason="needs a real Apache Kafka: --kafka HOST:PORT (make test-all)")
    for item in items:
        if "kafka" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STORMWACHT_")]:
        if not name.startswith("STORMWACHT_TEST_"):
            monkeypatch.delenv(name)
    structlog.contextvars.clear_contextvars()
