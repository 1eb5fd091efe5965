"""Fields of a protobuf message, read off its bytes: to parse a whole ONNX file takes the library 15 ms of the start."""

from __future__ import annotations

from collections.abc import Iterator


def first(message: memoryview, wanted: int) -> bytes:
    """The first content of a field; empty where there is none."""
    return bytes(next(every(message, wanted), b""))


def every(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Every content of a field: of messages, strings and bytes."""
    return (content for field, content in fields(message) if field == wanted)


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Fields with their contents: messages, strings and bytes."""
    return ((field, content) for field, content in _walk(message) if isinstance(content, memoryview))


def varints(message: memoryview) -> list[tuple[int, int]]:
    """Fields that are whole numbers."""
    return [(field, number) for field, number in _walk(message) if isinstance(number, int)]


def _walk(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Fields of a protobuf message with their contents; numbers of fixed width are passed over.

    What is no message ends where that shows: whoever runs the model says so.
    """
    place = 0
    while place < len(message):
        try:
            key, place = _varint(message, place)
            number, place = _varint(message, place) if key & 7 in (0, 2) else (0, place)
        except IndexError:
            return
        kind = key & 7
        if kind == 0:
            yield key >> 3, number
        elif kind == 2:
            yield key >> 3, message[place : place + number]
            place += number
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            return


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
