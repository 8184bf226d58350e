"""Whatever stands in the file: a config or a `ConfigError`, never anything else."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.config.loading import ConfigError, load
from services.config.schema import Config

GOOD = (Path(__file__).parents[3] / "examples" / "stormwacht.yaml").read_bytes()
FIELDS = sorted(
    {name for model in Config.model_json_schema()["$defs"].values() for name in model.get("properties", ())}
    | set(Config.model_fields)
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_WORDS = st.sampled_from([*FIELDS, "*", "file", "webhook", "email", "mon", "09:00-17:00", "5m", "duin", "-"])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=30,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def tried(folder: Path, raw: bytes) -> None:
    path = folder / "stormwacht.yaml"
    path.write_bytes(raw)
    try:
        useful = bool(load(path).flat())
    except ConfigError as error:
        useful = bool(error.faults and str(error))
    assert useful


@given(raw=st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(folder: Path, raw: bytes) -> None:
    tried(folder, raw)


@given(text=st.text(alphabet="ab:-?[]{}&*!|>'\"%@#\\ \n\t\u2028<~,0", max_size=60))
@settings(deadline=None, max_examples=300)
def test_any_text_of_signs_that_yaml_knows(folder: Path, text: str) -> None:
    tried(folder, text.encode())


@given(data=st.dictionaries(st.sampled_from(sorted(Config.model_fields)), _VALUES))
@settings(deadline=None, max_examples=300)
def test_any_data_under_the_known_fields(folder: Path, data: dict[str, Any]) -> None:
    tried(folder, yaml.safe_dump({"version": 1, **data}, allow_unicode=True).encode())


@given(at=st.integers(0, len(GOOD)), cut=st.integers(0, 40), put=st.binary(max_size=10))
@settings(deadline=None, max_examples=300)
def test_a_good_file_with_a_piece_replaced(folder: Path, at: int, cut: int, put: bytes) -> None:
    tried(folder, GOOD[:at] + put + GOOD[at + cut :])


@given(line=st.integers(0, GOOD.count(b"\n")), value=_SCALARS | _WORDS)
@settings(deadline=None, max_examples=300)
def test_a_good_file_with_a_value_replaced(folder: Path, line: int, value: Any) -> None:
    lines = GOOD.decode().splitlines()
    key, colon, _ = lines[line % len(lines)].partition(":")
    text = yaml.safe_dump(value, allow_unicode=True).splitlines()[0]
    lines[line % len(lines)] = f"{key}{colon} {text}"
    tried(folder, "\n".join(lines).encode())
