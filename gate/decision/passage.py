"""The state machine of a passage: pure, total, and drawn here.

::

                     face, not good enough
              ┌────────────────────────────────┐
              │                                ▼
    start ─► WAITING ──── good face ──► COMPARING ─────────────► DECIDED   exactly once, from any state
              │  ▲                       │   ▲  │                  ▲
              ▼  │                       └───┘  │ match found      │  MATCHED
           APPROACHING ◄── judged, no comparison yet  may not pass │  EXPIRED, UNDER_AGE, …
              │                                 │ nobody expected  │  GALLERY_EMPTY, CLAIM_UNKNOWN, NO_REFERENCE
              │   face not enough,              │ looks used up    │  NO_MATCH, AMBIGUOUS, CLAIM_MISMATCH
              └── and the lane reads fingers ─► ASKING ────────────┘  FINGER_MATCHED, FINGER_NO_MATCH, …
                                                 │  ▲
                                                 └──┘ finger, not enough yet
    from any state: budget spent, frames ended, refused, shutting down, fault

An event goes in with its time, a new state and effects come out. Nothing here looks at a clock, a frame or a model.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from gate.decision.asking import Asking
from gate.decision.calibration import Calibration
from gate.decision.eligibility import ineligible
from gate.decision.event import (
    Compared,
    Decide,
    Effect,
    Ended,
    Event,
    FingerCompared,
    FingersKnown,
    FingerUnusable,
    FramesDone,
    Guide,
    Looked,
    Refused,
    RequestFinger,
    SeekFingers,
)
from gate.decision.evidence import Evidence
from gate.decision.finger import FingerBudget, Suspect
from gate.decision.judgement import judge, score
from gate.decision.liveness import Live, LivenessSeen, may_open
from gate.decision.outcome import Comparison, Decision, Guidance, Outcome, Reason
from gate.decision.policy import Policy
from gate.decision.sequential import Plan, Seen, Verdict, Weighed, weigh
from gate.gallery.traveller import Traveller

__all__ = [
    "Compared", "Decide", "Effect", "Ended", "Event", "Guide", "Looked", "PassageState", "Phase", "Refused", "Rules",
    "Step", "advance", "may_not_pass", "wants_comparison",
]  # fmt: skip


class Phase(enum.StrEnum):
    """Where a passage stands; derived, for people and records."""

    WAITING = "waiting"
    APPROACHING = "approaching"
    COMPARING = "comparing"
    ASKING = "asking"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a passage is decided by.

    Attributes:
        claimed: 1:1 or 1:few against a claim, else 1:N.
        sensor: the lane can ask for a finger. Where it cannot, that is the controller's to do, by the outcome.
        finger_llr: the most that one finger can say, natural logarithm; None where this engine reads no fingers.
        time_zone: of the gate, for dates.
    """

    policy: Policy
    calibration: Calibration
    claimed: bool = False
    sensor: bool = False
    finger_llr: float | None = None
    time_zone: tzinfo = UTC

    @property
    def rate(self) -> float:
        """False positive rate of the whole passage."""
        return self.policy.fmr if self.claimed else self.policy.fpir

    @property
    def face_rate(self) -> float:
        """What a face alone may spend of it."""
        if not self.sensor or self.policy.needs_both:
            return self.rate
        return self.rate * (1 - self.policy.finger_share)

    @property
    def plan(self) -> Plan:
        """How the looks at a face are tested."""
        return Plan(self.face_rate, self.policy.max_comparisons, self.policy.max_early_refusals)


