"""Images come in whole or not at all, whatever the bytes; a decoder that breaks down takes nobody with it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Code, FingerprintError
from gate.fingerprint.image import EncodedFinger, FingerEncoding, FingerLimits, decode_finger
from gate.fingerprint.template import FingerImage, GreyImage
from gate.fingerprint.wsq import WsqDecoder, read_size

LIMITS = FingerLimits()


@pytest.fixture(scope="module")
def wsq() -> Iterator[WsqDecoder]:
    decoder = WsqDecoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def wsq_file() -> bytes:
    """The `wsq` package's own example."""
    return Path(str(metadata.distribution("wsq").locate_file("wsq/tests/test.wsq"))).read_bytes()


def ridges(width: int = 160, height: int = 200) -> GreyImage:
    y, x = np.mgrid[:height, :width]
    return (127 + 100 * np.sin((x + 0.5 * y) * 2 * np.pi / 9)).astype(np.uint8)


def encode(kind: str, grey: GreyImage) -> bytes:
    return bytes(cv2.imencode(f".{kind}", grey)[1])


def sample(encoding: FingerEncoding, data: bytes, width: int = 0, height: int = 0, dpi: float = 500) -> EncodedFinger:
    return EncodedFinger(encoding, width, height, data, dpi)


@pytest.mark.parametrize("encoding", [FingerEncoding.PNG, FingerEncoding.BMP])
def test_files_without_loss_come_back_as_they_were(encoding: FingerEncoding, wsq: WsqDecoder) -> None:
    grey = ridges()
    image = decode_finger(sample(encoding, encode(encoding.value, grey), 160, 200), LIMITS, wsq)
    np.testing.assert_array_equal(image.grey, grey)


def test_colour_is_brought_to_grey(wsq: WsqDecoder) -> None:
    colour = cv2.cvtColor(ridges(), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    image = decode_finger(sample(FingerEncoding.PNG, encode("png", colour)), LIMITS, wsq)
    np.testing.assert_array_equal(image.grey, ridges())


def test_raw_grey_needs_exactly_its_bytes(wsq: WsqDecoder) -> None:
    grey = ridges()
    raw = sample(FingerEncoding.GREY8, grey.tobytes(), 160, 200)
    np.testing.assert_array_equal(decode_finger(raw, LIMITS, wsq).grey, grey)
    with pytest.raises(FingerprintError, match="expected 160 x 200 bytes, found 31999 bytes"):
        decode_finger(replace(raw, data=grey.tobytes()[:-1]), LIMITS, wsq)


def test_a_wsq_file_of_others_is_decoded(wsq: WsqDecoder, wsq_file: bytes) -> None:
    width, height = read_size(wsq_file)
    image = decode_finger(sample(FingerEncoding.WSQ, wsq_file), LIMITS, wsq)
    assert image.grey.shape == (height, width)
    assert image.grey.std() > 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wsq_keeps_the_ridges(wsq: WsqDecoder, shared: Path) -> None:
    import wsq as plugin
    from PIL import Image

    grey = cv2.imread(str(shared / "data/fingerprints/FVC2002_DB1_B/101_1.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    file = io.BytesIO()
    Image.fromarray(grey).save(file, plugin.WsqImagePlugin.WsqImageFile.format)
    decoded = decode_finger(sample(FingerEncoding.WSQ, file.getvalue()), LIMITS, wsq)
    assert np.corrcoef(decoded.grey.ravel(), grey.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": b""}, "expected an image, found 0 bytes"),
        ({"data": b"GIF89a" + bytes(100)}, "expected a PNG file"),
        ({"width_px": 161}, "expected the stated 161 x 200 pixels, found 160 x 200"),
        ({"resolution_dpi": 72}, "expected from 250 to 1200 dpi, found 72"),
        ({"resolution_dpi": float("nan")}, "found nan"),
        ({"resolution_dpi": 1000}, "which at 1000 dpi are 4.1 x 5.1 mm"),
        ({"encoding": FingerEncoding.BMP}, "expected a BMP file"),
        ({"encoding": FingerEncoding.WSQ}, "expected a WSQ file"),
    ],
)
def test_what_cannot_be_a_finger_is_refused_with_its_reason(
    changes: dict[str, object], expected: str, wsq: WsqDecoder
) -> None:
    good = sample(FingerEncoding.PNG, encode("png", ridges()), 160, 200)
    with pytest.raises(FingerprintError, match=expected) as caught:
        decode_finger(replace(good, **changes), LIMITS, wsq)  # type: ignore[arg-type]  # of any field
    assert caught.value.code is Code.FINGER_IMAGE_INVALID


def test_a_bomb_is_refused_by_its_header(wsq: WsqDecoder) -> None:
    huge = encode("png", np.zeros((5000, 5000), np.uint8))
    assert len(huge) < LIMITS.max_bytes
    with pytest.raises(FingerprintError, match="at most 2400000 pixels"):
        decode_finger(sample(FingerEncoding.PNG, huge), LIMITS, wsq)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), encoding=st.sampled_from([FingerEncoding.PNG, FingerEncoding.BMP, FingerEncoding.GREY8]))
def test_no_bytes_raise_anything_else(data: st.DataObject, encoding: FingerEncoding, wsq: WsqDecoder) -> None:
    good = ridges(64, 64).tobytes() if encoding is FingerEncoding.GREY8 else encode(encoding.value, ridges(128, 128))
    broken = data.draw(st.one_of(st.binary(max_size=200), _damaged(good)))
    side = data.draw(st.sampled_from([0, 64, 128]))
    try:
        image = decode_finger(sample(encoding, broken, side, side), LIMITS, wsq)
    except FingerprintError as error:
        assert error.code is Code.FINGER_IMAGE_INVALID
    else:
        assert isinstance(image, FingerImage)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_damaged_wsq_is_an_error_of_the_sender_even_when_the_decoder_dies(
    data: st.DataObject, wsq: WsqDecoder, wsq_file: bytes
) -> None:
    broken = data.draw(_damaged(wsq_file))
    try:
        decode_finger(sample(FingerEncoding.WSQ, broken), LIMITS, wsq)
    except FingerprintError as error:
        assert error.code is Code.FINGER_IMAGE_INVALID
    assert decode_finger(sample(FingerEncoding.WSQ, wsq_file), LIMITS, wsq).width_px > 0


def _damaged(good: bytes) -> st.SearchStrategy[bytes]:
    def damage(cut: int, at: int, byte: int) -> bytes:
        broken = bytearray(good[:cut])
        if broken:
            broken[at % len(broken)] = byte
        return bytes(broken)

    places = st.one_of(st.integers(0, 200), st.integers(0, len(good)))
    return st.builds(damage, st.one_of(st.just(len(good)), places), places, st.integers(0, 255))
