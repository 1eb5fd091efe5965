"""What a boarding pass says: plain records, without how it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from gate.claims.findings import ClaimFinding, Severity
from gate.manifest.records import Leg

TITLES = frozenset({"MR", "MRS", "MS", "MISS", "MSTR", "DR", "PROF", "CHD", "INF"})

_NUMBER = re.compile(r"(\d{1,4})([A-Z]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class PassLeg:
    """One leg of a boarding pass. Text is without padding blanks; empty when blank.

    Attributes:
        record_locator: of the operating carrier's booking (PNR).
        origin, destination: IATA location codes. carrier: designator of the operating carrier.
        number: as printed on the pass, such as ``0834``. day: of the year, ``001`` to ``366``.
        departs: the local date of departure nearest to the time of reading; None when there is none.
        seat: without leading zeros: ``1A``; or ``INF`` and the like.
        sequence: check-in sequence number without leading zeros.
        status: passenger status; ``0`` not checked in, ``1`` checked in, ``3`` boarded, ….
        details: conditional items, by the names in `gate.claims.bcbp_items.REPEATED`, those that are not blank.
        airline_data: for the airline's own use, as it stands.
    """

    record_locator: str = field(repr=False)
    origin: str
    destination: str
    carrier: str
    number: str
    day: str
    compartment: str
    seat: str
    sequence: str
    status: str
    departs: date | None
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    airline_data: str = field(default="", repr=False)

    @property
    def leg(self) -> Leg | None:
        """The carriage leg; None when carrier, number or date cannot be used."""
        found = _NUMBER.fullmatch(self.number)
        if not self.carrier or found is None or self.departs is None:
            return None
        number = (found[1].lstrip("0") or "0") + found[2]
        midnight = datetime(self.departs.year, self.departs.month, self.departs.day)  # noqa: DTZ001 -- local by definition
        return Leg(self.carrier, number, self.origin, self.destination, departure_local=midnight)

    @property
    def flight(self) -> str:
        """The gallery's name for it, such as ``ZZ0042/2026-11-22``; empty when it cannot be named."""
        return self.leg.flight if self.leg else ""


@dataclass(frozen=True, slots=True)
class SecurityData:
    """What follows ``^``. Not checked here: whose key made it is not in the pass.

    Attributes:
        kind: type of security data. data: as it stands.
    """

    kind: str
    data: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoardingPass:
    """What a boarding pass says.

    Attributes:
        surname, given_names: as printed; given names may have a title at their end that no blank sets apart.
        title: one of `TITLES`, where a blank sets it apart.
        name_truncated: the name fills its field.
        electronic_ticket: the indicator is ``E``.
        version: ``1`` to ``8``; empty when not stated.
        issued: date of issue of the boarding pass; None when not stated.
        details: conditional items, by the names in `gate.claims.bcbp_items.UNIQUE`, those that are not blank.
        legs: those that could be read, in order. Never empty on a pass that is `readable`.
        findings: ERROR about all of it: not readable; ERROR with a leg: that leg names no flight.
    """

    surname: str = field(default="", repr=False)
    given_names: str = field(default="", repr=False)
    title: str = ""
    name_truncated: bool = False
    electronic_ticket: bool = False
    version: str = ""
    issued: date | None = None
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    legs: tuple[PassLeg, ...] = ()
    security: SecurityData | None = None
    findings: tuple[ClaimFinding, ...] = field(default=(), repr=False)

    @property
    def flights(self) -> tuple[str, ...]:
        """The flights of its legs, in order, without those that cannot be named."""
        return tuple(leg.flight for leg in self.legs if leg.flight)

    @property
    def readable(self) -> bool:
        """All of it was located, and at least one leg names a flight."""
        return bool(self.flights) and not any(f.severity is Severity.ERROR and not f.leg for f in self.findings)
