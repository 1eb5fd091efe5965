"""A fingerprint image as it arrives, and its decoding within limits."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from gate.errors import Code, FingerprintError, FrameError
from gate.fingerprint import wsq
from gate.fingerprint.sample import FingerEncoding as FingerEncoding  # noqa: PLC0414 -- part of an encoded finger
from gate.fingerprint.template import TEMPLATE_DPI, FingerImage, FingerPosition, GreyImage, Impression
from gate.fingerprint.wsq import WsqDecoder
from gate.vision.picture_header import PNG_MAGIC, read_png_header

BMP_MAGIC = b"BM"
_BMP_HEADER_BYTES = 26
"""Up to and with width and height of a BITMAPINFOHEADER, or of what came after it."""


@dataclass(frozen=True, slots=True)
class EncodedFinger:
    """One fingerprint image, not yet decoded.

    Attributes:
        encoding: of `data`.
        width_px, height_px: stated size. GREY8 needs it; for the others it is 0 or the true size.
        data: a whole file, or rows of pixels from the top left, without padding.
        resolution_dpi: stated. What PNG and BMP say about it is ignored: editors put 72 or 96 there.
        finger, impression: as the sensor was told.
    """

    encoding: FingerEncoding
    width_px: int
    height_px: int
    data: bytes = field(repr=False)
    resolution_dpi: float = TEMPLATE_DPI
    finger: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.LIVE_PLAIN


@dataclass(frozen=True, slots=True)
class FingerLimits:
    """What an image may cost, and must have to be one.

    Attributes:
        max_bytes: of the encoded image.
        max_pixels: width times height; the default takes a four-finger scanner's 1600 x 1500.
        min_side_mm: narrower than any sensor that gives enough of a finger.
        max_side_mm: wider than any hand.
        min_dpi, max_dpi: from the poorest swipe sensor to the finest scanner in use.
    """

    max_bytes: int = 4 * 1024 * 1024
    max_pixels: int = 1600 * 1500
    min_side_mm: float = 6.0
    max_side_mm: float = 120.0
    min_dpi: float = 250.0
    max_dpi: float = 1200.0


def decode_finger(encoded: EncodedFinger, limits: FingerLimits, wsq_decoder: WsqDecoder) -> FingerImage:
    """The image's pixels.

    Raises:
        FingerprintError: FINGER_IMAGE_INVALID, with what was expected and what was found.
    """
    if not encoded.data:
        raise _invalid("an image", "0 bytes")
    if len(encoded.data) > limits.max_bytes:
        raise _invalid(f"at most {limits.max_bytes} bytes", str(len(encoded.data)))
    dpi = encoded.resolution_dpi
    if not limits.min_dpi <= dpi <= limits.max_dpi:
        raise _invalid(f"from {limits.min_dpi:g} to {limits.max_dpi:g} dpi", f"{dpi:g}")
    size = _read_size(encoded)
    stated = encoded.width_px, encoded.height_px
    if stated not in ((0, 0), size):
        raise _invalid(f"the stated {stated[0]} x {stated[1]} pixels", f"{size[0]} x {size[1]}")
    _check_size(size, dpi, limits)
    grey = _decode(encoded, wsq_decoder)
    if grey.shape != (size[1], size[0]):
        raise _invalid(f"{size[0]} x {size[1]} pixels as the header says", f"{grey.shape[1]} x {grey.shape[0]}")
    return FingerImage(grey, dpi, encoded.finger, encoded.impression)


def _invalid(expected: str, found: str) -> FingerprintError:
    return FingerprintError(Code.FINGER_IMAGE_INVALID, f"expected {expected}, found {found}")


def _check_size(size: tuple[int, int], dpi: float, limits: FingerLimits) -> None:
    found = f"{size[0]} x {size[1]} pixels"
    if size[0] * size[1] > limits.max_pixels:
        raise _invalid(f"at most {limits.max_pixels} pixels", found)
    sides_mm = [side * 25.4 / dpi for side in size]
    if min(sides_mm) < limits.min_side_mm or max(sides_mm) > limits.max_side_mm:
        raise _invalid(
            f"sides from {limits.min_side_mm:g} to {limits.max_side_mm:g} mm",
            f"{found}, which at {dpi:g} dpi are {sides_mm[0]:.1f} x {sides_mm[1]:.1f} mm",
        )


def _read_size(encoded: EncodedFinger) -> tuple[int, int]:
    """The size that the file's header states, or for raw pixels the stated one, when the bytes are as many."""
    data = encoded.data
    if encoded.encoding is FingerEncoding.WSQ:
        return wsq.read_size(data)
    if encoded.encoding is FingerEncoding.PNG:
        return _png_size(data)
    if encoded.encoding is FingerEncoding.BMP:
        return _bmp_size(data)
    if len(data) != encoded.width_px * encoded.height_px:
        raise _invalid(f"{encoded.width_px} x {encoded.height_px} bytes", f"{len(data)} bytes")
    return encoded.width_px, encoded.height_px


def _png_size(data: bytes) -> tuple[int, int]:
    if not data.startswith(PNG_MAGIC):
        raise _invalid("a PNG file", f"one that begins {data[:8].hex(' ')}")
    try:
        header = read_png_header(data)
    except FrameError as error:
        raise FingerprintError(Code.FINGER_IMAGE_INVALID, error.message) from error
    return header.width_px, header.height_px


def _bmp_size(data: bytes) -> tuple[int, int]:
    """Width and height; a negative height says that the rows come from the top."""
    if not data.startswith(BMP_MAGIC) or len(data) < _BMP_HEADER_BYTES:
        raise _invalid("a BMP file", f"one that begins {data[:8].hex(' ')}")
    header_bytes = int.from_bytes(data[14:18], "little")
    if header_bytes < 40:
        raise _invalid("a BMP header of 40 bytes or more", str(header_bytes))
    width = int.from_bytes(data[18:22], "little", signed=True)
    height = abs(int.from_bytes(data[22:26], "little", signed=True))
    if width <= 0 or height <= 0:
        raise _invalid("a BMP with a size above 0", f"{width} x {height}")
    return width, height


def _decode(encoded: EncodedFinger, wsq_decoder: WsqDecoder) -> GreyImage:
    data = np.frombuffer(encoded.data, np.uint8)
    if encoded.encoding is FingerEncoding.GREY8:
        return data.reshape(encoded.height_px, encoded.width_px)
    if encoded.encoding is FingerEncoding.WSQ:
        return wsq_decoder.decode(encoded.data)
    try:
        # IGNORE_ORIENTATION: a sensor has no upside, and a flag must not turn what it delivered.
        grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise FingerprintError(Code.FINGER_IMAGE_INVALID, f"the decoder refused the image: {error}") from error
    if grey is None:
        raise _invalid(f"a {encoded.encoding.value} image", "none in the data")
    return grey.astype(np.uint8, copy=False)
