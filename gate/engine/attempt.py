"""One passage run through the engine: frames and fingers in, effects out, no transport.

`observe` runs the whole chain for one frame in the caller's (worker) thread: look, judge, embed, search, decide.
`take_finger` does the same for a finger. The state machine is entered under a lock, models run outside it, so a passage
can be ended from another thread while an inference is still running; what that inference finds out afterwards has no
effect.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from gate.claims.claim import Presented
from gate.clock import Clock
from gate.decision.event import (
    Compared,
    Effect,
    Ended,
    Event,
    FingerCompared,
    FingerScore,
    FingersKnown,
    FingerUnusable,
    FramesDone,
    Looked,
    Refused,
    SeekFingers,
)
from gate.decision.judgement import score
from gate.decision.liveness import Live, judge_liveness
from gate.decision.outcome import Decision, Outcome, Reason
from gate.decision.passage import PassageState, Phase, Rules, Step, advance, may_not_pass, wants_comparison
from gate.engine.arrival import Arrival
from gate.engine.faces import Faces, FusedFace
from gate.engine.fingers import FingerReader, FingerSample
from gate.engine.tally import AttemptReport, Tally
from gate.engine.witness import Embedded, Observer, Seen, nobody
from gate.errors import FingerprintError, FrameError
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidates, Traveller
from gate.vision.frame import Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import ImageBGR, Probe, Sighting


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a controller says when it opens a passage. Empty: the lane's own.

    Attributes:
        sensor: the controller answers a request for a finger.
    """

    lane_id: str
    checkpoint: str = ""
    profile: str = ""
    flight: str = ""
    claim: Presented = field(default_factory=Presented.nothing)
    sensor: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine lends a passage.

    Attributes:
        snapshot: gives the gallery as it is now.
        fingers: None where this engine reads none.
        watched: whether a face is on the watch list, at a time in UTC.
        take_pass: reserves the passage of (reference, flight) at this lane, or says why they may not pass now; at most
            once a passage. Whoever opened the passage gives it back where the gate stays shut.
        observer: told what is seen, embedded and decided, as it happens.
        prefer: of the flights that the best candidate is on, puts first the one on which they may pass here.
    """

    vision: Vision
    snapshot: Callable[[], Snapshot]
    clock: Clock
    fingers: FingerReader | None = None
    watched: Callable[[Probe, datetime], bool] = lambda _probe, _now: False
    take_pass: Callable[[str, str, datetime], Reason | None] = lambda _reference, _flight, _now: None
    observer: Observer = nobody
    prefer: Callable[[Candidates, datetime], Candidates] = lambda candidates, _now: candidates


@dataclass(frozen=True, slots=True)
class Reserved:
    """A pass that `Parts.take_pass` reserved, and when, UTC."""

    reference: str
    flight: str
    at: datetime


class Attempt:
    """One passage. Thread-safe.

    Attributes:
        reserved: the pass that the traveller was given; whoever opened the passage uses it up or gives it back.
        check_picture: raises `FrameError` for an aligned face that this lane has seen before; set by the transport.
    """

    def __init__(self, request: StartRequest, rules: Rules, parts: Parts, arrival: Arrival) -> None:
        self.passage_id = str(uuid.uuid4())
        self.incident_id = ""
        self.lane_id = request.lane_id
        self.profile = request.profile
        self.arrival = arrival
        self.reserved: Reserved | None = None
        self.check_picture: Callable[[str, ImageBGR], None] = lambda _camera, _aligned: None
        self.rules = rules
        self.policy_digest = rules.policy.digest  # once: it takes a tenth of a millisecond
        self.pack_id = parts.vision.pack_id
        self._flight = request.flight or None
        self._parts = parts
        self._clock = parts.clock
        self._lock = threading.Lock()
        self._state = PassageState()
        self._faces = Faces(rules.calibration)
        self._tally = Tally(parts.clock)

    @property
    def budget_s(self) -> float:
        """Time until the decision; of the face alone where a finger may be asked for, which has its own."""
        return self.rules.policy.budget_s

    @property
    def longest_s(self) -> float:
        """Time until the decision at the latest, a finger included."""
        return self.budget_s + (self.rules.policy.finger_budget_s if self.rules.sensor else 0.0)

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
        self.arrival.read(self._parts.snapshot, self._clock.utc())
        refusal = self.arrival.refusal
        return () if refusal is None else self._advance(Refused(refusal))

    def observe(self, frame: Frame, arrived_s: float) -> tuple[Effect, ...]:
        """Looks at one frame (blocking). `arrived_s` is monotonic. While a finger is asked for, nobody looks at faces.

        Raises:
            FrameError: the frame cannot be used; it counts as rejected, and the passage goes on.
            IssuerKeyError, StorageFault: see `arrive`.
            EngineFault: a model broke; end the passage with `fault`.
        """
        if self._state.phase is Phase.ASKING:
            self.drop()
            return ()
        self._tally.count(seen=1)
        self._tally.arrived(arrived_s)
        # A claim that lapses later on compares with nobody.
        if self.arrival.claimed and (effects := self.arrive()):
            return effects
        try:
            sighting = self._parts.vision.look(frame)
        except Exception:
            self._tally.count(rejected=1)
            raise
        self._tally.took(sighting.timings_ms)
        if sighting.aligned is not None:
            self._check_picture(frame, sighting.aligned)
        self._parts.observer(Seen(frame, arrived_s, sighting))
        looked = Looked(self._clock.monotonic(), frame.sequence, sighting)
        effects = self._advance(looked)
        if sighting.quality is None or not wants_comparison(self._state, looked, self.rules):
            return effects
        promise = score(sighting.quality)
        sighting = self._with_liveness(sighting)
        probe = self._parts.vision.probe(sighting)
        self._parts.observer(Embedded(frame.sequence, arrived_s, promise, probe, sighting.liveness))
        live = judge_liveness(self.rules.policy.liveness, frame.sensor_liveness, sighting.liveness)
        return effects + self._compare(frame, probe, promise, live, arrived_s)

    def take_finger(self, sample: FingerSample, arrived_s: float) -> tuple[Effect, ...]:
        """Compares one finger (blocking). `arrived_s` is monotonic. Without effect where none was asked for.

        Raises:
            FingerprintError: the sample cannot be compared; it counts, and the passage goes on, or has ended by it.
            EngineFault: the reader broke; end the passage with `fault`.
        """
        reader, asking = self._parts.fingers, self._state.asking
        if reader is None or asking is None or self.decision is not None:
            return ()
        self._tally.arrived(arrived_s)
        try:
            with self._tally.timed("finger"):
                template = reader.read(sample)
        except FingerprintError:
            self._advance(FingerUnusable())
            raise
        snapshot, now = self._parts.snapshot(), self._clock.utc()
        scores = []
        with self._tally.timed("match"):
            for traveller in self._sought(snapshot, now, tuple(suspect.reference for suspect in asking.suspects)):
                fingers = snapshot.fingers(traveller.reference, traveller.flight)
                found = reader.compare(template, fingers)
                scores.append(
                    FingerScore(traveller, found.score, found.llr, found.fmr, not found.sufficient, found.finger)
                )
        scores.sort(key=lambda found: -found.score)
        return self._advance_or_bar(FingerCompared(self._clock.monotonic(), self._clock.utc(), tuple(scores)))

    def _check_picture(self, frame: Frame, aligned: ImageBGR) -> None:
        try:
            self.check_picture(frame.camera_id, aligned)
        except FrameError:
            self._tally.count(rejected=1)
            raise

    def drop(self) -> None:
        """Counts a frame that a newer one overtook, or that nobody looks at any more."""
        self._tally.count(seen=1, dropped=1)

    def reject(self) -> None:
        """Counts a frame that was refused before it was looked at."""
        self._tally.count(seen=1, rejected=1)

    def refuse(self, reason: Reason) -> tuple[Effect, ...]:
        """Ends the face for a reason that is none of its own."""
        return self._advance(Refused(reason))

    def frames_done(self) -> tuple[Effect, ...]:
        """No more frames come, a finger may: decides, or asks for one."""
        return self._advance(FramesDone())

    def frames_ended(self) -> tuple[Effect, ...]:
        """The controller sends nothing more: decides."""
        return self._advance(Ended.FRAMES_ENDED)

    def budget_spent(self) -> tuple[Effect, ...]:
        """The time is up: decides, or asks for a finger, which has its own time."""
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
        return self._tally.report()

    def _with_liveness(self, sighting: Sighting) -> Sighting:
        if not self.rules.policy.liveness.asks_model:
            return sighting
        before = sighting.timings_ms.keys()
        sighting = self._parts.vision.with_liveness(sighting)
        self._tally.took({stage: took for stage, took in sighting.timings_ms.items() if stage not in before})
        return sighting

    def _compare(self, frame: Frame, probe: Probe, promise: float, live: Live, arrived_s: float) -> tuple[Effect, ...]:
        self._tally.took(probe.timings_ms)
        face = self._faces.add(probe, promise, arrived_s)
        with self._tally.timed("search"):
            candidates = self._search(face.probe)
        watched = self._parts.watched(probe, self._clock.utc())
        self._tally.count(used=1)
        # Time is read again: a traveller may have expired while the search ran.
        compared = Compared(
            at_s=self._clock.monotonic(),
            now=self._clock.utc(),
            frame_sequence=frame.sequence,
            score=promise,
            mask=face.probe.mask,
            candidates=candidates,
            frames=face.frames,
            weight=face.weight,
            live=live,
            watched=watched,
        )
        if self.arrival.claimed and not self._would_do(compared):
            compared = replace(compared, elsewhere=self._is_another(face))
        return self._advance_or_bar(compared)

    def _search(self, probe: Probe) -> Candidates:
        snapshot, now = self._parts.snapshot(), self._clock.utc()
        if self.arrival.claimed:
            found = snapshot.compare(probe, self.arrival.entries(snapshot, now), now)
        else:
            found = snapshot.search(probe, now, flight=self._flight)
        return self._parts.prefer(found, now)

    def _would_do(self, compared: Compared) -> bool:
        """Whether the claimed traveller matches by it: then nobody asks whose face it may be instead."""
        state, _ = advance(self._state, compared, self.rules)
        found = state.decision.reason if state.decision else state.asking.reason if state.asking else None
        return found is Reason.MATCHED

    def _is_another(self, face: FusedFace) -> bool:
        rules, now = self.rules, self._clock.utc()
        share = rules.policy.fpir / rules.policy.max_comparisons
        with self._tally.timed("search"):
            return self.arrival.matches_another(face.probe, self._parts.snapshot(), now, rules.calibration, share)

    def _advance_or_bar(self, event: Compared | FingerCompared) -> tuple[Effect, ...]:
        """As `_advance`; before anybody is let pass, it is asked whether they may."""
        with self._lock:
            step = advance(self._state, event, self.rules)
            found = step[0].decision
            if self._state.decision is None and found is not None and found.outcome is Outcome.OPEN:
                reference, flight = found.traveller_reference or "", found.flight or ""
                bar = self._changed(reference, flight, event.now)
                bar = bar or self._parts.take_pass(reference, flight, event.now)
                if bar is None:
                    self.reserved = Reserved(reference, flight, event.now)
                else:
                    event = replace(event, bar=bar)
                    step = advance(self._state, event, self.rules)
            effects = self._enter(event, step)
        return self._told(effects)

    def _changed(self, reference: str, flight: str, now: datetime) -> Reason | None:
        """What has changed since the traveller was found: they may have been withdrawn, or their consent."""
        places = self._parts.snapshot().places(reference, flight)
        current = next((segment.travellers[position] for segment, position in places), None)
        return Reason.EXPIRED if current is None else may_not_pass(current, now, self.rules)

    def _advance(self, event: Event) -> tuple[Effect, ...]:
        with self._lock:
            effects = self._enter(event, advance(self._state, event, self.rules))
        return self._told(effects)

    def _enter(self, event: Event, step: Step) -> tuple[Effect, ...]:
        """Takes the step that `event` led to. The caller holds the lock."""
        if self._state.decision is None:
            self._parts.observer(event)
        self._state, effects = step
        if self._state.decision is not None:
            self._tally.decided()
        return effects

    def _told(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        """The effects for the controller; what the state machine asks the engine itself is answered here."""
        told: tuple[Effect, ...] = ()
        for effect in effects:
            told += self._advance(self._known(effect.references)) if isinstance(effect, SeekFingers) else (effect,)
        return told

    def _known(self, references: tuple[str, ...]) -> FingersKnown:
        snapshot, now = self._parts.snapshot(), self._clock.utc()
        fingers = {
            traveller: snapshot.fingers(traveller.reference, traveller.flight)
            for traveller in self._sought(snapshot, now, references)
        }
        positions = {template.finger: None for templates in fingers.values() for template in templates}
        return FingersKnown(tuple(t for t, templates in fingers.items() if templates), tuple(positions))

    def _sought(self, snapshot: Snapshot, now: datetime, references: tuple[str, ...]) -> tuple[Traveller, ...]:
        """Unexpired travellers of these references, one entry a flight; without any, whoever is claimed."""
        if not references:
            return tuple(entry.traveller for entry in self.arrival.entries(snapshot, now))
        return tuple(
            entry.traveller
            for reference in references
            for entry in snapshot.find_reference(reference, now, self._flight)
        )
