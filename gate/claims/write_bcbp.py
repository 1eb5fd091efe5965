"""Boarding passes made from their items: for tests and demonstrations. IATA Resolution 792."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gate.claims.bcbp_items import (
    FORMAT,
    LEG,
    MAX_SIZE,
    NAME_WIDTH,
    REPEATED,
    SECURITY_MARK,
    UNIQUE,
    VERSION_MARK,
    Item,
)


@dataclass(frozen=True, slots=True)
class LegText:
    """One leg to be written; see `gate.claims.boarding_pass.PassLeg`. Text is padded, and cut where it does not fit.

    Attributes:
        details: by the names in `gate.claims.bcbp_items.REPEATED`; none: the section is left out.
    """

    carrier: str
    number: str
    day: int
    origin: str = ""
    destination: str = ""
    record_locator: str = ""
    compartment: str = "Y"
    seat: str = ""
    sequence: str = ""
    status: str = "1"
    details: Mapping[str, str] = field(default_factory=dict)
    airline_data: str = ""


def write_bcbp(
    name: str,
    *legs: LegText,
    version: str = "6",
    details: Mapping[str, str] | None = None,
    electronic_ticket: bool = True,
    security: tuple[str, str] | None = None,
) -> str:
    """The boarding pass as text.

    Args:
        name: ``SURNAME/GIVEN``; cut to twenty characters.
        legs: one to four.
        version: ``1`` to ``8``; empty: without conditional items at all.
        details: by the names in `gate.claims.bcbp_items.UNIQUE`.
        electronic_ticket: sets the indicator.
        security: type and data.

    Raises:
        ValueError: a section is longer than its size can say.
    """
    head = f"{FORMAT}{len(legs)}{name[:NAME_WIDTH].ljust(NAME_WIDTH)}{'E' if electronic_ticket else ' '}"
    text = head + "".join(_leg(leg, version, details or {}, first=leg is legs[0]) for leg in legs)
    if security is not None:
        kind, data = security
        text += f"{SECURITY_MARK}{kind}{_sized(data)}"
    return text


def _leg(leg: LegText, version: str, details: Mapping[str, str], *, first: bool) -> str:
    digits = leg.number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    letters = leg.seat.lstrip("0123456789")
    values = {
        "record_locator": leg.record_locator,
        "origin": leg.origin,
        "destination": leg.destination,
        "carrier": leg.carrier,
        "number": digits.zfill(4) + leg.number[len(digits) :],
        "day": f"{leg.day:03}",
        "compartment": leg.compartment,
        "seat": leg.seat.zfill(4) if len(letters) == 1 else leg.seat,
        "sequence": leg.sequence.zfill(4) if leg.sequence else "",
        "status": leg.status,
    }
    mandatory = "".join(values[item.field].ljust(item.width)[: item.width] for item in LEG)
    return mandatory + _sized(_conditional(leg, version, details, first=first))


def _conditional(leg: LegText, version: str, details: Mapping[str, str], *, first: bool) -> str:
    if not version:
        return ""
    unique = f"{VERSION_MARK}{version}{_sized(_section(UNIQUE, details))}" if first else ""
    return f"{unique}{_sized(_section(REPEATED, leg.details))}{leg.airline_data}"


def _section(items: tuple[Item, ...], values: Mapping[str, str]) -> str:
    """Up to the last item that has a value."""
    last = max((at for at, item in enumerate(items) if values.get(item.field)), default=-1)
    return "".join(values.get(item.field, "").ljust(item.width)[: item.width] for item in items[: last + 1])


def _sized(section: str) -> str:
    if len(section) > MAX_SIZE:
        raise ValueError(f"expected at most {MAX_SIZE} characters, found {len(section)}")
    return f"{len(section):02X}{section}"
