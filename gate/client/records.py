"""What comes out of a passage, as records."""

from __future__ import annotations

from dataclasses import dataclass

from gate.client.errors import known_code
from gate.decision.liveness import Live
from gate.decision.outcome import FingerEvidence, Guidance, Outcome, Reason
from gate.engine.tally import StageTiming
from gate.errors import Code
from gate.fingerprint.position import FingerPosition
from gate.service.enums import (
    FINGER_FROM_WIRE,
    GUIDANCE_FROM_WIRE,
    LIVE_FROM_WIRE,
    MASK_FROM_WIRE,
    OUTCOME_FROM_WIRE,
    REASON_FROM_WIRE,
)
from gate.service.pb import lane_pb2 as pb
from gate.vision.probe import MaskState


@dataclass(frozen=True, slots=True)
class GuidanceGiven:
    """What the traveller should do. `frame_sequence`: the frame that gave rise to it."""

    guidance: Guidance
    text: str
    frame_sequence: int


@dataclass(frozen=True, slots=True)
class FrameRejection:
    """A frame could not be used; the passage goes on. `code` is None where this client is older than the engine."""

    sequence: int
    code: Code | None
    message: str


@dataclass(frozen=True, slots=True)
class FingerRequested:
    """Lay a finger on the sensor, and send it.

    Attributes:
        reason: why the face was not enough; nothing to tell the traveller.
        fingers: that may be used.
        attempts_left: comparisons that may still be made.
        budget_s: time that is left for them.
    """

    reason: Reason
    fingers: tuple[FingerPosition, ...]
    attempts_left: int
    budget_s: float


@dataclass(frozen=True, slots=True)
class FingerRejection:
    """A finger could not be compared, and why; send another picture."""

    code: Code | None
    message: str


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """What became of the frames of a passage."""

    seen: int
    used: int
    dropped: int
    rejected: int


@dataclass(frozen=True, slots=True)
class PassageDecision:
    """The final answer of a passage.

    Attributes:
        outcome, reason: what the lane does, and why.
        traveller_reference, flight: who; None unless the lane opens.
        similarity: cosine of the deciding comparison, [-1, 1]; None when nothing was compared.
        threshold: similarity that was needed, [-1, 1].
        false_positive_rate: of the whole passage, that the threshold stands for, (0, 1).
        threshold_extrapolated: the threshold lies on the calibration's modelled tail.
        runner_up_similarity: of the best candidate who is someone else; None when there was none.
        mask: of the compared face.
        gallery_size: travellers compared with.
        frame_sequence: the frame that decided; None when nothing was compared.
        frames: what became of the frames.
        timings: where the time went, one entry a stage.
        elapsed_ms: from `start` to the decision.
        frame_to_decision_ms: from the arrival of the deciding frame; None without frames.
        passage_id, pack_id: which passage, which model pack.
        incident_id: names the fault in the engine's log; empty unless the reason is an engine fault.
        llr: natural log-likelihood ratio of the deciding comparison; None where there was none, or it cannot be told.
        finger: what the fingers showed; None where none was asked for.
        profile, policy_digest: by which policy it was decided.
        live: what the frames compared said of the traveller.
    """

    outcome: Outcome
    reason: Reason
    traveller_reference: str | None
    flight: str | None
    similarity: float | None
    threshold: float | None
    false_positive_rate: float | None
    threshold_extrapolated: bool
    runner_up_similarity: float | None
    mask: MaskState
    gallery_size: int
    frame_sequence: int | None
    frames: FrameCounts
    timings: tuple[StageTiming, ...]
    elapsed_ms: float
    frame_to_decision_ms: float | None
    passage_id: str
    pack_id: str
    incident_id: str
    llr: float | None = None
    finger: FingerEvidence | None = None
    profile: str = ""
    policy_digest: str = ""
    live: Live = Live.NOT_ASKED

    @property
    def opens(self) -> bool:
        """Whether the gate opens."""
        return self.outcome is Outcome.OPEN


PassageEvent = GuidanceGiven | FrameRejection | FingerRequested | FingerRejection | PassageDecision


