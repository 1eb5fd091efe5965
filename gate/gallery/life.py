"""What the gallery does about a clock that was set: it says so in the log at once, and in the journal at the sweep."""

from __future__ import annotations

import threading

import structlog

from gate.audit.event import Event, EventKind
from gate.clock import ClockStep

_log = structlog.get_logger(__name__)


class ClockAlarms:
    """Steps of the wall clock that the journal has not been told of yet.

    Whoever reads the clock may be a search, which must not wait for a disk, or a change that is being written:
    so the journal is told later, by the sweep.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[ClockStep] = []

    def __call__(self, step: ClockStep) -> None:
        """The alarm of a `GuardedClock`."""
        _log.warning("clock_step", seconds=round(step.seconds, 3), cause=step.cause)
        with self._lock:
            self._waiting.append(step)

    def take(self) -> tuple[ClockStep, ...]:
        """The steps since the last call."""
        with self._lock:
            steps, self._waiting = tuple(self._waiting), []
        return steps

    def put_back(self, steps: tuple[ClockStep, ...]) -> None:
        """Steps that could not be recorded after all."""
        with self._lock:
            self._waiting = [*steps, *self._waiting]


def clock_event(step: ClockStep) -> Event:
    """The journal's entry of a step."""
    facts = {
        "direction": "forwards" if step.seconds > 0 else "back",
        "jump_s": round(step.seconds, 3),
        "action": {
            "step": "followed" if step.seconds > 0 else "not followed",
            "restart": "not followed",
            "anchor": "followed: nobody is expected",
        }[step.cause],
    }
    return Event(EventKind.CLOCK, step.at, facts)
