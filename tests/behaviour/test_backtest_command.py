"""`stormwacht backtest` on the demo's week, on small files, and on what is wrong with files."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from services.config.loading import load
from services.demo.run import HERE, WEEK
from services.ingest.matching.matcher import Matcher
from services.ingest.memory import ThreadMemory
from services.ingest.processing import Origin, Processor
from services.messages.identity import Keyring
from services.sentiment.backtest.command import backtest
from services.sentiment.rows import InputError

START = datetime(2026, 10, 5, tzinfo=UTC)
POST = {
    "id": "1",
    "institution": "vennehart",
    "channel": "bluesky",
    "kind": "mention",
    "author": "@jan",
    "text": "Vier uur gewacht en niemand die iets zegt.",
    "created_at": "2026-10-05T12:00:00+02:00",
    "sentiment": "negative",
}

Lines = list[dict[str, Any]]


def run(*arguments: object) -> tuple[Lines, dict[str, Any], str]:
    """Return the steps, the summary and what people read."""
    done = CliRunner().invoke(backtest, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["incident"] * (len(lines) - 1) + ["summary"]
    return lines[:-1], lines[-1], done.stderr


def post(number: int, at: datetime, **how: Any) -> dict[str, Any]:
    words = " ".join(f"w{number}x{i}" for i in range(9))
    return {
        **POST,
        "id": f"p{number}",
        "author": f"a{number}",
        "text": words,
        "created_at": at.isoformat(),
        **how,
    }


def storm() -> Lines:
    """Three quiet days, then sixty people in an hour."""
    quiet = [
        post(
            day * 10 + i,
            START + timedelta(days=day, hours=8 + 2 * i),
            sentiment="neutral" if i else "negative",
        )
        for day in range(3)
        for i in range(5)
    ]
    return quiet + [post(1000 + i, START + timedelta(days=3, hours=12, minutes=i)) for i in range(60)]


def written(path: Path, rows: Lines) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "stormwacht.yaml"
    source = {"type": "file", "id": "week", "path": str(WEEK), "speed": "max"}
    content = {"version": 1, "include": [str(HERE / "institutions.yaml")], "sources": [source]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def week(config: Path) -> Path:
    """The demo's week as ingest would pass it on: a row for each institution that a post is about."""
    processor = Processor(Matcher(load(config).flat()), Keyring([b"k" * 32]), ThreadMemory())
    rows: Lines = []
    for line in WEEK.read_bytes().splitlines():
        native = json.loads(line)
        mention = processor.process(line, Origin("week", replay=True), START).mention
        for institution in mention.institutions if mention else ():
            assert mention is not None
            rows.append(
                {
                    "id": native["id"],
                    "institution": institution,
                    "channel": mention.channel,
                    "kind": mention.kind,
                    "author": native.get("author", ""),
                    "text": mention.text,
                    "created_at": mention.created_at.isoformat(),
                    "marks": mention.marks,
                }
            )
    return written(config.parent / "week.ndjson", rows)


@pytest.fixture(scope="module")
def of_the_week(week: Path, config: Path) -> tuple[Lines, dict[str, Any], str]:
    plot = week.parent / "week.html"
    return run("--config", config, "--plot", plot, week)


def test_the_storm_of_the_week_is_found_and_no_other(of_the_week: tuple[Lines, dict[str, Any], str]) -> None:
    steps, summary, told = of_the_week

    storms = [step for step in steps if step["state"] == "storm"]
    assert {step["institution"] for step in storms} == {"vennehart"}
    assert storms[0]["at"].startswith("2026-10-07T1")
    assert storms[0]["reasons"][0]["code"] == "burst"
    assert storms[0]["evidence"]
    assert summary["storms"] == 1
    assert summary["institutions"] == 8
    assert summary["posts"] > 1000
    assert summary["skipped"] > 0
    assert "1 of them storms" in told


