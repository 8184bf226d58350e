"""`stormwacht score` on files and streams."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.sentiment.commands import score
from services.sentiment.rows import InputError

TEXTS = [
    "Heel erg bedankt, wat een lief team!",
    "Hoe laat is de poli morgen open?",
    "Heel erg bedankt, wat een lief team!",
]


def answers(*arguments: str, stdin: str | None = None) -> list[dict[str, object]]:
    done = CliRunner().invoke(score, arguments, input=stdin, catch_exceptions=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ndjson_on_standard_input_keeps_ids_and_order() -> None:
    lines = "\n".join(json.dumps({"id": f"p{n}", "text": text, "more": 1}) for n, text in enumerate(TEXTS))

    found = answers("-", stdin=lines + "\n\n")

    assert [row["id"] for row in found] == ["p0", "p1", "p2"]
    assert found[0]["label"] == "positive"
    assert {**found[0], "id": ""} == {**found[2], "id": ""}
    assert set(found[0]) == {"id", "label", "negative", "neutral", "positive", "flags", "themes"}
    assert found[0]["flags"] == {"question": False, "complaint": False, "acute_risk": False}


def test_csv_rows_without_an_id_are_named_by_their_line(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('text,stars\n"Een zin,\nover twee regels",3\nNog een,2\n')

    assert [row["id"] for row in answers(str(tmp_path / "in.csv"))] == [3, 4]


def test_more_texts_than_one_batch() -> None:
    lines = "\n".join(json.dumps({"text": "Dank!" if n % 2 else "Hoe laat?"}) for n in range(600))

    assert len(answers("-", stdin=lines)) == 600


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"text": "a"}\n{"tekst": "b"}\n', ":2: text: missing"),
        ('{"text": 5}\n', ":1: text: missing or not a text"),
        ("nope\n", ":1: not valid JSON"),
        ("[1]\n", ":1: text: missing"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "in.ndjson").write_text(content)

    with pytest.raises(InputError, match=words):
        answers(str(tmp_path / "in.ndjson"))