@dataclass(frozen=True, slots=True)
class PassageState:
    """Everything a passage remembers.

    Attributes:
        looked: frames looked at.
        saw_face: some frame showed a face.
        obstacle: what stood in the way of a comparison in the last frame that showed a face.
        evidence: of the comparisons so far.
        suspects: whom the last comparison suggests, the likeliest first.
        elsewhere: the face matched somebody who was not claimed.
        lives: what the frames compared said of the traveller.
        asking: for a finger; None as long as the face may do.
        guidance, guided_at_s: the advice last given, and when.
        decision: the final answer, once there is one.
    """

    looked: int = 0
    saw_face: bool = False
    obstacle: Guidance | None = None
    evidence: Evidence = field(default_factory=Evidence)
    suspects: tuple[Suspect, ...] = ()
    elsewhere: bool = False
    lives: LivenessSeen = field(default_factory=LivenessSeen)
    asking: Asking | None = None
    guidance: Guidance | None = None
    guided_at_s: float = 0.0
    decision: Decision | None = None

    @property
    def phase(self) -> Phase:
        """Where the passage stands."""
        if self.decision is not None:
            return Phase.DECIDED
        if self.asking is not None:
            return Phase.ASKING
        if self.evidence.comparisons:
            return Phase.COMPARING
        return Phase.APPROACHING if self.saw_face else Phase.WAITING


Step = tuple[PassageState, tuple[Effect, ...]]


def advance(state: PassageState, event: Event, rules: Rules) -> Step:
    """One step. Once decided, every event leaves the state as it is and has no effect."""
    if state.decision is not None:
        return state, ()
    if isinstance(event, Ended) and event in _FAULTS:
        return _decide(state, _FAULTS[event], rules)
    if state.asking is not None:
        return _while_asking(state, state.asking, event, rules)
    match event:
        case Looked():
            return _looked(state, event, rules)
        case Compared():
            return _compared(state, event, rules)
        case Refused():
            return _conclude(state, event.reason, rules)
        case Ended.BUDGET_SPENT | FramesDone():
            return _conclude(state, _reason_at_end(state), rules)
        case Ended():  # the controller says no more, so nobody can be asked for a finger
            return _decide(state, _reason_at_end(state) if state.looked else Reason.FRAMES_ENDED, rules)
        case _:  # of a finger that nobody asked for
            return state, ()


_FAULTS = {Ended.SHUTTING_DOWN: Reason.SHUTTING_DOWN, Ended.ENGINE_FAULT: Reason.ENGINE_FAULT}


def wants_comparison(state: PassageState, event: Looked, rules: Rules) -> bool:
    """Whether comparing this frame's face could still change the answer.

    A frame is worth a look when it promises more than the best one so far, or when enough time has passed for the
    face to have changed.
    """
    quality = event.sighting.quality
    if state.decision is not None or state.asking is not None or quality is None:
        return False
    if judge(event.sighting, rules.policy.quality) is not None:
        return False
    evidence = state.evidence
    if evidence.compared_at_s is None or score(quality) > evidence.best_score * _PROMISES_MORE:
        return True
    return event.at_s - evidence.compared_at_s >= rules.policy.retry_after_s


def may_not_pass(traveller: Traveller, now: datetime, rules: Rules) -> Reason | None:
    """Why the traveller may not pass at `now` (UTC), however well they match; None when nothing speaks against."""
    if traveller.expires_at <= now:
        return Reason.EXPIRED
    return ineligible(traveller, rules.policy, now.astimezone(rules.time_zone).date())


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
    if event.watched:
        return _decide(state, Reason.WATCH_LISTED, rules)
    if event.candidates.comparisons == 0:
        return _conclude(state, _nobody(event, rules), rules)
    weighed = weigh(rules.calibration, rules.plan, state.evidence.look, _seen(event))
    comparison = _comparison(event, weighed, rules)
    leads = _leads(comparison, event, rules)
    matches = weighed.verdict is Verdict.YES
    evidence = state.evidence.add(comparison, event.score, event.at_s, ambiguous=matches and not leads, weighed=weighed)
    state = replace(
        state,
        evidence=evidence,
        suspects=_suspects(event, rules),
        elsewhere=state.elsewhere or event.elsewhere,
        lives=state.lives.add(event.live),
    )
    if matches and leads:
        best = event.candidates.ranked[0].traveller
        if bar := may_not_pass(best, event.now, rules) or event.bar:
            return _decide(state, bar, rules, comparison=comparison)
        if rules.policy.needs_both:
            return _conclude(state, Reason.MATCHED, rules)
        if _seems_live(state, event.live, rules):
            return _decide(state, Reason.MATCHED, rules, best, comparison)
    if evidence.sure_no or evidence.comparisons >= rules.policy.max_comparisons:
        return _conclude(state, _inconclusive(state), rules)
    return state, ()


