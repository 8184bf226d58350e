"""The main job, as a newcomer sees it."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import demo

WEEK = Path(__file__).parents[2] / "services" / "demo" / "week.ndjson"


@pytest.fixture(scope="module")
def at_max(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    err = tmp_path_factory.mktemp("demo") / "err"
    return demo.summary(demo.start("--speed", "max", err=err), err)


def states(summary: dict[str, Any], institution: str) -> set[str]:
    return {step["state"] for step in summary["incidents"] if step["institution"] == institution}


def test_nothing_is_lost_and_nobody_is_told_twice(at_max: dict[str, Any]) -> None:
    assert at_max["lost"] == at_max["duplicates_told"] == at_max["dead_letters"] == 0
    assert at_max["mentions_in"] == at_max["scored"] > 1000
    assert at_max["notifications"] > 0


def test_the_storm_is_found_and_only_the_storm(at_max: dict[str, Any]) -> None:
    called = {step["institution"] for step in at_max["incidents"] if step["state"] in ("rising", "storm")}

    assert called == {"vennehart"}
    assert {"storm", "easing", "closed"} <= states(at_max, "vennehart")


def test_the_storm_is_called_within_70_minutes_of_its_first_post(at_max: dict[str, Any]) -> None:
    """It starts slowly: the first angry post comes at 16:52 local time, the crowd from 17:30."""
    first = {step["state"]: step["event_time"] for step in reversed(at_max["incidents"])}

    assert "2026-10-07T14:52" <= first["storm"] <= "2026-10-07T16:02"


def test_one_angry_man_and_a_happy_crowd_are_named_and_not_called_a_storm(at_max: dict[str, Any]) -> None:
    reasons = {
        (step["institution"], step["reason"]) for step in at_max["incidents"] if step["state"] == "watch"
    }

    assert ("lindemeer", "one_author") in reasons
    assert states(at_max, "wilgenborgh") <= {"watch", "closed"}


def test_another_speed_gives_the_same_incidents_and_messages(at_max: dict[str, Any], tmp_path: Path) -> None:
    slower = demo.summary(demo.start("--speed", "20000", err=tmp_path / "err"), tmp_path / "err")

    demo.same(at_max, slower)


@pytest.mark.kafka
def test_apache_kafka_gives_the_same_and_holds_nothing_private(
    at_max: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bootstrap = request.config.getoption("--kafka")
    err = tmp_path / "err"

    on_kafka = demo.summary(demo.start("--speed", "max", "--bootstrap", bootstrap, err=err), err)

    demo.same(at_max, on_kafka)
    log = b"".join(
        segment.read_bytes().lower()
        for segment in Path(request.config.getoption("--kafka-dir")).rglob("stormwacht-demo-*/*.log")
    )
    assert b"vennehart" in log
    private = (
        (Path(__file__).parents[1] / "data" / "week_private.txt").read_text(encoding="utf-8").splitlines()
    )
    assert [text for text in private if text.lower().encode() in log] == []
    week = WEEK.read_text(encoding="utf-8").lower()
    assert [text for text in private if text.lower() not in week] == [], (
        "the list and the week have drifted apart"
    )
