"""One passage run through the engine: frame in, effects out, no transport.

`observe` runs the whole chain for one frame in the caller's (worker) thread: look, judge, embed, search, decide. The
state machine is entered under a lock, models run outside it, so a passage can be ended from another thread while an
inference is still running; what that inference finds out afterwards has no effect.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gate.claims.claim import Presented
from gate.clock import Clock
from gate.decision.judgement import score
from gate.decision.outcome import Decision
from gate.decision.passage import (
    Compared,
    Effect,
    Ended,
    Event,
    Looked,
    PassageState,
    Refused,
    Rules,
    advance,
    wants_comparison,
)
from gate.engine.arrival import Arrival
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidates
from gate.vision.frame import Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe, Quality


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a controller says when it opens a passage. Empty: the lane's own."""

    lane_id: str
    checkpoint: str = ""
    profile: str = ""
    flight: str = ""
    claim: Presented = field(default_factory=Presented.nothing)


@dataclass(frozen=True, slots=True)
class StageTiming:
    """Time spent in one stage, over the passage."""

    stage: str
    count: int
    total_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """What became of the frames, and where the time went."""

    seen: int
    used: int
    dropped: int
    rejected: int
    timings: tuple[StageTiming, ...]
    elapsed_ms: float
    frame_to_decision_ms: float | None


class Attempt:
    """One passage. Thread-safe."""

    def __init__(
        self,
        request: StartRequest,
        rules: Rules,
        vision: Vision,
        snapshot: Callable[[], Snapshot],
        clock: Clock,
        arrival: Arrival,
    ) -> None:
        self.passage_id = str(uuid.uuid4())
        self.incident_id = ""
        self.lane_id = request.lane_id
        self.arrival = arrival
        self.pack_id = vision.pack_id
        self.budget_s = rules.policy.budget_s
        self._request = request
        self._rules = rules
        self._vision = vision
        self._snapshot = snapshot
        self._clock = clock
        self._lock = threading.Lock()
        self._state = PassageState()
        self._started_s = clock.monotonic()
        self._decided_s: float | None = None
        self._last_arrival_s: float | None = None
        self._seen = self._used = self._dropped = self._rejected = 0
        self._timings: dict[str, StageTiming] = {}

    @property
    def state(self) -> PassageState:
        """Where the passage stands."""
        return self._state

    @property
    def decision(self) -> Decision | None:
        """The final answer, once there is one."""
        return self._state.decision

    def arrive(self) -> tuple[Effect, ...]:
        """Reads what the traveller presented (blocking); may end the passage. `observe` does it where nobody did.

        Raises:
            IssuerKeyError, StorageFault: see `Arrival.read`; end the passage with `fault`.
        """
        self.arrival.read(self._snapshot, self._clock.utc())
        refusal = self.arrival.refusal
        return () if refusal is None else self._advance(Refused(refusal))

    def observe(self, frame: Frame, arrived_s: float) -> tuple[Effect, ...]:
        """Looks at one frame (blocking). `arrived_s` is monotonic.

        Raises:
            FrameError: the frame cannot be used; it counts as rejected, and the passage goes on.
            IssuerKeyError, StorageFault: see `arrive`.
            EngineFault: a model broke; end the passage with `fault`.
        """
        with self._lock:
            self._seen += 1
            self._last_arrival_s = arrived_s
        # A claim that lapses later on compares with nobody.
        if self.arrival.claimed and (effects := self.arrive()):
            return effects
        try:
            sighting = self._vision.look(frame)
        except Exception:
            with self._lock:
                self._rejected += 1
            raise
        self._add_timings(sighting.timings_ms)
        looked = Looked(self._clock.monotonic(), frame.sequence, sighting)
        effects = self._advance(looked)
        if sighting.quality is None or not wants_comparison(self._state, looked, self._rules):
            return effects
        return effects + self._compare(frame, self._vision.probe(sighting), sighting.quality)

    def drop(self) -> None:
        """Counts a frame that a newer one overtook."""
        with self._lock:
            self._seen += 1
            self._dropped += 1

    def reject(self) -> None:
        """Counts a frame that was refused before it was looked at."""
        with self._lock:
            self._seen += 1
            self._rejected += 1

    def frames_ended(self) -> tuple[Effect, ...]:
        """The controller sends no more frames: decides."""
        return self._advance(Ended.FRAMES_ENDED)

    def budget_spent(self) -> tuple[Effect, ...]:
        """The time is up: decides."""
        return self._advance(Ended.BUDGET_SPENT)

    def shut_down(self) -> tuple[Effect, ...]:
        """The engine is shutting down: refers to an officer."""
        return self._advance(Ended.SHUTTING_DOWN)

    def fault(self, incident_id: str) -> tuple[Effect, ...]:
        """The engine broke: refers to an officer. `incident_id` names the fault in the log."""
        effects = self._advance(Ended.ENGINE_FAULT)
        if effects:
            self.incident_id = incident_id
        return effects

    def report(self) -> AttemptReport:
        """What happened so far."""
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

    def _compare(self, frame: Frame, probe: Probe, quality: Quality) -> tuple[Effect, ...]:
        self._add_timings(probe.timings_ms)
        with self._timed("search"):
            candidates = self._search(probe)
        with self._lock:
            self._used += 1
        # Time is read again: a traveller may have expired while the search ran.
        now_s, now = self._clock.monotonic(), self._clock.utc()
        return self._advance(Compared(now_s, now, frame.sequence, score(quality), probe.mask, candidates))

    def _search(self, probe: Probe) -> Candidates:
        snapshot, now = self._snapshot(), self._clock.utc()
        if self.arrival.claimed:
            return snapshot.compare(probe, self.arrival.entries(snapshot, now), now)
        return snapshot.search(probe, now, flight=self._request.flight or None)

    def _advance(self, event: Event) -> tuple[Effect, ...]:
        with self._lock:
            self._state, effects = advance(self._state, event, self._rules)
            if self._state.decision is not None and self._decided_s is None:
                self._decided_s = self._clock.monotonic()
        return effects

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start_s = self._clock.monotonic()
        yield
        self._add_timings({stage: (self._clock.monotonic() - start_s) * 1e3})

    def _add_timings(self, timings_ms: dict[str, float]) -> None:
        with self._lock:
            for stage, took_ms in timings_ms.items():
                known = self._timings.get(stage, StageTiming(stage, 0, 0.0, 0.0))
                self._timings[stage] = replace(
                    known,
                    count=known.count + 1,
                    total_ms=known.total_ms + took_ms,
                    max_ms=max(known.max_ms, took_ms),
                )
