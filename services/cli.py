"""The `stormwacht` command: translates arguments and exit codes, and nothing else.

Machine-readable output goes to stdout, people's text to stderr; 0 is fine, 1 is a fault, 2 is wrong usage.
"""

import asyncio
import importlib
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import click
import msgspec

from services.config.loading import load
from services.messages.faults import OperatorError
from services.runtime import kafka, logging
from services.runtime.settings import Settings, from_environment

SERVICES = ("ingest", "score", "watch", "alerts")

# Where a command lives; loaded when it is called, since each needs the extra of its own room.
_COMMANDS = {
    "check": "services.config.commands",
    "schema": "services.config.commands",
    "init": "services.config.commands",
    "explain": "services.ingest.commands",
    "score": "services.sentiment.commands",
    "backtest": "services.sentiment.backtest.command",
    "correct": "services.sentiment.correcting",
    "migrate": "services.alerts.commands",
    "log": "services.alerts.commands",
}


class _Rooms(click.Group):
    """A group whose commands live in the rooms that they are about."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        try:
            module = importlib.import_module(_COMMANDS[cmd_name])
        except ModuleNotFoundError as missing:
            raise click.ClickException(
                f"{cmd_name} needs a part that is not installed: {missing.name}"
            ) from None
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stormwacht")
def cli() -> None:
    """Listen to public reactions about care institutions, and warn their staff of a storm."""


@cli.command()
@click.argument("service", type=click.Choice(SERVICES))
def run(service: str) -> None:
    """Run one service until SIGTERM; settings come from the environment (docs/architecture.md)."""
    settings = from_environment()
    logging.configure(service, settings.log_format, settings.log_level)
    _run(_service(service, settings))


def _service(service: str, settings: Settings) -> Coroutine[Any, Any, object]:
    """Return the work of a service; its libraries are imported only here."""
    if service == "ingest":
        from services.ingest.app import run as ingest  # noqa: PLC0415

        return _ingest(ingest(settings, load(settings.config)))
    if service == "score":
        from services.sentiment.score_app import run as score  # noqa: PLC0415

        return score(settings)
    if service == "watch":
        from services.sentiment.watch_app import run as watch  # noqa: PLC0415

        return watch(settings, {name: found.size for name, found in load(settings.config).flat().items()})
    from services.alerts.app import run as alerts  # noqa: PLC0415

    return alerts(settings, load(settings.config))


async def _ingest(work: Coroutine[Any, Any, Any]) -> None:
    """Print the counts of sources that end."""
    report = await work
    click.echo(msgspec.json.encode(report))
    if report.dead:
        click.echo(f"warning: {sum(report.dead.values())} dead letters: {dict(report.dead)}", err=True)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Show the topics without creating any.")
def topics(*, dry_run: bool) -> None:
    """Create every topic that is missing, with its partitions and policy."""
    settings = from_environment()
    for topic in settings.topics.all():
        config = " ".join(
            f"{key}={value}" for key, value in sorted(topic.config(settings.min_insync).items())
        )
        click.echo(f"{topic.name} partitions={topic.partitions or settings.partitions} {config}")
    if not dry_run:
        created = _run(kafka.create_topics(settings, settings.topics.all()))
        click.echo(f"{len(created)} created, {len(settings.topics.all()) - len(created)} existed", err=True)


@cli.command()
@click.option("--speed", default="6000", show_default=True, help="Times faster than life, or max.")
@click.option("--exit", "leave", is_flag=True, help="End with the week, with a JSON summary on stdout.")
@click.option("--bootstrap", metavar="HOST:PORT", help="A Kafka to use instead of the embedded broker.")
def demo(speed: str, *, leave: bool, bootstrap: str | None) -> None:
    """Replay a recorded week with a storm through the real services."""
    from services.demo.run import demo as play  # noqa: PLC0415

    logging.configure("demo", "console", "warning")
    summary = _run(play(speed=_speed(speed), leave=leave, bootstrap=bootstrap))
    click.echo(msgspec.json.encode(summary))
    if summary.lost or summary.duplicates_told:
        sys.exit(1)


def _speed(text: str) -> str:
    try:
        if text == "max" or float(text) > 0:
            return text
    except ValueError:
        pass
    raise click.UsageError(f"--speed {text}: give a number above 0, or max")


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process."""
    try:
        cli(args=arguments, prog_name="stormwacht", standalone_mode=True)
    except OperatorError as fault:
        click.echo(str(fault), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
