"""BER-TLV data objects of a chip's files: tag, definite length, value (ISO/IEC 7816-4, 8.1; ITU-T X.690, 8.1).

Values are views into the file: nothing is copied, and a claimed length sets no memory aside. There is no recursion: who
reads says how deep to look, one call of `elements` a level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gate.errors import Code, EnrolmentError

_MAX_TAG_BYTES = 3
_MAX_LENGTH_BYTES = 4
# Zero bytes without meaning may stand before, between and after data objects (ISO/IEC 7816-4, 8.1.1).
_PADDING = re.compile(rb"\x00*")


@dataclass(frozen=True, slots=True)
class Element:
    """One data object.

    Attributes:
        tag: with its class and form bits, as it stands: ``0x7F61``.
        value: its content.
        end: offset behind it, within what it was read from.
    """

    tag: int
    value: memoryview = field(repr=False)
    end: int


def invalid(message: str) -> EnrolmentError:
    """The error of every record round a photograph that cannot be read; says what was expected and what was found."""
    return EnrolmentError(Code.PHOTO_RECORD_INVALID, message)


def elements(data: memoryview, parent: str) -> Iterator[Element]:
    """The data objects that follow one another in `data`, in order.

    Args:
        data: one byte an item.
        parent: what `data` is the content of, for messages.

    Raises:
        EnrolmentError: PHOTO_RECORD_INVALID for a tag or length that is cut short, runs beyond `data`, is of indefinite
            form, or is longer than any file needs.
    """
    position = _skip_padding(data, 0)
    while position < len(data):
        element = _element(data, position, parent)
        yield element
        position = _skip_padding(data, element.end)


def first(data: memoryview, tag: int, parent: str) -> memoryview | None:
    """Content of the first data object of that tag in `data`, or None. Raises as `elements` does."""
    return next((element.value for element in elements(data, parent) if element.tag == tag), None)


def required(data: memoryview, tag: int, parent: str) -> memoryview:
    """Content of the first data object of that tag. Raises as `elements` does, and when there is none."""
    found = first(data, tag, parent)
    if found is None:
        raise invalid(f"expected tag {tag:X} in {parent}, found none")
    return found


def _skip_padding(data: memoryview, position: int) -> int:
    found = _PADDING.match(data, position)
    return found.end() if found else position


def _element(data: memoryview, start: int, parent: str) -> Element:
    tag, position = _tag(data, start, parent)
    length, position = _length(data, position, tag, parent)
    if length > len(data) - position:
        raise invalid(
            f"tag {tag:X} in {parent} states {length} bytes, expected at most the {len(data) - position} that follow it"
        )
    return Element(tag, data[position : position + length], position + length)


def _tag(data: memoryview, start: int, parent: str) -> tuple[int, int]:
    """The tag at `start`, and the position after it. One of several bytes begins xxx11111 and ends below 0x80."""
    end = start + 1
    if data[start] & 0x1F == 0x1F:
        while end < len(data) and data[end] & 0x80 and end - start < _MAX_TAG_BYTES:
            end += 1
        end += 1
    if end > len(data) or end - start > _MAX_TAG_BYTES:
        raise invalid(
            f"expected a tag of at most {_MAX_TAG_BYTES} bytes at byte {start} of {parent}, found no end of it"
        )
    return int.from_bytes(data[start:end], "big"), end


def _length(data: memoryview, start: int, tag: int, parent: str) -> tuple[int, int]:
    """The length at `start`, and the position after it."""
    if start >= len(data):
        raise invalid(f"expected a length behind tag {tag:X} in {parent}, found the end")
    head = data[start]
    if head < 0x80:
        return head, start + 1
    count = head & 0x7F
    if not 1 <= count <= _MAX_LENGTH_BYTES:
        found = "the indefinite form" if count == 0 else f"{count} bytes"
        raise invalid(
            f"expected a length of 1 to {_MAX_LENGTH_BYTES} bytes behind tag {tag:X} in {parent}, found {found}"
        )
    end = start + 1 + count
    if end > len(data):
        raise invalid(f"expected a length of {count} bytes behind tag {tag:X} in {parent}, found the end")
    return int.from_bytes(data[start + 1 : end], "big"), end
