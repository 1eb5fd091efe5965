"""Days of a year without the year, as boarding passes write them: the nearest such day is meant."""

from __future__ import annotations

from datetime import date, timedelta

NEAR_DAYS = 183
"""Half a year. Every day of the year but the 366th has exactly one nearest day within it, or two equally near."""

_NEAR_YEARS = 5


def nearest(day_of_year: int, today: date) -> date | None:
    """The day nearest to `today`, before or after; of two equally near ones the later.

    Args:
        day_of_year: 1 to 366; 1 is the first of January.
        today: on any clock: a day more or less changes nothing but what is half a year away.

    Returns:
        None when there is no such day within `NEAR_DAYS`: day 366 exists in leap years only.
    """
    days = [found for year in (-1, 0, 1) if (found := _day(today.year + year, day_of_year))]
    return min((d for d in days if abs((d - today).days) <= NEAR_DAYS), key=lambda d: _distance(d, today), default=None)


def nearest_with_digit(year_digit: int, day_of_year: int, today: date) -> date | None:
    """As `nearest`, where the last digit of the year is known too: within about five years."""
    years = range(today.year - _NEAR_YEARS, today.year + _NEAR_YEARS + 1)
    days = [found for year in years if year % 10 == year_digit and (found := _day(year, day_of_year))]
    return min(days, key=lambda d: _distance(d, today), default=None)


def _distance(day: date, today: date) -> tuple[int, bool]:
    return abs((day - today).days), day < today


def _day(year: int, day_of_year: int) -> date | None:
    if not 1 <= day_of_year <= 366 or not date.min.year <= year <= date.max.year:
        return None
    found = date(year, 1, 1) + timedelta(days=min(day_of_year, 365) - 1)
    if day_of_year == 366:
        found = date(year, 12, 31)
    return found if found.timetuple().tm_yday == day_of_year else None
