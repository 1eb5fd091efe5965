"""Lane messages to records of ours, checked, and back."""

from __future__ import annotations

from dataclasses import dataclass

from gate.claims.claim import Presented
from gate.decision.event import Guide, RequestFinger
from gate.decision.outcome import Decision, FingerEvidence, Outcome
from gate.engine.attempt import Attempt, StartRequest
from gate.engine.tally import AttemptReport
from gate.errors import Code, FrameError, GateError, ProtocolError
from gate.service.checks import Checks
from gate.service.convert_claim import presented
from gate.service.enums import (
    ENCODING_FROM_WIRE,
    FINGER_TO_WIRE,
    GUIDANCE_TEXT,
    GUIDANCE_TO_WIRE,
    LIVE_TO_WIRE,
    MASK_TO_WIRE,
    OUTCOME_FROM_WIRE,
    OUTCOME_TO_WIRE,
    REASON_TO_WIRE,
)
from gate.service.pb import lane_pb2 as pb
from gate.service.status import public_text
from gate.vision.frame import Frame


def start_request(start: pb.PassageStart) -> StartRequest:
    """The opening of a passage.

    Raises:
        ProtocolError: `FIELD_INVALID`, with every field at fault.
    """
    checks = Checks("start.")
    request = StartRequest(
        lane_id=checks.name("lane_id", start.lane_id, required=True),
        checkpoint=checks.name("checkpoint", start.checkpoint),
        profile=checks.name("profile", start.profile),
        flight=checks.name("flight", start.flight),
        claim=presented(start.claim, checks) if start.HasField("claim") else Presented.nothing(),
        sensor=start.fingerprint_sensor,
    )
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "`start` is not as the protocol says.", *checks.violations)
    return request


def frame(message: pb.Frame) -> Frame:
    """One camera frame; its bytes are not looked at here.

    Raises:
        FrameError: `FIELD_INVALID` where a field around the bytes makes no sense.
    """
    checks = Checks("frame.")
    encoding = ENCODING_FROM_WIRE.get(message.encoding)
    if encoding is None:
        checks.fault("encoding", "one of the encodings of FrameEncoding")
    checks.name("camera_id", message.camera_id)
    sensor_liveness = message.sensor_liveness if message.HasField("sensor_liveness") else None
    if sensor_liveness is not None and not 0 <= sensor_liveness <= 1:
        checks.fault("sensor_liveness", "a number in [0, 1], or absent")
    if encoding is None or checks.violations:
        raise FrameError(Code.FIELD_INVALID, _in_words(checks), *checks.violations)
    return Frame(
        sequence=message.sequence,
        capture_time_us=message.capture_time_us,
        encoding=encoding,
        width_px=message.width_px,
        height_px=message.height_px,
        data=message.data,
        camera_id=message.camera_id,
        sensor_liveness=sensor_liveness,
    )


@dataclass(frozen=True, slots=True)
class Override:
    """What an officer decided. Every text is an opaque name or a word of a list."""

    passage_id: str
    officer_id: str
    outcome: Outcome
    reason: str


def override(message: pb.RecordOverrideRequest) -> Override:
    """What an officer decided.

    Raises:
        ProtocolError: `FIELD_INVALID`, with every field at fault.
    """
    checks = Checks()
    outcome = OUTCOME_FROM_WIRE.get(message.outcome)
    if outcome is None:
        checks.fault("outcome", "one of Outcome")
    told = Override(
        checks.passage_id("passage_id", message.passage_id),
        checks.word("officer_id", message.officer_id),
        outcome or Outcome.OFFICER,
        checks.word("reason", message.reason),
    )
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The request is not as the protocol says.", *checks.violations)
    return told


def _in_words(checks: Checks) -> str:
    # FrameRejected has no place for field violations, so its message names them.
    return "; ".join(f"{violation.field}: expected {violation.expected}" for violation in checks.violations)


