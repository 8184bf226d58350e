"""Settings come from the environment, and a wrong one names itself."""

from pathlib import Path

import pytest

from services.runtime.settings import APACHE, EMBEDDED, SettingsError, from_environment


def test_nothing_set_gives_the_defaults() -> None:
    settings = from_environment({})

    assert settings.bootstrap == "127.0.0.1:9092"
    assert settings.limits is APACHE
    assert settings.clock == "system"


def test_what_is_set_is_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a" * 64 + "\n\n" + "b" * 64 + "\n")
    settings = from_environment(
        {
            "STORMWACHT_BROKER": "embedded",
            "STORMWACHT_TOPIC_PREFIX": "az",
            "STORMWACHT_PARTITIONS": "3",
            "STORMWACHT_KEY_FILE": str(key),
        }
    )

    assert settings.limits is EMBEDDED
    assert settings.topics.scored.name == "az.scored"
    assert settings.partitions == 3
    assert settings.secrets == (b"a" * 64, b"b" * 64)
    assert "a" * 64 not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("BROKER", "rabbit", "none of kafka, embedded"),
        ("PARTITIONS", "0", "whole number of 1 or more"),
        ("PARTITIONS", "twelve", "whole number of 1 or more"),
        ("CLOCK", "cuckoo", "none of system, ticks"),
        ("KEY_FILE", "/nowhere/key", "No such file"),
    ],
)
def test_a_wrong_setting_names_itself_and_what_would_be_right(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as fault:
        from_environment({f"STORMWACHT_{name}": value})
    assert f"STORMWACHT_{name}" in str(fault.value)


def test_a_missing_key_says_how_to_make_one() -> None:
    with pytest.raises(SettingsError, match=r"STORMWACHT_KEY_FILE.*make one with"):
        from_environment({}).keyring()
