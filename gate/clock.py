"""Time, passed in and never looked up: monotonic for budgets, UTC for records and expiry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol


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


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock moved otherwise than time did.

    Attributes:
        seconds: by how much, positive forwards.
        at: what the guarded clock says since, UTC.
        cause: ``step`` while running; ``restart``: the wall clock was behind the last time known from before the
            start; ``anchor``: the guarded clock went back to the wall clock, because nothing is left to protect.
    """

    seconds: float
    at: datetime
    cause: Literal["step", "restart", "anchor"]


class GuardedClock:
    """A clock by which nothing lives longer than time itself allows.

    `utc` never runs slower than the monotonic clock: a wall clock that is set back is not followed. One that is set
    forwards is followed at once, on the safe side. Steps are told to `alarm`, from whichever thread reads the clock
    first, so it must be quick; slews by NTP are not (the monotonic clock goes along with them).

    Args:
        clock: the machine's.
        alarm: told of every step.
        floor: the latest time known from before a restart, UTC.
        tolerance_s: steps that add up to no more are silent.
    """

    def __init__(
        self,
        clock: Clock,
        alarm: Callable[[ClockStep], None],
        floor: datetime | None = None,
        tolerance_s: float = 2.0,
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._tolerance_s = tolerance_s
        self._lock = threading.Lock()
        self._untold_s = 0.0
        self._monotonic_s, self._wall = clock.monotonic(), clock.utc()
        self._utc = self._wall if floor is None else max(self._wall, floor)
        lag_s = (self._utc - self._wall).total_seconds()
        if lag_s > tolerance_s:
            alarm(ClockStep(-lag_s, self._utc, "restart"))

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._clock.monotonic()

    def utc(self) -> datetime:
        """The wall clock, or later: the latest time known plus what has passed since."""
        with self._lock:
            monotonic_s, wall = self._clock.monotonic(), self._clock.utc()
            passed_s = monotonic_s - self._monotonic_s
            self._untold_s += (wall - self._wall).total_seconds() - passed_s
            self._utc = now = max(wall, self._utc + timedelta(seconds=passed_s))
            self._monotonic_s, self._wall = monotonic_s, wall
            step_s = self._untold_s
            if abs(step_s) <= self._tolerance_s:
                return now
            self._untold_s = 0.0
        self._alarm(ClockStep(step_s, now, "step"))
        return now

    def anchor(self) -> None:
        """Goes back to the wall clock. Only for when nothing is left that could live longer by it.

        Else a wall clock that was once set forwards by mistake would lock the gate out for good.
        """
        now = self.utc()
        with self._lock:
            lead_s = (self._utc - self._wall).total_seconds()
            self._utc = self._wall
        if lead_s > self._tolerance_s:
            self._alarm(ClockStep(-lead_s, now - timedelta(seconds=lead_s), "anchor"))
