"""Fingerprint samples from the wire and onto it: at a lane and at enrolment the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.errors import Code, FingerprintError, ProtocolError
from gate.fingerprint.sample import USUAL_DPI, FingerSample
from gate.service.checks import Checks
from gate.service.enums import (
    FINGER_ADVICE_TO_WIRE,
    FINGER_ENCODING_FROM_WIRE,
    FINGER_ENCODING_TO_WIRE,
    FINGER_FROM_WIRE,
    FINGER_TO_WIRE,
    IMPRESSION_FROM_WIRE,
    IMPRESSION_TO_WIRE,
)
from gate.service.pb import fingerprint_pb2 as pb
from gate.service.pb import gallery_pb2 as gallery_pb

if TYPE_CHECKING:  # the client imports this module, and needs no models
    from gate.engine.fingers import EnrolledFinger


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
        message.resolution_dpi or USUAL_DPI,
        finger,
        impression,
    )


def enrolment(message: gallery_pb.EnrolFingerprintRequest) -> tuple[str, str, FingerSample]:
    """Whose finger it is, on which flight, and the finger.

    Raises:
        ProtocolError: `FIELD_INVALID`, where it does not say whose it is.
        FingerprintError: see `finger_sample`.
    """
    checks = Checks()
    reference = checks.reference("traveller_reference", message.traveller_reference)
    flight = checks.name("flight", message.flight, required=True)
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The request is not as the protocol says.", *checks.violations)
    return reference, flight, finger_sample(message.fingerprint)


def enrolled(done: EnrolledFinger) -> gallery_pb.EnrolFingerprintResponse:
    """What became of it."""
    template, quality = done.reading.template, done.reading.quality
    return gallery_pb.EnrolFingerprintResponse(
        already=done.already,
        quality=quality.score if quality is not None else None,
        advice=[FINGER_ADVICE_TO_WIRE[advice] for advice in quality.advice] if quality is not None else [],
        minutiae=len(template),
        finger=FINGER_TO_WIRE[template.finger],
        extractor=template.extractor,
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
