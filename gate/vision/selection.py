"""Who of the people in a picture stands at the gate, and whether somebody stands too close behind."""

from __future__ import annotations

import math

from gate.vision.probe import Face

# How much of its size a face loses at the picture's corner. The camera of a gate looks at the place where the
# traveller stands; somebody who leans into the edge of the picture must be clearly nearer to be meant.
_CORNER_LOSS = 0.5


def prominence(face: Face, width_px: int, height_px: int) -> float:
    """How much a face is the picture's subject: the side of its box, pixels, less up to half towards a corner.

    The box, not the eye distance, so that a traveller who looks aside for a moment stays the traveller.
    """
    left, top, right, bottom = face.box_xyxy
    side = math.sqrt(max(0.0, right - left) * max(0.0, bottom - top))
    x, y = face.centre
    off_centre = math.hypot(x - width_px / 2, y - height_px / 2) / math.hypot(width_px / 2, height_px / 2)
    return side * (1 - _CORNER_LOSS * min(1.0, off_centre))


def pick_traveller(faces: tuple[Face, ...], width_px: int, height_px: int) -> Face | None:
    """The most prominent face; None without faces."""
    return max(faces, key=lambda face: prominence(face, width_px, height_px), default=None)


def rival_ratio(faces: tuple[Face, ...], traveller: Face | None) -> float:
    """Largest eye distance among the others over the traveller's, at most 1; 0 without others.

    Eye distance falls as one over the distance to the camera, so 0.5 means: twice as far away.
    """
    others = [face.eye_distance_px for face in faces if face is not traveller]
    if traveller is None or not others:
        return 0.0
    return min(1.0, max(others) / max(traveller.eye_distance_px, 1e-6))
