"""Which legs of a message are loaded here, and until when their travellers are kept.

::

    port "" (none set)       every leg              kept until departure + retain_h
    leg departs at port      loaded                 kept until departure + retain_h
    leg arrives at port      loaded                 kept until arrival + retain_h
    leg touches it nowhere   not loaded, reported
                             never longer than max_retention_h from now
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from gate.manifest.findings import CATALOGUE, Finding, FindingCode, Severity
from gate.manifest.records import Leg, Message, Person

_FLIGHT = re.compile(r"[\x20-\x7e]{1,64}")
"""What the protocol and the journal take for a flight's name."""


@dataclass(frozen=True, slots=True)
class LoadRules:
    """How manifests are loaded at this place.

    Attributes:
        port: IATA code of this place; empty: legs are not chosen by place.
        retain_h: hours that travellers are kept after departure, or after arrival at `port`.
        max_retention_h: hours from now beyond which nobody is kept, whatever the manifest says.
        destroy_on_close: a close-out of a flight that departs here destroys it.
    """

    port: str = ""
    retain_h: float = 4.0
    max_retention_h: float = 24.0
    destroy_on_close: bool = True


class End(enum.StrEnum):
    """Which end of a leg this place is. Without a port, every leg counts as departing."""

    DEPARTURE = "departure"
    ARRIVAL = "arrival"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class LegPlan:
    """What is to be done with one leg.

    Attributes:
        flight: the gallery's name for the leg; may be empty.
        first: the first leg of its message: the departure that a close-out is about.
        expires_at: UTC, when its travellers are destroyed at the latest; None when nobody is loaded on it.
        code: why nobody is loaded; None when they are.
        finding: what the integrator should know about it, if anything.
    """

    leg: Leg
    flight: str
    end: End
    first: bool
    expires_at: datetime | None
    code: FindingCode | None
    finding: Finding | None


def plan_legs(message: Message, rules: LoadRules, now: datetime) -> tuple[LegPlan, ...]:
    """Judges every leg of a message at `now` (UTC)."""
    line = message.people[0].line if message.people else 0
    return tuple(_plan(leg, index == 0, rules, now, line) for index, leg in enumerate(message.legs))


def own_legs(person: Person, legs: tuple[LegPlan, ...]) -> tuple[tuple[LegPlan, ...], bool]:
    """The legs between a person's embarkation and debarkation, and whether these fit the message's route.

    An end that is not stated is the route's; one that is not on the route is taken as not stated.
    """
    boards = _index(person.embarkation, [plan.leg.origin for plan in legs], 0)
    leaves = _index(person.debarkation, [plan.leg.destination for plan in legs], boards or 0)
    fits = (not person.embarkation or boards is not None) and (not person.debarkation or leaves is not None)
    return legs[boards or 0 : len(legs) if leaves is None else leaves + 1], fits


def _index(port: str, route: list[str], begin: int) -> int | None:
    return next((index for index in range(begin, len(route)) if port and route[index] == port), None)


def _plan(leg: Leg, first: bool, rules: LoadRules, now: datetime, line: int) -> LegPlan:
    end, flight = _end(leg, rules.port), leg.flight if _FLIGHT.fullmatch(leg.flight) else ""
    moment = leg.arrival if end is End.ARRIVAL else leg.departure
    code = _obstacle(flight, end, moment, rules, now)
    if code is not None or moment is None:
        told = finding(code, _in_words(code, leg, rules, moment), line) if code is not None else None
        return LegPlan(leg, flight, end, first, None, code, told)
    wanted, cap = moment + timedelta(hours=rules.retain_h), now + timedelta(hours=rules.max_retention_h)
    capped = _capped(leg, moment, cap, rules, line) if wanted > cap else None
    return LegPlan(leg, flight, end, first, min(wanted, cap), None, capped)


def _end(leg: Leg, port: str) -> End:
    if not port or leg.origin == port:
        return End.DEPARTURE
    return End.ARRIVAL if leg.destination == port else End.ELSEWHERE


def _obstacle(flight: str, end: End, moment: datetime | None, rules: LoadRules, now: datetime) -> FindingCode | None:
    if end is End.ELSEWHERE:
        return FindingCode.LEG_ELSEWHERE
    if not flight:
        return FindingCode.LEG_UNNAMED
    if moment is None:
        return FindingCode.LEG_TIME_UNKNOWN
    return FindingCode.LEG_PAST if moment + timedelta(hours=rules.retain_h) <= now else None


def _in_words(code: FindingCode, leg: Leg, rules: LoadRules, moment: datetime | None) -> str:
    name = leg_name(leg)
    if code is FindingCode.LEG_ELSEWHERE:
        return f"{name}: does not touch {rules.port}, so nobody is loaded on it."
    if code is FindingCode.LEG_UNNAMED:
        return f"{name}: expected a flight number and a date."
    if code is FindingCode.LEG_PAST and moment is not None:
        return f"{name}: {moment:%F %H:%M} UTC and {rules.retain_h:g} h are over."
    end = "arrival" if _end(leg, rules.port) is End.ARRIVAL else "departure"
    return f"{name}: expected the time of {end} at a place whose time zone is known."


def _capped(leg: Leg, moment: datetime, cap: datetime, rules: LoadRules, line: int) -> Finding:
    too_early = cap < moment
    text = f"{leg_name(leg)}: kept until {cap:%F %H:%M} UTC, {rules.max_retention_h:g} h from now"
    text += f", which is before {moment:%F %H:%M} UTC. Send it again within a day of it." if too_early else "."
    severity = Severity.WARNING if too_early else Severity.NOTE
    return finding(FindingCode.RETENTION_CAPPED, text, line, severity)


def leg_name(leg: Leg) -> str:
    """A leg for a person to read: ``CX830/2026-11-22 HKG-JFK``."""
    route = "-".join(place or "?" for place in (leg.origin, leg.destination))
    return f"{leg.flight or (leg.carrier + leg.number) or 'A leg'} {route}"


def finding(
    code: FindingCode, message: str, line: int = 0, severity: Severity | None = None, *, of_person: bool = False
) -> Finding:
    """A finding of the loader's own, at a line of the manifest (0: nowhere in particular)."""
    return Finding(line, "", 0, severity or CATALOGUE[code].severity, code, message, of_person)
