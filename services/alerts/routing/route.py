"""Who is told: from routes to recipients, each person once, with the ways to reach them in order. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from services.config.schema import Address, Config, NoticeKind, Person, Route, Target


class RouteReason(StrEnum):
    """Why somebody is told, or nobody."""

    ROUTED = "routed"
    NO_ROUTE = "no_route"
    UNKNOWN_INSTITUTION = "unknown_institution"


@dataclass(frozen=True)
class Recipient:
    """A person, or a shared channel, with the terms of the route that reaches it.

    `addresses` are tried in order, and none at all means that nobody can be reached. `target` is
    `person:ID` or `receiver:ID`.
    """

    target: Target
    addresses: tuple[Address, ...]
    language: Literal["nl", "en"]
    min_negative: float
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    hours: Literal["business", "always"]


@dataclass(frozen=True)
class Routing:
    """The recipients of one kind of notice about one institution, and why."""

    reason: RouteReason
    recipients: tuple[Recipient, ...] = ()


def route(config: Config, institution: str, kind: NoticeKind) -> Routing:
    """Return who is told.

    The first route that matches wins, unless it continues. Whoever occurs twice, in two teams or two
    routes, is told once, on the terms of the first.
    """
    if institution not in config.flat():
        return Routing(RouteReason.UNKNOWN_INSTITUTION)
    found: dict[str, Recipient] = {}
    for taken in config.routes_for(institution, kind):
        for target in taken.to:
            for recipient in _recipients(config, taken, target):
                found.setdefault(recipient.target, recipient)
    return Routing(RouteReason.ROUTED, tuple(found.values())) if found else Routing(RouteReason.NO_ROUTE)


def route_all(config: Config, institutions: Iterable[str], kind: NoticeKind) -> dict[str, Recipient]:
    """Return who is told of what concerns several institutions at once: each once, on the first terms."""
    found: dict[str, Recipient] = {}
    for institution in institutions:
        for recipient in route(config, institution, kind).recipients:
            found.setdefault(recipient.target, recipient)
    return found


def _recipients(config: Config, taken: Route, target: Target) -> list[Recipient]:
    if target.kind == "receiver":
        return [_recipient(taken, target, (Address(receiver=target.id),), "nl")]
    return [_of_person(taken, person) for person in config.members(target)]


def _of_person(taken: Route, person: Person) -> Recipient:
    return _recipient(taken, Target(f"person:{person.id}"), person.addresses, person.language)


def _recipient(
    taken: Route, target: Target, addresses: tuple[Address, ...], language: Literal["nl", "en"]
) -> Recipient:
    return Recipient(
        target=target,
        addresses=addresses,
        language=language,
        min_negative=taken.min_negative,
        group_wait=taken.group_wait,
        group_interval=taken.group_interval,
        repeat_interval=taken.repeat_interval,
        hours=taken.hours,
    )


@dataclass(frozen=True)
class Reach:
    """How a recipient is reached: the ways in order, and the language."""

    addresses: tuple[Address, ...]
    language: Literal["nl", "en"]


def reach(config: Config, target: str) -> Reach | None:
    """Return how `person:ID` or `receiver:ID` is reached; None when the file no longer knows it."""
    kind, _, name = target.partition(":")
    if kind == "receiver":
        known = any(receiver.id == name for receiver in config.receivers)
        return Reach((Address(receiver=name),), "nl") if known else None
    person = next((person for person in config.people if person.id == name), None)
    return Reach(person.addresses, person.language) if person else None
