"""The state machine of a passage: pure, total, and drawn here.

::

                     face, not good enough
              ┌────────────────────────────────┐
              │                                ▼
    start ─► WAITING ──── good face ──► COMPARING ──► DECIDED   exactly once, from any state
              │  ▲                       │   ▲  │
              ▼  │                       └───┘  │     match found          MATCHED
           APPROACHING ◄── judged, no comparison yet  traveller expired    EXPIRED
                                                │     nobody expected      GALLERY_EMPTY, CLAIM_UNKNOWN, NO_REFERENCE
                                                │     looks used up        NO_MATCH, AMBIGUOUS
    from any state: budget spent, frames ended, shutting down, fault

An event goes in with its time, a new state and effects come out. Nothing here looks at a clock, a frame or a model.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime

from gate.decision.calibration import Calibration
from gate.decision.evidence import Evidence
from gate.decision.judgement import judge, score
from gate.decision.outcome import Comparison, Decision, Guidance, Reason
from gate.decision.policy import Policy
from gate.gallery.traveller import Candidates
from gate.vision.probe import MaskState, Sighting


class Phase(enum.StrEnum):
    """Where a passage stands; derived, for people and records."""

    WAITING = "waiting"
    APPROACHING = "approaching"
    COMPARING = "comparing"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a passage is decided by. `claimed`: 1:1 against a claim, else 1:N."""

    policy: Policy
    calibration: Calibration
    claimed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A frame was looked at. `at_s` is monotonic."""

    at_s: float
    frame_sequence: int
    sighting: Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A frame's face was compared. `at_s` is monotonic, `now` the wall clock in UTC, for expiry."""

    at_s: float
    now: datetime
    frame_sequence: int
    score: float
    mask: MaskState
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class Refused:
    """No face is compared, because of what the traveller presented or because of whom it names: see `reason`."""

    reason: Reason


class Ended(enum.StrEnum):
    """The passage ends from outside."""

    BUDGET_SPENT = "budget_spent"
    FRAMES_ENDED = "frames_ended"
    SHUTTING_DOWN = "shutting_down"
    ENGINE_FAULT = "engine_fault"


Event = Looked | Compared | Refused | Ended


@dataclass(frozen=True, slots=True)
class Guide:
    """Effect: tell the traveller."""

    guidance: Guidance
    frame_sequence: int


@dataclass(frozen=True, slots=True)
class Decide:
    """Effect: the final answer."""

    decision: Decision


Effect = Guide | Decide


@dataclass(frozen=True, slots=True)
class PassageState:
    """Everything a passage remembers.

    Attributes:
        looked: frames looked at.
        saw_face: some frame showed a face.
        obstacle: what stood in the way of a comparison in the last frame that showed a face.
        evidence: of the comparisons so far.
        guidance, guided_at_s: the advice last given, and when.
        decision: the final answer, once there is one.
    """

    looked: int = 0
    saw_face: bool = False
    obstacle: Guidance | None = None
    evidence: Evidence = field(default_factory=Evidence)
    guidance: Guidance | None = None
    guided_at_s: float = 0.0
    decision: Decision | None = None

    @property
    def phase(self) -> Phase:
        """Where the passage stands."""
        if self.decision is not None:
            return Phase.DECIDED
        if self.evidence.comparisons:
            return Phase.COMPARING
        return Phase.APPROACHING if self.saw_face else Phase.WAITING


Step = tuple[PassageState, tuple[Effect, ...]]


def advance(state: PassageState, event: Event, rules: Rules) -> Step:
    """One step. Once decided, every event leaves the state as it is and has no effect."""
    if state.decision is not None:
        return state, ()
    match event:
        case Looked():
            return _looked(state, event, rules)
        case Compared():
            return _compared(state, event, rules)
        case Refused():
            return _decide(state, event.reason, rules)
        case Ended():
            return _decide(state, _reason_at_end(state, event), rules)


def wants_comparison(state: PassageState, event: Looked, rules: Rules) -> bool:
    """Whether comparing this frame's face could still change the answer.

    A frame is worth a look when it promises more than the best one so far, or when enough time has passed for the
    face to have changed.
    """
    quality = event.sighting.quality
    if state.decision is not None or quality is None or judge(event.sighting, rules.policy.quality) is not None:
        return False
    evidence = state.evidence
    if evidence.compared_at_s is None or score(quality) > evidence.best_score * _PROMISES_MORE:
        return True
    return event.at_s - evidence.compared_at_s >= rules.policy.retry_after_s


