"""Our enumerations and those on the wire, in one table each, for the service and the client alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gate.decision.liveness import Live
from gate.decision.outcome import Guidance, Outcome, Reason
from gate.engine.loading import PersonState
from gate.fingerprint.advice import Advice
from gate.fingerprint.position import FingerPosition, Impression
from gate.fingerprint.sample import FingerEncoding, RecordEncoding
from gate.gallery.receipt import Why
from gate.manifest.findings import Severity
from gate.service.pb import fingerprint_pb2 as finger_pb
from gate.service.pb import gallery_pb2 as gallery_pb
from gate.service.pb import lane_pb2 as pb
from gate.vision.frame import Encoding
from gate.vision.probe import MaskState

ENCODING_TO_WIRE: Mapping[Encoding, pb.FrameEncoding.ValueType] = MappingProxyType(
    {encoding: pb.FrameEncoding.Value(f"FRAME_ENCODING_{encoding.name}") for encoding in Encoding}
)
OUTCOME_TO_WIRE: Mapping[Outcome, pb.Outcome.ValueType] = MappingProxyType(
    {outcome: pb.Outcome.Value(f"OUTCOME_{outcome.name}") for outcome in Outcome}
)
REASON_TO_WIRE: Mapping[Reason, pb.Reason.ValueType] = MappingProxyType(
    {
        reason: pb.Reason.Value("REASON_REFERRED" if reason is Reason.WATCH_LISTED else f"REASON_{reason.name}")
        for reason in Reason
    }
)
GUIDANCE_TO_WIRE: Mapping[Guidance, pb.GuidanceCode.ValueType] = MappingProxyType(
    {guidance: pb.GuidanceCode.Value(f"GUIDANCE_CODE_{guidance.name}") for guidance in Guidance}
)
LIVE_TO_WIRE: Mapping[Live, pb.Liveness.ValueType] = MappingProxyType(
    {
        Live.NOT_ASKED: pb.LIVENESS_UNSPECIFIED,
        Live.LIVE: pb.LIVENESS_LIVE,
        Live.NOT_LIVE: pb.LIVENESS_NOT_LIVE,
        Live.UNAVAILABLE: pb.LIVENESS_UNAVAILABLE,
    }
)
MASK_TO_WIRE: Mapping[MaskState, pb.MaskState.ValueType] = MappingProxyType(
    {
        MaskState.UNKNOWN: pb.MASK_STATE_UNSPECIFIED,
        MaskState.NONE: pb.MASK_STATE_NONE,
        MaskState.WORN: pb.MASK_STATE_WORN,
        MaskState.UNDER_NOSE: pb.MASK_STATE_UNDER_NOSE,
    }
)

FINGER_TO_WIRE: Mapping[FingerPosition, finger_pb.FingerPosition.ValueType] = MappingProxyType(
    {
        position: finger_pb.FingerPosition.Value(
            f"FINGER_POSITION_{'UNSPECIFIED' if position is FingerPosition.UNKNOWN else position.name}"
        )
        for position in FingerPosition
    }
)
FINGER_ENCODING_TO_WIRE: Mapping[FingerEncoding | RecordEncoding, finger_pb.FingerprintEncoding.ValueType] = (
    MappingProxyType(
        {
            encoding: finger_pb.FingerprintEncoding.Value(f"FINGERPRINT_ENCODING_{encoding.name}")
            for encoding in (*FingerEncoding, *RecordEncoding)
        }
    )
)
FINGER_ADVICE_TO_WIRE: Mapping[Advice, finger_pb.FingerAdvice.ValueType] = MappingProxyType(
    {advice: finger_pb.FingerAdvice.Value(f"FINGER_ADVICE_{advice.name}") for advice in Advice}
)
IMPRESSION_TO_WIRE: Mapping[Impression, finger_pb.FingerImpression.ValueType] = MappingProxyType(
    {
        Impression.UNKNOWN: finger_pb.FINGER_IMPRESSION_UNSPECIFIED,
        Impression.LIVE_PLAIN: finger_pb.FINGER_IMPRESSION_LIVE_PLAIN,
        Impression.LIVE_ROLLED: finger_pb.FINGER_IMPRESSION_LIVE_ROLLED,
        Impression.NONLIVE_PLAIN: finger_pb.FINGER_IMPRESSION_NONLIVE_PLAIN,
        Impression.NONLIVE_ROLLED: finger_pb.FINGER_IMPRESSION_NONLIVE_ROLLED,
        Impression.LIVE_SWIPE: finger_pb.FINGER_IMPRESSION_LIVE_SWIPE,
        Impression.LIVE_CONTACTLESS_PLAIN: finger_pb.FINGER_IMPRESSION_LIVE_CONTACTLESS_PLAIN,
    }
)

WHY_TO_WIRE: Mapping[Why, gallery_pb.DestructionReason.ValueType] = MappingProxyType(
    {why: gallery_pb.DestructionReason.Value(f"DESTRUCTION_REASON_{why.name}") for why in Why}
)
SEVERITY_TO_WIRE: Mapping[Severity, gallery_pb.FindingSeverity.ValueType] = MappingProxyType(
    {severity: gallery_pb.FindingSeverity.Value(f"FINDING_SEVERITY_{severity.name}") for severity in Severity}
)
PERSON_STATE_TO_WIRE: Mapping[PersonState, gallery_pb.PersonState.ValueType] = MappingProxyType(
    {state: gallery_pb.PersonState.Value(f"PERSON_STATE_{state.name}") for state in PersonState}
)
WITHDRAWAL_TO_WIRE: Mapping[Why, gallery_pb.WithdrawalReason.ValueType] = MappingProxyType(
    {
        Why.WITHDRAWN: gallery_pb.WITHDRAWAL_REASON_WITHDRAWN,
        Why.CONSENT_WITHDRAWN: gallery_pb.WITHDRAWAL_REASON_CONSENT_WITHDRAWN,
        Why.BOARDED: gallery_pb.WITHDRAWAL_REASON_BOARDED,
    }
)

ENCODING_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in ENCODING_TO_WIRE.items()})
OUTCOME_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in OUTCOME_TO_WIRE.items()})
# Whoever reads from the wire is not told of the watch list.
REASON_FROM_WIRE = MappingProxyType(
    {wire: ours for ours, wire in REASON_TO_WIRE.items() if ours is not Reason.WATCH_LISTED}
)
GUIDANCE_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in GUIDANCE_TO_WIRE.items()})
LIVE_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in LIVE_TO_WIRE.items()})
MASK_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in MASK_TO_WIRE.items()})
FINGER_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in FINGER_TO_WIRE.items()})
FINGER_ENCODING_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in FINGER_ENCODING_TO_WIRE.items()})
FINGER_ADVICE_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in FINGER_ADVICE_TO_WIRE.items()})
IMPRESSION_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in IMPRESSION_TO_WIRE.items()})
WHY_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in WHY_TO_WIRE.items()})
SEVERITY_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in SEVERITY_TO_WIRE.items()})
PERSON_STATE_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in PERSON_STATE_TO_WIRE.items()})
WITHDRAWAL_FROM_WIRE = MappingProxyType({wire: ours for ours, wire in WITHDRAWAL_TO_WIRE.items()})

GUIDANCE_TEXT: Mapping[Guidance, str] = MappingProxyType(
    {
        Guidance.STEP_INTO_VIEW: "Please step in front of the camera.",
        Guidance.COME_CLOSER: "Please come closer.",
        Guidance.STEP_BACK: "Please step back.",
        Guidance.LOOK_AT_CAMERA: "Please look at the camera.",
        Guidance.ONE_PERSON_ONLY: "One person only, please.",
        Guidance.HOLD_STILL: "Please hold still.",
        Guidance.TOO_DARK: "It is too dark to see your face.",
        Guidance.TOO_BRIGHT: "It is too bright to see your face.",
        Guidance.WAIT: "Please wait a moment.",
    }
)
