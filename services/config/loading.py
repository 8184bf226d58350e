"""Loads a subscription file and what it includes: a whole `Config`, or every fault at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from os.path import exists, realpath
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.config.checks import SECTIONS, Draft, check
from services.config.faults import ConfigError, Fault, Finding, Steps, field_name
from services.config.reading import Document, read
from services.config.schema import Config
from services.config.values import show
from services.config.wording import findings

__all__ = ["ConfigError", "Fault", "load"]

MAX_INCLUDES = 10  # files that include each other, one below the other


def load(path: Path | str) -> Config:
    """Return the subscription.

    Raises:
        ConfigError: with every fault of the file and of the files it includes.

    """
    gathered = _Gathered()
    gathered.add(Path(path), ())
    config, found = _validate(gathered)
    faults = {*gathered.faults, *map(gathered.fault, found)}
    if faults or config is None:
        raise ConfigError(sorted(faults))
    return config


def _validate(gathered: "_Gathered") -> tuple[Config | None, list[Finding]]:
    config, found = None, []
    try:
        config = Config.model_validate(gathered.data)
    except ValidationError as error:
        found = list(findings(error, gathered.data))
    if gathered.incomplete:
        # what seems to be missing may stand in the part that could not be read
        return None, [finding for finding in found if len(finding.steps) > 1]
    return config, [*found, *check(Draft.of(gathered.data))]


@dataclass
class _Gathered:
    """The data of all files as one, and where each part of it stands."""

    data: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    incomplete: bool = False
    _places: dict[Steps, tuple[str, int, Steps]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def add(self, path: Path, above: tuple[str, ...]) -> None:
        """Read a file and what it includes; `above` are the files that led to it."""
        name = str(path)
        try:
            document = read(path, name)
        except ConfigError as error:
            self.faults += error.faults
            self.incomplete = True
            return
        self._seen.add(realpath(path))
        _anchor_paths(document.data, path.parent)
        self._merge(document, included=bool(above))
        self._include(document, path, (*above, realpath(path)))

    def fault(self, finding: Finding) -> Fault:
        """Return the fault with the file, line and field where the finding stands."""
        for end in range(len(finding.steps), -1, -1):
            known, rest = finding.steps[:end], finding.steps[end:]
            if place := self._place(known):
                file, line, steps = place
                return Fault(file, line, field_name((*steps, *rest)), finding.problem, finding.remedy)
        raise AssertionError("the file itself always has a place")

    def _place(self, steps: Steps) -> tuple[str, int, Steps] | None:
        if steps in self._places or not steps:
            return self._places.get(steps)
        forms = [self._places.get((*steps[:-1], f"{steps[-1]}_{kind}")) for kind in ("env", "file")]
        return next((place for place in forms if place), None)

    def _merge(self, document: Document, *, included: bool) -> None:
        start = {section: len(self.data.get(section, ())) for section in SECTIONS}
        for steps, line in document.lines.items():
            if len(steps) > 1 and steps[0] in start and isinstance(steps[1], int):
                merged: Steps = (steps[0], steps[1] + start[str(steps[0])], *steps[2:])
            else:
                merged = steps
            self._places.setdefault(merged, (document.name, line, steps))
        for key, value in document.data.items():
            if value is None:
                continue  # `sources:` with everything below it commented out
            if key in SECTIONS or key == "include":
                self._merge_list(document, key, value)
            elif key == "version" and included:
                self._add(document, (key,), "stands in a file that is included", "keep it in the main file")
            else:
                self.data.setdefault(key, value)

    def _merge_list(self, document: Document, key: str, value: Any) -> None:
        if not isinstance(value, list):
            self._add(
                document, (key,), "is not a list", "put each on a line of its own that begins with '- '"
            )
            self.incomplete = True
        elif key != "include":
            self.data.setdefault(key, []).extend(value)

    def _include(self, document: Document, path: Path, above: tuple[str, ...]) -> None:
        listed = document.data.get("include")
        names = listed if isinstance(listed, list) else []
        self.data.setdefault("include", [name for name in names if name and isinstance(name, str)])
        for index, name in enumerate(names):
            steps: Steps = ("include", index)
            if not isinstance(name, str) or not name.strip():
                self._add(document, steps, "is not the name of a file", "write a name such as people.yaml")
                continue
            target = path.parent / name.strip()
            if realpath(target) in above:
                self._add(document, steps, "includes a file that includes this one", "remove one of the two")
            elif realpath(target) in self._seen:
                self._add(document, steps, "is included already", "remove this line")
            elif not exists(target):  # noqa: PTH110  # Path.exists raises on a name that is too long
                self._add(document, steps, f"there is no file {show(name)}", f"it would be {target}")
                self.incomplete = True
            elif len(above) > MAX_INCLUDES:
                self._add(document, steps, "is included too deeply", "include it from the main file")
                self.incomplete = True
            else:
                self.add(target, above)

    def _add(self, document: Document, steps: Steps, problem: str, remedy: str) -> None:
        line = document.lines.get(steps, 1)
        self.faults.append(Fault(document.name, line, field_name(steps), problem, remedy))


def _anchor_paths(data: dict[str, Any], folder: Path) -> None:
    """Make the paths of a file relative to that file."""
    for item in _blocks(data, ("sources", "receivers")):
        for key, value in item.items():
            is_path = key == "path" or key.endswith("_file")
            if is_path and isinstance(value, str) and value.strip() not in ("", "-"):
                item[key] = str(folder / value.strip())


def _blocks(data: dict[str, Any], sections: Iterable[str]) -> Iterable[dict[str, Any]]:
    for section in sections:
        items = data.get(section)
        yield from (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
