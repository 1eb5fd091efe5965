"""Fingerprint samples from the wire and onto it: at a lane and at enrolment the same."""

from __future__ import annotations

from gate.errors import Code, FingerprintError
from gate.fingerprint.sample import FingerSample
from gate.fingerprint.template import TEMPLATE_DPI
from gate.service.checks import Checks
from gate.service.enums import (
    FINGER_ENCODING_FROM_WIRE,
    FINGER_ENCODING_TO_WIRE,
    FINGER_FROM_WIRE,
    FINGER_TO_WIRE,
    IMPRESSION_FROM_WIRE,
    IMPRESSION_TO_WIRE,
)
from gate.service.pb import fingerprint_pb2 as pb


def finger_sample(message: pb.FingerprintSample) -> FingerSample:
    """One sample; its bytes are not looked at here.

    Raises:
        FingerprintError: `FIELD_INVALID`, where a field around the bytes makes no sense.
    """
    checks = Checks("fingerprint.")
    encoding = FINGER_ENCODING_FROM_WIRE.get(message.encoding)
    finger = FINGER_FROM_WIRE.get(message.finger)
    impression = IMPRESSION_FROM_WIRE.get(message.impression)
    if encoding is None:
        checks.fault("encoding", "one of the encodings of FingerprintEncoding")
    if finger is None:
        checks.fault("finger", "one of FingerPosition")
    if impression is None:
        checks.fault("impression", "one of FingerImpression")
    if encoding is None or finger is None or impression is None:
        wrong = "; ".join(f"{violation.field}: expected {violation.expected}" for violation in checks.violations)
        raise FingerprintError(Code.FIELD_INVALID, wrong, *checks.violations)
    return FingerSample(
        encoding,
        message.data,
        message.width_px,
        message.height_px,
        message.resolution_dpi or TEMPLATE_DPI,
        finger,
        impression,
    )


def finger_message(sample: FingerSample) -> pb.FingerprintSample:
    """What `finger_sample` reads."""
    return pb.FingerprintSample(
        encoding=FINGER_ENCODING_TO_WIRE[sample.encoding],
        width_px=sample.width_px,
        height_px=sample.height_px,
        resolution_dpi=sample.resolution_dpi,
        finger=FINGER_TO_WIRE[sample.finger],
        impression=IMPRESSION_TO_WIRE[sample.impression],
        data=sample.data,
    )
