"""A camera frame as it arrives, and its decoding within limits."""

from __future__ import annotations

import enum
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image

from gate.errors import Code, FrameError
from gate.vision.jpeg2000_header import CODESTREAM_MAGIC, JP2_MAGIC, read_jpeg2000_header
from gate.vision.picture_header import JPEG_MAGIC, PNG_MAGIC, PictureHeader, read_jpeg_header, read_png_header
from gate.vision.probe import ImageBGR, Picture


class Encoding(enum.StrEnum):
    """How the bytes of a frame are to be read."""

    JPEG = "jpeg"
    PNG = "png"
    BGR24 = "bgr24"
    GREY8 = "grey8"
    NV12 = "nv12"


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera, not yet decoded.

    Attributes:
        sequence: counts up within a passage.
        capture_time_us: on the controller's monotonic clock, microseconds.
        encoding: of `data`.
        width_px, height_px: stated size. Raw encodings need it; for JPEG and PNG it is 0 or the true size.
        data: a whole JPEG or PNG file, or rows of pixels from the top left, without padding.
        camera_id: which of the lane's cameras; empty where there is only one.
        sensor_liveness: what the gate's own sensor says of the face, [0, 1], 1 is live; None where there is none.
    """

    sequence: int
    capture_time_us: int
    encoding: Encoding
    width_px: int
    height_px: int
    data: bytes = field(repr=False)
    camera_id: str = ""
    sensor_liveness: float | None = None


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a picture may cost.

    Attributes:
        max_bytes: of the encoded picture; the same as the wire's message limit.
        max_pixels: width times height; the default takes 4K cameras.
        min_side_px: below it no face can be seen, so it is refused as no picture at all.
    """

    max_bytes: int = 4 * 1024 * 1024
    max_pixels: int = 4096 * 2304
    min_side_px: int = 32


def decode(frame: Frame, limits: DecodeLimits) -> ImageBGR:
    """The frame's pixels, (H, W, 3) uint8 BGR; read-only where the frame held them already.

    An EXIF orientation is ignored: cameras deliver what they see, and a flag in one frame must not turn it.

    Raises:
        FrameError: with what was expected and what was found.
    """
    _check_bytes(frame.data, limits)
    if frame.encoding in (Encoding.JPEG, Encoding.PNG):
        return _imdecode(frame.data, _compressed_header(frame, limits), _AS_IT_LIES)
    _check_size(frame.width_px, frame.height_px, limits)
    return _RAW_DECODERS[frame.encoding](frame)


