"""Time, passed in and never looked up: monotonic for budgets, UTC for records and expiry."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Both kinds of time. Tests bring their own."""

    def monotonic(self) -> float:
        """Seconds from any origin, never backwards."""
        ...

    def utc(self) -> datetime:
        """The wall clock, with time zone UTC."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds since an unspecified start."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)
