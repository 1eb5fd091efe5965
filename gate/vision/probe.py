"""What vision says about a frame: faces, how well they are seen, and the probe to compare.

Plain records of numbers, without OpenCV or ONNX Runtime, so that `gate.decision` can read them.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Landmarks = NDArray[np.float32]
"""Five points (5, 2), x then y, pixels: left eye, right eye, nose tip, left and right mouth corner, *as seen
in the picture* (the left eye is the one further left in an upright face)."""

ImageBGR = NDArray[np.uint8]
"""A picture (H, W, 3), blue green red, 0..255, contiguous."""

Embedding = NDArray[np.float32]
"""A face as a unit vector (D,), L2-normalised."""


class Picture:
    """A frame's picture at its full size and, where it was decoded so, at half of it. For one thread at a time.

    Args:
        width_px, height_px: full size.
        decode: gives the full picture (H, W, 3); called once, when somebody asks for it.
        half: every pixel the mean of 2 x 2; an odd side is rounded up. None where there is no such picture.
    """

    def __init__(
        self, width_px: int, height_px: int, decode: Callable[[], ImageBGR], half: ImageBGR | None = None
    ) -> None:
        self.width_px = width_px
        self.height_px = height_px
        self._decode = decode
        self._half = half
        self._full: ImageBGR | None = None

    @classmethod
    def of(cls, image_bgr: ImageBGR) -> Picture:
        """A picture that is there in full."""
        height, width = image_bgr.shape[:2]
        return cls(width, height, lambda: image_bgr)

    def full(self) -> ImageBGR:
        """All pixels, (H, W, 3).

        Raises:
            FrameError: it cannot be decoded.
        """
        if self._full is None:
            self._full = self._decode()
        return self._full

    def reduced(self, at_most: float) -> tuple[ImageBGR, int]:
        """The picture reduced by `at_most` or less, whichever is at hand, and by how much: 1 or 2.

        Raises:
            FrameError: see `full`.
        """
        if self._half is not None and at_most >= _HALF:
            return self._half, _HALF
        return self.full(), 1


_HALF = 2


class MaskState(enum.StrEnum):
    """Whether a face wears a mask. `UNKNOWN` when the pack cannot tell: the stricter threshold applies."""

    UNKNOWN = "unknown"
    NONE = "none"
    WORN = "worn"
    UNDER_NOSE = "under_nose"


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detected face.

    Attributes:
        box_xyxy: left, top, right, bottom, pixels; may reach beyond the picture.
        landmarks: five points, see `Landmarks`.
        confidence: the detector's, in [0, 1].
    """

    box_xyxy: tuple[float, float, float, float]
    landmarks: Landmarks
    confidence: float

    @property
    def eye_distance_px(self) -> float:
        """Distance between the eye points, pixels: the size measure of ISO/IEC 19794-5."""
        (left_x, left_y), (right_x, right_y) = self.landmarks[:2].tolist()
        return math.hypot(right_x - left_x, right_y - left_y)

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box, x and y, pixels."""
        left, top, right, bottom = self.box_xyxy
        return (left + right) / 2, (top + bottom) / 2

    def enlarged(self, factor: int) -> Face:
        """The same face in a picture that is `factor` times as large."""
        if factor == 1:
            return self
        left, top, right, bottom = self.box_xyxy
        box = (left * factor, top * factor, right * factor, bottom * factor)
        return Face(box, self.landmarks * np.float32(factor), self.confidence)


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face is seen. Measured by vision, judged by policy.

    Attributes:
        eye_distance_px: pixels.
        sharpness: contrast-normalised energy of the finest edges on the aligned face, in the weaker direction;
            about 0 smeared, 1 crisp, may exceed 1.
        brightness: mean luma of the aligned face's centre, 0..255.
        contrast: standard deviation of the same, 0..127.
        yaw_deg: head turn from the landmarks, 0 frontal, positive to the right of the picture.
        pitch_deg: head nod from the landmarks, 0 frontal, positive up.
        roll_deg: slant of the eye line, 0 level, positive clockwise.
        inside: share of the face box within the picture, [0, 1].
        confidence: the detector's, [0, 1].
    """

    eye_distance_px: float
    sharpness: float
    brightness: float
    contrast: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    inside: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What detection saw in one frame.

    Attributes:
        width_px, height_px: the decoded picture's size.
        faces: every face, largest first.
        traveller: the one who stands at the gate (largest, most central); None without faces.
        rival_ratio: eye distance of the largest other face over the traveller's, [0, 1]; 0 without one.
        quality: of the traveller's face; None without faces.
        aligned: the traveller's face, (112, 112, 3) BGR on the ArcFace template; None without faces.
        timings_ms: stage name -> milliseconds.
        liveness: what the liveness model says of the traveller's face, [0, 1], 1 is live; None when it was not asked,
            or none is loaded.
        picture: the frame's, for what is looked at later; None in a sighting without one.
    """

    width_px: int
    height_px: int
    faces: tuple[Face, ...]
    traveller: Face | None
    rival_ratio: float
    quality: Quality | None
    aligned: ImageBGR | None
    timings_ms: dict[str, float]
    liveness: float | None = None
    picture: Picture | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A face ready for comparison.

    Attributes:
        embedding: (D,) float32, L2-normalised.
        mask: whether the face wears a mask.
        pack_id: the model pack that made it; templates of other packs are not comparable.
        timings_ms: stage name -> milliseconds.
    """

    embedding: Embedding
    mask: MaskState
    pack_id: str
    timings_ms: dict[str, float]
