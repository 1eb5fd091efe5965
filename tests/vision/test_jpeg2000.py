"""Portraits out of chips: read in every form they have, refused before they cost gigabytes, no camera's encoding."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from gate.errors import Code, FrameError
from gate.manifest.photo import unwrap
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode, decode_photo
from gate.vision.jpeg2000_header import read_jpeg2000_header
from gate.vision.pipeline import VisionPipeline
from tests.manifest.face_records import Portrait, dg2, face_image_data_block, face_record
from tests.vision.test_frame import gradient

LIMITS = DecodeLimits()
FORMS = pytest.mark.parametrize("codestream", [False, True], ids=["jp2", "codestream"])


def jpeg2000(picture: NDArray[np.uint8] | None = None, *, codestream: bool = False, **options: Any) -> bytes:
    """`picture` (BGR or grey), or the gradient, as Pillow writes it; lossless unless `options` say otherwise."""
    bgr = gradient() if picture is None else picture
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]) if bgr.ndim == 3 else bgr).save(
        out, "JPEG2000", no_jp2=codestream, **options
    )
    return out.getvalue()


def refused(wanted: Code, data: bytes) -> str:
    with pytest.raises(FrameError) as caught:
        decode_photo(data, LIMITS)
    assert caught.value.code is wanted, caught.value.message
    return caught.value.message


def patched(data: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    """`data` with `value` at `offset` from the content of the first segment of that marker."""
    at = data.index(marker) + 4 + offset
    return data[:at] + value + data[at + len(value) :]


@FORMS
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="lossless"),
        pytest.param({"tile_size": (32, 32)}, id="tiles"),
        pytest.param({"num_resolutions": 3, "progression": "RPCL"}, id="other order"),
        pytest.param({"precinct_size": (32, 32), "codeblock_size": (16, 16), "num_resolutions": 3}, id="precincts"),
        pytest.param({"quality_mode": "rates", "quality_layers": [8, 4, 1]}, id="layers"),
    ],
)
def test_colours_come_out_in_bgr(codestream: bool, options: dict[str, Any]) -> None:
    assert np.array_equal(decode_photo(jpeg2000(codestream=codestream, **options), LIMITS), gradient())


@FORMS
def test_lossy_as_chips_have_it(codestream: bool) -> None:
    data = jpeg2000(codestream=codestream, irreversible=True, quality_mode="rates", quality_layers=[15])
    assert np.abs(decode_photo(data, LIMITS).astype(int) - gradient()).max() < 8


@FORMS
def test_grey_comes_out_with_three_channels(codestream: bool) -> None:
    """OpenCV's decoder refuses a grey codestream, which some passports hold."""
    grey = np.ascontiguousarray(gradient()[:, :, 0])
    picture = decode_photo(jpeg2000(grey, codestream=codestream), LIMITS)
    assert np.array_equal(picture, np.repeat(grey[:, :, None], 3, axis=2))


def test_written_by_another_encoder() -> None:
    """OpenCV's encoder: another header box than Pillow's."""
    data = cv2.imencode(".jp2", gradient())[1].tobytes()
    assert np.abs(decode_photo(data, LIMITS).astype(int) - gradient()).max() <= 1


