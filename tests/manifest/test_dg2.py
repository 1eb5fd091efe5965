"""A chip's face record is written by hundreds of issuers and read by us: what is whole is found, the rest is named."""

from __future__ import annotations

import struct
from datetime import date

import pytest

from gate.errors import Code, EnrolmentError
from gate.manifest.face import Eyes, FaceKind, PictureFormat
from gate.manifest.photo import Container, Photo, unwrap
from tests.manifest.face_records import (
    LEFT_EYE,
    RIGHT_EYE,
    Edition,
    Portrait,
    dg2,
    face_image_data_block,
    face_record,
    tlv,
)

JPEG = b"\xff\xd8\xff\xe0 the first portrait"
OTHER = b"\xff\xd8\xff\xe1 another portrait"
JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n and boxes"
CODESTREAM = b"\xff\x4f\xff\x51 and markers"
EDITIONS = pytest.mark.parametrize("edition", ["2005", "2011"])


def invalid(data: bytes) -> str:
    with pytest.raises(EnrolmentError) as caught:
        unwrap(data)
    assert caught.value.code is Code.PHOTO_RECORD_INVALID
    return caught.value.message


@EDITIONS
@pytest.mark.parametrize("picture", [JPEG, JP2, CODESTREAM], ids=["jpeg", "jp2", "codestream"])
def test_the_portrait_of_a_passport(edition: Edition, picture: bytes) -> None:
    stated = 0 if picture is JPEG else 1
    points = ((*LEFT_EYE, 250, 200), (1, 0x93, 1, 1), (*RIGHT_EYE, 160, 201))
    photo = unwrap(dg2(face_record(Portrait(picture, stated=stated, points=points), edition=edition)))
    assert photo == Photo(
        picture,
        PictureFormat.JPEG if picture is JPEG else PictureFormat.JPEG2000,
        Container.DG2,
        1,
        FaceKind.FULL_FRONTAL,
        date(2024, 1, 20),
        Eyes((250, 200), (160, 201)),
        (),
    )


@pytest.mark.parametrize("tag", [0x7F2E, 0x5F2E])
def test_the_portrait_of_a_newer_passport(tag: int) -> None:
    """ISO/IEC 39794-5, which inspection systems must read since 2026; its tag says little about what is in it."""
    photo = unwrap(dg2(face_image_data_block(JP2), tag=tag))
    assert (photo.data, photo.kind, photo.captured) == (JP2, FaceKind.MRTD, date(2024, 1, 20))
    assert photo.remarks == ()


def test_only_mandatory_fields_of_39794() -> None:
    photo = unwrap(dg2(face_image_data_block(JP2, kind=None, year=None), tag=0x7F2E, header=b"\x87\x02\x01\x01"))
    assert (photo.data, photo.kind, photo.captured) == (JP2, None, None)


def test_39794_without_the_profiles_wrapper() -> None:
    wrapped = face_image_data_block(JPEG, code=2)
    assert unwrap(dg2(wrapped[2:], tag=0x7F2E)).data == JPEG


def test_a_representation_of_another_kind_is_passed_over() -> None:
    """A 3D shape alone holds no picture."""
    shape = tlv(0x30, b"\x80\x01\x00", tlv(0xA1, tlv(0xA0, tlv(0xA1, b""))))
    picture = face_image_data_block(JP2)
    at = picture.index(b"\xa1", 12)
    inner = tlv(0x65, picture[4:at], tlv(0xA1, shape + picture[at + 2 :]))
    photo = unwrap(dg2(tlv(0xA1, inner), tag=0x7F2E))
    assert photo.data == JP2
    assert photo.remarks == ("1 representations hold no two-dimensional picture",)
    assert "two-dimensional" in invalid(dg2(tlv(0x65, tlv(0xA1, shape)), tag=0x7F2E))


@EDITIONS
def test_a_record_without_a_chips_wrapper(edition: Edition) -> None:
    photo = unwrap(face_record(Portrait(JPEG), edition=edition))
    assert (photo.data, photo.container) == (JPEG, Container.FACE_RECORD)


def test_a_group_template_without_the_data_groups_tag() -> None:
    whole = dg2(face_record(Portrait(JPEG)))
    assert unwrap(whole[2:]).data == JPEG


