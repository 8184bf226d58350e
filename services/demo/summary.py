"""How the demo went, counted by comparing ids from the recorded week to the notification log."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from services.alerts.routing.planned import Item, State
from services.alerts.store import Store
from services.demo.clockwork import Clockwork
from services.messages.records import Incident
from services.runtime.settings import Settings


class Step(Struct):
    """One incident step: decided at `at`, on mentions up to `event_time`."""

    institution: str
    state: str
    at: datetime
    event_time: datetime
    reason: str


class Latency(Struct):
    """From Kafka having a mention to Kafka having its score, in milliseconds."""

    p50: int
    p99: int


class Summary(Struct):
    """What `stormwacht demo --exit` prints as JSON.

    `lost` counts what a stage had and the next one has not: posts of the week that are neither in
    `mentions` nor reported unmatched or dead, mentions that were not scored, and incident steps that the
    alert service does not know. `duplicates_told` counts what was told to one person again, unmarked.
    """

    mentions_in: int
    scored: int
    dead_letters: int
    incidents: list[Step]
    notifications: int
    duplicates_told: int
    lost: int
    latency_ms: Latency
    seconds: float


async def summarise(clockwork: Clockwork, settings: Settings, week: Path, seconds: float) -> Summary:
    """Compare the ids of every stage."""
    store = Store(settings.database)
    try:
        told = await store.history()
        known = {(step.id, step.seq) for step in await store.steps(clockwork.incidents)}
    finally:
        await store.close()
    sent = [entry for entry in told if entry.state is State.SENT]
    times: Counter[tuple[str, Item]] = Counter(
        (entry.recipient, item) for entry in sent if not entry.possibly_duplicate for item in entry.items
    )
    steps = sorted(clockwork.incidents.values(), key=lambda step: (step.at, step.id, step.seq))
    return Summary(
        mentions_in=len(clockwork.mentions),
        scored=len(clockwork.scored),
        dead_letters=clockwork.dead_letters,
        incidents=[_step(step) for step in steps],
        notifications=len(sent),
        duplicates_told=sum(count - 1 for count in times.values()),
        lost=_unread(clockwork, settings, week)
        + clockwork.unscored
        + len(clockwork.incidents.keys() - known),
        latency_ms=Latency(
            p50=_quantile(clockwork.latencies_ms, 0.5), p99=_quantile(clockwork.latencies_ms, 0.99)
        ),
        seconds=round(seconds, 1),
    )


def _unread(clockwork: Clockwork, settings: Settings, week: Path) -> int:
    """Return how many posts of the week are missing from `mentions` without having been reported."""
    ring = settings.keyring()
    posts = {
        ring.pseudonym("post", row["channel"], row["id"])
        for row in map(json.loads, week.read_text(encoding="utf-8").splitlines())
    }
    missing = len(posts - {post for post, _ in clockwork.mentions})
    cursor = clockwork.cursor
    return max(0, missing - cursor.unmatched - cursor.dead) if cursor else missing


def _step(step: Incident) -> Step:
    return Step(
        institution=step.institution,
        state=step.state,
        at=step.at,
        event_time=step.event_time,
        reason=step.reasons[0].code if step.reasons else "",
    )


def _quantile(values: list[int], share: float) -> int:
    """Return the value at or below which `share` of the values lie; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0
