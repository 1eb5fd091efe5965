"""A finger as it is compared: the image it came from, and its minutiae.

Conventions are those of ISO/IEC 19794-2:2005, clause 6.3, whatever made the template:

* the origin is the upper left corner of the image, x grows to the right and y downwards, both in pixels of 500 dpi;
* an angle is counter-clockwise *as one sees it*, from the direction to the right. As y points down, the unit vector of
  an angle is (cos, -sin);
* an ending's angle points back along its ridge, a bifurcation's along the valley between its two ridges: not onwards
  to where the ridge would have gone, as in NIST's older convention.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, FingerprintError
from gate.fingerprint.position import FingerPosition as FingerPosition  # noqa: PLC0414 -- part of a template
from gate.fingerprint.position import Impression as Impression  # noqa: PLC0414

TEMPLATE_DPI = 500.0
"""Every template's resolution: what live scanners deliver, and what extractors were made for."""

_SAME_SCALE = 0.005
"""A pixel over a finger of 200: not worth the blur of resampling."""

MAX_MINUTIAE = 255
"""As many as ISO/IEC 19794-2 can count in one view. A clean finger has 30 to 80."""

GreyImage = NDArray[np.uint8]
Coordinates = NDArray[np.float32]
Bytes = NDArray[np.uint8]


class MinutiaKind(enum.IntEnum):
    """What a minutia is, as ISO/IEC 19794-2:2005, 6.5.1 numbers it."""

    OTHER = 0
    ENDING = 1
    BIFURCATION = 2


