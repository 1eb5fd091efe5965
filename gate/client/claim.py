"""What a traveller presents at a lane, as a controller says it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, FrameError
from gate.service.pb import lane_pb2 as pb

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom to look for. Made by its class methods; what is wrong with it, the engine says.

    Attributes:
        message: for the wire. It may hold personal data, and is not shown when the claim is printed.
    """

    message: pb.Claim = field(repr=False)

    @classmethod
    def nothing(cls) -> Claim:
        """The face is searched for among everybody expected: 1:N."""
        return cls(pb.Claim(none=pb.NoClaim()))

    @classmethod
    def document(cls, number: str, issuing_state: str = "") -> Claim:
        """The number of a travel document, and its ICAO 9303 state where it is known: 1:1."""
        return cls(pb.Claim(document=pb.DocumentClaim(number=number, issuing_state=issuing_state)))

    @classmethod
    def reference(cls, reference: str) -> Claim:
        """A reference from the enrolment, known by other means: 1:1."""
        return cls(pb.Claim(traveller_reference=reference))

    @classmethod
    def mrz(cls, lines: str) -> Claim:
        """The lines of a machine-readable zone, line ends between them: 1:1."""
        return cls(pb.Claim(mrz=lines))

    @classmethod
    def boarding_pass(cls, text: str) -> Claim:
        """The text of a boarding pass (IATA Resolution 792): 1:few."""
        return cls(pb.Claim(boarding_pass=text))

    @classmethod
    def token(cls, text: str) -> Claim:
        """A travel token: 1:1, once."""
        return cls(pb.Claim(travel_token=text))

    @classmethod
    def code(cls, text: str) -> Claim:
        """The text of a barcode: a boarding pass or a travel token, whichever it is."""
        return cls(pb.Claim(code=text))

    @classmethod
    def picture(cls, picture: bytes | NDArray[np.uint8]) -> Claim:
        """A picture of such a barcode.

        Args:
            picture: a JPEG or PNG file, or pixels: (H, W, 3) uint8 BGR or (H, W) uint8 grey.

        Raises:
            FrameError: FRAME_UNSUPPORTED for anything else.
        """
        if isinstance(picture, bytes):
            return cls(pb.Claim(code_picture=_file(picture)))
        if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)):
            raise _unsupported(f"(H, W, 3) BGR or (H, W) grey, uint8; got {picture.shape}, {picture.dtype}")
        encoding = pb.FRAME_ENCODING_BGR24 if picture.ndim == 3 else pb.FRAME_ENCODING_GREY8
        height, width = picture.shape[:2]
        shown = pb.CodePicture(encoding=encoding, width_px=width, height_px=height, data=picture.tobytes())
        return cls(pb.Claim(code_picture=shown))


def claim_message(claim: Claim | None, document: str, issuing_state: str, reference: str) -> pb.Claim:
    """The claim of a passage, from whichever way it was stated.

    Raises:
        ValueError: it is stated in two ways, or a state without a document.
    """
    if (claim is not None) + bool(document) + bool(reference) > 1 or (issuing_state and not document):
        raise ValueError("expected one of document (and its issuing_state), traveller_reference and claim")
    if document:
        return Claim.document(document, issuing_state).message
    if reference:
        return Claim.reference(reference).message
    return (claim or Claim.nothing()).message


def _file(data: bytes) -> pb.CodePicture:
    if data.startswith(_JPEG):
        return pb.CodePicture(encoding=pb.FRAME_ENCODING_JPEG, data=data)
    if data.startswith(_PNG):
        return pb.CodePicture(encoding=pb.FRAME_ENCODING_PNG, data=data)
    raise _unsupported(f"a JPEG or PNG file; got one that begins {data[:4].hex(' ')}")


def _unsupported(what: str) -> FrameError:
    return FrameError(Code.FRAME_UNSUPPORTED, f"expected {what}")
