"""Finding the shipped model and proving that its files are the ones its manifest describes."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.sentiment.models import ModelError

MANIFEST = "manifest.json"
HERE = Path(__file__).resolve()


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A verified model directory and the sha256 of each file in it that was asked for."""

    directory: Path
    sha256: dict[str, str]

    def path(self, name: str) -> Path:
        """The path of a verified file."""
        return self.directory / name


def shipped() -> Path:
    """The model that came with this program: in the checkout, or packed into the wheel."""
    root = HERE.parents[3]
    if (root / "pyproject.toml").exists():
        return root / "models" / "shipped"
    return HERE.parents[1] / "shipped"


def verify(path: Path | None, names: Iterable[str]) -> ModelFiles:
    """Check the named files of a model against its manifest; raises ModelError with every fault found."""
    directory = shipped() if path is None else path
    listed = read_json(directory / MANIFEST).get("files")
    if not isinstance(listed, dict):
        raise ModelError(f"{directory / MANIFEST}: has no object 'files' (name -> sha256 and size)")
    checked: dict[str, str] = {}
    faults: list[str] = []
    for name in names:
        fault = _fault(directory / name, listed.get(name))
        if fault:
            faults.append(fault)
        else:
            checked[name] = listed[name]["sha256"]
    if faults:
        raise ModelError("; ".join(faults))
    return ModelFiles(directory, checked)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file, or a ModelError that says what is wrong with it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{path}: not found; a model directory holds {MANIFEST}, labels.json, tokenizer.json and weights"
        ) from None
    except (OSError, ValueError) as fault:
        raise ModelError(f"{path}: cannot be read as JSON ({fault})") from fault
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds {type(content).__name__}, expected a JSON object")
    return content


def file_sha256(path: Path) -> str:
    """The sha256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _fault(path: Path, expected: object) -> str | None:
    if not isinstance(expected, dict) or not {"sha256", "size"} <= expected.keys():
        return f"{path}: not listed with sha256 and size in {MANIFEST}"
    try:
        size = path.stat().st_size
        found = file_sha256(path) if size == expected["size"] else ""
    except OSError as fault:
        return f"{path}: cannot be read ({fault.strerror}), expected {expected['size']} bytes"
    if size != expected["size"]:
        return f"{path}: has {size} bytes, expected {expected['size']} (incomplete copy?)"
    if found != expected["sha256"]:
        return f"{path}: sha256 is {found}, expected {expected['sha256']} (altered, or of another version)"
    return None
