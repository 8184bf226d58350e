"""Opening hours: several periods a day, holidays of both countries, summer time, never open."""

from datetime import UTC, datetime, time, timedelta

import pytest

from services.messages.calendar import Calendar, office_hours
from services.messages.vocabulary import Region

NL = office_hours(Region.NL)
VL = office_hours(Region.VL)
SPLIT = Calendar(Region.NL, {"mon": ((time(9), time(12, 30)), (time(13), time(17)))})
NIGHT = Calendar(Region.NL, {"sat": ((time(20), time(0)),)})
NEVER = Calendar(Region.NL, {})


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("calendar", "moment", "is_open"),
    [
        (NL, utc(2026, 10, 5, 7, 0), True),  # Monday 9:00 in summer time
        (NL, utc(2026, 10, 5, 6, 59), False),
        (NL, utc(2026, 10, 5, 15, 0), False),  # 17:00 is closing time
        (NL, utc(2026, 11, 2, 7, 30), False),  # Monday 8:30 in winter time
        (NL, utc(2026, 10, 4, 9, 0), False),  # Sunday
        (NL, utc(2026, 4, 27, 9, 0), False),  # King's day
        (VL, utc(2026, 4, 27, 9, 0), True),
        (NL, utc(2026, 4, 3, 9, 0), True),  # Good Friday
        (NL, utc(2026, 4, 6, 9, 0), False),  # Easter Monday
        (VL, utc(2026, 7, 21, 9, 0), False),  # Belgian national day
        (NL, utc(2026, 7, 21, 9, 0), True),
        (SPLIT, utc(2026, 10, 5, 10, 45), False),  # lunch
        (SPLIT, utc(2026, 10, 5, 11, 0), True),
        (NIGHT, utc(2026, 10, 3, 21, 59), True),  # Saturday 23:59
        (NIGHT, utc(2026, 10, 3, 22, 0), False),
    ],
)
def test_open_or_closed(calendar: Calendar, moment: datetime, *, is_open: bool) -> None:
    assert calendar.is_open(moment) is is_open


def test_a_weekend_takes_no_office_time() -> None:
    friday, monday = utc(2026, 10, 2, 14, 0), utc(2026, 10, 5, 8, 0)

    assert NL.between(friday, monday) == timedelta(hours=2)
    assert NL.between(monday, friday) == timedelta(0)


def test_the_day_that_the_clocks_change_has_its_own_length() -> None:
    round_the_clock = Calendar(Region.NL, {"sun": ((time(0), time(0)),)})

    assert round_the_clock.between(utc(2026, 10, 24), utc(2026, 10, 26)) == timedelta(hours=25)


def test_the_next_opening_skips_holidays_and_weekends() -> None:
    assert NL.next_opening(utc(2026, 12, 24, 20, 0)) == utc(2026, 12, 28, 8, 0)
    assert NL.next_opening(utc(2026, 10, 5, 9, 0)) == utc(2026, 10, 5, 9, 0)
    assert NEVER.next_opening(utc(2026, 10, 5)) is None
