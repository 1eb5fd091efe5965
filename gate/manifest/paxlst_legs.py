"""The legs of a PAXLST message (segment groups 2 and 3: TDT, LOC, DTM), with UTC times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from gate.manifest import airports
from gate.manifest.findings import FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.reading import Reading
from gate.manifest.records import Leg

DEPARTURE, ARRIVAL, EITHER = "125", "87", "92"
"""Place qualifiers (DE 3227): last place before the border, first behind it; progressive flights have `EITHER`."""

_LONGEST = timedelta(hours=24)
_PREPARED_WITHIN = timedelta(days=7)
_FLIGHT = re.compile(r"(?:([A-Z]{3}|[A-Z][A-Z0-9]|[0-9][A-Z]) ?)?0*([0-9]{1,4})([A-Z]?)")

_MEANINGS = {
    FindingCode.TIME_AMBIGUOUS: "comes twice in {place} that day (clocks go back); the first is taken",
    FindingCode.TIME_NONEXISTENT: "does not exist in {place} that day (clocks go forward); read as if they had not",
}


@dataclass(slots=True)
class Stop:
    """A place of a transport stage, and the times stated there; `unread`: one was, and could not be read."""

    qualifier: str
    place: str
    at: Place
    departs: datetime | None = None
    arrives: datetime | None = None
    unread: bool = False


@dataclass(slots=True)
class Stage:
    """A TDT group as stated: flight (C220/8028), carrier (C040/3127), places."""

    flight: str
    carrier: str
    at: Place
    stops: list[Stop] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LegReader:
    """Makes legs of stages; what is odd goes to `notes`."""

    notes: Notes
    reading: Reading

    def legs(self, stages: list[Stage], prepared: date | None) -> tuple[Leg, ...]:
        """All of them in order; `prepared` is the interchange's own date."""
        found = []
        for stage in stages:
            carrier, number = self._flight(stage)
            hops = list(self._hops(stage)) or [(None, None)]
            found += [
                (self._leg(carrier, number, stage, origin, destination), stage.at) for origin, destination in hops
            ]
        for (before, _), (leg, at) in pairwise(found):
            self._check_connection(before, leg, at)
        if found and prepared is not None:
            self._check_preparation(found[0][0], prepared, found[0][1])
        return tuple(leg for leg, _ in found)

    def _flight(self, stage: Stage) -> tuple[str, str]:
        """Carrier and number."""
        text, stated = stage.flight.upper(), stage.carrier.upper()

        def note(code: FindingCode, message: str) -> None:
            self.notes.add(code, message, "TDT+20", at=stage.at)

        if not text:
            note(FindingCode.FLIGHT_NUMBER_MISSING, "the leg has no flight number")
            return stated, ""
        own = text[len(stated) :].strip(" ") if stated and text.startswith(stated) else ""
        match = _FLIGHT.fullmatch(own) or _FLIGHT.fullmatch(text)
        if match is None:
            note(FindingCode.FLIGHT_NUMBER_UNUSUAL, f"flight {text!r}: expected carrier and up to four digits")
            return stated, "".join(sign for sign in own or text if sign.isalnum())
        within = stated if match.string == own and not match[1] else match[1] or ""
        number = match[2] + match[3]
        if not stated and not within:
            note(FindingCode.CARRIER_MISSING, f"flight {text!r} has no carrier")
        elif not stated:
            note(FindingCode.CARRIER_UNSTATED, f"carrier {within} is taken from flight {text!r}")
        elif not within:
            note(FindingCode.CARRIER_UNSTATED, f"carrier {stated} stands beside the flight number {text!r} only")
        elif within != stated:
            note(
                FindingCode.CARRIER_MISMATCH,
                f"flight {text} is {within}'s, but the carrier stated is {stated}: read as {stated}{number}",
            )
        return stated or within, number

    def _hops(self, stage: Stage) -> Iterator[tuple[Stop | None, Stop | None]]:
        """Origin and destination of each leg of the stage: one, unless it lists more than two places."""
        stops = [stop for stop in stage.stops if stop.qualifier in (DEPARTURE, ARRIVAL, EITHER)]
        first = next((stop for stop in stops if stop.qualifier == DEPARTURE), None)
        last = next((stop for stop in stops if stop.qualifier == ARRIVAL), None)
        if first and last:
            line = [first, last]
        elif first or last:
            line = [
                *([first] if first else []),
                *(s for s in stops if s.qualifier == EITHER),
                *([last] if last else []),
            ]
        else:
            line = stops
        used = {stop.at.number for stop in line}
        for stop in stage.stops:
            if stop.at.number not in used:
                message = f"{stop.place or 'a place'} (LOC+{stop.qualifier}) is no end of the leg, and was not used"
                self.notes.add(FindingCode.PLACE_UNUSED, message, f"LOC+{stop.qualifier}", at=stop.at)
        if len(line) == 1:
            only = line[0]
            yield (None, only) if only.qualifier == ARRIVAL or (only.arrives and not only.departs) else (only, None)
        elif len(line) == 2 and line[0].arrives and line[1].departs and not line[0].departs and not line[1].arrives:
            yield line[1], line[0]
        else:
            yield from _chain(line)

    def _leg(self, carrier: str, number: str, stage: Stage, origin: Stop | None, destination: Stop | None) -> Leg:
        def note(code: FindingCode, message: str, at: Place | None = None) -> None:
            self.notes.add(code, message, "TDT+20", at=at or stage.at)

        start, end = origin.place if origin else "", destination.place if destination else ""
        leaves, comes = origin.departs if origin else None, destination.arrives if destination else None
        for what, stop, moment in (("departure", origin, leaves), ("arrival", destination, comes)):
            if stop is None or not stop.place:
                note(FindingCode.PLACE_MISSING, f"the leg has no place of {what}")
            if moment is None and not (stop and stop.unread):
                note(FindingCode.TIME_MISSING, f"the leg has no time of {what}")
        if start and start == end:
            note(
                FindingCode.PLACES_SAME, f"the leg goes from {start} to {end}", destination.at if destination else None
            )
        departure, arrival = self._utc(origin, leaves), self._utc(destination, comes)
        if departure and arrival and arrival <= departure:
            late = departure - arrival
            note(
                FindingCode.ARRIVAL_BEFORE_DEPARTURE,
                f"arrival {comes:%Y-%m-%d %H:%M} in {end}: {late} before departure {leaves:%Y-%m-%d %H:%M} in {start}",
            )
        elif departure and arrival and arrival - departure > _LONGEST:
            hours = (arrival - departure) / timedelta(hours=1)
            note(FindingCode.DURATION_UNUSUAL, f"{start} to {end} takes {hours:.1f} hours")
        return Leg(carrier, number, start, end, leaves, comes, departure, arrival)

    def _utc(self, stop: Stop | None, moment: datetime | None) -> datetime | None:
        if stop is None or not stop.place:
            return None
        segment, zone = f"LOC+{stop.qualifier}", self.reading.default_time_zone
        if moment is None:
            if not airports.is_known(stop.place):
                self.notes.add(FindingCode.PLACE_UNKNOWN, f"no airport {stop.place!r} is known", segment, at=stop.at)
            return None
        utc, odd = airports.local_to_utc(moment, stop.place, zone)
        if odd is FindingCode.PLACE_UNKNOWN:
            what = f"its time is read as {zone}'s" if zone else "its time in UTC is not known"
            self.notes.add(odd, f"no airport {stop.place!r} is known: {what}", segment, at=stop.at)
        elif odd is not None:
            message = f"{moment:%Y-%m-%d %H:%M} {_MEANINGS[odd].format(place=stop.place)}"
            self.notes.add(odd, message, segment, at=stop.at)
        return utc

    def _check_connection(self, before: Leg, leg: Leg, at: Place) -> None:
        if before.destination != leg.origin:
            message = (
                f"the leg begins in {leg.origin or 'no place'}, the one before ended in {before.destination or 'none'}"
            )
            self.notes.add(FindingCode.LEGS_APART, message, "TDT+20", at=at)
        elif before.arrival and leg.departure and leg.departure < before.arrival:
            self.notes.add(FindingCode.LEGS_APART, "the leg departs before the one before has arrived", "TDT+20", at=at)

    def _check_preparation(self, leg: Leg, prepared: date, at: Place) -> None:
        moment = leg.departure_local or leg.arrival_local
        if moment is not None and abs(moment.date() - prepared) > _PREPARED_WITHIN:
            message = f"prepared on {prepared}, for a flight on {moment.date()}"
            self.notes.add(FindingCode.PREPARED_APART, message, "TDT+20", at=at)


def _chain(line: list[Stop]) -> Iterator[tuple[Stop, Stop]]:
    """A, B, C are two legs; so are A, B, B, C."""
    index = 0
    while index + 1 < len(line):
        yield line[index], line[index + 1]
        named_again = index + 2 < len(line) and line[index + 2].place == line[index + 1].place
        index += 2 if named_again else 1
