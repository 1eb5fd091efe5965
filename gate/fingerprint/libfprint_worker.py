"""Runs libfprint's MINDTCT in a process of its own: images in on stdin, minutiae out on stdout.

Started by `gate.fingerprint.worker` as a file by itself, so it imports nothing but the standard library. An image is,
little-endian, width and height (uint32), pixels a millimetre (float64), and width x height grey bytes; the answer (see
`gate.fingerprint.worker`) is a row for each minutia: x, y, direction, type (int32), reliability (float64).

libfprint's public functions give a minutia's position and nothing else, and set no resolution. Both are read and
written where its structures hold them, after a comparison with what the public functions say.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import BinaryIO

LIBRARY = "libfprint-2.so.2"
_NONE_FOUND = "No minutiae found"
"""What libfprint calls an error, and is the right answer for an empty sensor."""

IMAGE_HEAD = struct.Struct("<IId")
ENDING = 1
"""MINDTCT's number for a ridge ending; 0 is a bifurcation."""

_ANSWER_HEAD = struct.Struct("<II")
_ROW = struct.Struct("<iiiid")


class WorkerError(Exception):
    """libfprint did not do as expected. The process goes on."""


class _GObject(ctypes.Structure):
    _fields_ = (("type_instance", ctypes.c_void_p), ("ref_count", ctypes.c_uint), ("qdata", ctypes.c_void_p))


class _FpImage(ctypes.Structure):
    """The head of `struct _FpImage` of libfprint 1.94 (fpi-image.h)."""

    _fields_ = (
        ("parent", _GObject),
        ("width", ctypes.c_uint),
        ("height", ctypes.c_uint),
        ("ppmm", ctypes.c_double),
    )


class _Minutia(ctypes.Structure):
    """The head of NBIS's `struct minutia`, which libfprint calls fp_minutia."""

    _fields_ = (
        ("x", ctypes.c_int),
        ("y", ctypes.c_int),
        ("ex", ctypes.c_int),
        ("ey", ctypes.c_int),
        ("direction", ctypes.c_int),
        ("reliability", ctypes.c_double),
        ("type", ctypes.c_int),
    )


class _PointerArray(ctypes.Structure):
    """GLib's GPtrArray."""

    _fields_ = (("data", ctypes.POINTER(ctypes.POINTER(_Minutia))), ("length", ctypes.c_uint))


class _Error(ctypes.Structure):
    """GLib's GError."""

    _fields_ = (("domain", ctypes.c_uint32), ("code", ctypes.c_int), ("message", ctypes.c_char_p))


