"""Planning for single negative reactions: expiry, company, opening hours, muting. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from services.alerts.routing.expiry import Expiry, ExpiryReason, expiry
from services.alerts.routing.group import Flush, FlushReason, Timing, flush, group_key
from services.alerts.routing.hours import gate
from services.alerts.routing.inhibit import InhibitReason, inhibit
from services.alerts.routing.planned import (
    GroupLog,
    Item,
    Plan,
    Planned,
    Snapshot,
    State,
    Waiting,
    combine,
    earliest,
)
from services.alerts.routing.route import Recipient, RouteReason, route, route_all
from services.config.schema import Config, NoticeKind
from services.messages.calendar import Calendar
from services.messages.vocabulary import StormState

KIND = NoticeKind.NEGATIVE


@dataclass(frozen=True)
class _Desk:
    """One institution's reactions, and what decides about them."""

    institution: str
    reactions: tuple[Waiting, ...]
    calendar: Calendar
    states: tuple[StormState, ...]  # of its open incidents
    told_of_storms: frozenset[str]  # recipients

    def muted(self, recipient: Recipient) -> bool:
        """Tell whether single reactions are kept from a recipient now."""
        told = recipient.target in self.told_of_storms
        return inhibit(self.states, told_of_storms=told) is InhibitReason.OPEN_INCIDENT


def plan_negatives(config: Config, known: Snapshot, now: datetime) -> Plan:
    """Return who is told about which reactions now."""
    by_institution = sorted(known.waiting, key=lambda w: (w.institution, w.event_time, w.post))
    parts = []
    for institution, reactions in groupby(by_institution, key=lambda w: w.institution):
        routing = route(config, institution, KIND)
        found = tuple(reactions)
        if routing.reason is not RouteReason.ROUTED:
            parts.append(Plan(settled=_items(institution, found), unrouted=frozenset({(institution, KIND)})))
            continue
        storms = [step for step in known.open if institution in step.concerns]
        told = (route_all(config, step.concerns, NoticeKind.STORM) for step in storms)
        desk = _Desk(
            institution,
            found,
            config.calendar(institution),
            tuple(step.state for step in storms),
            frozenset().union(*told),
        )
        parts.append(_plan_desk(desk, routing.recipients, known, now))
    return combine(parts)


def _plan_desk(desk: _Desk, recipients: Sequence[Recipient], known: Snapshot, now: datetime) -> Plan:
    """Plan for every recipient; a reaction is settled once nobody waits for it any more."""
    plan = Plan()
    open_posts: set[str] = set()
    for recipient in recipients:
        news = [
            reaction
            for reaction in desk.reactions
            if reaction.negative >= recipient.min_negative
            and (desk.institution, recipient.target, Item(reaction.post)) not in known.settled
        ]
        part = _plan_recipient(desk, recipient, news, known, now)
        done = {item.post for planned in part.notifications for item in planned.items}
        open_posts |= {reaction.post for reaction in news} - done
        plan = combine((plan, part))
    settled = [reaction for reaction in desk.reactions if reaction.post not in open_posts]
    return combine((plan, Plan(settled=_items(desk.institution, settled))))


def _plan_recipient(
    desk: _Desk, recipient: Recipient, news: Sequence[Waiting], known: Snapshot, now: datetime
) -> Plan:
    key = group_key(desk.institution, KIND, recipient.target)
    log = known.groups.get(key, GroupLog(None, in_flight=False))
    fresh: list[tuple[Waiting, datetime]] = []
    stale: list[tuple[Waiting, datetime]] = []
    for reaction in news:
        judged = _expiry(desk, recipient, reaction, log, now)
        (fresh if judged.reason is ExpiryReason.FRESH else stale).append((reaction, judged.at))
    part = _Part(desk, recipient, now)
    if stale:
        part.add(stale, State.EXPIRED, FlushReason.NEW_ITEMS)
    if not fresh:
        return Plan(tuple(part.planned))
    decision = _flush(desk, recipient, [reaction for reaction, _ in fresh], log, now)
    if not decision.reason.goes:
        first_expiry = min(at for _, at in fresh)
        return Plan(tuple(part.planned), next_due=earliest((decision.due, first_expiry)))
    part.add(fresh, State.PLANNED, decision.reason)
    return Plan(tuple(part.planned))


def _expiry(desk: _Desk, recipient: Recipient, reaction: Waiting, log: GroupLog, now: datetime) -> Expiry:
    """A reaction does not age while the office is closed, or while the group's own interval holds it back."""
    held_to = log.last + recipient.group_interval if log.last else reaction.event_time
    opening_time = desk.calendar if recipient.hours == "business" else None
    return expiry(now, KIND, max(reaction.event_time, held_to), opening_time)


def _flush(
    desk: _Desk, recipient: Recipient, fresh: Sequence[Waiting], log: GroupLog, now: datetime
) -> Flush:
    """Decide by the group's times, and then by the hours."""
    timing = Timing(recipient.group_wait, recipient.group_interval, repeat=None)  # a reaction is told once
    oldest = min(reaction.event_time for reaction in fresh)
    decision = flush(now, timing, oldest_new=oldest, last=log.last, in_flight=log.in_flight)
    opening = gate(now, desk.calendar, recipient.hours)
    if decision.reason.goes and not opening.reason.goes:
        return Flush(FlushReason.CLOSED, opening.opens)
    return decision


class _Part:
    """What one recipient is told; while a storm mutes, nothing is told or caught up with one by one."""

    def __init__(self, desk: _Desk, recipient: Recipient, now: datetime) -> None:
        self.planned: list[Planned] = []
        self._desk = desk
        self._recipient = recipient
        self._now = now

    def add(self, reactions: Sequence[tuple[Waiting, datetime]], state: State, reason: FlushReason) -> None:
        """Add a notification of reactions, each with its expiry; it expires with the first of them."""
        key = group_key(self._desk.institution, KIND, self._recipient.target)
        planned = Planned(
            kind=KIND,
            institution=self._desk.institution,
            group_key=key,
            recipient=self._recipient.target,
            items=tuple(Item(reaction.post) for reaction, _ in reactions),
            reason=reason,
            planned_at=self._now,
            expires_at=min(at for _, at in reactions),
            state=State.MUTED if self._desk.muted(self._recipient) else state,
            thread=key,
            business=self._recipient.hours == "business",
        )
        self.planned.append(planned)


def _items(institution: str, reactions: Sequence[Waiting]) -> frozenset[tuple[str, Item]]:
    return frozenset((institution, Item(reaction.post)) for reaction in reactions)
