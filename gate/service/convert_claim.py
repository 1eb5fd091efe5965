"""The claim of a lane's message to what was presented, checked for shape only: it is read in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gate.claims.claim import Presented, PresentedKind
from gate.service.checks import Checks
from gate.service.enums import ENCODING_FROM_WIRE
from gate.service.pb import lane_pb2 as pb
from gate.vision.frame import Frame

MRZ_CHARS = 256
"""The largest zone has 90, with line ends 92; readers may put more blanks or line ends between them."""

TEXT_CHARS = 2048
"""The longest boarding pass that its sizes allow has some 1,450."""

_TEXTS: Mapping[str, tuple[PresentedKind, int]] = MappingProxyType(
    {
        "mrz": (PresentedKind.MRZ, MRZ_CHARS),
        "boarding_pass": (PresentedKind.BOARDING_PASS, TEXT_CHARS),
        "travel_token": (PresentedKind.TOKEN, TEXT_CHARS),
        "code": (PresentedKind.CODE, TEXT_CHARS),
    }
)
_KINDS = ("none", "document", "traveller_reference", *_TEXTS, "code_picture")


def presented(claim: pb.Claim, checks: Checks) -> Presented:
    """What the traveller presented; what is not as the protocol says is noted in `checks`."""
    match claim.WhichOneof("kind"):
        case "none":
            return Presented.nothing()
        case "document":
            return Presented(
                PresentedKind.DOCUMENT,
                checks.document_number("claim.document.number", claim.document.number),
                checks.issuing_state("claim.document.issuing_state", claim.document.issuing_state),
            )
        case "traveller_reference":
            reference = checks.reference("claim.traveller_reference", claim.traveller_reference)
            return Presented(PresentedKind.REFERENCE, reference)
        case "mrz" | "boarding_pass" | "travel_token" | "code" as name:
            kind, most = _TEXTS[name]
            return Presented(kind, checks.text(f"claim.{name}", getattr(claim, name), most))
        case "code_picture":
            return Presented(PresentedKind.PICTURE, picture=_picture(claim.code_picture, checks))
    # Absent says "nothing presented"; empty is a kind that this engine does not know. Searching 1:N instead would
    # answer a question that was not asked.
    checks.fault("claim", f"one of {', '.join(_KINDS)}")
    return Presented.nothing()


def _picture(message: pb.CodePicture, checks: Checks) -> Frame | None:
    """Its bytes are not looked at here."""
    encoding = ENCODING_FROM_WIRE.get(message.encoding)
    if encoding is None:
        checks.fault("claim.code_picture.encoding", "one of the encodings of FrameEncoding")
        return None
    if not message.data:
        checks.fault("claim.code_picture.data", "a picture; got 0 bytes")
    return Frame(0, 0, encoding, message.width_px, message.height_px, message.data)
