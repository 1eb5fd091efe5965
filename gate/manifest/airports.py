"""Airports' clocks: PAXLST states times as they stand there (airportsdata for the zone, zoneinfo for its rules)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import airportsdata

from gate.manifest.findings import FindingCode


@cache
def _time_zones() -> Mapping[str, str]:
    """IATA location code to IANA time zone, for every airport that has one. Read once, when first needed: 0.15 s."""
    airports = airportsdata.load("IATA")
    return MappingProxyType({code: airport["tz"] for code, airport in airports.items() if airport["tz"]})


def is_known(iata: str) -> bool:
    """Whether the airport's time zone is known."""
    return iata in _time_zones()


def time_zone(iata: str, default_time_zone: str | None = None) -> ZoneInfo | None:
    """Of an airport; None where neither it nor a default is known."""
    name = _time_zones().get(iata, default_time_zone)
    return ZoneInfo(name) if name else None


def local_to_utc(
    moment: datetime, iata: str, default_time_zone: str | None = None
) -> tuple[datetime | None, FindingCode | None]:
    """A time on an airport's clock in UTC, and what was odd about it.

    Where the clocks are put back, a time that comes twice is read as the first of the two. Where they are put forward,
    a time that is left out is read as if they had not been (02:30 is 03:30 on the new clock). PEP 495, ``fold=0``.

    Args:
        moment: naive.
        iata: location code.
        default_time_zone: IANA name, for an unknown airport; with None its UTC time is None.
    Returns:
        UTC time; and PLACE_UNKNOWN, TIME_AMBIGUOUS, TIME_NONEXISTENT or None.
    """
    name = _time_zones().get(iata)
    odd = None if name is not None else FindingCode.PLACE_UNKNOWN
    name = name or default_time_zone
    if name is None:
        return None, odd
    first = moment.replace(tzinfo=ZoneInfo(name), fold=0)
    utc = first.astimezone(UTC)
    if odd is None and first.utcoffset() != first.replace(fold=1).utcoffset():
        there_and_back = utc.astimezone(first.tzinfo).replace(tzinfo=None)
        odd = FindingCode.TIME_AMBIGUOUS if there_and_back == moment else FindingCode.TIME_NONEXISTENT
    return utc, odd


def utc_to_local(moment: datetime, iata: str, default_time_zone: str | None = None) -> datetime | None:
    """What an airport's clock shows at a moment, naive; None when its zone is not known and there is no default."""
    name = _time_zones().get(iata) or default_time_zone
    return None if name is None else moment.astimezone(ZoneInfo(name)).replace(tzinfo=None)
