"""`stormwacht score`: texts in, scores out, in the same order and in constant memory."""

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from services.runtime.settings import from_environment
from services.sentiment.models import Scores, configured_scorer
from services.sentiment.rows import READABLE, STDIN, InputError, name_of, opened, progress, rows

BATCH = 256  # texts held in memory; copies within it are scored once


@click.command()
@click.argument("file", type=READABLE, default=STDIN)
def score(file: Path) -> None:
    """Score the texts of FILE, or of standard input.

    FILE holds NDJSON, or CSV when its name ends in .csv, with a field `text` and optionally `id`.
    """
    scorer = configured_scorer(from_environment())
    with opened(file) as stream, progress("texts scored") as bar:
        task = bar.add_task("", total=None)
        texts = ((number, _checked(row, file, number)) for number, row in rows(stream, file))
        while batch := list(islice(texts, BATCH)):
            for (number, row), found in zip(
                batch, scorer.score([row["text"] for _, row in batch]), strict=True
            ):
                sys.stdout.buffer.write(msgspec.json.encode(_answer(number, row, found)) + b"\n")
            sys.stdout.buffer.flush()
            bar.advance(task, len(batch))


def _checked(row: Any, file: Path, number: int) -> dict[str, Any]:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise InputError(f"{name_of(file)}:{number}: text: missing or not a text; each row needs one")
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