def event(message: pb.PassageResponse) -> PassageEvent | None:
    """The event in a response; None for a kind that this client does not know."""
    kind = message.WhichOneof("message")
    if kind == "decision":
        return _decision(message.decision)
    if kind == "frame_rejected":
        rejected = message.frame_rejected
        return FrameRejection(rejected.sequence, known_code(rejected.code), rejected.message)
    if kind == "fingerprint_request":
        asked = message.fingerprint_request
        fingers = (FINGER_FROM_WIRE.get(finger, FingerPosition.UNKNOWN) for finger in asked.fingers)
        reason = REASON_FROM_WIRE.get(asked.reason, Reason.NO_MATCH)
        return FingerRequested(reason, tuple(fingers), asked.attempts_left, asked.budget_ms / 1000)
    if kind == "fingerprint_rejected":
        refused = message.fingerprint_rejected
        return FingerRejection(known_code(refused.code), refused.message)
    if kind == "guidance":
        given = message.guidance
        # Advice from a newer engine still has its text; WAIT is the sign that asks nothing wrong.
        advice = GUIDANCE_FROM_WIRE.get(given.code, Guidance.WAIT)
        return GuidanceGiven(advice, given.text, given.frame_sequence)
    return None


def _decision(message: pb.Decision) -> PassageDecision:
    # An outcome or reason that this client does not know is never a reason to open.
    outcome = OUTCOME_FROM_WIRE.get(message.outcome, Outcome.OFFICER)
    opens = outcome is Outcome.OPEN
    frames = message.frames
    return PassageDecision(
        outcome=outcome,
        reason=REASON_FROM_WIRE.get(message.reason, Reason.MATCHED if opens else Reason.ENGINE_FAULT),
        traveller_reference=message.traveller_reference or None,
        flight=message.flight or None,
        similarity=message.similarity if message.HasField("similarity") else None,
        threshold=message.threshold if message.HasField("threshold") else None,
        false_positive_rate=message.false_positive_rate if message.HasField("false_positive_rate") else None,
        threshold_extrapolated=message.threshold_extrapolated,
        runner_up_similarity=message.runner_up_similarity if message.HasField("runner_up_similarity") else None,
        mask=MASK_FROM_WIRE.get(message.mask_state, MaskState.UNKNOWN),
        gallery_size=message.gallery_size,
        frame_sequence=message.frame_sequence if message.HasField("frame_sequence") else None,
        frames=FrameCounts(frames.seen, frames.used, frames.dropped, frames.rejected),
        timings=tuple(StageTiming(t.stage, t.count, t.total_ms, t.max_ms) for t in message.timings),
        elapsed_ms=message.elapsed_ms,
        frame_to_decision_ms=message.frame_to_decision_ms if message.HasField("frame_to_decision_ms") else None,
        passage_id=message.passage_id,
        pack_id=message.pack_id,
        incident_id=message.incident_id,
        llr=message.log_likelihood_ratio if message.HasField("log_likelihood_ratio") else None,
        finger=_finger(message.fingerprint) if message.HasField("fingerprint") else None,
        profile=message.profile,
        policy_digest=message.policy_digest,
        live=LIVE_FROM_WIRE.get(message.liveness, Live.UNAVAILABLE),
    )


def _finger(message: pb.FingerprintEvidence) -> FingerEvidence:
    return FingerEvidence(
        REASON_FROM_WIRE.get(message.asked_because, Reason.NO_MATCH),
        message.attempts,
        message.rejected,
        score=message.score if message.HasField("score") else None,
        llr=message.log_likelihood_ratio if message.HasField("log_likelihood_ratio") else None,
        fmr=message.false_match_rate if message.HasField("false_match_rate") else None,
        extrapolated=message.extrapolated,
        face_llr=message.face_log_likelihood_ratio if message.HasField("face_log_likelihood_ratio") else None,
        needed_llr=message.needed_log_likelihood_ratio if message.HasField("needed_log_likelihood_ratio") else None,
        needed_fmr=message.needed_false_match_rate if message.HasField("needed_false_match_rate") else None,
    )