def test_steps_are_in_order_of_time(of_the_week: tuple[Lines, dict[str, Any], str]) -> None:
    steps, _, _ = of_the_week

    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert all(step["event_time"] <= step["at"] for step in steps)


def test_the_page_stands_by_itself(of_the_week: tuple[Lines, dict[str, Any], str], week: Path) -> None:
    steps, _, _ = of_the_week
    shown = (week.parent / "week.html").read_text(encoding="utf-8")

    assert shown.count("<svg") == 8
    assert 'class="band storm"' in shown
    assert steps[0]["evidence"][0] in shown
    assert "<script" not in shown
    assert "http" not in shown
    assert "src=" not in shown


def test_a_sentiment_that_is_given_is_taken(tmp_path: Path) -> None:
    steps, summary, _ = run(written(tmp_path / "in.ndjson", storm()))

    assert "storm" in [step["state"] for step in steps]
    assert steps[0]["onset"] == "2026-10-08T12:00:00Z"
    assert steps[0]["evidence"][0] == "bluesky/p1000"
    assert summary["negative"] == 63
    assert summary["open"] == 1  # the file ends within the storm
    assert run(written(tmp_path / "in.ndjson", [{**row, "sentiment": "neutral"} for row in storm()]))[0] == []


def test_csv_and_ndjson_give_the_same(tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, [*POST, "marks"], restval="")
        table.writeheader()
        table.writerows(storm())

    assert run(tmp_path / "in.csv")[:2] == run(written(tmp_path / "in.ndjson", storm()))[:2]


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    rows = storm()
    halves = [written(tmp_path / f"{i}.ndjson", rows[i::2]) for i in range(2)]

    assert run(*halves)[:2] == run(written(tmp_path / "in.ndjson", rows))[:2]


def test_posts_may_be_up_to_a_day_late(tmp_path: Path) -> None:
    rows = storm()
    late = [*rows[:20], *rows[25:], *rows[20:25]]

    assert run(written(tmp_path / "in.ndjson", late))[1]["storms"] == 1
    with pytest.raises(InputError, match=r":76: created_at: more than a day before .* sort the file"):
        run(written(tmp_path / "in.ndjson", [*rows, rows[3]]))


def test_every_institution_has_a_clock_of_its_own(tmp_path: Path) -> None:
    """So a file may be sorted by institution, then time."""
    other = [{**row, "institution": "lindemeer"} for row in storm()]
    steps, summary, _ = run(written(tmp_path / "in.ndjson", storm() + other))

    assert summary["storms"] == 2
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)


def test_silence_ends_an_incident_as_long_as_others_are_heard(tmp_path: Path) -> None:
    later = post(9, START + timedelta(days=6), institution="lindemeer", sentiment="neutral")
    steps, summary, _ = run(written(tmp_path / "in.ndjson", [*storm(), later]))

    assert steps[-1]["state"] == "closed"
    assert summary["open"] == 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"created_at": None}, "created_at: not right; give a time with its zone"),
        ({"created_at": "2026-10-05T12:00:00"}, "created_at: not right; give a time with its zone"),
        ({"channel": "hyves"}, "channel: not right; one of bluesky"),
        ({"kind": "rant"}, "kind: not right; one of mention"),
        ({"sentiment": "angry"}, "sentiment: not right; one of negative, neutral, positive"),
        ({"author": " @"}, "author: missing"),
        ({"id": ""}, "id: not right"),
        ({"revision": -1}, "revision: not right"),
        (
            {"institution": "elders"},
            "institution: 'elders' is not in .*; known are bijtring, lindemeer, .*zwaluwberg",
        ),
    ],
)
def test_a_bad_post_is_named(tmp_path: Path, config: Path, row: dict[str, Any], words: str) -> None:
    file = written(tmp_path / "in.ndjson", [POST, {**POST, **row}])

    with pytest.raises(InputError, match=rf"in\.ndjson:2: {words}"):
        run("--config", config, file)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("in.ndjson", "nope\n", ":1: not valid JSON"),
        ("in.ndjson", "[1]\n", ":1: not an object with the fields of a post"),
        ("in.ndjson", '{"id": "1"}\n', ":1: institution: missing"),
        ("in.csv", "id,text\n1,hoi\n", ":2: institution: missing"),
        ("in.csv", "timestamp,value\n2026-10-05 12:00:00,-1\n", ":2: value: not right"),
        ("in.csv", "timestamp,value\n2026-10-05 12:00:00,veel\n", ":2: value: missing or no number"),
        ("in.csv", "timestamp,value\n2026-10-05 12:00:00\n", ":2: value: missing or no number"),
        ("in.csv", "timestamp,value\ngisteren,3\n", ":2: timestamp: missing or no time"),
        (
            "in.csv",
            "timestamp,value\n2026-10-05 12:00:00,3\n2026-10-05 12:00:00,3\n",
            ":3: timestamp: not later than the line before",
        ),
        (
            "in.csv",
            "timestamp,value\n2026-10-05,3\n2026-10-06 00:00:00,3\n",
            ":2: timestamp: missing or no time",
        ),
        (
            "in.csv",
            "timestamp,value\n2026-10-05 00:00:00,3\n2026-10-06 00:00:00,3\n",
            ":3: timestamp: more than an hour after",
        ),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(InputError, match=words):
        run(tmp_path / name)


