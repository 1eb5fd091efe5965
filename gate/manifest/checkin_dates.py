"""Dates and times of check-in data: forms that read one way only, and others once their column settles the order."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from gate.manifest.checkin_fields import Field
from gate.manifest.findings import FindingCode

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FIRST_YEAR, _LAST_YEAR = 1850, 2199

_MIDNIGHT = r"(?:[T ]00:?00(?::?00(?:\.0+)?)?Z?)?"
_ISO = re.compile(r"(\d{4})([-/.]?)(\d\d)\2(\d\d)" + _MIDNIGHT)
_NAMED = re.compile(r"(\d{1,2})[-/ .]?([A-Za-z]{3})[A-Za-z]{0,6}[-/ .,]{0,2}(\d{4}|\d\d)")
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d\d)")
_SLASHED = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4}|\d\d)")
_SIX_DIGITS = re.compile(r"\d{6}")
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d(?:\.\d+)?)?|(\d\d)(\d\d)")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d|\d{8})[T ]\d\d:?\d\d.*", re.ASCII)

ACCEPTED = "expected a date such as 2026-11-22, 20261122, 22NOV2026 or 22.11.2026"

PickCentury = Callable[[int, int, int], date | None]


class Order(enum.Enum):
    """In which order ``03/04/2026`` is written."""

    DAY_FIRST = enum.auto()
    MONTH_FIRST = enum.auto()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a value cannot be used."""

    code: FindingCode
    message: str


class Orders:
    """What the dates of each column say about its order: any one beyond the twelfth settles it, unless two disagree."""

    def __init__(self) -> None:
        self._seen: dict[Field, set[Order]] = {}

    def see(self, field: Field, text: str) -> None:
        """Take a value into account."""
        found = _SLASHED.fullmatch(text)
        if found is None or len(found[4]) != 4:
            return
        first, second = int(found[1]), int(found[3])
        if first > 12 >= second:
            self._seen.setdefault(field, set()).add(Order.DAY_FIRST)
        elif second > 12 >= first:
            self._seen.setdefault(field, set()).add(Order.MONTH_FIRST)

    def of(self, field: Field) -> Order | None:
        """The order, or None when the column does not settle it."""
        seen = self._seen.get(field, set())
        return next(iter(seen)) if len(seen) == 1 else None


def read_date(text: str, order: Order | None, pick_century: PickCentury) -> date | Trouble:
    """A date.

    Args:
        text: as it stands in the cell.
        order: that the column settled on.
        pick_century: makes a date of a two-digit year, month and day.
    """
    if not text.isascii():
        return Trouble(FindingCode.DATE_INVALID, f"{text[:40]!r}: {ACCEPTED}")
    if found := _ISO.fullmatch(text):
        return _date(text, found[1], int(found[3]), int(found[4]), pick_century)
    if (found := _NAMED.fullmatch(text)) and (month := found[2].upper()) in _MONTHS:
        return _date(text, found[3], _MONTHS.index(month) + 1, int(found[1]), pick_century)
    if found := _DOTTED.fullmatch(text):
        return _date(text, found[3], int(found[2]), int(found[1]), pick_century)
    if found := _SLASHED.fullmatch(text):
        return _slashed(text, found, order, pick_century)
    if _SIX_DIGITS.fullmatch(text):
        return Trouble(FindingCode.DATE_AMBIGUOUS, f"{text} may begin with its year or its day; {ACCEPTED}")
    return Trouble(FindingCode.DATE_INVALID, f"{text[:40]!r}: {ACCEPTED}")


def read_time(text: str) -> time | Trouble:
    """A time of day, to the minute."""
    found = _TIME.fullmatch(text) if text.isascii() else None
    hour, minute = (int(found[1] or found[3]), int(found[2] or found[4])) if found else (24, 0)
    if hour > 23 or minute > 59:
        return Trouble(FindingCode.VALUE_INVALID, f"{text[:40]!r}: expected a time such as 13:05 or 1305")
    return time(hour, minute)


def read_moment(text: str) -> datetime | None:
    """Date and time in one, with the offset from UTC where it is stated; None when it is no such value."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(second=0, microsecond=0) if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _slashed(text: str, found: re.Match[str], order: Order | None, pick_century: PickCentury) -> date | Trouble:
    first, second, year = int(found[1]), int(found[3]), found[4]
    if len(year) == 2:
        return Trouble(FindingCode.DATE_AMBIGUOUS, f"{text} may begin with its year, month or day; {ACCEPTED}")
    if first > 12 or first == second:
        order = Order.DAY_FIRST
    elif second > 12:
        order = Order.MONTH_FIRST
    if order is None:
        message = f"{text} may be day or month first, and no other row of the column settles it; {ACCEPTED}"
        return Trouble(FindingCode.DATE_AMBIGUOUS, message)
    day, month = (first, second) if order is Order.DAY_FIRST else (second, first)
    return _date(text, year, month, day, pick_century)


def _date(text: str, year: str, month: int, day: int, pick_century: PickCentury) -> date | Trouble:
    found: date | None
    if len(year) == 2:
        found = pick_century(int(year), month, day)
    else:
        try:
            found = date(int(year), month, day)
        except ValueError:
            found = None
    if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        return Trouble(FindingCode.DATE_INVALID, f"{text}: there is no such day")
    return found
