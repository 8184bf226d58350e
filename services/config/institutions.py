"""Institutions and their parts: as written in the file, and resolved with what a part inherits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from services.config.values import BadValueError, Day, OpeningPeriod, Slug, Strict, Text, show
from services.messages.calendar import WEEKDAYS, Calendar, Period, Weekday, office_hours
from services.messages.vocabulary import Channel, Region, Sector, Size

MIN_ALIAS = 3
MAX_DEPTH = 3


def _alias(value: str) -> str:
    if len(value) < MIN_ALIAS:
        raise BadValueError(
            f"{show(value)} is shorter than {MIN_ALIAS} characters and would match far too much",
            "write a longer name, such as one with its town",
        )
    return value


def _day(periods: tuple[Period, ...]) -> tuple[Period, ...]:
    for (_, closes), (opens, _) in pairwise(periods):
        if closes == time(0) or opens < closes:
            raise BadValueError(
                "has periods that overlap or are out of order",
                "write them in order, such as 09:00-12:30, 13:00-17:00",
            )
    return periods


Alias = Annotated[Text, AfterValidator(_alias), WithJsonSchema({"type": "string", "minLength": MIN_ALIAS})]
DayHours = Annotated[
    tuple[OpeningPeriod, ...],
    AfterValidator(_day),
    Field(description="Periods such as 09:00-12:30, in order; leave the day out when closed."),
]


class Hours(Strict):
    """When an institution answers, in local time; public holidays are closed by themselves."""

    mon: DayHours = ()
    tue: DayHours = ()
    wed: DayHours = ()
    thu: DayHours = ()
    fri: DayHours = ()
    sat: DayHours = ()
    sun: DayHours = ()

    def by_weekday(self) -> dict[Weekday, tuple[Period, ...]]:
        """Return the days that are open."""
        return {day: periods for day in WEEKDAYS if (periods := getattr(self, day))}


class Account(Strict):
    """An account with which the institution itself speaks."""

    channel: Channel = Field(description="Where the account is.")
    handle: Text = Field(description="Its name there, with or without @.")

    @property
    def key(self) -> tuple[Channel, str]:
        """What two ways to write one account have in common."""
        return self.channel, self.handle.lstrip("@").casefold()


class InstitutionEntry(Strict):
    """An institution as it stands in the file; a part inherits what it leaves out."""

    id: Slug = Field(description="Your short name; it appears in links and figures, so never change it.")
    name: Alias = Field(description="The name as people know it; posts that contain it match.")
    aliases: tuple[Alias, ...] = Field(default=(), description="Other names, abbreviations, old names.")
    exclude: tuple[Text, ...] = Field(
        default=(), description="Phrases that cancel a match, such as a street of the same name."
    )
    context: tuple[Text, ...] = Field(
        default=(), description="For a name that means more things: words of which one must occur too."
    )
    accounts: tuple[Account, ...] = Field(default=(), description="The institution's own accounts.")
    sector: Sector | None = Field(
        default=None, description="The kind of care; needed at the top, inherited by parts."
    )
    size: Size | None = Field(default=None, description="small, medium or large; inherited; default medium.")
    region: Region | None = Field(
        default=None,
        description="nl (Netherlands) or vl (Flanders), for holidays and helplines; inherited; default nl.",
    )
    hours: Hours | None = Field(
        default=None, description="When it answers; inherited; default weekdays 09:00-17:00."
    )
    processor_agreement: bool | None = Field(
        default=None,
        description="true when a processor agreement covers the receivers; inherited; default false.",
    )
    trial_until: Day | None = Field(
        default=None,
        description="Up to and including this day (2026-10-14) only storms are told, the rest is one daily "
        "mail; inherited.",
    )
    parts: tuple["InstitutionEntry", ...] = Field(
        default=(),
        description="Locations or departments, written like institutions; up to 3 levels in all. A storm "
        "over several of them is one incident.",
    )


@dataclass(frozen=True)
class Institution:
    """An institution or part with everything filled in; `ancestors` begins with the parent."""

    id: str
    name: str
    sector: Sector
    size: Size
    region: Region
    hours: Mapping[Weekday, tuple[Period, ...]]
    aliases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    processor_agreement: bool = False
    trial_until: date | None = None
    ancestors: tuple[str, ...] = ()

    @property
    def parent(self) -> str | None:
        """The institution this is a part of; None at the top."""
        return self.ancestors[0] if self.ancestors else None

    @property
    def organisation(self) -> str:
        """The institution at the top, with which it is watched for storms."""
        return self.ancestors[-1] if self.ancestors else self.id

    @property
    def calendar(self) -> Calendar:
        """When it answers."""
        return Calendar(self.region, self.hours)


def resolve(entry: InstitutionEntry, parent: Institution | None = None) -> Iterator[Institution]:
    """Yield the institution and then its parts, each with what it inherits."""
    region = entry.region or (parent.region if parent else Region.NL)
    office = office_hours(region).hours
    agreed = entry.processor_agreement
    institution = Institution(
        id=entry.id,
        name=entry.name,
        sector=entry.sector or (parent.sector if parent else Sector.OTHER),
        size=entry.size or (parent.size if parent else Size.MEDIUM),
        region=region,
        hours=entry.hours.by_weekday() if entry.hours else (parent.hours if parent else office),
        aliases=entry.aliases,
        exclude=entry.exclude,
        context=entry.context,
        accounts=entry.accounts,
        processor_agreement=agreed if agreed is not None else bool(parent and parent.processor_agreement),
        trial_until=entry.trial_until or (parent.trial_until if parent else None),
        ancestors=(parent.id, *parent.ancestors) if parent else (),
    )
    yield institution
    for part in entry.parts:
        yield from resolve(part, institution)