@dataclass(frozen=True, slots=True, eq=False)
class FingerImage:
    """One grey image of one finger, ridges dark.

    Attributes:
        grey: (h, w) uint8.
        resolution_dpi: pixels an inch, the same both ways.
        finger: which one, where that is known.
        impression: how it was taken.
    """

    grey: GreyImage = field(repr=False)
    resolution_dpi: float = TEMPLATE_DPI
    finger: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.LIVE_PLAIN

    def at_500_dpi(self) -> FingerImage:
        """The image at the resolution that extractors were made for: itself, or resampled."""
        scale = TEMPLATE_DPI / self.resolution_dpi
        if abs(scale - 1) < _SAME_SCALE:
            return self
        size = max(1, round(self.width_px * scale)), max(1, round(self.height_px * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        grey = cv2.resize(self.grey, size, interpolation=method).astype(np.uint8, copy=False)
        return replace(self, grey=grey, resolution_dpi=TEMPLATE_DPI)

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.grey.shape[0])

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.grey.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class FingerTemplate:
    """The minutiae of one finger, at 500 dpi, in the conventions of this module. The arrays are read-only.

    Made by `at_500_dpi`, unless the numbers are of that resolution already.

    Attributes:
        x_px, y_px: (n,) float32, within the image; n from 0 to 255.
        angle_rad: (n,) float32, in [0, 2π).
        kind: (n,) uint8, a `MinutiaKind` each.
        quality: (n,) uint8, 1 (poor) to 100 (clear); 0 where it is not stated.
        width_px, height_px: of the image, at 500 dpi.
        finger, impression: of the image.
        extractor: who found the minutiae. Extractors put them in different places, so templates of different ones are
            not compared.

    Raises:
        FingerprintError: FINGER_RECORD_INVALID, when an array is not as above.
    """

    x_px: Coordinates = field(repr=False)
    y_px: Coordinates = field(repr=False)
    angle_rad: Coordinates = field(repr=False)
    kind: Bytes = field(repr=False)
    quality: Bytes = field(repr=False)
    width_px: int
    height_px: int
    extractor: str
    finger: FingerPosition = FingerPosition.UNKNOWN
    impression: Impression = Impression.LIVE_PLAIN

    def __post_init__(self) -> None:
        self._check_shapes()
        _check(self.width_px > 0 and self.height_px > 0, "a size above 0", f"{self.width_px} x {self.height_px}")
        _check_range("x_px", self.x_px, 0, self.width_px)
        _check_range("y_px", self.y_px, 0, self.height_px)
        _check_range("angle_rad", self.angle_rad, 0, float(np.float32(2 * np.pi)))
        _check_range("kind", self.kind, 0, len(MinutiaKind))
        _check_range("quality", self.quality, 0, 101)
        for array in (self.x_px, self.y_px, self.angle_rad, self.kind, self.quality):
            array.setflags(write=False)

    @classmethod
    def at_500_dpi(
        cls,
        x_px: NDArray[np.floating],
        y_px: NDArray[np.floating],
        angle_rad: NDArray[np.floating],
        kind: NDArray[np.integer],
        quality: NDArray[np.integer],
        *,
        width_px: int,
        height_px: int,
        resolution_dpi: float,
        extractor: str,
        finger: FingerPosition = FingerPosition.UNKNOWN,
        impression: Impression = Impression.LIVE_PLAIN,
    ) -> FingerTemplate:
        """The template of minutiae that were found, and an image that was taken, at `resolution_dpi`.

        Angles may be any; they are brought into [0, 2π).

        Raises:
            FingerprintError: FINGER_RECORD_INVALID.
        """
        scale = TEMPLATE_DPI / resolution_dpi
        width, height = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        angle = np.mod(np.asarray(angle_rad, np.float64), 2 * np.pi).astype(np.float32)
        angle[angle >= np.float32(2 * np.pi)] = 0  # just below 2π in float64 is 2π in float32
        return cls(
            x_px=_scaled(x_px, scale, width_px, width),
            y_px=_scaled(y_px, scale, height_px, height),
            angle_rad=angle,
            kind=np.array(kind, np.uint8),
            quality=np.array(quality, np.uint8),
            width_px=width,
            height_px=height,
            extractor=extractor,
            finger=finger,
            impression=impression,
        )

    def __len__(self) -> int:
        return len(self.x_px)

    def _check_shapes(self) -> None:
        wanted = (("x_px", np.float32), ("y_px", np.float32), ("angle_rad", np.float32))
        for name, kind in (*wanted, ("kind", np.uint8), ("quality", np.uint8)):
            array = getattr(self, name)
            _check(
                array.dtype == kind and array.shape == (len(self.x_px),),
                f"{name} of {len(self.x_px)} {np.dtype(kind)}",
                f"{array.shape} {array.dtype}",
            )
        _check(len(self.x_px) <= MAX_MINUTIAE, f"at most {MAX_MINUTIAE} minutiae", str(len(self.x_px)))


def check_comparable(probe: FingerTemplate, reference: FingerTemplate) -> None:
    """Refuse two templates whose minutiae were found by different extractors.

    Raises:
        FingerprintError: FINGER_INCOMPARABLE.
    """
    if probe.extractor != reference.extractor:
        raise FingerprintError(
            Code.FINGER_INCOMPARABLE,
            f"expected two templates of one extractor, found {probe.extractor!r} and {reference.extractor!r}",
        )


def _scaled(values: NDArray[np.floating], scale: float, size_px: int, scaled_size_px: int) -> Coordinates:
    """Coordinates at 500 dpi. Those that were inside stay inside, where the rounding of the size would lose them."""
    values = np.asarray(values, np.float64)
    scaled = (values * scale).astype(np.float32)
    inside = (values >= 0) & (values < size_px)
    return np.where(inside, np.clip(scaled, 0, np.nextafter(np.float32(scaled_size_px), np.float32(0))), scaled)


def _check(holds: bool, expected: str, found: str) -> None:
    if not holds:
        raise FingerprintError(Code.FINGER_RECORD_INVALID, f"expected {expected}, found {found}")


def _check_range(name: str, values: NDArray[np.generic], low: float, below: float) -> None:
    """Every value in [low, below); a NaN is not."""
    with np.errstate(invalid="ignore"):  # a signalling NaN, which is only bytes here
        numbers = values.astype(np.float64)
    bad = numbers[~((numbers >= low) & (numbers < below))]
    _check(not len(bad), f"{name} from {low} to below {below:g}", f"{bad[0] if len(bad) else ''}")
