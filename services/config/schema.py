"""The whole subscription file as frozen values. `loading.load` reads it; nothing here opens a file."""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from services.config.institutions import Account, Hours, Institution, InstitutionEntry, resolve
from services.config.receivers import (
    ConsoleReceiver,
    EmailReceiver,
    Payload,
    Receiver,
    SlackWebhookReceiver,
    Tls,
    WebhookReceiver,
)
from services.config.secrets import Secret, SecretError
from services.config.sources import FileSource, Source, WebhookSource
from services.config.values import BadValueError, Duration, Slug, Strict, Text, lasting, show
from services.messages.calendar import Calendar

__all__ = [
    "Account",
    "Address",
    "Config",
    "ConsoleReceiver",
    "EmailReceiver",
    "FileSource",
    "Hours",
    "Institution",
    "InstitutionEntry",
    "NoticeKind",
    "Payload",
    "Person",
    "Receiver",
    "Route",
    "Secret",
    "SecretError",
    "SlackWebhookReceiver",
    "Source",
    "Target",
    "Team",
    "Tls",
    "WebhookReceiver",
    "WebhookSource",
]

EVERYTHING = "*"


class NoticeKind(StrEnum):
    """What somebody can be told."""

    NEGATIVE = "negative"
    STORM = "storm"
    CATCH_UP = "catch_up"
    SILENCE = "silence"


class Address(Strict):
    """One way to reach a person."""

    receiver: Slug = Field(description="Id of a receiver.")
    to: Text | None = Field(default=None, description="Where in the receiver: an e-mail address for e-mail.")


class Person(Strict):
    """Somebody who is told."""

    id: Slug = Field(description="Your short name for this person.")
    name: Text = Field(description="The name that colleagues see.")
    language: Literal["nl", "en"] = Field(default="nl", description="Language of the messages: nl or en.")
    addresses: tuple[Address, ...] = Field(
        default=(), description="In order: the first is used, the next ones when it does not work."
    )


class Team(Strict):
    """People who are told together."""

    id: Slug = Field(description="Your short name for this team.")
    name: Text = Field(description="The name that colleagues see.")
    members: tuple[Slug, ...] = Field(min_length=1, description="Ids of people.")


class Target(str):
    """Who a route tells: `team:ID`, `person:ID` or `receiver:ID`."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """One of team, person, receiver."""
        return self.partition(":")[0]

    @property
    def id(self) -> str:
        """The id after the colon."""
        return self.partition(":")[2]


def _target(value: Any) -> Target:
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind not in ("team", "person", "receiver") or not name:
        raise BadValueError(f"{show(value)} names nobody", "write team:ID, person:ID or receiver:ID")
    return Target(value)


RouteTarget = Annotated[
    Target,
    PlainValidator(_target),
    WithJsonSchema({"type": "string", "pattern": "^(team|person|receiver):.+$"}),
]


class Route(Strict):
    """Who is told what about which institution."""

    institution: Text = Field(description="Id of an institution, which covers its parts too; * is every one.")
    kinds: tuple[NoticeKind, ...] = Field(
        default=tuple(NoticeKind),
        min_length=1,
        description="negative, storm, catch_up, silence; default all.",
    )
    min_negative: float = Field(
        default=0.6, ge=0, le=1, description="Probability from which a single negative reaction is told."
    )
    to: tuple[RouteTarget, ...] = Field(
        min_length=1, description="team:ID, person:ID or receiver:ID, the last for a shared channel."
    )
    group_wait: Duration = lasting("5m", "How long a first message waits for company.")
    group_interval: Duration = lasting("30m", "Least time between two messages of one group.")
    repeat_interval: Duration = lasting("24h", "After how long an unchanged message is repeated.")
    hours: Literal["business", "always"] = Field(
        default="business", description="business: in opening hours; storms go at once always."
    )
    continue_: bool = Field(
        default=False, alias="continue", description="true: the routes below are looked at too."
    )

    def covers(self, institution: Institution) -> bool:
        """Tell whether this route is about the institution."""
        return self.institution in (EVERYTHING, institution.id, *institution.ancestors)


def _version(value: Any) -> Any:
    return 1 if value == "1" else value


class Config(Strict):
    """A subscription: what is listened to, about whom, and who is told."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = Field(description="Version of the format: 1.")
    include: tuple[Text, ...] = Field(default=(), description="More files, relative to this one.")
    sources: tuple[Source, ...] = Field(default=(), description="Where posts come from.")
    receivers: tuple[Receiver, ...] = Field(default=(), description="Where messages go.")
    people: tuple[Person, ...] = Field(default=(), description="Who can be told.")
    teams: tuple[Team, ...] = Field(default=(), description="People who are told together.")
    institutions: tuple[InstitutionEntry, ...] = Field(min_length=1, description="Who posts are about.")
    routes: tuple[Route, ...] = Field(
        default=(), description="Who is told what; the first that matches wins: the special ones come first."
    )

    @cached_property
    def _flat(self) -> dict[str, Institution]:
        return {found.id: found for entry in self.institutions for found in resolve(entry)}

    def flat(self) -> dict[str, Institution]:
        """Return every institution and part by id, a parent before its parts."""
        return self._flat

    def family(self, organisation: str) -> tuple[str, ...]:
        """Return the ids of an organisation and its parts."""
        return tuple(name for name, found in self._flat.items() if found.organisation == organisation)

    def calendar(self, institution: str) -> Calendar:
        """Return when the institution with this id answers."""
        return self._flat[institution].calendar

    def routes_for(self, institution: str, kind: NoticeKind) -> tuple[Route, ...]:
        """Return the routes that such a notice takes: the first that matches, and on where it continues.

        Silence that no route names goes to whoever hears of reactions: they are the ones who miss them.
        """
        taken: list[Route] = []
        for route in self.routes:
            if kind in route.kinds and route.covers(self._flat[institution]):
                taken.append(route)
                if not route.continue_:
                    break
        if not taken and kind is NoticeKind.SILENCE:
            return self.routes_for(institution, NoticeKind.NEGATIVE)
        return tuple(taken)

    def members(self, target: Target) -> tuple[Person, ...]:
        """Return the people behind `team:ID` or `person:ID`; nobody behind `receiver:ID`."""
        wanted: tuple[str, ...] = (target.id,) if target.kind == "person" else ()
        if target.kind == "team":
            wanted = next(team.members for team in self.teams if team.id == target.id)
        people = {person.id: person for person in self.people}
        return tuple(people[name] for name in wanted)
