"""Rows of a file that a command reads, NDJSON or CSV, with the place of each; and progress for people."""

import csv
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.messages.faults import OperatorError

STDIN = "-"
READABLE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


class InputError(OperatorError):
    """A line that cannot be used; the message names file, line and field, and what would be right."""


def opened(file: Path) -> AbstractContextManager[IO[str]]:
    """Open a file for reading; `-` is standard input."""
    return click.open_file(str(file), encoding="utf-8-sig", errors="replace")


def name_of(file: Path) -> str:
    """Return what messages call a file."""
    return "standard input" if str(file) == STDIN else str(file)


def is_table(file: Path) -> bool:
    """Tell whether a file holds CSV."""
    return file.suffix.lower() == ".csv"


def rows(stream: IO[str], file: Path) -> Iterator[tuple[int, Any]]:
    """Yield the rows with their line numbers; blank lines are passed over."""
    name = name_of(file)
    if is_table(file):
        reader = csv.DictReader(stream)
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error:
            raise InputError(f"{name}:{reader.line_num + 1}: not valid CSV; is a quote left open?") from None
        return
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield number, _parsed(line, name, number)


def _parsed(line: str, name: str, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        raise InputError(f"{name}:{number}: not valid JSON; write one object a line") from None


def progress(what: str) -> Progress:
    """Return a line on stderr that counts, on a terminal only."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} " + what),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
