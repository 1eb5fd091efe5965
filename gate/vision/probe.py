"""What vision says about a frame: faces, how well they are seen, and the probe to compare.

Plain records of numbers, without OpenCV or ONNX Runtime, so that `gate.decision` can read them.
"""

from __future__ import annotations

import enum
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
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of the box, x and y, pixels."""
        left, top, right, bottom = self.box_xyxy
        return (left + right) / 2, (top + bottom) / 2


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
        picture: the decoded picture, (H, W, 3) BGR, for what is looked at later; None in a sighting without one.
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
    picture: ImageBGR | None = field(default=None, repr=False)


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
