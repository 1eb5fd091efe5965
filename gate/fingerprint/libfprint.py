"""Minutiae by NIST's MINDTCT, as Debian's libfprint-2-2 contains it, in a process of its own."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, ConfigError, EngineFault, FingerprintError
from gate.fingerprint import libfprint_worker as wire
from gate.fingerprint.template import MAX_MINUTIAE, TEMPLATE_DPI, FingerImage, FingerTemplate, MinutiaKind
from gate.fingerprint.worker import RefusedError, Worker

MINUTIA = np.dtype([("x", "<i4"), ("y", "<i4"), ("direction", "<i4"), ("type", "<i4"), ("reliability", "<f8")])
"""A row of the worker's answer."""

_MM_PER_INCH = 25.4
_DIRECTIONS = 32

_TIMEOUT_S = 10.0
"""An image takes 20 to 100 ms; this is for a process that hangs."""

_MIN_SIDE_PX = 64
_MAX_PIXELS = 2000 * 2000
"""Between these MINDTCT has its blocks and ends in good time."""


def is_installed() -> bool:
    """The library can be loaded here."""
    try:
        ctypes.CDLL(wire.LIBRARY)
    except OSError:
        return False
    return True


class LibfprintExtractor:
    """Minutiae by MINDTCT. Threads may share one; they take turns. `close` ends its process.

    Raises:
        ConfigError: EXTRACTOR_MISSING, without the library.
    """

    name = "mindtct-1"

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        if not is_installed():
            raise ConfigError(
                Code.EXTRACTOR_MISSING, f"expected {wire.LIBRARY}, found none: apt-get install libfprint-2-2"
            )
        self._worker = Worker("libfprint", Path(wire.__file__), timeout_s)

    def extract(self, image: FingerImage) -> FingerTemplate:
        """See `gate.fingerprint.extractor.Extractor`."""
        image = image.at_500_dpi()
        _check_size(image)
        head = wire.IMAGE_HEAD.pack(image.width_px, image.height_px, TEMPLATE_DPI / _MM_PER_INCH)
        try:
            answer = self._worker.ask(head + np.ascontiguousarray(image.grey).tobytes())
        except RefusedError as error:
            raise EngineFault(Code.EXTRACTION_FAILED, f"libfprint could not search an image: {error}") from error
        return _template(np.frombuffer(answer, MINUTIA), image, self.name)

    def close(self) -> None:
        """End the process; a later image starts another."""
        self._worker.close()


def _check_size(image: FingerImage) -> None:
    sides = image.width_px, image.height_px
    if min(sides) < _MIN_SIDE_PX or sides[0] * sides[1] > _MAX_PIXELS:
        raise FingerprintError(
            Code.FINGER_IMAGE_INVALID,
            f"expected sides from {_MIN_SIDE_PX} and at most {_MAX_PIXELS} pixels, found {sides[0]} x {sides[1]}",
        )


def _template(found: NDArray[np.void], image: FingerImage, name: str) -> FingerTemplate:
    """NBIS counts directions clockwise from up, in 32nds, and points back along the ridge as ISO/IEC 19794-2 does."""
    best = found[np.argsort(-found["reliability"], kind="stable")[:MAX_MINUTIAE]]
    return FingerTemplate.at_500_dpi(
        best["x"],
        best["y"],
        np.pi / 2 - best["direction"] * (2 * np.pi / _DIRECTIONS),
        np.where(best["type"] == wire.ENDING, MinutiaKind.ENDING, MinutiaKind.BIFURCATION),
        np.clip(np.rint(best["reliability"] * 100), 1, 100).astype(np.uint8),
        width_px=image.width_px,
        height_px=image.height_px,
        resolution_dpi=TEMPLATE_DPI,
        extractor=name,
        finger=image.finger,
        impression=image.impression,
    )
