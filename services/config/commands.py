"""The commands about the subscription file: check, schema, init."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from services.config.loading import ConfigError, load
from services.config.schema import Config
from services.config.starting import QUESTIONS, Question, write
from services.config.summary import describe, summarise

TRIAL = timedelta(days=14)

_file = click.argument(
    "file", type=click.Path(path_type=Path), default="stormwacht.yaml", envvar="STORMWACHT_CONFIG"
)


@click.command()
@_file
@click.option("--json", "as_json", is_flag=True, help="Write the result to standard output as JSON.")
def check(file: Path, *, as_json: bool) -> None:
    """Check a subscription file and show who would be told what."""
    try:
        summary = summarise(load(file))
    except ConfigError as error:
        if as_json:
            click.echo(json.dumps({"ok": False, "faults": [asdict(fault) for fault in error.faults]}))
        for fault in error.faults:
            click.echo(str(fault), err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps({"ok": True, **summary}, ensure_ascii=False))
        return
    click.echo(f"{file} is in order.", err=True)
    for line in describe(summary):
        click.echo(line, err=True)


@click.command()
def schema() -> None:
    """Write the JSON schema of the subscription file, with which an editor completes and checks."""
    click.echo(json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False))


@click.command()
@_file
@click.option("--yes", is_flag=True, help="Ask nothing: take every default.")
def init(file: Path, *, yes: bool) -> None:
    """Make a first subscription file by ten questions (in Dutch). Never overwrites a file."""
    if file.exists():
        raise click.ClickException(f"{file} exists already and is left as it is")
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; take every default with --yes")
    answers = {question.key: question.default if yes else _ask(question) for question in QUESTIONS}
    text = write(answers, datetime.now(UTC).date() + TRIAL)
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{file} is written. See what it does with: stormwacht check {file}", err=True)


def _ask(question: Question) -> str:
    def accept(answer: str) -> str:
        answer = answer.strip()
        if not question.check(answer):
            raise click.UsageError(question.hint)
        return answer

    return str(
        click.prompt(
            question.text,
            default=question.default,
            show_default=bool(question.default),
            value_proc=accept,
            err=True,
        )
    )
