"""The commands about the subscription file, from outside."""

import json
import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from services.config import commands
from services.config.loading import load
from services.config.starting import QUESTIONS, slug, write

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "stormwacht.yaml"
BAD = ROOT / "tests" / "data" / "config" / "bad-many-at-once.yaml"
DEFAULTS = {question.key: question.default for question in QUESTIONS}
HOSTILE = 'Huis "ter" Duin: {x} # \\ *'


def run(command: click.Command, *args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


class TestCheck:
    def test_it_says_who_is_told_and_what_each_source_sees(self) -> None:
        result = run(commands.check, EXAMPLE)
        assert result.exit_code == 0
        assert result.stdout == ""
        assert f"{EXAMPLE} is in order." in result.stderr
        assert (
            f"Note: recorded-week.path: there is no file {EXAMPLE.parent / 'posts.ndjson'} here"
            in result.stderr
        )
        assert "storm, silence: case-system, Bram Voorbeeld (mail)" in result.stderr
        assert "An Voorbeeld (slack-webcare, else mail)" in result.stderr
        assert "complaints-desk: requests to it, at most 120 a minute, sees only Zorggroep Het Anker" in (
            result.stderr
        )

    def test_it_tells_every_fault_at_once(self) -> None:
        result = run(commands.check, BAD)
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 4
        assert f"{BAD}:17: institutions[0].sector: 'hospital' is not a sector" in result.stderr

    def test_json_on_success(self) -> None:
        result = run(commands.check, EXAMPLE, "--json")
        assert result.exit_code == 0
        told = json.loads(result.stdout)
        assert told["ok"] is True
        assert told["institutions"][2]["told"]["storm"] == ["case-system", "Bram Voorbeeld (mail)"]

    def test_json_of_faults(self) -> None:
        result = run(commands.check, BAD, "--json")
        assert result.exit_code == 1
        told = json.loads(result.stdout)
        assert told["ok"] is False
        assert told["faults"][0]["line"] == 17

    def test_a_notice_that_nobody_gets_is_shown(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text(write(DEFAULTS, date(2026, 10, 14)) + "    kinds: [storm]\n")
        assert "negative, catch_up, silence: nobody" in run(commands.check, path).stderr

    def test_a_secret_that_is_not_set_is_a_note(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text(write(DEFAULTS, date(2026, 10, 14)))
        result = run(commands.check, path)
        assert result.exit_code == 0
        assert "the environment variable STORMWACHT_POSTS_SECRET is not set here" in result.stderr

    def test_the_environment_names_the_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("STORMWACHT_CONFIG", str(EXAMPLE))
        assert run(commands.check).exit_code == 0


def test_schema_writes_json() -> None:
    result = run(commands.schema)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["properties"]["institutions"]["description"]


class TestInit:
    def test_the_defaults_make_a_file_that_passes(self, tmp_path: Path) -> None:
        path = tmp_path / "new.yaml"
        assert run(commands.init, path, "--yes").exit_code == 0
        assert run(commands.check, path).exit_code == 0

    def test_a_file_is_never_overwritten(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("mine")
        result = run(commands.init, path, "--yes")
        assert result.exit_code == 1
        assert "exists already" in result.stderr
        assert path.read_text() == "mine"

    def test_a_folder_that_does_not_exist_is_named(self, tmp_path: Path) -> None:
        result = run(commands.init, tmp_path / "no" / "x.yaml", "--yes")
        assert result.exit_code == 1
        assert "cannot be written" in result.stderr

    def test_without_a_terminal_it_asks_nothing(self, tmp_path: Path) -> None:
        assert run(commands.init, tmp_path / "x.yaml").exit_code == 2

    def test_it_asks_ten_questions(self) -> None:
        assert len(QUESTIONS) == 10
        for question in QUESTIONS:
            assert question.check(question.default)

    @pytest.mark.parametrize(
        ("key", "answer"),
        [
            ("name", "A"),
            ("name", "!!!"),
            ("aliases", "Het Duin, HD"),
            ("sector", "hospital"),
            ("hours", "9-17"),
            ("hours", ""),
            ("account", "twitter @x"),
            ("account", "bluesky"),
            ("email", "an"),
        ],
    )
    def test_a_wrong_answer_is_refused(self, key: str, answer: str) -> None:
        (question,) = (each for each in QUESTIONS if each.key == key)
        assert not question.check(answer)

    def test_hostile_answers_make_a_valid_file(self, tmp_path: Path) -> None:
        answers = DEFAULTS | {
            "name": HOSTILE,
            "aliases": f"{HOSTILE}, Ander",
            "account": f"bluesky {HOSTILE}",
            "person": HOSTILE,
            "email": "an@b#:c.nl",
            "posts": HOSTILE,
        }
        assert all(question.check(answers[question.key]) for question in QUESTIONS)
        path = tmp_path / "x.yaml"
        path.write_text(write(answers, date(2026, 10, 14)))
        config = load(path)
        (institution,) = config.institutions
        assert institution.name == HOSTILE
        assert institution.aliases == (HOSTILE, "Ander")
        assert institution.accounts[0].handle == HOSTILE
        assert config.people[0].addresses[0].to == "an@b#:c.nl"

    def test_on_a_terminal_it_asks_again_after_a_wrong_answer(self, tmp_path: Path) -> None:
        path = tmp_path / "x.yaml"
        answers = ["Huis ter Duin", "", "hospital", "ggz", "", "", "", "", "", "", ""]
        ours, theirs = pty.openpty()
        code = f"from services.config.commands import init; init(['{path}'])"
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=theirs, stderr=subprocess.PIPE, cwd=ROOT
        ) as run:
            os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
            _, told = run.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
        assert run.returncode == 0
        assert "Hoe heet uw instelling?" in told.decode()
        assert "kies een van de woorden" in told.decode()
        assert load(path).institutions[0].id == "huis-ter-duin"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Zorggroep Één & Twee", "zorggroep-een-twee"), ("x" * 80, "x" * 63), ("a" * 62 + " b", "a" * 62)],
)
def test_an_id_is_made_of_a_name(name: str, expected: str) -> None:
    assert slug(name) == expected
