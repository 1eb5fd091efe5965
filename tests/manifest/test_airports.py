"""Local times at airports: the hours that come twice, or not at all, and places that nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gate.manifest.airports import local_to_utc
from gate.manifest.findings import FindingCode


@pytest.mark.parametrize(
    ("airport", "local", "utc", "odd"),
    [
        ("VIE", (2026, 7, 1, 12, 0), (2026, 7, 1, 10, 0), None),
        ("VIE", (2026, 12, 1, 12, 0), (2026, 12, 1, 11, 0), None),
        ("SYD", (2026, 1, 1, 5, 0), (2025, 12, 31, 18, 0), None),
        ("VIE", (2026, 10, 25, 2, 30), (2026, 10, 25, 0, 30), FindingCode.TIME_AMBIGUOUS),
        ("VIE", (2026, 3, 29, 2, 30), (2026, 3, 29, 1, 30), FindingCode.TIME_NONEXISTENT),
        ("VIE", (2026, 3, 29, 3, 0), (2026, 3, 29, 1, 0), None),
        ("LDH", (2026, 4, 5, 1, 45), (2026, 4, 4, 14, 45), FindingCode.TIME_AMBIGUOUS),  # half an hour
    ],
)
def test_local_to_utc(airport: str, local: tuple[int, ...], utc: tuple[int, ...], odd: FindingCode | None) -> None:
    expected = datetime(*utc, tzinfo=UTC)  # type: ignore[misc, arg-type]
    assert local_to_utc(datetime(*local), airport) == (expected, odd)  # type: ignore[arg-type]  # noqa: DTZ001


def test_an_unknown_place_has_the_configured_time_zone_or_none() -> None:
    noon = datetime(2026, 7, 1, 12, 0)  # noqa: DTZ001
    assert local_to_utc(noon, "QQQ") == (None, FindingCode.PLACE_UNKNOWN)
    expected = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert local_to_utc(noon, "QQQ", "Europe/Vienna") == (expected, FindingCode.PLACE_UNKNOWN)
