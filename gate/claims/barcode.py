"""Barcodes in a picture: QR, Aztec, PDF417 and Data Matrix, the four that Resolution 792 allows, by zxing-cpp.

Only the text comes back; whether it is a boarding pass or a token, and a true one, is found out by `read_claim`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from gate.claims.bcbp import looks_like_bcbp
from gate.claims.token import looks_like_token
from gate.errors import ClaimError, Code

MIN_SIDE_PX = 32
MAX_PIXELS = 4096 * 2304
"""As much as a lane's frame may have. Nothing but noise takes 0.9 s at that size, and 0.2 s at 1920 x 1080."""


class Symbology(enum.StrEnum):
    """A kind of barcode."""

    QR = "qr"
    AZTEC = "aztec"
    PDF417 = "pdf417"
    DATA_MATRIX = "data_matrix"


_KINDS: Mapping[zxingcpp.BarcodeFormat, Symbology] = MappingProxyType(
    {
        zxingcpp.BarcodeFormat.QRCode: Symbology.QR,
        zxingcpp.BarcodeFormat.Aztec: Symbology.AZTEC,
        zxingcpp.BarcodeFormat.PDF417: Symbology.PDF417,
        zxingcpp.BarcodeFormat.DataMatrix: Symbology.DATA_MATRIX,
    }
)


@dataclass(frozen=True, slots=True)
class Barcode:
    """One that was found and read without error."""

    symbology: Symbology
    text: str = field(repr=False)


def read_barcodes(image: NDArray[np.uint8]) -> tuple[Barcode, ...]:
    """Every barcode in a picture, turned, mirrored or light on dark; of several with the same text one.

    Args:
        image: (H, W) grey or (H, W, 3) BGR, uint8; 32 pixels a side to 4096 x 2304 in all.

    Raises:
        ClaimError: BARCODE_UNUSABLE.
    """
    _check(image)
    # Plain: the text as it is in the code, without the brackets that GS1's readers show.
    found = zxingcpp.read_barcodes(
        np.ascontiguousarray(image), formats=zxingcpp.BarcodeFormats(list(_KINDS)), text_mode=zxingcpp.TextMode.Plain
    )
    by_text = {each.text: Barcode(_KINDS[each.symbology], each.text) for each in found if each.symbology in _KINDS}
    return tuple(by_text.values())


def read_code(image: NDArray[np.uint8]) -> str:
    """The text of the one barcode that the traveller presents.

    A printed boarding pass may carry others beside it (baggage, an advertisement): of several, the one counts that
    looks like a boarding pass or a token. Two of those are not chosen between.

    Args:
        image: as for `read_barcodes`.

    Raises:
        ClaimError: BARCODE_MISSING, BARCODE_SEVERAL, BARCODE_UNUSABLE.
    """
    found = read_barcodes(image)
    if not found:
        raise ClaimError(Code.BARCODE_MISSING, "Expected a QR, Aztec, PDF417 or Data Matrix code, found none.")
    meant = [code for code in found if looks_like_bcbp(code.text) or looks_like_token(code.text)] or list(found)
    if len(meant) > 1:
        kinds = ", ".join(sorted(code.symbology for code in meant))
        raise ClaimError(
            Code.BARCODE_SEVERAL, f"Expected one barcode that could be meant, found {len(meant)}: {kinds}."
        )
    return meant[0].text


def _check(image: NDArray[Any]) -> None:
    shape = image.shape
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and shape[2] == 3)):
        raise ClaimError(
            Code.BARCODE_UNUSABLE, f"Expected (H, W) or (H, W, 3) of uint8, found {shape} of {image.dtype}."
        )
    if min(shape[:2]) < MIN_SIDE_PX or shape[0] * shape[1] > MAX_PIXELS:
        raise ClaimError(
            Code.BARCODE_UNUSABLE,
            f"Expected {MIN_SIDE_PX} pixels a side to {MAX_PIXELS} in all, found {shape[1]} x {shape[0]}.",
        )
