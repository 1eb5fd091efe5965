"""One face of several, as if nobody else were in the picture."""

from __future__ import annotations

from gate.vision.align import align, reduction
from gate.vision.probe import Face, Sighting
from gate.vision.quality import measure


def alone(seen: Sighting, face: Face) -> Sighting:
    """What the same frame shows of this face only: its quality and its aligned crop, and no rival.

    Args:
        seen: with its picture.
        face: one of its faces.

    Raises:
        ValueError: the sighting has no picture, or the landmarks coincide.
        FrameError: the picture cannot be decoded.
    """
    if seen.picture is None:
        raise ValueError("expected a sighting with its picture, found one without")
    image, reduced = seen.picture.reduced(reduction(face.landmarks))
    aligned = align(image, face.landmarks, reduced)
    quality = measure(face, aligned, seen.width_px, seen.height_px)
    return Sighting(seen.width_px, seen.height_px, (face,), face, 0.0, quality, aligned, {}, picture=seen.picture)
