"""The commands `stormwacht migrate` and `stormwacht log`."""

import asyncio
import json
from datetime import datetime

import click
from sqlalchemy.exc import SQLAlchemyError

from services.alerts.store import Store, pending_migrations
from services.alerts.store import migrate as migrate_database
from services.alerts.store.log import Notification
from services.runtime.settings import from_environment


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be applied, and change nothing.")
def migrate(*, dry_run: bool) -> None:
    """Bring the database to this version's schema; run it again and nothing changes."""
    url = from_environment().database
    try:
        pending = pending_migrations(url)
        if not dry_run:
            migrate_database(url)
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database does not answer: {type(error).__name__}") from None
    click.echo(json.dumps({"applied": [] if dry_run else pending, "pending": pending if dry_run else []}))


@click.command("log")
@click.option("--institution", help="Only this institution.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for machines.")
def log(*, institution: str | None, limit: int, as_json: bool) -> None:
    """Show who was told what, when, by which receiver, and in how many attempts: ids and times only."""
    url = from_environment().database
    try:
        pending = pending_migrations(url)
        rows = [] if pending else asyncio.run(_history(url, institution, limit))
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database does not answer: {type(error).__name__}") from None
    if pending:
        raise click.ClickException("the database is empty or of an older version; run: stormwacht migrate")
    for row in rows:
        click.echo(json.dumps(_as_json(row)) if as_json else _as_line(row))


async def _history(url: str, institution: str | None, limit: int) -> list[Notification]:
    store = Store(url)
    try:
        return await store.history(institution, limit)
    finally:
        await store.close()


def _as_json(row: Notification) -> dict[str, object]:
    return {
        "key": row.key,
        "kind": row.kind,
        "institution": row.institution,
        "recipient": row.recipient,
        "receiver": row.receiver,
        "state": row.state,
        "attempts": row.attempts,
        "possibly_duplicate": row.possibly_duplicate,
        "fault": row.fault,
        "planned_at": _iso(row.planned_at),
        "first_sent_at": _iso(row.first_sent_at),
        "sent_at": _iso(row.sent_at),
        "provider_id": row.provider_id,
        "items": [item.id for item in row.items],
    }


def _as_line(row: Notification) -> str:
    mark = ", possibly a duplicate" if row.possibly_duplicate else ""
    fault = f" ({row.fault})" if row.fault else ""
    return (
        f"{_iso(row.planned_at)}  {row.institution}  {row.kind}  {row.recipient}  "
        f"by {row.receiver or '-'}  {row.state}{fault} {_iso(row.sent_at) or ''}  "
        f"{row.attempts} attempts{mark}  {len(row.items)} items"
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None