@EDITIONS
def test_the_frontal_portrait_is_preferred(edition: Edition) -> None:
    """A record may hold a profile or a full picture first; comparing needs the portrait."""
    photo = unwrap(dg2(face_record(Portrait(OTHER, kind=0), Portrait(JPEG, kind=2), edition=edition)))
    assert (photo.data, photo.faces, photo.kind) == (JPEG, 2, FaceKind.TOKEN_FRONTAL)


def test_the_first_is_taken_where_none_is_frontal() -> None:
    photo = unwrap(dg2(face_record(Portrait(OTHER, kind=0)), face_record(Portrait(JPEG, kind=0))))
    assert (photo.data, photo.faces, photo.kind) == (OTHER, 2, FaceKind.BASIC)


@EDITIONS
def test_another_format_than_stated_is_believed_and_remarked_on(edition: Edition) -> None:
    """Issuers that moved to JPEG 2000 forgot the byte that says so."""
    photo = unwrap(face_record(Portrait(JP2, stated=0), edition=edition))
    assert photo.format is PictureFormat.JPEG2000
    assert photo.remarks == ("the face record states jpeg, the picture is jpeg2000",)
    assert unwrap(dg2(face_image_data_block(JP2, code=2))).remarks == photo.remarks


def test_a_wrong_count_of_instances_is_remarked_on() -> None:
    photo = unwrap(dg2(face_record(Portrait(JPEG)), count=3))
    assert photo.remarks == ("the DG2 states 3 and has 1 instances",)


def test_an_instance_of_fingers_is_passed_over() -> None:
    fingers = tlv(0x7F60, tlv(0xA1, b"\x81\x01\x08"), tlv(0x5F2E, b"FIR\x00"))
    face = tlv(0x7F60, tlv(0xA1, b"\x81\x01\x02"), tlv(0x5F2E, face_record(Portrait(JPEG))))
    photo = unwrap(tlv(0x75, tlv(0x7F61, b"\x02\x01\x02", fingers, face)))
    assert photo.data == JPEG
    assert "biometric type 08" in photo.remarks[0]
    assert "no" in invalid(tlv(0x75, tlv(0x7F61, b"\x02\x01\x01", fingers)))


def test_padding_of_the_file_is_nothing_and_other_bytes_are_remarked_on() -> None:
    """Chips hand out files of fixed size."""
    whole = dg2(face_record(Portrait(JPEG)))
    assert unwrap(whole + bytes(500)).remarks == ()
    assert unwrap(whole + bytes(10) + b"\x01").remarks == ("11 bytes behind the DG2 are ignored",)


def test_zero_bytes_between_data_objects_are_padding() -> None:
    record = tlv(0x5F2E, face_record(Portrait(JPEG)))
    assert (
        unwrap(tlv(0x75, bytes(3), tlv(0x7F61, b"\x02\x01\x01", bytes(2), tlv(0x7F60, record), bytes(9)))).data == JPEG
    )


@pytest.mark.parametrize("digits", ["00000000000000", "20241301000000", "2024", "", "ffffffffffffff"])
def test_a_day_that_is_none_is_not_stated(digits: str) -> None:
    header = tlv(0x83, bytes.fromhex(digits))
    assert unwrap(dg2(face_record(Portrait(JPEG)), header=header)).captured is None


def test_the_day_of_capture_is_better_than_the_day_of_making() -> None:
    record = face_record(Portrait(JPEG, captured=(2019, 5, 6)), edition="2011")
    assert unwrap(dg2(record)).captured == date(2019, 5, 6)


def test_quality_blocks_are_skipped() -> None:
    assert unwrap(face_record(Portrait(JPEG, qualities=3), edition="2011")).data == JPEG