def test_nothing_is_written_to_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    """Decoders warn on stderr, where the engine's structured log is."""
    decode_photo(jpeg2000(codestream=True), LIMITS)
    damaged = bytearray(jpeg2000(codestream=True))
    damaged[-60:-20] = b"\xaa" * 40
    with pytest.raises(FrameError):
        decode_photo(bytes(damaged[:-30]), LIMITS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", list(Encoding))
def test_cameras_may_not_send_it(encoding: Encoding) -> None:
    """Live frames stay what cameras send: a slow decoder in the frame path is a way to stop a lane."""
    with pytest.raises(FrameError):
        decode(Frame(1, 0, encoding, 64, 48, jpeg2000()), LIMITS)


@FORMS
def test_every_truncation_is_found(codestream: bool) -> None:
    whole = jpeg2000(codestream=codestream)
    for length in range(12, len(whole), 5):
        refused(Code.FRAME_TRUNCATED, whole[:length])


def test_a_last_tile_part_of_open_length() -> None:
    """Length 0 is allowed for the last: it ends with the codestream."""
    data = jpeg2000(codestream=True)
    at = data.index(b"\xff\x90") + 6
    assert np.array_equal(decode_photo(data[:at] + bytes(4) + data[at + 4 :], LIMITS), gradient())


class TestBombs:
    """What a few hundred bytes could ask for. Nothing is decoded: the header alone is refused."""

    def test_huge_picture(self) -> None:
        data = patched(jpeg2000(codestream=True), b"\xff\x51", 2, struct.pack(">II", 30_000, 30_000))
        tile = patched(data, b"\xff\x51", 18, struct.pack(">II", 30_000, 30_000))
        assert "30000 x 30000" in refused(Code.FRAME_TOO_LARGE, tile)

    def test_header_box_that_lies(self) -> None:
        """A reader that trusts the box sets aside another picture than the codestream fills."""
        whole = jpeg2000()
        at = whole.index(b"ihdr") + 4
        assert "640 x 480" in refused(
            Code.FRAME_UNDECODABLE, whole[:at] + struct.pack(">II", 480, 640) + whole[at + 8 :]
        )

    def test_thousands_of_tiles(self) -> None:
        """OpenJPEG keeps some kilobytes a tile, before it decodes one."""
        data = patched(jpeg2000(codestream=True), b"\xff\x51", 18, struct.pack(">II", 1, 1))
        assert "3072" in refused(Code.FRAME_UNSUPPORTED, data)

    def test_packets_for_every_layer(self) -> None:
        data = patched(jpeg2000(codestream=True), b"\xff\x52", 2, struct.pack(">H", 65_535))
        assert "packets" in refused(Code.FRAME_UNSUPPORTED, data)

    def test_precincts_of_two_samples(self) -> None:
        data = jpeg2000(gradient(640, 480), codestream=True, precinct_size=(128, 128), num_resolutions=3)
        assert "found" in refused(Code.FRAME_UNSUPPORTED, patched(data, b"\xff\x52", 10, b"\x11\x11\x11"))

    def test_precincts_of_a_single_component(self) -> None:
        """A COC segment overrides the coding style of a component."""
        data = jpeg2000(gradient(640, 480), codestream=True, num_resolutions=3)
        coc = b"\xff\x53\x00\x0c\x01\x01\x02\x04\x04\x00\x01\x11\x11\x11"
        at = data.index(b"\xff\x5c")
        assert "found" in refused(Code.FRAME_UNSUPPORTED, data[:at] + coc + data[at:])

    def test_a_coding_style_of_a_tile(self) -> None:
        """The same, out of the main header's sight."""
        data = jpeg2000(codestream=True)
        cod = data[(at := data.index(b"\xff\x52")) : at + 14]
        sot = data.index(b"\xff\x90")
        length = int.from_bytes(data[sot + 6 : sot + 10], "big") + len(cod)
        data = data[: sot + 6] + struct.pack(">I", length) + data[sot + 10 : sot + 12] + cod + data[sot + 12 :]
        assert "tile header" in refused(Code.FRAME_UNSUPPORTED, data)

    def test_a_million_empty_tile_parts(self) -> None:
        data = jpeg2000(codestream=True)
        part = b"\xff\x90\x00\x0a\x00\x00\x00\x00\x00\x0e\x00\x00\xff\x93"
        assert "tile-parts" in refused(Code.FRAME_UNSUPPORTED, data[: data.index(b"\xff\x90")] + part * 50_000)


@pytest.mark.parametrize(
    ("offset", "value", "code", "says"),
    [
        (36, b"\x0f", Code.FRAME_UNSUPPORTED, "16 unsigned"),
        (36, b"\x87", Code.FRAME_UNSUPPORTED, "8 signed"),
        (40, b"\x02\x02", Code.FRAME_UNSUPPORTED, "1/2 x 1/2"),
        (2, b"\x00\x00\x00\x00", Code.FRAME_UNDECODABLE, "reaches"),
        (18, b"\x00\x00\x00\x00", Code.FRAME_UNDECODABLE, "reaches"),
    ],
)
def test_other_kinds_are_named(offset: int, value: bytes, code: Code, says: str) -> None:
    assert says in refused(code, patched(jpeg2000(codestream=True), b"\xff\x51", offset, value))


def test_a_palette_is_refused() -> None:
    whole = jpeg2000()
    at, length = whole.index(b"jp2h") - 4, int.from_bytes(whole[(at := whole.index(b"jp2h") - 4) : at + 4], "big")
    palette = struct.pack(">I4s", 12, b"pclr") + b"\x00\x01\x01\x07"
    longer = struct.pack(">I", length + len(palette))
    data = whole[:at] + longer + whole[at + 4 : at + length] + palette + whole[at + length :]
    assert "palette" in refused(Code.FRAME_UNSUPPORTED, data)


@FORMS
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_never_leaves_the_error_tree(codestream: bool, data: st.DataObject) -> None:
    whole = bytearray(jpeg2000(codestream=codestream, quality_mode="rates", quality_layers=[4, 2]))
    for at in data.draw(st.lists(st.integers(12, len(whole) - 1), min_size=1, max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(12, len(whole)))
    try:
        picture = decode_photo(bytes(whole[:end]), LIMITS)
    except FrameError:
        return
    assert picture.ndim == 3


def test_the_header_is_read_as_other_tools_read_it() -> None:
    header = read_jpeg2000_header(jpeg2000(gradient(413, 531)))
    assert (header.width_px, header.height_px) == (413, 531)


@pytest.mark.parametrize(
    ("options", "at_least"),
    [
        pytest.param({}, 0.999, id="lossless"),
        # 15 kB, as ICAO Doc 9303 has them: the same person without doubt, though not the same pixels.
        pytest.param({"irreversible": True, "quality_mode": "rates", "quality_layers": [25]}, 0.8, id="15 kB"),
    ],
)
def test_a_portrait_of_a_chip_enrols_as_the_same_portrait(
    pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8], options: dict[str, Any], at_least: float
) -> None:
    """Swapped colours or a shifted picture would still show a face, and match nobody."""
    portrait = np.ascontiguousarray(astronaut_bgr[:400, 60:380])
    probe, _ = pipeline.enrol_photo(jpeg2000(portrait, **options))
    original, _ = pipeline.enrol_photo(cv2.imencode(".png", portrait)[1].tobytes())
    assert float(probe.embedding @ original.embedding) > at_least


@pytest.mark.parametrize("newer", [False, True], ids=["19794-5", "39794-5"])
def test_the_data_group_of_a_chip_enrols(
    pipeline: VisionPipeline, astronaut_bgr: NDArray[np.uint8], newer: bool
) -> None:
    """From the bytes that a passport reader hands over to a template, with nothing in between but our own code."""
    portrait = jpeg2000(np.ascontiguousarray(astronaut_bgr[:400, 60:380]), codestream=True)
    record = face_image_data_block(portrait) if newer else face_record(Portrait(portrait, stated=1))
    probe, _ = pipeline.enrol_photo(unwrap(dg2(record)).data)
    file, _ = pipeline.enrol_photo(portrait)
    assert float(probe.embedding @ file.embedding) > 0.999
