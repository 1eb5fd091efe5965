"""Whether a face is a living one or the picture of one: the protocol.

What such a model says is a cue, not a proof: it was shown some kinds of attack and knows those (docs/models.md has what
was measured). ISO/IEC 30107-1 calls this presentation attack detection; 30107-3 is how it is measured (APCER, BPCER).
"""

from __future__ import annotations

from typing import Protocol

from gate.vision.probe import ImageBGR

Box = tuple[float, float, float, float]
"""Left, top, right, bottom of a face, pixels; may reach beyond the picture."""


class Liveness(Protocol):
    """Tells living faces from pictures of faces, by one frame. Threads may share it."""

    def score(self, image_bgr: ImageBGR, box_xyxy: Box) -> float:
        """How much the face in `box_xyxy` looks like a living one, in [0, 1]: 1 is live, 0 an attack.

        Args:
            image_bgr: the whole picture, (H, W, 3) uint8; what surrounds a face tells as much as the face.
            box_xyxy: as the detector drew it.

        Raises:
            EngineFault: INFERENCE_FAILED. Never a score instead.
        """
        ...

    def warm(self) -> None:
        """Run once on an empty picture."""
        ...