def open_picture(frame: Frame, limits: DecodeLimits, enough_px: int) -> Picture:
    """The frame's picture, of which `enough_px` on its longer side will do to begin with.

    A JPEG file of at least twice that is decoded at half its size: two thirds of the time, and no picture to shrink
    afterwards. Its full size is decoded when somebody asks for it.

    Raises:
        FrameError: with what was expected and what was found.
    """
    if frame.encoding is not Encoding.JPEG:
        return Picture.of(decode(frame, limits))
    _check_bytes(frame.data, limits)
    header = _compressed_header(frame, limits)
    if max(header.width_px, header.height_px) < 2 * enough_px:
        return Picture.of(_imdecode(frame.data, header, _AS_IT_LIES))
    halved = PictureHeader(-(-header.width_px // 2), -(-header.height_px // 2))
    half = _imdecode(frame.data, halved, cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION)
    return Picture(header.width_px, header.height_px, partial(_imdecode, frame.data, header, _AS_IT_LIES), half)


def decode_photo(data: bytes, limits: DecodeLimits) -> ImageBGR:
    """Pixels of an enrolment photograph, JPEG, PNG or JPEG 2000, (H, W, 3) uint8 BGR, turned upright by its EXIF flag.

    JPEG 2000 is for photographs out of travel documents; no camera sends it, so `decode` does not take it.

    Raises:
        FrameError: with what was expected and what was found.
    """
    _check_bytes(data, limits)
    if data.startswith((JP2_MAGIC, CODESTREAM_MAGIC)):
        header = read_jpeg2000_header(data)
        _check_size(header.width_px, header.height_px, limits)
        return _decode_jpeg2000(data, header)
    encoding = _sniff(data)
    if encoding is None:
        raise FrameError(
            Code.FRAME_ENCODING_MISMATCH,
            f"expected a JPEG, PNG or JPEG 2000 file, found one that begins {data[:8].hex(' ')}",
        )
    header = _read_header(encoding, data)
    _check_size(header.width_px, header.height_px, limits)
    # OpenCV honours the EXIF orientation unless told otherwise; phones and scanners rely on it.
    return _imdecode(data, header, cv2.IMREAD_COLOR)


def _check_bytes(data: bytes, limits: DecodeLimits) -> None:
    if not data:
        raise FrameError(Code.FRAME_EMPTY, "expected a picture, found 0 bytes")
    if len(data) > limits.max_bytes:
        raise FrameError(Code.FRAME_TOO_LARGE, f"expected at most {limits.max_bytes} bytes, found {len(data)}")


def _check_size(width_px: int, height_px: int, limits: DecodeLimits) -> None:
    if min(width_px, height_px) < limits.min_side_px:
        raise FrameError(
            Code.FRAME_UNSUPPORTED,
            f"expected sides of at least {limits.min_side_px} pixels, found {width_px} x {height_px}",
        )
    if width_px * height_px > limits.max_pixels:
        raise FrameError(
            Code.FRAME_TOO_LARGE, f"expected at most {limits.max_pixels} pixels, found {width_px} x {height_px}"
        )


def _sniff(data: bytes) -> Encoding | None:
    if data.startswith(JPEG_MAGIC):
        return Encoding.JPEG
    if data.startswith(PNG_MAGIC):
        return Encoding.PNG
    return None


def _read_header(encoding: Encoding, data: bytes) -> PictureHeader:
    return read_jpeg_header(data) if encoding is Encoding.JPEG else read_png_header(data)


def _compressed_header(frame: Frame, limits: DecodeLimits) -> PictureHeader:
    """What a JPEG or PNG file says of itself, when that is what the frame says and within the limits."""
    found = _sniff(frame.data)
    if found is not frame.encoding:
        actual = found.value if found else f"bytes {frame.data[:8].hex(' ')}"
        raise FrameError(Code.FRAME_ENCODING_MISMATCH, f"expected {frame.encoding.value}, found {actual}")
    header = _read_header(frame.encoding, frame.data)
    stated = (frame.width_px, frame.height_px)
    if stated not in ((0, 0), (header.width_px, header.height_px)):
        raise FrameError(
            Code.FRAME_SIZE_MISMATCH,
            f"stated {stated[0]} x {stated[1]}, the picture is {header.width_px} x {header.height_px}",
        )
    _check_size(header.width_px, header.height_px, limits)
    return header


_AS_IT_LIES = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def _imdecode(data: bytes, header: PictureHeader, flags: int) -> ImageBGR:
    """OpenCV's decoding, with its two ways to fail turned into one."""
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise FrameError(Code.FRAME_UNDECODABLE, f"the decoder refused the picture: {error}") from error
    if picture is None:
        raise FrameError(Code.FRAME_UNDECODABLE, "the decoder found no picture in the data")
    return _checked(picture, header)


def _decode_jpeg2000(data: bytes, header: PictureHeader) -> ImageBGR:
    """Pillow's decoding: OpenCV, with the same OpenJPEG inside, takes no grey codestream and writes to stderr."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG2000",)) as picture:
            rgb = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise FrameError(Code.FRAME_UNDECODABLE, f"the decoder refused the picture: {error}") from error
    return _checked(np.ascontiguousarray(rgb[:, :, ::-1]), header)


def _checked(picture: np.ndarray[tuple[int, ...], np.dtype[np.generic]], header: PictureHeader) -> ImageBGR:
    """The picture, when it is of the size that its header stated. EXIF may have swapped the sides."""
    if sorted(picture.shape[:2]) != sorted((header.height_px, header.width_px)):
        raise FrameError(
            Code.FRAME_SIZE_MISMATCH,
            f"the header says {header.width_px} x {header.height_px}, "
            f"the decoder found {picture.shape[1]} x {picture.shape[0]}",
        )
    return picture.astype(np.uint8, copy=False)


def _raw_rows(frame: Frame, rows: int, row_bytes: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The bytes as (rows, row_bytes), when there are exactly that many."""
    expected = rows * row_bytes
    if len(frame.data) != expected:
        raise FrameError(
            Code.FRAME_SIZE_MISMATCH,
            f"{frame.encoding.value} of {frame.width_px} x {frame.height_px} takes {expected} bytes, "
            f"found {len(frame.data)}",
        )
    return np.frombuffer(frame.data, np.uint8).reshape(rows, row_bytes)


def _decode_bgr24(frame: Frame) -> ImageBGR:
    rows = _raw_rows(frame, frame.height_px, frame.width_px * 3)
    return rows.reshape(frame.height_px, frame.width_px, 3)


def _decode_grey8(frame: Frame) -> ImageBGR:
    rows = _raw_rows(frame, frame.height_px, frame.width_px)
    return cv2.cvtColor(rows, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)


def _decode_nv12(frame: Frame) -> ImageBGR:
    # Chroma is stored for blocks of 2 x 2, so an odd side has no defined layout.
    if frame.width_px % 2 or frame.height_px % 2:
        raise FrameError(
            Code.FRAME_SIZE_MISMATCH, f"nv12 has even sides, stated is {frame.width_px} x {frame.height_px}"
        )
    rows = _raw_rows(frame, frame.height_px * 3 // 2, frame.width_px)
    return cv2.cvtColor(rows, cv2.COLOR_YUV2BGR_NV12).astype(np.uint8, copy=False)


_RAW_DECODERS: MappingProxyType[Encoding, Callable[[Frame], ImageBGR]] = MappingProxyType(
    {Encoding.BGR24: _decode_bgr24, Encoding.GREY8: _decode_grey8, Encoding.NV12: _decode_nv12}
)