_Done = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class Mindtct:
    """The few functions of libfprint and GLib that find minutiae.

    Raises:
        OSError: when a library cannot be loaded.
        AttributeError: when it lacks a function.
    """

    def __init__(self) -> None:
        fprint = ctypes.CDLL(LIBRARY)
        self._new = _function(fprint.fp_image_new, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
        self._data = _function(
            fprint.fp_image_get_data, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)
        )
        self._ppmm = _function(fprint.fp_image_get_ppmm, ctypes.c_double, ctypes.c_void_p)
        self._detect = _function(
            fprint.fp_image_detect_minutiae, None, ctypes.c_void_p, ctypes.c_void_p, _Done, ctypes.c_void_p
        )
        self._finish = _function(
            fprint.fp_image_detect_minutiae_finish,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.POINTER(_Error)),
        )
        self._minutiae = _function(fprint.fp_image_get_minutiae, ctypes.POINTER(_PointerArray), ctypes.c_void_p)
        self._coordinates = _function(
            fprint.fp_minutia_get_coords,
            None,
            ctypes.POINTER(_Minutia),
            ctypes.POINTER(ctypes.c_int),
            ctypes.POINTER(ctypes.c_int),
        )
        # libfprint has loaded GLib, whose functions are found through it.
        self._iterate = _function(fprint.g_main_context_iteration, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
        self._unref = _function(fprint.g_object_unref, None, ctypes.c_void_p)
        self._free_error = _function(fprint.g_error_free, None, ctypes.POINTER(_Error))

    def minutiae(self, width: int, height: int, ppmm: float, pixels: bytes) -> list[tuple[int, int, int, int, float]]:
        """x, y, direction (32nds of a circle, clockwise from up), type (0 bifurcation, 1 ending) and reliability.

        Raises:
            WorkerError: when libfprint is not of the expected layout, or finds fault with the image.
        """
        image = self._new(width, height)
        if not image:
            raise WorkerError("expected an image, fp_image_new gave none")
        try:
            self._fill(image, width, height, ppmm, pixels)
            self._run(image)
            return self._read(image)
        finally:
            self._unref(image)

    def _fill(self, image: int, width: int, height: int, ppmm: float, pixels: bytes) -> None:
        inside = _FpImage.from_address(image)
        if (inside.width, inside.height) != (width, height):
            raise WorkerError("expected the image's size where libfprint 1.94 has it, found other numbers")
        inside.ppmm = ppmm
        found = self._ppmm(image)
        if found != ppmm:
            raise WorkerError(f"expected {ppmm} pixels a millimetre after setting them, found {found}")
        length = ctypes.c_size_t()
        data = self._data(image, ctypes.byref(length))
        if length.value != len(pixels):
            raise WorkerError(f"expected room for {len(pixels)} bytes, found {length.value}")
        ctypes.memmove(data, pixels, len(pixels))

    def _run(self, image: int) -> None:
        problems: list[str] = []
        finished = False

        def done(source: int, result: int, _: int) -> None:
            nonlocal finished
            error = ctypes.POINTER(_Error)()
            if not self._finish(source, result, ctypes.byref(error)):
                problems.append(error.contents.message.decode(errors="replace") if error else "no reason given")
                if error:
                    self._free_error(error)
            finished = True

        callback = _Done(done)
        self._detect(image, None, callback, None)
        while not finished:
            self._iterate(None, 1)
        if problems and problems[0] != _NONE_FOUND:
            raise WorkerError(problems[0])

    def _read(self, image: int) -> list[tuple[int, int, int, int, float]]:
        array = self._minutiae(image)
        if not array:
            return []
        found = []
        x, y = ctypes.c_int(), ctypes.c_int()
        for index in range(array.contents.length):
            pointer = array.contents.data[index]
            minutia = pointer.contents
            self._coordinates(pointer, ctypes.byref(x), ctypes.byref(y))
            if (minutia.x, minutia.y) != (x.value, y.value) or not 0 <= minutia.direction < 32:
                raise WorkerError("expected a minutia as NBIS lays it out, found other numbers")
            found.append((minutia.x, minutia.y, minutia.direction, minutia.type, minutia.reliability))
        return found


def _function(function: ctypes._NamedFuncPointer, result: object, *arguments: object) -> ctypes._NamedFuncPointer:
    function.restype = result  # type: ignore[assignment]  # ctypes takes any of its types, or None
    function.argtypes = arguments  # type: ignore[assignment]
    return function


def serve(mindtct: Mindtct, images: BinaryIO, answers: BinaryIO) -> None:
    """Answer one image after the other until the other side closes."""
    while len(head := images.read(IMAGE_HEAD.size)) == IMAGE_HEAD.size:
        width, height, ppmm = IMAGE_HEAD.unpack(head)
        pixels = images.read(width * height)
        if len(pixels) < width * height:
            return
        try:
            found = mindtct.minutiae(width, height, ppmm, pixels)
        except WorkerError as error:
            status, answer = 1, str(error).encode()
        else:
            status, answer = 0, b"".join(_ROW.pack(*minutia) for minutia in found)
        answers.write(_ANSWER_HEAD.pack(status, len(answer)) + answer)
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout. Whatever the libraries print goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(Mindtct(), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
