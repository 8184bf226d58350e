"""The estimates behind the reply figures, against lifelines and their own definition, and working days."""

import warnings
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter, KaplanMeierFitter

from services.alerts.replies.estimates import Outcome, percentile, wilson
from services.alerts.replies.figures import one_working_day
from services.messages.calendar import Calendar, office_hours
from services.messages.vocabulary import Region

waits = st.lists(
    st.tuples(st.integers(1, 30).map(float), st.sampled_from([Outcome.OPEN, Outcome.ANSWERED])),
    min_size=1,
    max_size=40,
)


@given(waits, st.sampled_from([0.1, 0.5, 0.9]))
@settings(deadline=None)
def test_without_withdrawals_it_is_kaplan_meier(seen: list[tuple[float, Outcome]], p: float) -> None:
    fitter = KaplanMeierFitter()
    fitter.fit([wait for wait, _ in seen], [outcome == Outcome.ANSWERED for _, outcome in seen])
    survival = fitter.survival_function_.iloc[:, 0]
    reached = survival[survival <= 1 - p + 1e-9]

    assert percentile(p, seen) == (None if reached.empty else reached.index[0])


@given(
    st.lists(st.sampled_from(list(Outcome)), min_size=2, max_size=30).filter(lambda x: Outcome.ANSWERED in x)
)
@settings(deadline=None)
def test_with_withdrawals_it_is_aalen_johansen(outcomes: list[Outcome]) -> None:
    seen = [(float(wait), outcome) for wait, outcome in enumerate(outcomes, start=1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the oracle warns about its variance
        fitter = AalenJohansenFitter(calculate_variance=False)
        fitter.fit([w for w, _ in seen], [int(o) for _, o in seen], event_of_interest=int(Outcome.ANSWERED))
    curve = fitter.cumulative_density_.iloc[:, 0]
    reached = curve[curve >= 0.5 - 1e-9]

    assert percentile(0.5, seen) == (None if reached.empty else reached.index[0])


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
@settings(deadline=None)
def test_the_ends_of_the_interval_are_rates_that_the_count_only_just_allows(case: tuple[int, int]) -> None:
    count, of = case
    interval = wilson(count, of, [1] * of)

    assert interval
    assert 0 <= interval[0] <= count / of <= interval[1] <= 1
    for end in interval:
        if 0 < end < 1:
            assert abs(count / of - end) == pytest.approx(1.959964 * (end * (1 - end) / of) ** 0.5, abs=1e-6)


def test_one_busy_author_makes_the_interval_wider() -> None:
    alone, spread = wilson(5, 10, [10]), wilson(5, 10, [1] * 10)

    assert alone
    assert spread
    assert alone[0] < spread[0] < spread[1] < alone[1]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime(2026, 10, 5, 8, 0, tzinfo=UTC), datetime(2026, 10, 6, 8, 0, tzinfo=UTC)),
        (
            datetime(2026, 10, 9, 14, 0, tzinfo=UTC),
            datetime(2026, 10, 12, 14, 0, tzinfo=UTC),
        ),  # over a weekend
        (datetime(2026, 10, 10, 10, 0, tzinfo=UTC), datetime(2026, 10, 13, 7, 0, tzinfo=UTC)),  # on Saturday
        (
            datetime(2026, 10, 23, 8, 0, tzinfo=UTC),
            datetime(2026, 10, 26, 9, 0, tzinfo=UTC),
        ),  # summer time ends
    ],
)
def test_one_working_day_is_the_same_local_time_on_the_next_one(start: datetime, expected: datetime) -> None:
    assert one_working_day(start, office_hours(Region.NL)) == expected


def test_a_working_day_ends_at_closing_time_when_the_next_day_is_short() -> None:
    hours: Any = {"mon": ((time(9), time(17)),), "tue": ((time(9), time(12)),)}

    deadline = one_working_day(datetime(2026, 10, 5, 13, 0, tzinfo=UTC), Calendar(Region.NL, hours))

    assert deadline == datetime(2026, 10, 6, 10, 0, tzinfo=UTC)