def accepted(attempt: Attempt, longest_s: float, nonce: bytes) -> pb.PassageResponse:
    """The answer to `start`."""
    return pb.PassageResponse(
        accepted=pb.PassageAccepted(
            passage_id=attempt.passage_id, budget_ms=round(longest_s * 1000), pack_id=attempt.pack_id, nonce=nonce
        )
    )


def guidance(effect: Guide) -> pb.PassageResponse:
    """What the traveller should do."""
    return pb.PassageResponse(
        guidance=pb.Guidance(
            code=GUIDANCE_TO_WIRE[effect.guidance],
            text=GUIDANCE_TEXT[effect.guidance],
            frame_sequence=effect.frame_sequence,
        )
    )


def frame_rejected(sequence: int, error: GateError) -> pb.PassageResponse:
    """Why a frame could not be used."""
    return pb.PassageResponse(
        frame_rejected=pb.FrameRejected(sequence=sequence, code=error.code.value, message=public_text(error))
    )


def finger_request(effect: RequestFinger, left_s: float) -> pb.PassageResponse:
    """A finger is asked for; `left_s` is left for it."""
    return pb.PassageResponse(
        fingerprint_request=pb.FingerprintRequest(
            reason=REASON_TO_WIRE[effect.reason],
            fingers=[FINGER_TO_WIRE[position] for position in effect.positions],
            attempts_left=effect.attempts_left,
            budget_ms=max(0, round(left_s * 1000)),
        )
    )


def finger_rejected(error: GateError) -> pb.PassageResponse:
    """Why a finger could not be compared."""
    return pb.PassageResponse(
        fingerprint_rejected=pb.FingerprintRejected(code=error.code.value, message=public_text(error))
    )


def decision(found: Decision, report: AttemptReport, attempt: Attempt) -> pb.PassageResponse:
    """The final answer."""
    message = pb.Decision(
        outcome=OUTCOME_TO_WIRE[found.outcome],
        reason=REASON_TO_WIRE[found.reason],
        traveller_reference=found.traveller_reference or "",
        flight=found.flight or "",
        frames=pb.FrameCounts(seen=report.seen, used=report.used, dropped=report.dropped, rejected=report.rejected),
        timings=[
            pb.StageTiming(stage=timing.stage, count=timing.count, total_ms=timing.total_ms, max_ms=timing.max_ms)
            for timing in report.timings
        ],
        elapsed_ms=report.elapsed_ms,
        frame_to_decision_ms=report.frame_to_decision_ms,
        passage_id=attempt.passage_id,
        pack_id=attempt.pack_id,
        incident_id=attempt.incident_id,
        fingerprint=_finger(found.finger) if found.finger is not None else None,
        profile=attempt.profile,
        policy_digest=attempt.policy_digest,
        liveness=LIVE_TO_WIRE[found.live],
    )
    if found.comparison is not None:
        message.MergeFrom(_comparison(found))
    return pb.PassageResponse(decision=message)


def _comparison(found: Decision) -> pb.Decision:
    compared = found.comparison
    if compared is None:
        return pb.Decision()
    return pb.Decision(
        similarity=compared.similarity,
        threshold=compared.threshold,
        false_positive_rate=compared.false_positive_rate,
        threshold_extrapolated=compared.extrapolated,
        runner_up_similarity=compared.runner_up,
        mask_state=MASK_TO_WIRE[compared.mask],
        gallery_size=compared.gallery_size,
        frame_sequence=compared.frame_sequence,
        log_likelihood_ratio=compared.llr,
    )


def _finger(shown: FingerEvidence) -> pb.FingerprintEvidence:
    return pb.FingerprintEvidence(
        asked_because=REASON_TO_WIRE[shown.asked_because],
        attempts=shown.attempts,
        rejected=shown.unusable,
        score=shown.score,
        log_likelihood_ratio=shown.llr,
        false_match_rate=shown.fmr,
        extrapolated=shown.extrapolated,
        face_log_likelihood_ratio=shown.face_llr,
        needed_log_likelihood_ratio=shown.needed_llr,
        needed_false_match_rate=shown.needed_fmr,
    )
