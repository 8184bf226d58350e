"""The command `explain`: why a text is about an institution, or not."""

from pathlib import Path

import click

from services.config.loading import load
from services.ingest.matching.matcher import Matcher
from services.messages.vocabulary import Channel


@click.command()
@click.argument("text")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default="stormwacht.yaml",
    envvar="STORMWACHT_CONFIG",
    help="The subscription file; default $STORMWACHT_CONFIG, else stormwacht.yaml.",
)
@click.option(
    "--channel", type=click.Choice([str(channel) for channel in Channel]), default=str(Channel.OTHER)
)
@click.option("--author", metavar="HANDLE", default="", help="Who wrote it, to recognise own accounts.")
def explain(text: str, config: Path, channel: str, author: str) -> None:
    """Say why TEXT is about which institutions, or about none."""
    matcher = Matcher(load(config).flat())
    for line in matcher.explain(text, Channel(channel), author):
        click.echo(line)
