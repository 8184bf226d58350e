"""`stormwacht migrate` and `stormwacht log`."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

from services.alerts.commands import log, migrate
from services.alerts.metrics import Metrics, Outcome
from services.alerts.routing.group import FlushReason
from services.alerts.routing.planned import Item, Plan, Planned
from services.alerts.store import Store
from services.config.schema import NoticeKind
from tests.support.records import NOW


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path / 'a.db'}"
    monkeypatch.setenv("STORMWACHT_DATABASE", found)
    return found


def run(command: object, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, arguments)  # type: ignore[arg-type]
    return result.exit_code, result.stdout, result.stderr


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(url: str) -> None:
    for _ in range(2):
        assert run(migrate, "--dry-run")[:2] == (0, '{"applied": [], "pending": ["0001", "0002"]}\n')


def test_migrating_twice_changes_nothing_the_second_time(url: str) -> None:
    assert run(migrate)[1] == '{"applied": ["0001", "0002"], "pending": []}\n'
    assert run(migrate)[1] == '{"applied": [], "pending": []}\n'


def test_a_log_of_no_database_says_what_to_do(url: str) -> None:
    status, out, err = run(log)

    assert (status, out) == (1, "")
    assert "stormwacht migrate" in err


def test_the_log_shows_ids_and_times(url: str) -> None:
    run(migrate)
    asyncio.run(_plan_one(url))

    line = json.loads(run(log, "--json")[1])
    assert (line["recipient"], line["state"], line["items"]) == ("person:ans", "planned", ["p1"])
    assert line["planned_at"] == "2026-10-07T15:00:00Z"
    assert "person:ans" in run(log)[1]
    assert run(log, "--institution", "elders") == (0, "", "")


async def _plan_one(url: str) -> None:
    store = Store(url)
    notice = Planned(
        kind=NoticeKind.NEGATIVE,
        institution="huis",
        group_key="g",
        recipient="person:ans",
        items=(Item("p1"),),
        reason=FlushReason.FIRST,
        planned_at=NOW,
        expires_at=NOW,
    )
    await store.plan(NOW, lambda _: Plan((notice,)))
    await store.close()


def test_zeros_are_there_before_anything_happens() -> None:
    registry = CollectorRegistry()
    Metrics(registry, ["huis"])

    labels: dict[str, str] = {"kind": NoticeKind.STORM, "outcome": Outcome.FAILED}
    assert registry.get_sample_value("stormwacht_notifications_total", labels) == 0
    assert registry.get_sample_value("stormwacht_open_negatives", {"institution": "huis"}) == 0
