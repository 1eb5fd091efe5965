"""Minutiae records: NIST's examples, 80 of another maker, our own there and back, and bytes that are no record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Code, FingerprintError
from gate.fingerprint.ansi378 import read_ansi378
from gate.fingerprint.iso19794_2 import read_iso19794_2, write_iso19794_2_2005, write_iso19794_2_2011
from gate.fingerprint.read import read_finger_record
from gate.fingerprint.template import FingerPosition, FingerTemplate, Impression, MinutiaKind
from tests.fingerprint.templates import templates

Write = Callable[[Sequence[FingerTemplate]], bytes]

_OF_2005 = (Impression.LIVE_PLAIN, Impression.NONLIVE_ROLLED, Impression.LIVE_SWIPE)
_WRITERS = pytest.mark.parametrize("write", [write_iso19794_2_2005, write_iso19794_2_2011])


@pytest.fixture(scope="module")
def iso_example(shared: Path) -> bytes:
    return (shared / "data/fingerprints/nist-records/iso19794-2-2005-appendix-c2.raw").read_bytes()


@pytest.fixture(scope="module")
def ansi_example(shared: Path) -> bytes:
    return (shared / "data/fingerprints/nist-records/ansi378-2004-appendix-b2.raw").read_bytes()


def one_minutia(**changes: object) -> FingerTemplate:
    fields = {
        "x_px": np.array([10], np.float32),
        "y_px": np.array([20], np.float32),
        "angle_rad": np.array([np.pi / 2], np.float32),
        "kind": np.array([MinutiaKind.BIFURCATION], np.uint8),
        "quality": np.array([77], np.uint8),
        "width_px": 300,
        "height_px": 400,
        "extractor": "test",
    }
    return FingerTemplate(**{**fields, **changes})  # type: ignore[arg-type]  # of any field


def test_a_record_that_states_a_wrong_length_is_refused_and_can_be_read_leniently(iso_example: bytes) -> None:
    with pytest.raises(FingerprintError, match="stated 340 bytes, found 341 bytes"):
        read_iso19794_2(iso_example)
    record = read_iso19794_2(iso_example, strict=False)
    assert [len(view) for view in record.views] == [27, 22]
    assert record.findings == ("expected a record of the stated 340 bytes, found 341 bytes",)


def test_the_standards_example_reads_as_printed(ansi_example: bytes) -> None:
    first, second = read_ansi378(ansi_example).views
    assert (first.finger, second.finger) == (FingerPosition.LEFT_INDEX, FingerPosition.RIGHT_INDEX)
    assert (first.width_px, first.height_px) == (512, 512)
    assert (first.x_px[0], first.y_px[0], first.kind[0], first.quality[0]) == (100, 14, MinutiaKind.ENDING, 90)
    assert np.degrees(first.angle_rad[0]) == pytest.approx(112)


def test_both_standards_examples_are_the_same_finger(iso_example: bytes, ansi_example: bytes) -> None:
    for iso, ansi in zip(
        read_iso19794_2(iso_example, strict=False).views, read_ansi378(ansi_example).views, strict=True
    ):
        np.testing.assert_array_equal(iso.x_px, ansi.x_px)
        np.testing.assert_array_equal(iso.kind, ansi.kind)
        # Two degrees against 360/256: at most half a step of each, and a printer's slip or two.
        assert np.median(np.abs(np.degrees(iso.angle_rad - ansi.angle_rad))) < 1.7


def test_records_of_another_maker_read_strictly(shared: Path) -> None:
    files = sorted((shared / "data/fingerprints/FVC2002_DB1_B/iso19794-2").glob("*.iso"))
    assert len(files) == 80
    for file in files:
        (view,) = read_finger_record(file.read_bytes()).views
        assert len(view) == (file.stat().st_size - 30) // 6


def test_the_two_that_begin_alike_are_told_apart(iso_example: bytes, ansi_example: bytes) -> None:
    assert read_finger_record(ansi_example).views[0].extractor == "ansi378"
    assert read_finger_record(iso_example, strict=False).views[0].extractor == "iso19794-2"


@settings(deadline=None, max_examples=60)
@given(views=st.lists(templates(_OF_2005), min_size=1, max_size=4), which=st.sampled_from([0, 1]))
def test_what_is_written_is_read_again(views: list[FingerTemplate], which: int) -> None:
    write: Write = (write_iso19794_2_2005, write_iso19794_2_2011)[which]
    data = write(views)
    record = read_finger_record(data)
    assert record.findings == ()
    assert write(record.views) == data
    for view, again in zip(views, record.views, strict=True):
        assert (again.finger, again.impression) == (view.finger, view.impression)
        np.testing.assert_array_equal(again.kind, view.kind)
        np.testing.assert_array_equal(again.quality, view.quality)
        # Half a pixel of rounding, and half of one more in the last row and column.
        assert np.abs(again.x_px - view.x_px).max(initial=0) <= 1
        assert np.abs(again.y_px - view.y_px).max(initial=0) <= 1
        turned = np.angle(np.exp(1j * (again.angle_rad.astype(float) - view.angle_rad)))
        assert np.abs(turned).max(initial=0) <= np.pi / 256 + 1e-5


def test_the_2011_writer_says_nothing_of_time_or_device() -> None:
    data = write_iso19794_2_2011([one_minutia()])
    assert data[19:34] == b"\xff" * 9 + bytes(6)


@_WRITERS
def test_angles_just_below_the_full_circle_become_0(write: Write) -> None:
    template = one_minutia(angle_rad=np.array([6.283185], np.float32))
    assert read_finger_record(write([template])).views[0].angle_rad[0] == 0


@_WRITERS
def test_what_cannot_be_said_is_not_written(write: Write) -> None:
    with pytest.raises(FingerprintError, match="views"):
        write([])
    with pytest.raises(FingerprintError, match="16 views of one finger"):
        write([one_minutia()] * 17)
    with pytest.raises(FingerprintError, match="sides up to"):
        write([one_minutia(width_px=20000)])
    if write is write_iso19794_2_2005:
        with pytest.raises(FingerprintError, match="impression"):
            write([one_minutia(impression=Impression.LATENT_LIFT)])


@pytest.mark.parametrize(
    ("at", "byte", "expected", "left"),
    [
        (24, 200, "a finger position from 0 to 10, found 200", 1),
        (11, 99, "a record of the stated 99 bytes", 1),
        (23, 7, "a reserved byte 0, found 7", 1),
        (25, 5, "an impression type out of", 1),
        (26, 101, "a finger quality up to 100, found 101", 1),
        (28, 0xC0, "minutia types up to 2, found 3", 1),
        (28, 0x8F, "every minutia within 300 x 400, found 1 outside", 0),
        (30, 0x40, "reserved bits 0, found 1", 1),
        (33, 120, "minutia quality up to 100, 254 or 255, found 120", 1),
    ],
)
def test_each_departure_is_refused_strictly_and_reported_leniently(
    at: int, byte: int, expected: str, left: int
) -> None:
    data = bytearray(write_iso19794_2_2005([one_minutia()]))
    data[at] = byte
    with pytest.raises(FingerprintError, match=expected):
        read_iso19794_2(bytes(data))
    record = read_iso19794_2(bytes(data), strict=False)
    assert len(record.findings) == 1
    assert len(record.views[0]) == left


@pytest.mark.parametrize(("at", "value"), [(18, bytes(4)), (18, b"\x00\xc5\x00\xc6"), (14, bytes(4)), (0, b"FIR\x00")])
def test_without_size_resolution_or_name_it_is_no_record_even_leniently(at: int, value: bytes) -> None:
    data = bytearray(write_iso19794_2_2005([one_minutia()]))
    data[at : at + len(value)] = value
    with pytest.raises(FingerprintError):
        read_iso19794_2(bytes(data), strict=False)


def test_another_resolution_comes_to_500_dpi() -> None:
    data = bytearray(write_iso19794_2_2005([one_minutia()]))
    data[18:22] = (394).to_bytes(2, "big") * 2
    (view,) = read_iso19794_2(bytes(data)).views
    assert view.x_px[0] == pytest.approx(5, abs=0.01)
    assert (view.width_px, view.height_px) == (150, 200)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), strict=st.booleans())
def test_no_bytes_raise_anything_else(data: st.DataObject, strict: bool) -> None:
    heads = st.sampled_from([b"", b"FMR\x00 20\x00", b"FMR\x00030\x00", b"FMR\x00 20\x00\x00\x00\x00\x40"])
    anything = st.builds(bytes.__add__, heads, st.binary(max_size=300))
    broken = data.draw(st.one_of(anything, _damaged()))
    try:
        record = read_finger_record(broken, strict=strict)
    except FingerprintError as error:
        assert error.code is Code.FINGER_RECORD_INVALID
    else:
        assert not (strict and record.findings)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    write = draw(st.sampled_from([write_iso19794_2_2005, write_iso19794_2_2011]))
    data = bytearray(write([draw(templates(_OF_2005, max_minutiae=20))]))
    for _ in range(draw(st.integers(1, 3))):
        data[draw(st.integers(0, min(len(data) - 1, 80)))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])
