"""Delivering what was planned: claim, send, and note how it ended. Nothing is dropped in silence."""

import asyncio
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.alerts.composing import Composer
from services.alerts.metrics import Metrics, Outcome
from services.alerts.notices import Notice
from services.alerts.receivers.delivery import Delivery, DeliveryError, DeliveryFault, Receiver
from services.alerts.routing.hours import gate
from services.alerts.routing.planned import State
from services.alerts.routing.route import Reach, reach
from services.alerts.store.log import LEASE, Notification
from services.alerts.store.store import DatabaseUnavailableError, Store
from services.config.schema import Address, Config, NoticeKind, Payload
from services.runtime.clock import Clock

log = structlog.get_logger()

SEND_S = LEASE.total_seconds() / 2  # receivers have limits of their own; this one keeps the lease true
SEATS = 8  # groups that are sent to at the same time
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
MOST_DOUBLINGS = 10  # a notice that lives for days must not double its pause beyond all numbers
TRIES = 5  # attempts in one step of a simulated clock, which stands still in between
_TRY_PAUSES_S = (0.1, 0.2, 0.5, 1.0)
_LONGEST_TRY_PAUSE_S = 5.0


class Courier:
    """Sends planned notifications.

    `resolve`: the clock is simulated, so a temporary fault is met by trying again while it stands still.
    """

    def __init__(
        self,
        store: Store,
        composer: Composer,
        receivers: Mapping[str, Receiver],
        metrics: Metrics,
        clock: Clock,
        *,
        resolve: bool,
    ) -> None:
        self._store = store
        self._composer = composer
        self._receivers = receivers
        self._metrics = metrics
        self._clock = clock
        self._resolve = resolve
        self._seats = asyncio.Semaphore(1 if resolve else SEATS)  # one: the same order at every run

    async def deliver(self) -> int:
        """Send what is due and return how many notifications were looked at."""
        rows = await self._store.due(self._clock.now())
        in_groups = sorted(rows, key=lambda row: row.group_key)  # stable: the oldest of a group stays first
        try:
            async with asyncio.TaskGroup() as tasks:
                for _, group in groupby(in_groups, key=lambda row: row.group_key):
                    tasks.create_task(self._send_group(list(group)))
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return len(rows)

    async def _send_group(self, rows: Sequence[Notification]) -> None:
        """Send the messages of a group in order; while one has to wait, so do the later ones."""
        async with self._seats:
            for row in rows:
                if await self._send(row) is Outcome.RETRIED:
                    return

    async def _send(self, row: Notification) -> Outcome:
        """Send one notification, over the next address when one is of no use."""
        attempt = _Attempt(row)
        for tries in range(TRIES):
            outcome = Outcome.FAILED_OVER
            while outcome is Outcome.FAILED_OVER:
                outcome = await self._attempt(attempt)
                if outcome is not Outcome.PLANNED:  # counted already, when it was planned
                    self._metrics.notifications.labels(row.kind, outcome).inc()
            if outcome is not Outcome.RETRIED or not self._resolve or tries == TRIES - 1:
                break
            await asyncio.sleep(min(attempt.asked_pause_s or _TRY_PAUSES_S[tries], _LONGEST_TRY_PAUSE_S))
        log.info(
            "notification",
            key=row.key,
            kind=row.kind,
            institution=row.institution,
            recipient=row.recipient,
            outcome=outcome,
        )
        return outcome

    async def _attempt(self, attempt: "_Attempt") -> Outcome:
        row, now, config = attempt.row, self._clock.now(), self._composer.config
        if now >= row.expires_at:
            return await self._expire(row, now)
        found = reach(config, row.recipient) if row.institution in config.flat() else None
        if found is None or attempt.hop >= len(found.addresses):
            return await self._give_up(row, attempt.fault or "nobody_reachable")
        address = found.addresses[attempt.hop]
        if address.receiver not in self._receivers:
            attempt.fail_over("unknown_receiver")
            return Outcome.FAILED_OVER
        notice = await self._compose(row, now, found, address)
        if isinstance(notice, Outcome):
            return notice
        claimed = await self._store.claim(
            row.key, now, receiver=address.receiver, address=address.to, hop=attempt.hop
        )
        if not claimed:
            return Outcome.PLANNED  # another process has it
        attempt.count += 1
        return await self._hand_over(attempt, notice, found, address)

    async def _compose(
        self, row: Notification, now: datetime, found: Reach, address: Address
    ) -> Notice | Outcome:
        """Return the notice; or what became of the notification, when there is none."""
        payload = payload_of(self._composer.config, address.receiver)
        try:
            notice = await self._composer.compose(row, now, language=found.language, payload=payload)
        except (DatabaseUnavailableError, SQLAlchemyError):
            raise
        except Exception as fault:  # noqa: BLE001 - one notice that cannot be made must not keep the others from being told
            log.error("notice_not_made", key=row.key, **_without_words(fault))  # noqa: TRY400
            return await self._give_up(row, f"compose:{type(fault).__name__}")
        if notice is None:
            await self._store.finish(row.key, state=State.WITHDRAWN)
            return Outcome.WITHDRAWN
        return notice

    async def _give_up(self, row: Notification, fault: str) -> Outcome:
        log.error("notification_failed", key=row.key, institution=row.institution, fault=fault)
        await self._store.finish(row.key, state=State.FAILED, fault=fault)
        return Outcome.FAILED

    async def _hand_over(
        self, attempt: "_Attempt", notice: Notice, found: Reach, address: Address
    ) -> Outcome:
        row = attempt.row
        delivery = Delivery(
            key=row.key,
            thread=row.thread,
            to=address.to,
            language=found.language,
            possibly_duplicate=attempt.possibly_duplicate,
        )
        started = time.monotonic()
        try:
            async with asyncio.timeout(SEND_S):
                receipt = await self._receivers[address.receiver].send(notice, delivery)
        except DeliveryError as fault:
            return await self._failed(attempt, fault)
        except TimeoutError:
            return await self._failed(attempt, DeliveryError(DeliveryFault.TIMEOUT, outcome_unknown=True))
        except Exception as fault:  # noqa: BLE001 - a receiver's own bug: nobody knows how far it came
            log.error("receiver_broke", receiver=address.receiver, **_without_words(fault))  # noqa: TRY400
            return await self._failed(attempt, DeliveryError(DeliveryFault.SERVER, outcome_unknown=True))
        finally:
            self._metrics.delivery.labels(row.kind).observe(time.monotonic() - started)
        now = self._clock.now()
        await self._store.finish(
            row.key, state=State.SENT, sent_at=now, provider_id=receipt.provider_id, fault=None
        )
        self._metrics.dwell.labels(row.kind).observe((now - row.planned_at).total_seconds())
        return Outcome.SENT

    async def _failed(self, attempt: "_Attempt", fault: DeliveryError) -> Outcome:
        row, now = attempt.row, self._clock.now()
        if fault.outcome_unknown:
            attempt.possibly_duplicate = True
            self._metrics.possibly_duplicate.inc()
        attempt.asked_pause_s = fault.retry_after
        next_at = now if fault.permanent else self._next_try(attempt, now)
        log.warning("attempt_failed", key=row.key, reason=fault.reason, permanent=fault.permanent)
        await self._store.finish(
            row.key,
            state=State.PLANNED,
            next_at=next_at,
            fault=fault.reason.value,
            possibly_duplicate=attempt.possibly_duplicate,
            hop=attempt.hop + int(fault.permanent),
        )
        if fault.permanent:
            attempt.fail_over(fault.reason.value)
            return Outcome.FAILED_OVER
        return Outcome.RETRIED

    def _next_try(self, attempt: "_Attempt", now: datetime) -> datetime:
        """Return when to try again: ever later, as the provider asks, in opening hours, or at its expiry."""
        row = attempt.row
        doublings = min(attempt.count - 1, MOST_DOUBLINGS)
        pause: timedelta = min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
        next_at = now + max(pause, timedelta(seconds=attempt.asked_pause_s or 0))
        if row.business:
            next_at = gate(next_at, self._composer.config.calendar(row.institution), "business").opens
        return min(next_at, row.expires_at)

    async def _expire(self, row: Notification, now: datetime) -> Outcome:
        """Leave it to the catch-up notice; one that is itself too late has failed."""
        if row.kind is NoticeKind.CATCH_UP:
            return await self._give_up(row, row.fault or "expired")
        await self._store.finish(row.key, state=State.EXPIRED, next_at=now)
        return Outcome.EXPIRED


class _Attempt:
    """What changes from one attempt to the next."""

    def __init__(self, row: Notification) -> None:
        self.row = row
        self.hop = row.hop
        self.count = row.attempts
        self.possibly_duplicate = row.possibly_duplicate
        self.fault = row.fault
        self.asked_pause_s: float | None = None

    def fail_over(self, fault: str) -> None:
        """Go on to the next address."""
        self.hop += 1
        self.fault = fault


def _without_words(fault: Exception) -> dict[str, str]:
    """Describe an unexpected fault by type and place: its message may hold a secret or somebody's words."""
    frame = traceback.extract_tb(fault.__traceback__)[-1]
    return {"error": type(fault).__name__, "place": f"{Path(frame.filename).name}:{frame.lineno}"}


def payload_of(config: Config, receiver: str) -> Payload:
    """Return how much of a post a receiver is told."""
    return next((known.payload for known in config.receivers if known.id == receiver), Payload.LINK)
