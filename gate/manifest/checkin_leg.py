"""The flight of a row of check-in data."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import partial

from gate.manifest import century
from gate.manifest.airports import local_to_utc, utc_to_local
from gate.manifest.checkin_dates import Orders, Trouble, read_date, read_moment, read_time
from gate.manifest.checkin_fields import Field
from gate.manifest.checkin_rows import Row
from gate.manifest.checkin_values import carrier_of, flight_of, place_of
from gate.manifest.findings import FindingCode, Severity
from gate.manifest.notebook import Notebook
from gate.manifest.reading import Reading
from gate.manifest.records import Leg

_LEG_FIELDS = (
    Field.CARRIER,
    Field.FLIGHT,
    Field.DEPARTURE_DATE,
    Field.DEPARTURE_TIME,
    Field.ORIGIN,
    Field.DESTINATION,
)
_REMEMBERED = 10_000
# Where no time is stated: late rather than early, so that nobody is forgotten before they have passed.
_END_OF_DAY = time(23, 59)


class LegReader:
    """Makes legs of rows. What is odd about a leg is said once, at the first row that has it; errors at every row."""

    def __init__(self, reading: Reading, orders: Orders, notes: Notebook) -> None:
        self._zone = reading.default_time_zone
        self._near = partial(century.near, today=reading.now.date())
        self._orders = orders
        self._notes = notes
        self._known: dict[tuple[str | None, ...], Leg] = {}

    def leg(self, row: Row) -> Leg | None:
        """The row's leg; None when its flight or date cannot be told, which is reported."""
        key = tuple(row.cells.get(field) for field in _LEG_FIELDS)
        leg = self._known.get(key)
        if leg is None:
            leg = self._read(row)
            if leg is not None and len(self._known) < _REMEMBERED:
                self._known[key] = leg
        return leg

    def _read(self, row: Row) -> Leg | None:
        flight = self._flight(row)
        origin, destination = self._place(row, Field.ORIGIN), self._place(row, Field.DESTINATION)
        moments = self._departure(row, origin)
        if flight is None or moments is None:
            return None
        local, utc = moments
        return Leg(*flight, origin=origin, destination=destination, departure_local=local, departure=utc)

    def _flight(self, row: Row) -> tuple[str, str] | None:
        text = row.cells.get(Field.FLIGHT, "")
        if not text:
            self._error(row, FindingCode.VALUE_MISSING, "no flight number", Field.FLIGHT)
            return None
        found = flight_of(text)
        if found is None:
            message = f"{text[:40]!r}: expected a flight number such as CX0830 or 830"
            self._error(row, FindingCode.VALUE_INVALID, message, Field.FLIGHT)
            return None
        carrier, number = found
        stated = row.cells.get(Field.CARRIER, "")
        designator = carrier_of(stated) if stated else ""
        if designator is None:
            self._warn(
                row, FindingCode.VALUE_INVALID, f"{stated[:40]!r}: expected two or three characters", Field.CARRIER
            )
        elif carrier and designator and designator != carrier:
            message = f"carrier {designator} with flight {carrier}{number}; the flight's counts"
            self._warn(row, FindingCode.CARRIER_MISMATCH, message, Field.CARRIER)
        elif not carrier and not designator:
            self._warn(row, FindingCode.CARRIER_MISSING, f"flight {number} of no stated carrier", Field.CARRIER)
        return carrier or designator or "", number

    def _place(self, row: Row, field: Field) -> str:
        text = row.cells.get(field, "")
        place = place_of(text) if text else ""
        if place is None:
            self._warn(
                row, FindingCode.VALUE_INVALID, f"{text[:40]!r}: expected a location code of three letters", field
            )
        return place or ""

    def _departure(self, row: Row, origin: str) -> tuple[datetime, datetime | None] | None:
        """On the origin's clocks, and in UTC."""
        text = row.cells.get(Field.DEPARTURE_DATE, "")
        if not text:
            self._error(row, FindingCode.VALUE_MISSING, "no date of departure", Field.DEPARTURE_DATE)
            return None
        moment = read_moment(text)
        if moment is not None and moment.tzinfo is not None:
            return utc_to_local(moment, origin, self._zone) or moment.replace(tzinfo=None), moment.astimezone(UTC)
        if moment is None or Field.DEPARTURE_TIME in row.cells:
            day = moment.date() if moment else read_date(text, self._orders.of(Field.DEPARTURE_DATE), self._near)
            if isinstance(day, Trouble):
                self._error(row, day.code, day.message, Field.DEPARTURE_DATE)
                return None
            moment = self._at_time(row, day)
        utc, odd = local_to_utc(moment, origin, self._zone)
        if odd is not None:
            self._warn(row, odd, f"{moment:%Y-%m-%d %H:%M} at {origin or 'no stated place'}", Field.ORIGIN)
        return moment, utc

    def _at_time(self, row: Row, day: date) -> datetime:
        text = row.cells.get(Field.DEPARTURE_TIME, "")
        at = read_time(text) if text else None
        if isinstance(at, Trouble):
            self._warn(row, at.code, at.message, Field.DEPARTURE_TIME)
        if not isinstance(at, time):
            message = f"{day:%Y-%m-%d} without a time; {_END_OF_DAY:%H:%M} is taken"
            self._warn(row, FindingCode.DEPARTURE_TIME_MISSING, message, Field.DEPARTURE_TIME)
            at = _END_OF_DAY
        return datetime.combine(day, at)

    def _error(self, row: Row, code: FindingCode, message: str, field: Field) -> None:
        self._notes.note(
            code, message, line=row.line, column=field, row=row.number, of_person=True, severity=Severity.ERROR
        )

    def _warn(self, row: Row, code: FindingCode, message: str, field: Field) -> None:
        self._notes.note(
            code, message, line=row.line, column=field, row=row.number, of_person=True, severity=Severity.WARNING
        )
