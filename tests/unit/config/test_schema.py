"""What the values of a subscription can tell."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.config.loading import load
from services.config.schema import Config, NoticeKind, Secret, SecretError, Target
from services.messages.vocabulary import Region, Sector, Size

EXAMPLE = load(Path(__file__).parents[3] / "examples" / "stormwacht.yaml")


def config(**sections: Any) -> Config:
    institutions = [{"id": "duin", "name": "Huis ter Duin", "sector": "ouderenzorg"}]
    return Config.model_validate({"version": 1, "institutions": institutions, **sections})


def test_a_part_inherits_what_it_leaves_out() -> None:
    whole = {
        "id": "a",
        "name": "Aaa",
        "sector": "ggz",
        "size": "large",
        "region": "vl",
        "hours": {"mon": ["10:00-12:00"]},
        "processor_agreement": True,
        "trial_until": "2026-10-14",
        "parts": [
            {"id": "b", "name": "Bbb", "sector": "thuiszorg", "parts": [{"id": "c", "name": "Ccc"}]},
            {"id": "d", "name": "Ddd", "processor_agreement": False},
        ],
    }
    found = config(institutions=[whole]).flat()
    assert list(found) == ["a", "b", "c", "d"]
    assert (found["c"].sector, found["c"].size, found["c"].region) == (
        Sector.HOME_CARE,
        Size.LARGE,
        Region.VL,
    )
    assert found["c"].hours == {"mon": ((time(10), time(12)),)}
    assert (found["c"].ancestors, found["c"].parent) == (("b", "a"), "b")
    assert (found["c"].processor_agreement, found["d"].processor_agreement) == (True, False)
    assert found["c"].trial_until == date(2026, 10, 14)
    assert found["a"].parent is None


def test_what_is_left_out_at_the_top_has_a_default() -> None:
    duin = config().flat()["duin"]
    assert (duin.size, duin.region, duin.processor_agreement) == (Size.MEDIUM, Region.NL, False)
    assert duin.hours["fri"] == ((time(9), time(17)),)
    assert "sat" not in duin.hours


def test_the_calendar_has_the_hours_and_the_region() -> None:
    calendar = EXAMPLE.calendar("het-anker-de-linde")
    assert calendar.region is Region.NL
    assert calendar.hours["thu"] == ((time(9), time(12, 30)), (time(13), time(20)))


def test_midnight_closes_the_day() -> None:
    entry = {"id": "a", "name": "Aaa", "sector": "ggz", "hours": {"mon": ["20:00-24:00"]}}
    assert config(institutions=[entry]).flat()["a"].hours["mon"] == ((time(20), time(0)),)


@pytest.mark.parametrize(
    ("institution", "kind", "expected"),
    [
        ("az-sint-voorbeeld", NoticeKind.STORM, ["team:spokespersons"]),
        ("az-sint-voorbeeld", NoticeKind.NEGATIVE, ["team:webcare"]),
        ("het-anker-de-linde", NoticeKind.STORM, ["receiver:case-system", "team:spokespersons"]),
        (
            "het-anker-thuis",
            NoticeKind.NEGATIVE,
            ["receiver:case-system", "person:bram", "receiver:slack-webcare"],
        ),
    ],
)
def test_the_first_route_wins_unless_it_continues(
    institution: str, kind: NoticeKind, expected: list[str]
) -> None:
    routes = EXAMPLE.routes_for(institution, kind)
    assert expected == [target for route in routes for target in route.to]


def test_the_members_of_a_target() -> None:
    assert [person.id for person in EXAMPLE.members(Target("team:webcare"))] == ["an", "bram"]
    assert [person.id for person in EXAMPLE.members(Target("person:bram"))] == ["bram"]
    assert EXAMPLE.members(Target("receiver:screen")) == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("120m", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta()),
    ],
)
def test_durations(written: str, meant: timedelta) -> None:
    (route,) = config(routes=[{"institution": "*", "to": ["person:an"], "group_wait": written}]).routes
    assert route.group_wait == meant


@pytest.mark.parametrize("written", ["5", "m", "-5m", "1.5h", "5 m", "999999999d", "9" * 400 + "s", None, 5])
def test_what_is_no_duration(written: Any) -> None:
    with pytest.raises(ValidationError):
        config(routes=[{"institution": "*", "to": ["person:an"], "group_wait": written}])


def test_a_config_does_not_change() -> None:
    with pytest.raises(ValidationError):
        EXAMPLE.version = 1  # type: ignore[misc]


class TestSecret:
    def test_it_is_read_from_the_environment_anew_each_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret = Secret(env="GEHEIM")
        monkeypatch.setenv("GEHEIM", "one")
        assert secret.reveal() == "one"
        monkeypatch.setenv("GEHEIM", "two\n")
        assert secret.reveal() == "two"

    @pytest.mark.parametrize("value", ["", "  \n"])
    def test_an_unset_variable_is_named(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("GEHEIM", value)
        with pytest.raises(SecretError, match=r"^the environment variable GEHEIM is not set$"):
            Secret(env="GEHEIM").reveal()

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SecretError, match="the file /nowhere/x cannot be read: No such file"):
            Secret(file="/nowhere/x").reveal()
        (tmp_path / "x").write_bytes(b"\xff\xfe")
        with pytest.raises(SecretError, match="is not a text file"):
            Secret(file=str(tmp_path / "x")).reveal()
        (tmp_path / "x").write_bytes(b"\n")
        with pytest.raises(SecretError, match="is empty"):
            Secret(file=str(tmp_path / "x")).reveal()

    def test_it_shows_where_it_is_and_never_what_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLACK_WEBCARE_URL", "geheim")
        for text in (repr(EXAMPLE), str(EXAMPLE), EXAMPLE.model_dump_json(), repr(EXAMPLE.model_dump())):
            assert "SLACK_WEBCARE_URL" in text
            assert "geheim" not in text

    @pytest.mark.parametrize("places", [{}, {"env": "A", "file": "b"}])
    def test_it_has_one_place(self, places: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="give one of them"):
            Secret(**places)


def test_a_webhook_has_its_address_in_the_file_or_as_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "https://b.nl/x")
    hook = {"type": "webhook", "secret_env": "HOOK"}
    plain, secret = config(
        receivers=[{"id": "a", "url": "https://a.nl", **hook}, {"id": "b", "url_env": "HOOK_URL", **hook}]
    ).receivers
    assert plain.type == "webhook"
    assert secret.type == "webhook"
    assert (plain.address(), secret.address()) == ("https://a.nl", "https://b.nl/x")


def test_the_json_schema_describes_every_field_as_it_is_written() -> None:
    schema = Config.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        days = model.get("title") == "Hours"
        for name, field in model.get("properties", {}).items():
            assert days or field.get("description"), (model["title"], name)
    slack = schema["$defs"]["SlackWebhookReceiver"]
    assert set(slack["properties"]) == {"type", "id", "payload", "url_env", "url_file"}
    assert slack["allOf"] == [{"oneOf": [{"required": ["url_env"]}, {"required": ["url_file"]}]}]
    assert "continue" in schema["$defs"]["Route"]["properties"]
    assert schema["$defs"]["Route"]["properties"]["group_wait"]["default"] == "5m"