def _nobody(event: Compared, rules: Rules) -> Reason:
    if not rules.claimed:
        return Reason.GALLERY_EMPTY
    return Reason.NO_REFERENCE if event.candidates.without_template else Reason.CLAIM_UNKNOWN


def _leads(comparison: Comparison, event: Compared, rules: Rules) -> bool:
    """Whether the best candidate stands out; one whose look-alike was compared as well never does."""
    if event.candidates.ranked[0].lookalikes:
        return False
    return comparison.runner_up is None or comparison.similarity - comparison.runner_up >= rules.policy.min_margin


def _seen(event: Compared) -> Seen:
    best, comparisons = event.candidates.ranked[0], event.candidates.comparisons
    return Seen(best.similarity, event.mask, comparisons, event.frames, event.weight)


def _comparison(event: Compared, weighed: Weighed, rules: Rules) -> Comparison:
    ranked = event.candidates.ranked
    others = (c.similarity for c in ranked if c.traveller.reference != ranked[0].traveller.reference)
    return Comparison(
        similarity=ranked[0].similarity,
        runner_up=next(others, None),
        threshold=weighed.threshold.similarity,
        false_positive_rate=rules.rate,
        extrapolated=weighed.threshold.extrapolated,
        mask=event.mask,
        gallery_size=event.candidates.gallery_size,
        frame_sequence=event.frame_sequence,
        llr=weighed.llr.value if rules.calibration.likelihoods else None,
        comparisons=event.candidates.comparisons,
    )


def _llr(similarity: float, event: Compared, rules: Rules) -> float | None:
    """Cut at the last measured point, where the comparisons carry no more; None where nothing was measured."""
    calibration = rules.calibration
    return calibration.llr(similarity, event.mask, event.frames).value if calibration.likelihoods else None


def _suspects(event: Compared, rules: Rules) -> tuple[Suspect, ...]:
    """Whom a finger may confirm. The faces of look-alikes say nothing about which of them it is."""
    suspects: dict[str, Suspect] = {}
    for candidate in event.candidates.ranked:
        if len(suspects) == rules.policy.finger_candidates:
            break
        reference = candidate.traveller.reference
        if reference not in suspects:
            llr = None if candidate.lookalikes else _llr(candidate.similarity, event, rules)
            suspects[reference] = Suspect(reference, llr)
    return tuple(suspects.values())


def _reason_at_end(state: PassageState) -> Reason:
    if state.evidence.comparisons:
        return _inconclusive(state)
    if state.obstacle is Guidance.ONE_PERSON_ONLY:
        return Reason.MULTIPLE_PEOPLE
    return Reason.LOW_QUALITY if state.saw_face else Reason.NO_FACE


def _seems_live(state: PassageState, now: Live, rules: Rules) -> bool:
    """The frame that decides must be live, and so must most of those before."""
    limits = rules.policy.liveness
    return may_open(limits, now) and may_open(limits, state.lives.together)


def _not_live(state: PassageState, rules: Rules) -> Reason | None:
    """Why nobody may pass, finger or not, where a proof of life is required."""
    if may_open(rules.policy.liveness, state.lives.together):
        return None
    return Reason.NOT_LIVE if state.lives.together is Live.NOT_LIVE else Reason.LIVENESS_UNAVAILABLE


def _inconclusive(state: PassageState) -> Reason:
    if state.evidence.ambiguous:
        return Reason.AMBIGUOUS
    return Reason.CLAIM_MISMATCH if state.elsewhere else Reason.NO_MATCH


