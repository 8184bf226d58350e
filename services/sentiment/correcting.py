"""`stormwacht correct`: staff say that an incident is no storm, or that it is one."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import click
import msgspec

from services.messages.codec import CodecError, decode
from services.messages.faults import OperatorError
from services.messages.records import Correction, Incident, ReasonCode
from services.messages.vocabulary import Ruling, StormState
from services.runtime import kafka
from services.runtime.settings import Settings, from_environment


class CorrectionError(OperatorError):
    """There is nothing to correct; the message says why."""


@click.command()
@click.argument("incident")
@click.argument("ruling", type=click.Choice([ruling.value for ruling in Ruling]))
@click.option("--by", required=True, metavar="NAME", help="Who says so; kept with the correction.")
@click.option("--dry-run", is_flag=True, help="Say what would be corrected, and send nothing.")
def correct(incident: str, ruling: str, by: str, *, dry_run: bool) -> None:
    """Correct the running INCIDENT: it is no storm (geen-storm), or it is one (wel-storm).

    The id of an incident stands in `stormwacht log --json` (before the #) and in webhook messages (thread).
    Sent twice, it changes nothing more.
    """
    said = Correction(incident=incident, ruling=Ruling(ruling), by=by.strip(), at=datetime.now(UTC))
    if not said.by:
        raise click.UsageError("--by: give a name")
    standing = asyncio.run(_send(from_environment(), said, dry_run=dry_run))
    answer = {
        "incident": incident, "ruling": ruling, "by": said.by, "state": standing.state, "sent": not dry_run,
    }  # fmt: skip
    click.echo(msgspec.json.encode(answer))
    click.echo(f"{'would be sent' if dry_run else 'sent'}; it counts within seconds", err=True)


async def _send(settings: Settings, said: Correction, *, dry_run: bool) -> Incident:
    standing = await _standing(settings, said.incident)
    check(said, standing)
    assert standing is not None  # noqa: S101 - checked
    if not dry_run:
        topic = settings.topics.corrections
        await kafka.check_topics(settings, (topic,))
        producer = kafka.make_producer(settings)
        await kafka.start(producer)
        try:
            # In the partition in which the incident's institution is watched.
            partition = kafka.partition_of(said.institution, settings.partitions)
            await kafka.publish(producer, [kafka.Outgoing(topic.name, said.institution, said, partition)])
        finally:
            await producer.stop()
    return standing


def check(said: Correction, standing: Incident | None) -> None:
    """Raise unless the incident can be corrected so as it stands."""
    if standing is None:
        raise CorrectionError(
            f"there is no incident {said.incident}; stormwacht log --json shows them, as items"
        )
    if standing.silence:
        raise CorrectionError(f"{said.incident} is about silence; there is no storm to correct")
    if standing.state is not StormState.CLOSED:
        return
    lifts = any(reason.code is ReasonCode.SAID_NO_STORM for reason in standing.reasons)
    if not (lifts and said.ruling is Ruling.STORM):
        raise CorrectionError(
            f"{said.incident} ended at {standing.at:%Y-%m-%d %H:%M} UTC; only a running incident is corrected"
        )


async def _standing(settings: Settings, name: str) -> Incident | None:
    """Return the last step of an incident."""
    last: Incident | None = None
    async with aclosing(kafka.to_end(settings, settings.topics.incidents)) as records:
        async for _, value in records:
            try:
                step = decode(Incident, value)
            except CodecError:
                continue  # the services count it
            if step.id == name and (last is None or step.seq >= last.seq):
                last = step
    return last
