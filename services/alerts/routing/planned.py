"""The values that planning works with: what is known at a moment, and what is to be told. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from services.alerts.routing.group import FlushReason
from services.config.schema import NoticeKind
from services.messages.records import Incident


class State(StrEnum):
    """Where a notification stands.

    `expired` ones wait for the catch-up notice; `muted` ones were kept quiet by a storm; of `withdrawn`
    ones every post was deleted before they went out.
    """

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    MUTED = "muted"
    WITHDRAWN = "withdrawn"


UNFINISHED = frozenset({State.PLANNED, State.SENDING})
TOLD = frozenset({State.PLANNED, State.SENDING, State.SENT})


@dataclass(frozen=True, order=True)
class Item:
    """What a notification is about: a post, or a step of an incident."""

    post: str = ""
    incident: str = ""
    seq: int = 0

    @property
    def id(self) -> str:
        """A name that no other item has."""
        return self.post or f"{self.incident}#{self.seq}"


@dataclass(frozen=True)
class Waiting:
    """A reaction that is not settled for every recipient."""

    institution: str
    post: str
    event_time: datetime
    negative: float


@dataclass(frozen=True)
class GroupLog:
    """When a group went out last, and whether that message is still on its way."""

    last: datetime | None
    in_flight: bool


@dataclass(frozen=True)
class Expired:
    """A notification that expired and is not yet part of a catch-up notice."""

    key: str
    institution: str
    recipient: str
    noticed_at: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Snapshot:
    """What is known as of a moment: nothing that happened later is in it.

    `steps` holds, by incident, every step of those with a pending one; `pending` names the pending ones.
    `settled` holds who needs no more word of which item, with the state of the notification that did it.
    `open` holds the present step of each incident that mutes. `next_moment` is when something stored
    already happens next, `next_attempt` when the next attempt to send is due.
    """

    waiting: tuple[Waiting, ...] = ()
    steps: Mapping[str, tuple[Incident, ...]] = field(default_factory=dict)
    pending: frozenset[Item] = frozenset()
    open: tuple[Incident, ...] = ()
    settled: Mapping[tuple[str, str, Item], State] = field(default_factory=dict)
    groups: Mapping[str, GroupLog] = field(default_factory=dict)
    expired: tuple[Expired, ...] = ()
    next_moment: datetime | None = None
    next_attempt: datetime | None = None


@dataclass(frozen=True)
class Planned:
    """A notification to be, as it goes into the log.

    `catches_up` holds the keys of the expired ones that it tells after all. The key follows from the group
    and the items, so that planning again plans the same.
    """

    kind: NoticeKind
    institution: str
    group_key: str
    recipient: str
    items: tuple[Item, ...]
    reason: FlushReason
    planned_at: datetime
    expires_at: datetime
    state: State = State.PLANNED
    thread: str = ""
    business: bool = False
    catches_up: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the same key for the same news to the same recipient; a repeat is news by its time."""
        parts = [self.group_key, *sorted(item.id for item in self.items)]
        if self.reason is FlushReason.REPEAT:
            parts.append(self.planned_at.isoformat())
        return sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Plan:
    """What planning came to: what to log, what needs no more attention, and when to plan again.

    `unrouted` names institutions and kinds that nobody is told about; `abandoned` the keys of expired
    notifications whose recipient has no route for a catch-up notice; `next_attempt` when sending is due.
    """

    notifications: tuple[Planned, ...] = ()
    settled: frozenset[tuple[str, Item]] = frozenset()
    unrouted: frozenset[tuple[str, NoticeKind]] = frozenset()
    abandoned: tuple[str, ...] = ()
    next_due: datetime | None = None
    next_attempt: datetime | None = None


def combine(parts: Iterable[Plan]) -> Plan:
    """Return one plan made of several."""
    all_parts = list(parts)
    return Plan(
        notifications=tuple(n for part in all_parts for n in part.notifications),
        settled=frozenset().union(*(part.settled for part in all_parts)),
        unrouted=frozenset().union(*(part.unrouted for part in all_parts)),
        abandoned=tuple(key for part in all_parts for key in part.abandoned),
        next_due=earliest(part.next_due for part in all_parts),
        next_attempt=earliest(part.next_attempt for part in all_parts),
    )


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """Return the first of several moments; None when there is none."""
    return min((moment for moment in moments if moment is not None), default=None)
