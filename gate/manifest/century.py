"""Which century a two-digit year belongs to: a birth is never in the future, an expiry or a departure is near."""

from __future__ import annotations

from datetime import date

_NEAR_YEARS = 50


def birth(year: int, month: int, day: int, today: date) -> date | None:
    """The latest such day that is not after today; year 0 to 99. None when neither century has such a day."""
    century = today.year // 100 * 100
    days = (_day(base + year, month, day) for base in (century, century - 100))
    return next((found for found in days if found is not None and found <= today), None)


def near(year: int, month: int, day: int, today: date) -> date | None:
    """Such a day within fifty years of today, before or after; year 0 to 99. None when there is none."""
    century = today.year // 100 * 100
    days = (_day(base + year, month, day) for base in (century - 100, century, century + 100))
    return next((d for d in days if d is not None and -_NEAR_YEARS <= d.year - today.year < _NEAR_YEARS), None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