def _conclude(state: PassageState, reason: Reason, rules: Rules) -> Step:
    """The face is done with: asks for a finger where one may help, else decides."""
    wanted = reason is Reason.MATCHED or rules.policy.outcome(reason) is Outcome.FINGERPRINT
    if (wanted or state.evidence.comparisons) and (unproven := _not_live(state, rules)):
        return _decide(state, unproven, rules)
    if not wanted or not (rules.sensor or rules.policy.needs_both):
        return _decide(state, reason, rules)
    if not rules.sensor or rules.finger_llr is None:
        return _decide(state, Reason.FINGER_UNAVAILABLE, rules)
    # The last comparison is the one that suggested them: a manifest may have been loaded since the best one.
    comparisons = state.evidence.last.comparisons if state.evidence.last else 1
    budget = FingerBudget.of(rules.policy, rules.rate, comparisons)
    suspects = tuple(
        suspect
        for suspect in state.suspects
        if suspect.face_llr is None or suspect.face_llr + rules.finger_llr >= budget.llr
    )
    if reason is Reason.AMBIGUOUS or any(suspect.face_llr is None for suspect in suspects):
        # Either way of opening may spend the whole share, so there is one way for all of them.
        suspects = tuple(Suspect(suspect.reference, None) for suspect in suspects)
    said_nothing = not state.evidence.comparisons
    if not suspects and not (said_nothing and rules.claimed and not rules.policy.needs_both):
        # Whatever the finger said, it could not outweigh the face; or there is nobody to compare it with.
        return _decide(state, reason, rules, outcome=Outcome.OFFICER)
    state = replace(state, asking=Asking(reason, suspects, budget))
    return state, (SeekFingers(tuple(suspect.reference for suspect in suspects)),)


def _while_asking(state: PassageState, asking: Asking, event: Event, rules: Rules) -> Step:
    match event:
        case FingersKnown():
            asking = asking.known(event)
            state = replace(state, asking=asking)
            if not asking.positions:
                return _decide(state, Reason.FINGER_UNAVAILABLE, rules)
            return state, (_request(asking),)
        case FingerCompared() if asking.positions:
            asking = asking.compared(event.scores)
            state = replace(state, asking=asking)
            return _finger_compared(state, asking, event, rules)
        case FingerUnusable() if asking.positions:
            asking = asking.unusable_sample()
            state = replace(state, asking=asking)
            if asking.shown.unusable + asking.shown.attempts >= rules.policy.finger_samples:
                return _decide(state, asking.reason_at_end, rules)
            return state, ()
        case Ended():
            return _decide(state, asking.reason_at_end, rules)
        case Refused():
            return _decide(state, event.reason, rules)
        case Compared() if event.watched:
            return _decide(state, Reason.WATCH_LISTED, rules)
        case _:  # a face that was still being compared
            return state, ()


def _finger_compared(state: PassageState, asking: Asking, event: FingerCompared, rules: Rules) -> Step:
    if not event.scores:
        return _decide(state, Reason.EXPIRED, rules)
    met = asking.met(event.scores)
    if len(met) > 1:
        return _decide(state, Reason.AMBIGUOUS, rules, outcome=Outcome.OFFICER)
    if met:
        traveller = met[0].traveller
        if bar := may_not_pass(traveller, event.now, rules) or event.bar or _not_live(state, rules):
            return _decide(state, bar, rules)
        return _decide(state, Reason.FINGER_MATCHED, rules, traveller)
    if asking.attempts_left <= 0:
        return _decide(state, asking.reason_at_end, rules)
    return state, (_request(asking),)


def _request(asking: Asking) -> RequestFinger:
    return RequestFinger(asking.reason, asking.positions, asking.attempts_left)


def _decide(
    state: PassageState,
    reason: Reason,
    rules: Rules,
    traveller: Traveller | None = None,
    comparison: Comparison | None = None,
    outcome: Outcome | None = None,
) -> Step:
    decision = Decision(
        outcome or rules.policy.outcome(reason),
        reason,
        traveller.reference if traveller else None,
        traveller.flight if traveller else None,
        comparison or state.evidence.best,
        state.asking.shown if state.asking else None,
        state.lives.together,
    )
    return replace(state, decision=decision), (Decide(decision),)
