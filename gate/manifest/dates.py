"""Dates as a PAXLST message writes them, read as of one moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from gate.manifest import century

_MOST_REMEMBERED = 50_000


class Calendar:
    """``YYMMDD`` and ``CCYYMMDD``, with or without ``HHMM``. Remembers what it read: a manifest repeats its dates."""

    def __init__(self, now: datetime) -> None:
        self._today = now.date()
        self._births: dict[str, date] = {}
        self._days: dict[str, date] = {}

    def birth(self, text: str) -> date | None:
        """A birth date; with two digits of the latest century that is not in the future. None: there is no such day."""
        known = self._births.get(text)
        return known or self._read(text, self._births, century.birth)

    def day(self, text: str) -> date | None:
        """Any other day; with two digits within fifty years of now. None when there is no such day."""
        known = self._days.get(text)
        return known or self._read(text, self._days, century.near)

    def moment(self, text: str) -> datetime | None:
        """A day with its time, naive. None when there is no such time."""
        day = self.day(text[:-4]) if len(text) in (10, 12) and _digits(text) else None
        hour, minute = (int(text[-4:-2]), int(text[-2:])) if day else (0, 0)
        # Years that any time zone can be applied to.
        if day is None or hour > 23 or minute > 59 or not 1900 <= day.year <= 2199:
            return None
        return datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 -- on the airport's own clock

    def _read(
        self, text: str, known: dict[str, date], pick: Callable[[int, int, int, date], date | None]
    ) -> date | None:
        if len(text) not in (6, 8) or not _digits(text):
            return None
        year, month, day = int(text[:-4]), int(text[-4:-2]), int(text[-2:])
        found = pick(year, month, day, self._today) if len(text) == 6 else _day(year, month, day)
        if found is not None and len(known) < _MOST_REMEMBERED:
            known[text] = found
        return found


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
