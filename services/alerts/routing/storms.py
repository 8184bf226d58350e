"""Planning for incidents: steps at once, the newest of several, a repeat while it lasts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.alerts.routing.expiry import Expiry, ExpiryReason, expiry
from services.alerts.routing.group import FlushReason, Timing, flush, group_key
from services.alerts.routing.hours import gate
from services.alerts.routing.planned import (
    TOLD,
    GroupLog,
    Item,
    Plan,
    Planned,
    Snapshot,
    State,
    combine,
    earliest,
)
from services.alerts.routing.route import Recipient, RouteReason, route, route_all
from services.alerts.routing.steps import Step, StepReason, judge
from services.config.schema import Config, NoticeKind
from services.messages.calendar import Calendar
from services.messages.records import Incident
from services.messages.vocabulary import StormState

KIND = NoticeKind.STORM
_LASTING = frozenset({StormState.RISING, StormState.STORM})


@dataclass
class _Desk:
    """One recipient of one incident, and the steps that it has not been told."""

    recipient: Recipient
    steps: list[Step]


def plan_storms(config: Config, known: Snapshot, now: datetime) -> Plan:
    """Return who is told about which steps now."""
    parts = [_plan_incident(config, known.steps[name], known, now) for name in sorted(known.steps)]
    busy = {planned.group_key for part in parts for planned in part.notifications}
    repeats = [_plan_repeat(config, step, known, now, busy) for step in known.open if step.state in _LASTING]
    return combine((*parts, *repeats))


def _plan_incident(config: Config, steps: Sequence[Incident], known: Snapshot, now: datetime) -> Plan:
    institution = steps[0].institution
    pending = [step for step in judge(steps) if _item(step.incident) in known.pending]
    told = [step for step in pending if step.reason.told]
    unknown = {institution} - config.flat().keys()
    lost = frozenset(
        (name, step.reason.route)
        for step in told
        for name in {*step.incident.concerns, *unknown}
        if route(config, name, step.reason.route).reason is not RouteReason.ROUTED
    )
    desks: dict[str, _Desk] = {}
    for step in () if unknown else told:
        for recipient in route_all(config, step.incident.concerns, step.reason.route).values():
            desk = desks.setdefault(recipient.target, _Desk(recipient, []))
            if (institution, recipient.target, _item(step.incident)) not in known.settled:
                desk.steps.append(step)
    parts = []
    waiting: set[Item] = set()
    for desk in desks.values():
        part = _plan_desk(config.calendar(institution), desk, known, now)
        done = {item for planned in part.notifications for item in planned.items}
        waiting |= {_item(step.incident) for step in desk.steps} - done
        parts.append(part)
    settled = {(institution, _item(step.incident)) for step in pending if _item(step.incident) not in waiting}
    return combine((*parts, Plan(settled=frozenset(settled), unrouted=lost)))


def _plan_desk(calendar: Calendar, desk: _Desk, known: Snapshot, now: datetime) -> Plan:
    """Tell the newest step that is still news; the others of now go with it, the stale ones expire."""
    judged = [(step, _expiry(step, desk.recipient, calendar, now)) for step in desk.steps]
    fresh = [(step, life) for step, life in judged if life.reason is ExpiryReason.FRESH]
    if fresh and not _worth_telling([step for step, _ in fresh], desk.recipient, known):
        fresh = []
    stale = [pair for pair in judged if pair not in fresh]
    planned = []
    if stale:
        planned.append(_planned(desk.recipient, stale, State.EXPIRED, FlushReason.NEW_ITEMS, now))
    if not fresh:
        return Plan(tuple(planned))
    newest, life = fresh[-1]
    opening = gate(now, calendar, desk.recipient.hours, storm=not newest.reason.waits)
    if not opening.reason.goes:
        return Plan(tuple(planned), next_due=earliest((opening.opens, life.at)))
    first = not _told_before(newest.incident, desk.recipient, known)
    reason = FlushReason.FIRST if first else FlushReason.NEW_ITEMS
    planned.append(_planned(desk.recipient, fresh, State.PLANNED, reason, now))
    return Plan(tuple(planned))


def _worth_telling(fresh: Sequence[Step], recipient: Recipient, known: Snapshot) -> bool:
    """Whoever never heard of it needs no message that it is over; the catch-up says so."""
    only_end = all(step.reason in (StepReason.RECOVERED, StepReason.HEARD) for step in fresh)
    return not only_end or _told_before(fresh[-1].incident, recipient, known)


def _told_before(step: Incident, recipient: Recipient, known: Snapshot) -> bool:
    keys = (
        (step.institution, recipient.target, Item(incident=step.id, seq=seq)) for seq in range(step.seq + 1)
    )
    return any(known.settled.get(key) in TOLD for key in keys)


def _expiry(step: Step, recipient: Recipient, calendar: Calendar, now: datetime) -> Expiry:
    waits = step.reason.waits and recipient.hours == "business"
    return expiry(now, step.reason.kind, step.incident.at, calendar if waits else None)


def _plan_repeat(config: Config, step: Incident, known: Snapshot, now: datetime, busy: set[str]) -> Plan:
    """Repeat what is still going on to those who have heard nothing since `repeat_interval`."""
    parts = []
    for recipient in route_all(config, step.concerns, KIND).values():
        key = group_key(step.institution, KIND, recipient.target)
        if key in busy or not _told_before(step, recipient, known):
            continue
        log = known.groups.get(key, GroupLog(None, in_flight=False))
        timing = Timing(recipient.group_wait, recipient.group_interval, recipient.repeat_interval)
        decision = flush(now, timing, oldest_new=None, last=log.last, in_flight=log.in_flight, active=True)
        if decision.reason.goes:
            again = [(Step(step, StepReason.RAISED), expiry(now, KIND, now, None))]
            parts.append(Plan((_planned(recipient, again, State.PLANNED, decision.reason, now),)))
        else:
            parts.append(Plan(next_due=decision.due))
    return combine(parts)


def _planned(
    recipient: Recipient,
    steps: Sequence[tuple[Step, Expiry]],
    state: State,
    reason: FlushReason,
    now: datetime,
) -> Planned:
    newest, life = steps[-1]
    kind = newest.reason.kind
    return Planned(
        kind=kind,
        institution=newest.incident.institution,
        group_key=group_key(newest.incident.institution, kind, recipient.target),
        recipient=recipient.target,
        items=tuple(_item(step.incident) for step, _ in steps),
        reason=reason,
        planned_at=now,
        expires_at=life.at,
        state=state,
        thread=newest.incident.id,
        business=newest.reason.waits and recipient.hours == "business",
    )


def _item(step: Incident) -> Item:
    return Item(incident=step.id, seq=step.seq)
