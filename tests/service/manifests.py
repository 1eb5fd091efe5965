"""Manifests as files, for today. The people are invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

DEPARTURE = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=2)
FLIGHT = f"XX0830/{DEPARTURE:%Y-%m-%d}"
"""Departs from London, whose clocks are near UTC, two hours from now."""


def rows(*people: int, flight: str = "XX830", **columns: str) -> bytes:
    """Check-in data in CSV; person n is TESTERn with passport X000000n. `columns` hold one value for everybody."""
    local = DEPARTURE.isoformat()
    names = ["surname", "given_names", "birth_date", "flight", "departure_date", "origin", "destination"]
    names += ["document_type", "document_number", "issuing_state", "photo", *columns]
    lines = [",".join(names)]
    for n in people:
        born = f"19{n % 100:02d}-01-01"
        values = [f"TESTER{n}", "ALEX", born, flight, local, "LHR", "JFK", "P", f"X{n:07d}", "UTO", f"{n}.jpg"]
        lines.append(",".join([*values, *columns.values()]))
    return "\n".join(lines).encode()
