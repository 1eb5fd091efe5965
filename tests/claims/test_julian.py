"""Days without a year: a pass of 2 January read on 31 December must not lie 363 days back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.claims.julian import NEAR_DAYS, nearest, nearest_with_digit

days = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@pytest.mark.parametrize(
    ("day", "today", "expected"),
    [
        (326, date(2026, 11, 22), date(2026, 11, 22)),
        (2, date(2026, 12, 31), date(2027, 1, 2)),
        (365, date(2027, 1, 1), date(2026, 12, 31)),
        (366, date(2028, 12, 31), date(2028, 12, 31)),
        (366, date(2029, 1, 1), date(2028, 12, 31)),
        (365, date(2028, 12, 31), date(2028, 12, 30)),
        (60, date(2028, 2, 28), date(2028, 2, 29)),
        (60, date(2027, 3, 2), date(2027, 3, 1)),
        (366, date(2026, 12, 31), None),
        (0, date(2026, 1, 1), None),
        (367, date(2028, 12, 31), None),
        (1, date.max, None),
    ],
)
def test_the_nearest_day_is_meant(day: int, today: date, expected: date | None) -> None:
    assert nearest(day, today) == expected


@given(today=days, offset=st.integers(-NEAR_DAYS + 1, NEAR_DAYS - 1))
def test_a_day_within_half_a_year_comes_back_across_new_year_and_leap_days(today: date, offset: int) -> None:
    flight = today + timedelta(days=offset)
    assert nearest(flight.timetuple().tm_yday, today) == flight


@given(today=days, day=st.integers(-5, 400))
def test_no_other_such_day_is_nearer(today: date, day: int) -> None:
    """Against a search of every day within reach."""
    reach = [today + timedelta(days=offset) for offset in range(-NEAR_DAYS, NEAR_DAYS + 1)]
    such = [d for d in reach if d.timetuple().tm_yday == day]
    found = nearest(day, today)
    assert (found is None) == (not such)
    if found is not None:
        assert found in such
        assert abs((found - today).days) == min(abs((d - today).days) for d in such)


@given(today=days, back=st.integers(0, 1400))
def test_a_date_of_issue_comes_back_from_the_last_digit_of_its_year(today: date, back: int) -> None:
    issued = today - timedelta(days=back)
    assert nearest_with_digit(issued.year % 10, issued.timetuple().tm_yday, today) == issued
