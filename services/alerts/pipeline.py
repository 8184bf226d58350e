"""The service's step: decide, log, deliver. What it decides depends on what is stored and on `now` only."""

from datetime import UTC, datetime, timedelta

import structlog

from services.alerts.delivery import Courier
from services.alerts.metrics import Metrics, Outcome
from services.alerts.routing.plan import plan
from services.alerts.routing.planned import Plan, Planned, State, earliest
from services.alerts.store.store import Store
from services.config.schema import Config

log = structlog.get_logger()

_NEVER = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = datetime.min.replace(tzinfo=UTC)
_OUTCOMES = {State.PLANNED: Outcome.PLANNED, State.EXPIRED: Outcome.EXPIRED, State.MUTED: Outcome.MUTED}


async def decide(store: Store, config: Config, now: datetime) -> tuple[Plan, list[Planned]]:
    """Plan and log in one transaction; return the plan, and what of it was not in the log yet."""
    return await store.plan(now, lambda known: plan(config, known, now))


class Pipeline:
    """Decides and delivers, and knows when there is nothing to do: a step before `due` costs nothing.

    `look_again` bounds how long it trusts that: other processes may write to the same database.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        courier: Courier,
        metrics: Metrics,
        *,
        look_again: timedelta | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._courier = courier
        self._metrics = metrics
        self._look_again = look_again
        self._due = _AT_ONCE
        self._touched: datetime | None = None

    async def recover(self, now: datetime, *, starting: bool) -> None:
        """Take over what a dead sender left behind: it may have arrived."""
        if count := await self._store.recover(now, starting=starting):
            self._metrics.possibly_duplicate.inc(count)
            log.warning("outcome_unknown", notifications=count)

    def touch(self, moment: datetime | None) -> None:
        """Note that something new was stored, which can make something due at `moment`."""
        self._touched = earliest((self._touched, moment))

    async def step(self, now: datetime) -> None:
        """Decide and deliver at `now`."""
        if now < min(self._due, self._touched or _NEVER):
            return
        self._touched = None  # before looking: what comes in meanwhile is looked at in the next step
        if not self._store.alone:
            await self.recover(now, starting=False)
        decided, new = await decide(self._store, self._config, now)
        self._note(decided, new)
        attempt = decided.next_attempt or _NEVER
        looked_at = await self._courier.deliver() if new or attempt <= now else 0
        due = _AT_ONCE if new or looked_at else min(decided.next_due or _NEVER, attempt)
        self._due = min(due, now + self._look_again) if self._look_again else due

    def _note(self, decided: Plan, new: list[Planned]) -> None:
        for planned in new:
            self._metrics.notifications.labels(planned.kind, _OUTCOMES[planned.state]).inc()
        for institution, kind in sorted(decided.unrouted):
            self._metrics.unrouted.labels(kind).inc()
            log.warning("unrouted", institution=institution, kind=kind)
        for key in decided.abandoned:
            log.warning("expired_without_catch_up", key=key)
