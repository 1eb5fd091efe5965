"""Pictures that are cut short, lie about themselves or cost too much must be refused before they are decoded."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.errors import Code, FrameError
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode, decode_photo, open_picture

LIMITS = DecodeLimits()
Bytes = Callable[[bytes], bytes]


def gradient(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack((x, y, (x + y) / 2), axis=-1).astype(np.uint8)


def encoded(suffix: str, picture: NDArray[np.generic] | None = None, *options: int) -> bytes:
    return cv2.imencode(suffix, gradient() if picture is None else picture, list(options))[1].tobytes()


def frame(encoding: Encoding, data: bytes, width: int = 0, height: int = 0) -> Frame:
    return Frame(7, 0, encoding, width, height, data)


def refused(wanted: Code, encoding: Encoding, data: bytes, width: int = 0, height: int = 0) -> str:
    with pytest.raises(FrameError) as caught:
        decode(frame(encoding, data, width, height), LIMITS)
    assert caught.value.code is wanted, caught.value.message
    with pytest.raises(FrameError) as at_half:  # the same whether or not a JPEG is decoded at half its size
        open_picture(frame(encoding, data, width, height), LIMITS, enough_px=16)
    assert at_half.value.code is wanted, at_half.value.message
    return caught.value.message


def jpeg_with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def png_with_header(data: bytes, width: int, height: int, depth: int = 8) -> bytes:
    body = b"IHDR" + struct.pack(">II", width, height) + bytes([depth]) + data[25:29]
    return data[:12] + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 47), (33, 80)])
def test_a_large_jpeg_is_opened_at_half_its_size_without_a_shift(width: int, height: int) -> None:
    """Half a pixel of shift would move every face's landmarks by as much."""
    file = encoded(".jpg", gradient(width, height), cv2.IMWRITE_JPEG_QUALITY, 98)
    picture = open_picture(frame(Encoding.JPEG, file), LIMITS, enough_px=max(width, height) // 2)
    assert (picture.width_px, picture.height_px) == (width, height)
    half, reduced = picture.reduced(2.0)
    assert (half.shape, reduced) == (((height + 1) // 2, (width + 1) // 2, 3), 2)
    even = picture.full()[: height // 2 * 2, : width // 2 * 2]
    mean = even.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(half[: height // 2, : width // 2] - mean).max() < 3
    whole, reduced = picture.reduced(1.9)  # for less than that, half a picture is too little
    assert (whole.shape, reduced) == ((height, width, 3), 1)
    assert np.array_equal(whole, decode(frame(Encoding.JPEG, file), LIMITS))


@pytest.mark.parametrize(("encoding", "suffix", "enough_px"), [("png", ".png", 16), ("jpeg", ".jpg", 33)])
def test_other_pictures_are_opened_whole(encoding: str, suffix: str, enough_px: int) -> None:
    image, reduced = open_picture(frame(Encoding(encoding), encoded(suffix)), LIMITS, enough_px).reduced(9.0)
    assert (image.shape, reduced) == ((48, 64, 3), 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_compressed_pictures_come_out_in_bgr(suffix: str) -> None:
    image = decode(frame(Encoding(suffix[1:].replace("jpg", "jpeg")), encoded(suffix), 64, 48), LIMITS)
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - gradient()).max() <= (6 if suffix == ".jpg" else 0)


def test_progressive_and_restart_marked_jpeg_are_read() -> None:
    """The marker walk must not take a restart for the end of the scan, nor stop after the first scan."""
    options = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    assert decode(frame(Encoding.JPEG, encoded(".jpg", None, *options)), LIMITS).shape == (48, 64, 3)


def test_grey_pictures_come_out_with_three_channels() -> None:
    grey = encoded(".png", gradient()[:, :, 0])
    assert decode(frame(Encoding.PNG, grey), LIMITS).shape == (48, 64, 3)


def test_raw_bgr_is_taken_as_it_is() -> None:
    image = decode(frame(Encoding.BGR24, gradient().tobytes(), 64, 48), LIMITS)
    assert np.array_equal(image, gradient())
    assert image.flags.c_contiguous


def test_raw_grey_is_spread_over_the_channels() -> None:
    image = decode(frame(Encoding.GREY8, gradient()[:, :, 0].tobytes(), 64, 48), LIMITS)
    assert np.array_equal(image, np.repeat(gradient()[:, :, :1], 3, axis=2))


def test_nv12_keeps_the_colours_and_not_those_of_nv21() -> None:
    """Swapped chroma turns a face blue and still looks like a face to a detector."""
    red = np.zeros((48, 64, 3), np.uint8)
    red[:, :, 2] = 255
    i420 = cv2.cvtColor(red, cv2.COLOR_BGR2YUV_I420)
    y, u, v = i420[:48], i420[48:60].reshape(-1), i420[60:].reshape(-1)
    data = y.tobytes() + np.stack((u, v), axis=1).tobytes()
    image = decode(frame(Encoding.NV12, data, 64, 48), LIMITS)
    assert image[..., 2].min() > 200
    assert image[..., 0].max() < 50


@pytest.mark.parametrize("encoding", list(Encoding))
def test_zero_bytes(encoding: Encoding) -> None:
    refused(Code.FRAME_EMPTY, encoding, b"", 64, 48)


@pytest.mark.parametrize(("encoding", "suffix"), [(Encoding.JPEG, ".jpg"), (Encoding.PNG, ".png")], ids=["jpeg", "png"])
class TestCompressed:
    def test_every_truncation_is_found(self, encoding: Encoding, suffix: str) -> None:
        """OpenCV paints the missing part grey and says nothing."""
        whole = encoded(suffix)
        for length in range(8, len(whole), 7):
            refused(Code.FRAME_TRUNCATED, encoding, whole[:length])

    def test_a_huge_header_costs_nothing(self, encoding: Encoding, suffix: str) -> None:
        """30,000 x 30,000 pixels would take 2.7 GB."""
        lie = (jpeg_with_size if encoding is Encoding.JPEG else png_with_header)(encoded(suffix), 30_000, 30_000)
        start = time.perf_counter()
        message = refused(Code.FRAME_TOO_LARGE, encoding, lie)
        assert time.perf_counter() - start < 0.05
        assert "30000 x 30000" in message

    def test_stated_size_must_be_the_true_one(self, encoding: Encoding, suffix: str) -> None:
        message = refused(Code.FRAME_SIZE_MISMATCH, encoding, encoded(suffix), 640, 480)
        assert "640 x 480" in message
        assert "64 x 48" in message

    def test_the_other_encoding_is_named(self, encoding: Encoding, suffix: str) -> None:
        other = Encoding.PNG if encoding is Encoding.JPEG else Encoding.JPEG
        message = refused(Code.FRAME_ENCODING_MISMATCH, other, encoded(suffix))
        assert encoding.value in message

    def test_noise_is_not_a_picture(self, encoding: Encoding, suffix: str) -> None:
        del suffix
        refused(Code.FRAME_ENCODING_MISMATCH, encoding, b"\x00" * 4000)

    def test_too_many_bytes(self, encoding: Encoding, suffix: str) -> None:
        refused(Code.FRAME_TOO_LARGE, encoding, encoded(suffix) + b"\x00" * LIMITS.max_bytes)

    def test_too_small_to_hold_a_face(self, encoding: Encoding, suffix: str) -> None:
        refused(Code.FRAME_UNSUPPORTED, encoding, encoded(suffix, gradient(31, 400)))

    @settings(max_examples=150, deadline=None)
    @given(data=st.data())
    def test_damage_never_leaves_the_error_tree(self, encoding: Encoding, suffix: str, data: st.DataObject) -> None:
        whole = bytearray(encoded(suffix))
        for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
            whole[at] = data.draw(st.integers(0, 255))
        try:
            image = decode(frame(encoding, bytes(whole)), LIMITS)
        except FrameError:
            return
        assert image.ndim == 3


def test_jpeg_cut_short_with_an_end_marker_of_its_thumbnail() -> None:
    """An EOI inside an APP segment belongs to the thumbnail; searching for the bytes would take it for the end."""
    whole = encoded(".jpg")
    thumbnail = encoded(".jpg", gradient(32, 32))
    app1 = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    assert decode(frame(Encoding.JPEG, whole[:2] + app1 + whole[2:]), LIMITS).shape == (48, 64, 3)
    refused(Code.FRAME_TRUNCATED, Encoding.JPEG, whole[:2] + app1 + whole[2:-200])


def test_jpeg_of_hundreds_of_scans_is_refused() -> None:
    """A small file of empty scans over a large picture keeps a decoder busy for minutes."""
    whole = encoded(".jpg", None, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    last_scan = whole[whole.rindex(b"\xff\xda") : -2]
    refused(Code.FRAME_UNDECODABLE, Encoding.JPEG, whole[:-2] + last_scan * 100 + whole[-2:])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        pytest.param(b"\xff\xc0", b"\xff\xc9", Code.FRAME_UNSUPPORTED, id="arithmetic coding"),
        pytest.param(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c", Code.FRAME_UNSUPPORTED, id="12 bits a sample"),
        pytest.param(b"\xff\xda", b"\x00\xda", Code.FRAME_UNDECODABLE, id="no marker where one must be"),
    ],
)
def test_jpeg_of_another_kind(old: bytes, new: bytes, code: Code) -> None:
    refused(code, Encoding.JPEG, encoded(".jpg").replace(old, new, 1))


def test_png_of_sixteen_bits_is_refused() -> None:
    """OpenCV would keep the upper byte only, or not, depending on a flag."""
    refused(Code.FRAME_UNSUPPORTED, Encoding.PNG, encoded(".png", gradient().astype(np.uint16) * 257))


def test_png_checksum_is_checked() -> None:
    whole = bytearray(encoded(".png"))
    whole[whole.index(b"IDAT") + 20] ^= 1
    refused(Code.FRAME_UNDECODABLE, Encoding.PNG, bytes(whole))


@pytest.mark.parametrize(
    ("encoding", "length", "size"),
    [
        pytest.param(Encoding.BGR24, 64 * 48 * 3 - 1, (64, 48), id="bgr24 one byte short"),
        pytest.param(Encoding.BGR24, 64 * 48 * 3 + 64, (64, 48), id="bgr24 with padded rows"),
        pytest.param(Encoding.GREY8, 64 * 48 * 3, (64, 48), id="grey8 that is bgr24"),
        pytest.param(Encoding.NV12, 64 * 48 * 3, (64, 48), id="nv12 that is bgr24"),
        pytest.param(Encoding.NV12, 65 * 48 * 3 // 2, (65, 48), id="nv12 of odd width"),
        pytest.param(Encoding.NV12, 64 * 49 * 3 // 2, (64, 49), id="nv12 of odd height"),
    ],
)
def test_raw_sizes_that_do_not_fit(encoding: Encoding, length: int, size: tuple[int, int]) -> None:
    refused(Code.FRAME_SIZE_MISMATCH, encoding, b"\x80" * length, *size)


@pytest.mark.parametrize("size", [(0, 0), (-64, -48), (64, 0)])
def test_raw_without_a_size(size: tuple[int, int]) -> None:
    refused(Code.FRAME_UNSUPPORTED, Encoding.BGR24, b"\x80" * 64, *size)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\x00" * 4
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def test_exif_orientation_turns_photographs_and_never_frames() -> None:
    """A phone's portrait lies on its side without it; a camera frame must not turn by a flag in it."""
    lying = with_orientation(encoded(".jpg"), 6)
    assert decode_photo(lying, LIMITS).shape == (64, 48, 3)
    assert decode(frame(Encoding.JPEG, lying, 64, 48), LIMITS).shape == (48, 64, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_photographs_are_recognised_by_their_bytes(suffix: str) -> None:
    assert decode_photo(encoded(suffix), LIMITS).shape == (48, 64, 3)


@pytest.mark.parametrize("data", [b"GIF89a" + b"\x00" * 50, b"RIFF\x00\x00\x00\x00WEBPVP8 ", b"%PDF-1.7"])
def test_other_files_are_no_photographs(data: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        decode_photo(data, LIMITS)
    assert caught.value.code is Code.FRAME_ENCODING_MISMATCH
