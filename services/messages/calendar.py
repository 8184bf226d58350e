"""The business calendar of an institution: opening hours, Dutch and Flemish holidays, summer time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from services.messages.vocabulary import Region

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Period = tuple[time, time]  # from, to (exclusive); local time; 00:00 as `to` means midnight at the day's end

_ZONES = {Region.NL: ZoneInfo("Europe/Amsterdam"), Region.VL: ZoneInfo("Europe/Brussels")}
_WORKED = {"Goede vrijdag"}  # a public holiday by name, on which Dutch institutions are open
_HORIZON_DAYS = 366  # a calendar that does not open within a year never opens


@cache
def public_holidays(region: Region, year: int) -> frozenset[date]:
    """Return the public holidays of a year: the Netherlands, or Belgium for Flanders."""
    country = "NL" if region is Region.NL else "BE"
    days = holidays.country_holidays(country, years=year, language="nl")
    return frozenset(day for day, name in days.items() if name not in _WORKED)


@dataclass(frozen=True)
class Calendar:
    """When an institution answers.

    `hours` maps a weekday to its periods in local time; a weekday that is missing is closed.
    """

    region: Region
    hours: Mapping[Weekday, tuple[Period, ...]]

    @property
    def zone(self) -> ZoneInfo:
        """The local time zone."""
        return _ZONES[self.region]

    def periods(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the opening periods of a local day as UTC datetimes."""
        if day in public_holidays(self.region, day.year):
            return
        for start, end in self.hours.get(WEEKDAYS[day.weekday()], ()):
            end_day = day + timedelta(days=1) if end == time(0) else day
            yield (
                datetime.combine(day, start, self.zone).astimezone(UTC),
                datetime.combine(end_day, end, self.zone).astimezone(UTC),
            )

    def is_open(self, now: datetime) -> bool:
        """Tell whether the institution is open at `now`."""
        return any(start <= now < end for start, end in self.periods(now.astimezone(self.zone).date()))

    def next_opening(self, now: datetime) -> datetime | None:
        """Return `now` when open, else the next opening; None when there is none within a year."""
        first = now.astimezone(self.zone).date()
        for offset in range(_HORIZON_DAYS):
            for start, end in self.periods(first + timedelta(days=offset)):
                if now < end:
                    return max(now, start)
        return None

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the opening time between two moments; nothing when `end` is not after `start`."""
        total = timedelta()
        day = start.astimezone(self.zone).date()
        last = end.astimezone(self.zone).date()
        while day <= last:
            for opens, closes in self.periods(day):
                total += max(timedelta(), min(end, closes) - max(start, opens))
            day += timedelta(days=1)
        return total


def office_hours(region: Region) -> Calendar:
    """Return the calendar of rankings and of institutions that give none: weekdays 9 to 17."""
    day = ((time(9), time(17)),)
    return Calendar(region, dict.fromkeys(WEEKDAYS[:5], day))
