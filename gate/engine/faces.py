"""The face of one passage over its frames: fused as long as it is one face in one state."""

from __future__ import annotations

from dataclasses import dataclass

from gate.decision.calibration import Calibration
from gate.decision.sequential import weight
from gate.vision.fuse import Fusion
from gate.vision.probe import MaskState, Probe

_STRANGERS_REACH = 0.01
"""Frames of one track that resemble each other less than all but this share of strangers do are of two people."""


@dataclass(frozen=True, slots=True, eq=False)
class FusedFace:
    """What is compared at a look.

    Attributes:
        probe: the frames fused.
        frames: how many independent ones they are worth, at least 1.
        weight: of the frames together.
    """

    probe: Probe
    frames: float
    weight: float


class Faces:
    """Fuses the frames of one passage. Not thread-safe: a passage looks at one frame at a time.

    Frames with and without a mask are fused apart, so that who takes the mask off is compared by the bare face. When
    somebody else steps before the camera, what was seen before counts for nothing.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._fusions: dict[MaskState, tuple[Fusion, float]] = {}

    def add(self, probe: Probe, score: float, at_s: float) -> FusedFace:
        """With one more frame.

        Args:
            score: the frame's quality, [0, 1].
            at_s: when it came, monotonic.
        """
        fusion, weighs = self._fusions.get(probe.mask, (Fusion(), 0.0))
        if fusion.frames and not self._is_same(fusion.probe, probe):
            self._fusions.clear()
            fusion, weighs = Fusion(), 0.0
        fusion, weighs = fusion.add(probe, weight(score), at_s), weighs + weight(score)
        self._fusions[probe.mask] = fusion, weighs
        return FusedFace(fusion.probe, max(1.0, fusion.effective_frames), weighs)

    def _is_same(self, before: Probe, now: Probe) -> bool:
        least = self._calibration.threshold(now.mask, _STRANGERS_REACH, 1).similarity
        return float(before.embedding @ now.embedding) >= least
