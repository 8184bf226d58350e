"""What the documents say about the house is true."""

import re
from pathlib import Path

import pytest

from services.config.loading import load
from services.messages.topics import Topics
from services.runtime import settings

ROOT = Path(__file__).parents[2]
ROOMS = {"messages", "config", "runtime", "ingest", "sentiment", "alerts", "demo"}


def test_the_map_names_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}

    assert rooms == ROOMS
    assert set(re.findall(r"^\| `services/(\w+)`", page, re.MULTILINE)) == ROOMS


def test_the_map_names_every_topic() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    for topic in Topics().all():
        assert topic.name in page or topic is Topics().detectors or topic.holds is None


def test_the_map_names_every_setting() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    source = Path(settings.__file__).read_text(encoding="utf-8")

    for name in re.findall(r'read\.\w+\("([A-Z_]+)"', source):
        assert f"_{name}`" in page, name


def test_the_configuration_in_the_readme_is_in_order(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "stormwacht.yaml").write_text(example)

    assert list(load(tmp_path / "stormwacht.yaml").flat()) == ["vennehart"]


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in ROOT.glob("*.md")])
def test_links_in_the_documents_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_no_room_is_called_by_what_it_is_not() -> None:
    names = {path.name for path in (ROOT / "services").rglob("*") if path.is_dir()}

    assert names.isdisjoint({"core", "domain", "utils", "helpers", "common"})
