"""What became of the frames of a passage, and where the time went."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gate.clock import Clock


@dataclass(frozen=True, slots=True)
class StageTiming:
    """Time spent in one stage, over the passage."""

    stage: str
    count: int
    total_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """What became of the frames, and where the time went.

    Attributes:
        elapsed_ms: since the passage was opened, until the decision.
        frame_to_decision_ms: from the arrival of the last frame or sample; None without any.
    """

    seen: int
    used: int
    dropped: int
    rejected: int
    timings: tuple[StageTiming, ...]
    elapsed_ms: float
    frame_to_decision_ms: float | None


class Tally:
    """Counts. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._started_s = clock.monotonic()
        self._decided_s: float | None = None
        self._last_arrival_s: float | None = None
        self._seen = self._used = self._dropped = self._rejected = 0
        self._timings: dict[str, StageTiming] = {}

    def arrived(self, at_s: float) -> None:
        """Something came that is looked at; `at_s` is monotonic."""
        with self._lock:
            self._last_arrival_s = at_s

    def count(self, *, used: int = 0, dropped: int = 0, rejected: int = 0, seen: int = 0) -> None:
        """Frames more."""
        with self._lock:
            self._seen += seen
            self._used += used
            self._dropped += dropped
            self._rejected += rejected

    def decided(self) -> None:
        """The clock stops; only the first call does anything."""
        with self._lock:
            self._decided_s = self._decided_s or self._clock.monotonic()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Times a stage."""
        start_s = self._clock.monotonic()
        yield
        self.took({stage: (self._clock.monotonic() - start_s) * 1e3})

    def took(self, timings_ms: Mapping[str, float]) -> None:
        """Stages that were timed elsewhere."""
        with self._lock:
            for stage, took_ms in timings_ms.items():
                known = self._timings.get(stage, StageTiming(stage, 0, 0.0, 0.0))
                self._timings[stage] = replace(
                    known,
                    count=known.count + 1,
                    total_ms=known.total_ms + took_ms,
                    max_ms=max(known.max_ms, took_ms),
                )

    def report(self) -> AttemptReport:
        """So far."""
        with self._lock:
            until_s = self._decided_s or self._clock.monotonic()
            waited = None if self._last_arrival_s is None else max(0.0, until_s - self._last_arrival_s) * 1e3
            return AttemptReport(
                self._seen,
                self._used,
                self._dropped,
                self._rejected,
                tuple(self._timings.values()),
                (until_s - self._started_s) * 1e3,
                waited,
            )
