"""Data group 2 of a travel document's chip: the encoded face (ICAO Doc 9303-10, 4.7.2).

::

    75                        DG2
    └── 7F61                  biometric information group template
        ├── 02                number of instances
        └── 7F60              biometric information template, one an instance
            ├── A1            biometric header template (CBEFF): 81 type, 83 day of making, 87 and 88 format …
            └── 5F2E or 7F2E  biometric data block: ISO/IEC 19794-5, or ISO/IEC 39794-5 in A1/65
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gate.manifest import face_record_19794, face_record_39794
from gate.manifest.face import Face, FaceRecord, day
from gate.manifest.tlv import Element, elements, first, invalid, required

DG2 = 0x75
GROUP = b"\x7f\x61"
_GROUP, _COUNT, _INSTANCE, _HEADER = 0x7F61, 0x02, 0x7F60, 0xA1
_DATA_BLOCKS = frozenset({0x5F2E, 0x7F2E})
_TYPE, _MADE = 0x81, 0x83
# CBEFF biometric type "facial features" (ISO/IEC 19785-3).
_FACIAL = 2
# Within 7F2E the profile wraps the FaceImageDataBlock once more.
_WRAPPED = 0xA1


def read_dg2(data: memoryview) -> FaceRecord:
    """All faces of a DG2, or of its group template 7F61 alone, in order.

    Bytes behind the outermost object are ignored with a remark: chips pad their files. A wrong count of instances and
    an instance of another biometric type are remarked on and passed over.

    Raises:
        EnrolmentError: PHOTO_RECORD_INVALID, with what was expected and found.
    """
    root = next(elements(data, "the file"), None)
    if root is None or root.tag not in (DG2, _GROUP):
        raise invalid("expected a DG2 (tag 75), found " + ("nothing" if root is None else f"tag {root.tag:X}"))
    remarks = []
    if any(data[root.end :]):
        remarks.append(f"{len(data) - root.end} bytes behind the DG2 are ignored")
    group = root.value if root.tag == _GROUP else required(root.value, _GROUP, "DG2")
    instances = _instances(group, remarks)
    faces: list[Face] = []
    for number, instance in enumerate(instances, 1):
        record = _instance(instance.value, f"instance {number} of {len(instances)}")
        faces += record.faces
        remarks += record.remarks
    if not faces:
        raise invalid(f"DG2: expected a face, found none in {len(instances)} instances")
    return FaceRecord(tuple(faces), tuple(remarks))


def _instances(group: memoryview, remarks: list[str]) -> list[Element]:
    children = list(elements(group, "group template 7F61"))
    found = [child for child in children if child.tag == _INSTANCE]
    stated = next((int.from_bytes(child.value[:4], "big") for child in children if child.tag == _COUNT), None)
    if stated != len(found):
        remarks.append(f"the DG2 states {'no count' if stated is None else stated} and has {len(found)} instances")
    return found


def _instance(template: memoryview, name: str) -> FaceRecord:
    children = list(elements(template, name))
    header = next((child.value for child in children if child.tag == _HEADER), None)
    block = next((child.value for child in children if child.tag in _DATA_BLOCKS), None)
    if block is None:
        raise invalid(f"{name}: expected a data block 5F2E or 7F2E, found none")
    if header is None:
        return _data_block(block, name)
    kind = first(header, _TYPE, f"{name}, header")
    if kind is not None and int.from_bytes(kind[:3], "big") != _FACIAL:
        return FaceRecord((), (f"{name}: expected facial features, found biometric type {bytes(kind[:3]).hex()}",))
    record = _data_block(block, name)
    made = _made(first(header, _MADE, f"{name}, header"))
    faces = tuple(face if face.captured else replace(face, captured=made) for face in record.faces)
    return FaceRecord(faces, record.remarks)


def _data_block(block: memoryview, name: str) -> FaceRecord:
    """The faces of a biometric data block. Its content tells the standards apart; the tag round it does not always."""
    if bytes(block[:4]) == face_record_19794.MAGIC:
        return face_record_19794.read_19794(block)
    outer = next(elements(block, name), None) if bytes(block[:1]) in (b"\x65", b"\xa1") else None
    if outer is not None and outer.tag == _WRAPPED:
        outer = next(elements(outer.value, name), None)
    if outer is None or outer.tag != face_record_39794.FACE_IMAGE_DATA_BLOCK:
        raise invalid(
            f"{name}: expected a face record of ISO/IEC 19794-5 or 39794-5, found {bytes(block[:8]).hex(' ')}"
        )
    return face_record_39794.read_39794(outer.value)


def _made(value: memoryview | None) -> date | None:
    """A day in binary-coded decimal, ``YYYYMMDDhhmmss``; None when it is none."""
    digits = "" if value is None else bytes(value[:4]).hex()
    if len(digits) != 8 or not digits.isdecimal():
        return None
    return day(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
