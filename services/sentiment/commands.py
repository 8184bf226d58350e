"""`stormwacht score`: texts in, scores out, in the same order and in constant memory."""

import csv
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from services.messages.faults import OperatorError
from services.runtime.settings import from_environment
from services.sentiment.models import Scores, load_scorer

BATCH = 256  # texts held in memory; copies within it are scored once


class InputError(OperatorError):
    """A line that is no row with a text; the message names file, line and field."""


@click.command()
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), default="-"
)
def score(file: Path) -> None:
    """Score the texts of FILE, or of standard input.

    FILE holds NDJSON, or CSV when its name ends in .csv, with a field `text` and optionally `id`.
    """
    settings = from_environment()
    scorer = load_scorer(
        settings.model, settings.model_backend, settings.model_threads, names=settings.model_labels
    )
    with click.open_file(str(file), encoding="utf-8-sig", errors="replace") as stream, _progress() as bar:
        task = bar.add_task("scored", total=None)
        rows = _rows(stream, "standard input" if str(file) == "-" else str(file))
        while batch := list(islice(rows, BATCH)):
            for (number, row), found in zip(
                batch, scorer.score([row["text"] for _, row in batch]), strict=True
            ):
                sys.stdout.buffer.write(msgspec.json.encode(_answer(number, row, found)) + b"\n")
            sys.stdout.buffer.flush()
            bar.advance(task, len(batch))


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:,} texts {task.description}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _rows(stream: IO[str], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows with their line numbers; blank lines are passed over."""
    if name.lower().endswith(".csv"):
        reader = csv.DictReader(stream)
        for row in reader:
            yield reader.line_num, _checked(row, name, reader.line_num)
        return
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield number, _checked(_parsed(line, name, number), name, number)


def _parsed(line: str, name: str, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        raise InputError(
            f"{name}:{number}: not valid JSON; write one object a line, with a field text"
        ) from None


def _checked(row: Any, name: str, number: int) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f"{name}:{number}: text: missing or not a text; each row needs one")
    return row


def _answer(number: int, row: dict[str, Any], found: Scores) -> dict[str, Any]:
    return {
        "id": row.get("id", number),
        "label": found.label,
        "negative": round(found.negative, 4),
        "neutral": round(found.neutral, 4),
        "positive": round(found.positive, 4),
        "flags": {
            "question": found.question,
            "complaint": found.complaint,
            "acute_risk": found.acute_risk,
        },
        "themes": found.themes,
    }
