"""Planning as a whole: what is known at a moment in, what is to be told out. Pure."""

from dataclasses import replace
from datetime import datetime
from itertools import groupby

from services.alerts.routing.expiry import LIFETIME
from services.alerts.routing.group import Timing, flush, group_key
from services.alerts.routing.hours import gate
from services.alerts.routing.negatives import plan_negatives
from services.alerts.routing.planned import Expired, GroupLog, Plan, Planned, Snapshot, State, combine
from services.alerts.routing.route import Recipient, route_all
from services.alerts.routing.storms import plan_storms
from services.config.schema import Config, NoticeKind

KIND = NoticeKind.CATCH_UP


def plan(config: Config, known: Snapshot, now: datetime) -> Plan:
    """Return what is to be told at `now`; the same for the same input."""
    news = combine((plan_storms(config, known, now), plan_negatives(config, known, now)))
    just_expired = tuple(
        Expired(one.key, one.institution, one.recipient, now, one.items)
        for one in news.notifications
        if one.state is State.EXPIRED
    )
    ahead = Plan(next_due=known.next_moment, next_attempt=known.next_attempt)
    known = replace(known, expired=known.expired + just_expired)
    return combine((news, plan_catch_ups(config, known, now), ahead))


def plan_catch_ups(config: Config, known: Snapshot, now: datetime) -> Plan:
    """Return one catch-up notice per institution and recipient, once nothing more joins it."""
    parts = []
    ordered = sorted(known.expired, key=lambda e: (e.institution, e.recipient, e.noticed_at, e.key))
    for (institution, target), found in groupby(ordered, key=lambda e: (e.institution, e.recipient)):
        expired = tuple(found)
        # What concerned a part may have been told as news of the whole.
        recipients = route_all(config, (institution, *config.family(institution)), KIND)
        if target in recipients:
            parts.append(_plan_catch_up(config, recipients[target], expired, known, now))
        else:
            parts.append(Plan(abandoned=tuple(one.key for one in expired)))
    return combine(parts)


def _plan_catch_up(
    config: Config, recipient: Recipient, expired: tuple[Expired, ...], known: Snapshot, now: datetime
) -> Plan:
    institution = expired[0].institution
    key = group_key(institution, KIND, recipient.target)
    log = known.groups.get(key, GroupLog(None, in_flight=False))
    timing = Timing(recipient.group_wait, recipient.group_interval, repeat=None)
    decision = flush(now, timing, oldest_new=expired[0].noticed_at, last=log.last, in_flight=log.in_flight)
    if not decision.reason.goes:
        return Plan(next_due=decision.due)
    opening = gate(now, config.calendar(institution), recipient.hours)
    if not opening.reason.goes:
        return Plan(next_due=opening.opens)
    planned = Planned(
        kind=KIND,
        institution=institution,
        group_key=key,
        recipient=recipient.target,
        items=tuple(dict.fromkeys(item for one in expired for item in one.items)),
        reason=decision.reason,
        planned_at=now,
        expires_at=max(now, opening.opens) + LIFETIME[KIND],
        thread=key,
        business=recipient.hours == "business",
        catches_up=tuple(one.key for one in expired),
    )
    return Plan((planned,))
