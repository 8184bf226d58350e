"""The reference and the example keep up with the schema."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.config.loading import ConfigError, load
from services.config.schema import Config
from services.ingest.commands import explain
from services.messages.vocabulary import Channel, Sector

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "config.md").read_text()
EXAMPLE = ROOT / "examples" / "stormwacht.yaml"
SCHEMA = Config.model_json_schema()
FIELDS = {
    name: field
    for model in (SCHEMA, *SCHEMA["$defs"].values())
    for name, field in model.get("properties", {}).items()
}


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_stands_in_the_reference(name: str) -> None:
    assert re.search(rf"`[\w\[\].]*\b{name}`", REFERENCE)


@pytest.mark.parametrize("word", [*Sector, *Channel])
def test_every_word_of_a_list_stands_in_the_reference(word: str) -> None:
    assert f"`{word}`" in REFERENCE


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, field in FIELDS.items() if field.get("default")]
)
def test_every_default_stands_in_the_reference(name: str, field: dict[str, object]) -> None:
    default = field["default"]
    assert isinstance(default, list) or re.search(rf"{name}` \|.*`{default}`", REFERENCE)


def test_the_smallest_example_loads_in_twelve_lines(tmp_path: Path) -> None:
    text = REFERENCE.split("```yaml\n")[1].split("```")[0]
    assert len(text.splitlines()) <= 12
    (tmp_path / "a.yaml").write_text(text)
    assert load(tmp_path / "a.yaml")


def test_the_example_uses_every_field_but_a_few() -> None:
    written = EXAMPLE.read_text() + (EXAMPLE.parent / "people.yaml").read_text()
    unused = {name for name in FIELDS if not re.search(rf"\b{name}:", written)}
    assert unused == {
        "port", "tls", "secret_file", "password_env", "url_file", "repeat_interval", "sat", "sun"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["Al weken wachten bij Het Anker Thuis"], "about het-anker-thuis"),
        (["De Linde is een mooie boom"], "about none of them"),
        (["Ik lag in AZ Sint-Voorbeeld", "--channel", "bluesky"], "about az-sint-voorbeeld"),
        (
            ["Wij zijn er voor u", "--channel", "bluesky", "--author", "@hetanker.voorbeeld.nl"],
            "about zorggroep-het-anker",
        ),
    ],
)
def test_explain_says_what_a_text_is_about(args: list[str], said: str) -> None:
    result = CliRunner().invoke(explain, [*args, "--config", str(EXAMPLE)])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == said
    assert len(result.stdout.splitlines()) > 1


def test_explain_refuses_a_bad_file() -> None:
    result = CliRunner().invoke(explain, ["x", "--config", "nowhere.yaml"])
    assert isinstance(result.exception, ConfigError)
