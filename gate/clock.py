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
            start; ``anchor``: steps forwards were taken back, because nothing is left to protect.
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
        # How far steps forwards have carried it beyond what the monotonic clock saw pass; before a start, nobody knows.
        self._carried_s = (self._utc - self._wall).total_seconds()
        if self._carried_s > tolerance_s:
            alarm(ClockStep(-self._carried_s, self._utc, "restart"))

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._clock.monotonic()

    def utc(self) -> datetime:
        """The wall clock, or later: the latest time known plus what has passed since."""
        with self._lock:
            monotonic_s, wall = self._clock.monotonic(), self._clock.utc()
            passed_s = monotonic_s - self._monotonic_s
            self._untold_s += (wall - self._wall).total_seconds() - passed_s
            expected = self._utc + timedelta(seconds=passed_s)
            self._utc = now = max(wall, expected)
            self._carried_s += (now - expected).total_seconds()
            self._monotonic_s, self._wall = monotonic_s, wall
            step_s = self._untold_s
            if abs(step_s) <= self._tolerance_s:
                return now
            self._untold_s = 0.0
        self._alarm(ClockStep(step_s, now, "step"))
        return now

    def anchor(self) -> None:
        """Takes back what steps forwards have added. Only for when nothing is left that could live longer by it.

        Else a wall clock that was once set forwards by mistake would lock the gate out for good. A step back is not
        followed here either: whoever comes next would live longer by it.
        """
        now = self.utc()
        with self._lock:
            back_s = min(self._carried_s, (self._utc - self._wall).total_seconds())
            if back_s <= self._tolerance_s:
                return
            self._carried_s -= back_s
            self._utc = now = now - timedelta(seconds=back_s)
        self._alarm(ClockStep(-back_s, now, "anchor"))
