"""The database as the rest of the service sees it: transactions that ride out a fault, and no SQL."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerts.routing.planned import Plan, Planned, Snapshot
from services.alerts.store import intake, log, questions, reading
from services.alerts.store.engine import is_sqlite, open_engine, writing
from services.alerts.store.intake import Row
from services.messages.faults import OperatorError
from services.messages.records import Incident, ScoredMention

logger = structlog.get_logger()

RETRY_S = 60.0  # how long a database that does not answer is ridden out
_PAUSE_S = 1.0

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]


class DatabaseUnavailableError(OperatorError):
    """The database did not take or give what it was asked to within `RETRY_S`."""


class Store:
    """What the alert service knows and what it told.

    Each method is one transaction. One that meets a database that does not answer is tried again for
    `RETRY_S`, so each has to come to the same when it runs twice. `available` says how it goes.
    """

    def __init__(self, url: str, available: Callable[[bool], None] = lambda _: None) -> None:
        self.alone = is_sqlite(url)  # no other process writes
        self._engine = open_engine(url)
        self._writer = writing(self._engine)
        self._available = available

    async def check(self) -> None:
        """Raise unless the database answers."""
        await self._read(lambda connection: connection.execute(text("SELECT 1")))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._engine.dispose()

    async def apply(
        self,
        mention_rows: Sequence[Row],
        incident_rows: Sequence[Row],
        erased: Sequence[tuple[str, str, datetime]] = (),
    ) -> datetime | None:
        """Write a batch in one transaction; return the earliest moment at which it can make something due."""

        async def work(connection: AsyncConnection) -> None:
            await intake.write_mentions(connection, mention_rows)
            await intake.write_incidents(connection, incident_rows)
            await intake.erase(connection, erased)

        await self._write(work)
        return intake.first_effect(mention_rows, incident_rows)

    async def plan(self, now: datetime, decide: Callable[[Snapshot], Plan]) -> tuple[Plan, list[Planned]]:
        """Let `decide` plan on what is known at `now`, log it; return the plan, and what of it is new."""

        async def work(connection: AsyncConnection) -> tuple[Plan, list[Planned]]:
            plan = decide(await questions.snapshot(connection, now))
            return plan, await log.write_plan(connection, plan)

        return await self._write(work)

    async def due(self, now: datetime) -> list[log.Notification]:
        """Return what is to be sent now."""
        return await self._read(lambda connection: log.due(connection, now))

    async def claim(self, key: str, now: datetime, *, receiver: str, address: str | None, hop: int) -> bool:
        """Take a notification for sending; False when somebody else has it."""
        return await self._write(
            lambda connection: log.claim(connection, key, now, receiver=receiver, address=address, hop=hop)
        )

    async def finish(self, key: str, **values: object) -> None:
        """Note how an attempt ended."""
        await self._write(lambda connection: log.finish(connection, key, **values))

    async def recover(self, now: datetime, *, starting: bool) -> int:
        """Plan again what a dead sender left behind; return how many."""
        alone = self.alone and starting
        return await self._write(lambda connection: log.recover(connection, now, alone=alone))

    async def history(
        self, institution: str | None = None, limit: int | None = None
    ) -> list[log.Notification]:
        """Return the notification log, the oldest first."""
        return await self._read(lambda connection: log.history(connection, institution, limit))

    async def mentions(self, institution: str, posts: Iterable[str]) -> list[ScoredMention]:
        """Return the posts that are not deleted, in order of time."""
        wanted = sorted(set(posts))
        return await self._read(lambda connection: reading.posts(connection, institution, wanted))

    async def steps(self, items: Iterable[tuple[str, int]]) -> list[Incident]:
        """Return incident steps in order of time."""
        wanted = sorted(set(items))
        return await self._read(lambda connection: reading.steps(connection, wanted))

    async def steps_between(self, institution: str, since: datetime, until: datetime) -> list[Incident]:
        """Return the steps that an institution's incidents took in a period, in order of time."""
        return await self._read(
            lambda connection: reading.steps_between(connection, institution, since, until)
        )

    async def week(
        self, institution: str, since: datetime, until: datetime
    ) -> list[tuple[ScoredMention, datetime | None]]:
        """Return everything said to, about and by an institution, each with when it was deleted."""
        return await self._read(lambda connection: reading.between(connection, institution, since, until))

    async def muted(
        self, institution: str, recipient: str, *, since: datetime, until: datetime, least: float
    ) -> int:
        """Return how many reactions of a period the recipient was not told one by one."""
        return await self._read(
            lambda connection: reading.muted(
                connection,
                institution=institution,
                recipient=recipient,
                since=since,
                until=until,
                least=least,
            )
        )

    async def _read(self, work: Work[T]) -> T:
        return await self._ride_out(self._engine.connect, work)

    async def _write(self, work: Work[T]) -> T:
        return await self._ride_out(self._writer.begin, work)

    async def _ride_out(
        self, opening: Callable[[], AbstractAsyncContextManager[AsyncConnection]], work: Work[T]
    ) -> T:
        deadline = time.monotonic() + RETRY_S
        while True:
            try:
                async with opening() as connection:
                    result = await work(connection)
            except (OperationalError, InterfaceError) as fault:
                self._available(False)
                if time.monotonic() > deadline:
                    raise DatabaseUnavailableError(
                        f"the database did not answer within {RETRY_S:.0f} s: {type(fault.orig).__name__}"
                    ) from None
                # The error's text would quote the statement's values.
                logger.warning("database_retried", error=type(fault.orig).__name__)
                await asyncio.sleep(_PAUSE_S)
            else:
                self._available(True)
                return result