def test_counts_are_a_series_named_by_the_file(tmp_path: Path) -> None:
    """Twenty days of twelve an hour and more by day; then a burst."""
    lines = ["timestamp,value"]
    for step in range(20 * 288):
        at = START + timedelta(minutes=5 * step)
        burst = 60 if START + timedelta(days=15, hours=12) <= at < START + timedelta(days=15, hours=14) else 0
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{(1 if at.hour < 7 else 2) + step % 3 + burst}")
    (tmp_path / "vennehart.csv").write_text("\n".join(lines))
    steps, summary, told = run("--plot", tmp_path / "out.html", tmp_path / "vennehart.csv")

    assert [(step["institution"], step["state"]) for step in steps] == [
        ("vennehart", "storm"),
        ("vennehart", "closed"),
    ]
    assert steps[0]["at"].startswith("2026-10-20T12:")
    assert steps[0]["score"] >= 1
    assert "score" not in steps[1]
    assert summary == {**summary, "series": 1, "counts": 20 * 288, "posts": 0, "storms": 1, "open": 0}
    assert "5,760 counts in 1 series" in told
    assert "vennehart" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "in.ndjson").write_text("")
    steps, summary, _ = run("--plot", tmp_path / "out.html", tmp_path / "in.ndjson")

    assert steps == []
    assert summary["posts"] == 0


@pytest.mark.parametrize("arguments", [[], ["nowhere.ndjson"], ["--plot", "nowhere/out.html", __file__]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(backtest, arguments).exit_code == click.UsageError.exit_code


def test_the_parts_of_an_organisation_are_watched_together(tmp_path: Path) -> None:
    parts = [{"id": name, "name": f"Huis {name}"} for name in ("noord", "oost")]
    whole = {"id": "anker", "name": "Het Anker", "sector": "ggz", "parts": parts}
    content = {
        "version": 1,
        "receivers": [{"id": "chat", "type": "console"}],
        "institutions": [whole],
        "routes": [{"institution": "*", "to": ["receiver:chat"]}],
    }
    config = tmp_path / "stormwacht.yaml"
    config.write_text(json.dumps(content), encoding="utf-8")
    rows = [
        {**row, "institution": ("noord", "oost")[n % 2], "sentiment": row.get("sentiment", "negative")}
        for n, row in enumerate(storm())
    ]

    steps, summary, _ = run("--config", config, written(tmp_path / "posts.ndjson", rows))

    assert {step["institution"] for step in steps} == {"anker"}
    assert steps[-1]["state"] == "storm"
    assert steps[-1]["locations"] == {"anker": 6, "noord": 3, "oost": 3}
    assert summary["incidents"] == 1
