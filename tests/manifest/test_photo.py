"""Whatever comes as a photograph is unwrapped or refused with a code, in time proportional to its size."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Code, EnrolmentError, FrameError
from gate.manifest.face import PictureFormat
from gate.manifest.photo import Container, Photo, unwrap
from tests.manifest.face_records import Portrait, dg2, face_image_data_block, face_record, tlv

SEEDS = (
    dg2(face_record(Portrait(b"\xff\xd8\xff portrait", points=((1, 0xC1, 5, 6), (1, 0xC2, 7, 8))))),
    dg2(
        face_record(Portrait(b"\xff\xd8\xff portrait", qualities=2), Portrait(b"\xff\xd8\xff", kind=0), edition="2011")
    ),
    dg2(face_image_data_block(b"\xff\x4f\xff\x51 portrait", b"\xff\xd8\xff"), tag=0x7F2E),
    face_record(Portrait(b"\x89PNG\r\n\x1a\n")),
)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"\xff\xd8\xff\xe0 and segments", PictureFormat.JPEG),
        (b"\x89PNG\r\n\x1a\n and chunks", PictureFormat.PNG),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n and boxes", PictureFormat.JPEG2000),
        (b"\xff\x4f\xff\x51 and markers", PictureFormat.JPEG2000),
    ],
)
def test_a_picture_file_is_passed_on_as_it_is(data: bytes, wanted: PictureFormat) -> None:
    assert unwrap(data) == Photo(data, wanted, Container.FILE)


def test_nothing() -> None:
    with pytest.raises(FrameError) as caught:
        unwrap(b"")
    assert caught.value.code is Code.FRAME_EMPTY


@pytest.mark.parametrize(
    "data", [b"GIF89a", b"%PDF-1.7", b"RIFF\x00\x00\x00\x00WEBP", b"\x00", b"FAC", b"\x7f", b"\xff\xd8"]
)
def test_other_files_are_named_by_how_they_begin(data: bytes) -> None:
    with pytest.raises(FrameError, match=data[:8].hex(" ")) as caught:
        unwrap(data)
    assert caught.value.code is Code.FRAME_ENCODING_MISMATCH


def test_a_photograph_does_not_show_when_printed() -> None:
    """A traceback or a log of a record must not hold a face."""
    assert "portrait" not in repr(unwrap(SEEDS[0]))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damage_never_leaves_the_error_tree(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(SEEDS)))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    try:
        photo = unwrap(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except (EnrolmentError, FrameError):
        return
    assert photo.data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x75", b"\x7f\x61", b"FAC\x00010\x00", b"FAC\x00030\x00"]))
def test_noise_never_leaves_the_error_tree(noise: bytes, head: bytes) -> None:
    try:
        unwrap(head + noise)
    except (EnrolmentError, FrameError):
        return


@settings(max_examples=100, deadline=None)
@given(
    pictures=st.lists(st.binary(max_size=40).map(lambda tail: b"\xff\xd8\xff" + tail), min_size=1, max_size=4),
    edition=st.sampled_from(["2005", "2011"]),
    wrap=st.booleans(),
)
def test_what_is_written_is_read(pictures: list[bytes], edition: str, wrap: bool) -> None:
    record = face_record(*map(Portrait, pictures), edition="2005" if edition == "2005" else "2011")
    photo = unwrap(dg2(record) if wrap else record)
    assert (photo.data, photo.faces, photo.remarks) == (pictures[0], len(pictures), ())


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda n: tlv(0x75, tlv(0x7F61, b"\x02\x01\x01" * n)), id="counts"),
        pytest.param(lambda n: b"\x75\x03\x7f\x61\x00" + bytes(20 * n), id="padding"),
        pytest.param(lambda n: dg2(*[face_record(Portrait(b"\xff\xd8\xff"))] * (n // 20)), id="instances"),
        pytest.param(lambda n: dg2(face_image_data_block(*[b"\xff\xd8\xff"] * (n // 20))), id="representations"),
        pytest.param(lambda n: face_record(*[Portrait(b"\xff\xd8\xff")] * (n // 20)), id="faces"),
        pytest.param(lambda n: b"\x75\x82\xff\xff" * n, id="nests"),
    ],
)
def test_nothing_takes_quadratic_time(build: Callable[[int], bytes]) -> None:
    """Counted in calls, which say the same on every machine: four times the input may make no more than five times."""
    first, second = calls_to_unwrap(build(16_000)), calls_to_unwrap(build(64_000))
    assert second < 5 * first + 50


def calls_to_unwrap(data: bytes) -> int:
    calls = 0

    def count(_frame: object, _event: str, _argument: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        unwrap(data)
    except EnrolmentError:
        pass
    finally:
        sys.setprofile(None)
    return calls
