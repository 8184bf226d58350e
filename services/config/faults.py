"""Faults: what is wrong, where, and what would be right."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from services.config.values import presentable
from services.messages.faults import OperatorError

Steps = tuple[str | int, ...]  # a place in the file: ("institutions", 0, "sector")
MAX_LISTED = 20


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, at a place in the merged data."""

    steps: Steps
    problem: str
    remedy: str


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a file; `field` is empty when it is the file as a whole."""

    file: str
    line: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        field = f" {self.field}:" if self.field else ""
        return f"{self.file}:{self.line}:{field} {self.problem}; {self.remedy}"


class ConfigError(OperatorError):
    """A subscription file cannot be used; carries every fault that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def field_name(steps: Steps) -> str:
    """Write a place as `institutions[0].sector`."""
    name = ""
    for step in steps:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += f"{'.' if name else ''}{step if presentable(step) else '?'}"
    return name


def did_you_mean(given: object, options: Iterable[str], otherwise: str) -> str:
    """Return the remedy for a name that does not exist."""
    close = difflib.get_close_matches(str(given).lower(), list(options), n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise


def choose(options: Iterable[str]) -> str:
    """Return the remedy that lists what there is."""
    listed = list(options)
    if not listed:
        return "there is none yet: add it"
    return f"choose one of {', '.join(listed[:MAX_LISTED])}{', ...' if len(listed) > MAX_LISTED else ''}"