class TestDamage:
    """Each says what was expected and what was found."""

    @EDITIONS
    def test_every_truncation_of_a_record(self, edition: Edition) -> None:
        whole = face_record(Portrait(JPEG, points=((*LEFT_EYE, 1, 1),), qualities=1), edition=edition)
        for length in range(4, len(whole)):
            assert "found" in invalid(whole[:length])

    @pytest.mark.parametrize("record", [face_record(Portrait(JPEG)), face_image_data_block(JPEG)])
    def test_every_truncation_of_a_data_group(self, record: bytes) -> None:
        whole = dg2(record)
        for length in range(1, len(whole)):
            assert "found" in invalid(whole[:length]) or "states" in invalid(whole[:length])

    def test_a_record_that_states_more_than_there_is(self) -> None:
        record = face_record(Portrait(JPEG))
        message = invalid(record[:8] + struct.pack(">I", len(record) + 1) + record[12:])
        assert message == f"face record: states {len(record) + 1} bytes, found {len(record)}"

    def test_a_record_that_states_less_is_read_as_far_as_it_states(self) -> None:
        record = face_record(Portrait(JPEG))
        assert unwrap(record + b"trailer").remarks == (
            f"the face record states {len(record)} bytes and has {len(record) + 7}",
        )

    def test_a_face_that_states_more_than_its_record(self) -> None:
        record = face_record(Portrait(JPEG))
        assert "face 1 of 1: states 4294967295 bytes" in invalid(record[:14] + b"\xff" * 4 + record[18:])

    def test_more_faces_stated_than_there_are(self) -> None:
        record = face_record(Portrait(JPEG))
        assert "face 2 of 65535" in invalid(record[:12] + b"\xff\xff" + record[14:])

    def test_bytes_behind_the_last_face(self) -> None:
        record = face_record(Portrait(JPEG), Portrait(OTHER))
        remarks = unwrap(record[:12] + b"\x00\x01" + record[14:]).remarks
        assert len(remarks) == 1
        assert "behind its last face" in remarks[0]

    def test_no_faces(self) -> None:
        assert "count of 0" in invalid(face_record())
        assert "0 instances" in invalid(dg2())

    def test_more_points_than_the_block_holds(self) -> None:
        record = face_record(Portrait(JPEG))
        assert "65535 feature points" in invalid(record[:18] + b"\xff\xff" + record[20:])

    def test_another_version(self) -> None:
        assert "found b'020\\x00'" in invalid(b"FAC\x00020\x00" + bytes(40))

    def test_certification_blocks(self) -> None:
        record = face_record(Portrait(JPEG), edition="2011")
        assert "certification" in invalid(record[:14] + b"\x01" + record[15:])

    @pytest.mark.parametrize("picture", [b"", b"GIF89a", b"\xff\xd8"])
    def test_no_picture_in_the_record(self, picture: bytes) -> None:
        assert f"found {len(picture)} bytes" in invalid(face_record(Portrait(picture)))

    def test_another_data_group(self) -> None:
        assert "expected tag 7F61" in invalid(tlv(0x75, tlv(0x7F60, b"")))

    def test_no_data_block(self) -> None:
        assert "5F2E or 7F2E" in invalid(tlv(0x75, tlv(0x7F61, b"\x02\x01\x01", tlv(0x7F60, tlv(0xA1, b"")))))

    def test_a_data_block_of_another_standard(self) -> None:
        assert "19794-5 or 39794-5" in invalid(dg2(b"FIR\x00 a finger"))


class TestLengths:
    """What a length may be, and that a claimed one costs nothing."""

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"\x75\x80\x7f\x61", "indefinite"),
            (b"\x75\x85\x01\x00\x00\x00\x00", "5 bytes"),
            (b"\x75\xff", "127 bytes"),
            (b"\x75\x84\xff\xff\xff\xff", "states 4294967295 bytes"),
            (b"\x75\x82\x01", "found the end"),
            (b"\x75", "found the end"),
            (b"\x7f\x61\x02\x7f\xff", "no end of it"),
            (b"\x75\x02\x7f\x61", "found the end"),
            (b"\x75\x05\x7f\x61\x7f\x00\x00", "states 127 bytes, expected at most the 2"),
        ],
    )
    def test_refused(self, data: bytes, says: str) -> None:
        assert says in invalid(data)

    def test_a_longer_form_than_needed_is_allowed(self) -> None:
        """BER, unlike DER; cards write lengths of fixed width."""
        inner = dg2(face_record(Portrait(JPEG)))[2:]
        assert unwrap(b"\x75\x84" + struct.pack(">I", len(inner)) + inner).data == JPEG