_PROMISES_MORE = 1.1
"""Smaller gains in the quality score are frame-to-frame noise."""


def _looked(state: PassageState, event: Looked, rules: Rules) -> Step:
    obstacle = judge(event.sighting, rules.policy.quality)
    state = replace(state, looked=state.looked + 1)
    if obstacle is not Guidance.STEP_INTO_VIEW:
        state = replace(state, saw_face=True, obstacle=obstacle)
    advice = obstacle or Guidance.WAIT
    held = state.guidance is not None and event.at_s - state.guided_at_s < rules.policy.guidance_hold_s
    if advice is state.guidance or held:
        return state, ()
    return replace(state, guidance=advice, guided_at_s=event.at_s), (Guide(advice, event.frame_sequence),)


def _compared(state: PassageState, event: Compared, rules: Rules) -> Step:
    if event.candidates.comparisons == 0:
        return _decide(state, _nobody(event, rules), rules)
    comparison = _weigh(event, rules)
    leads = _leads(comparison, event, rules)
    matches = comparison.similarity >= comparison.threshold
    state = replace(
        state, evidence=state.evidence.add(comparison, event.score, event.at_s, ambiguous=matches and not leads)
    )
    if matches and leads:
        best = event.candidates.ranked[0].traveller
        if best.expires_at <= event.now:
            return _decide(state, Reason.EXPIRED, rules)
        return _decide(state, Reason.MATCHED, rules, comparison, best.reference, best.flight)
    if state.evidence.comparisons >= rules.policy.max_comparisons:
        return _decide(state, _inconclusive(state), rules)
    return state, ()


def _nobody(event: Compared, rules: Rules) -> Reason:
    if not rules.claimed:
        return Reason.GALLERY_EMPTY
    return Reason.NO_REFERENCE if event.candidates.without_template else Reason.CLAIM_UNKNOWN


def _leads(comparison: Comparison, event: Compared, rules: Rules) -> bool:
    """Whether the best candidate stands out. A look-alike's match in a 1:N search never does, whatever the margin."""
    if not rules.claimed and event.candidates.ranked[0].lookalikes:
        return False
    return comparison.runner_up is None or comparison.similarity - comparison.runner_up >= rules.policy.min_margin


def _weigh(event: Compared, rules: Rules) -> Comparison:
    policy = rules.policy
    rate = policy.fmr if rules.claimed else policy.fpir
    share = 1 - (1 - rate) ** (1 / policy.max_comparisons)
    threshold = rules.calibration.threshold(event.mask, share, event.candidates.comparisons)
    ranked = event.candidates.ranked
    others = (c.similarity for c in ranked if c.traveller.reference != ranked[0].traveller.reference)
    return Comparison(
        similarity=ranked[0].similarity,
        runner_up=next(others, None),
        threshold=threshold.similarity,
        false_positive_rate=rate,
        extrapolated=threshold.extrapolated,
        mask=event.mask,
        gallery_size=event.candidates.gallery_size,
        frame_sequence=event.frame_sequence,
    )


def _reason_at_end(state: PassageState, event: Ended) -> Reason:
    if event is Ended.SHUTTING_DOWN:
        return Reason.SHUTTING_DOWN
    if event is Ended.ENGINE_FAULT:
        return Reason.ENGINE_FAULT
    if event is Ended.FRAMES_ENDED and state.looked == 0:
        return Reason.FRAMES_ENDED
    if state.evidence.comparisons:
        return _inconclusive(state)
    if state.obstacle is Guidance.ONE_PERSON_ONLY:
        return Reason.MULTIPLE_PEOPLE
    return Reason.LOW_QUALITY if state.saw_face else Reason.NO_FACE


def _inconclusive(state: PassageState) -> Reason:
    return Reason.AMBIGUOUS if state.evidence.ambiguous else Reason.NO_MATCH


def _decide(
    state: PassageState,
    reason: Reason,
    rules: Rules,
    comparison: Comparison | None = None,
    reference: str | None = None,
    flight: str | None = None,
) -> Step:
    decision = Decision(rules.policy.outcome(reason), reason, reference, flight, comparison or state.evidence.best)
    return replace(state, decision=decision), (Decide(decision),)
