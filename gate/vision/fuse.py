"""Several frames of one face as one probe: the weighted mean of their embeddings, a unit vector again.

What frames have in common stays, what each adds by chance (noise, blur, a grimace) averages out. Frames of one approach
have much of that chance in common; `Fusion.effective_frames` says how many independent ones they are worth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, GateError
from gate.vision.probe import MaskState, Probe

INDEPENDENT_COSINE = 0.6
"""Cosine of two photographs of one person taken on different days, about: frames that resemble each other no more than
that are independent."""


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """The frames of a face so far. The order in which they were added makes no difference.

    Attributes:
        frames: how many were added.
        mask: of all of them; UNKNOWN where they differ, so that the strictest threshold applies.
        first_s, last_s: when the first and the last was taken, monotonic.
    """

    frames: int = 0
    mask: MaskState = MaskState.UNKNOWN
    first_s: float = 0.0
    last_s: float = 0.0
    _pack_id: str = ""
    _sum: NDArray[np.float64] | None = None
    _weight: float = 0.0
    _weight_squared: float = 0.0

    def add(self, probe: Probe, weight: float, at_s: float) -> Self:
        """With one more frame.

        Args:
            probe: of the same pack as the others.
            weight: above 0; see `gate.decision.sequential.weight`.
            at_s: when it was taken, monotonic.

        Raises:
            GateError: PACK_MISMATCH.
            ValueError: the weight is not above 0.
        """
        if not 0 < weight < float("inf"):
            raise ValueError(f"expected a weight above 0, found {weight}")
        if self._sum is not None and probe.pack_id != self._pack_id:
            raise GateError(
                Code.PACK_MISMATCH, f"The frames before are of pack {self._pack_id}, this one is of {probe.pack_id}."
            )
        first = self._sum is None
        embedding = weight * probe.embedding.astype(np.float64)
        return replace(
            self,
            frames=self.frames + 1,
            mask=probe.mask if first or probe.mask is self.mask else MaskState.UNKNOWN,
            first_s=at_s if first else min(self.first_s, at_s),
            last_s=at_s if first else max(self.last_s, at_s),
            _pack_id=probe.pack_id,
            _sum=embedding if self._sum is None else self._sum + embedding,
            _weight=self._weight + weight,
            _weight_squared=self._weight_squared + weight * weight,
        )

    @property
    def probe(self) -> Probe:
        """The fused probe; of a single frame, that frame's.

        Raises:
            ValueError: nothing was added, or the frames cancel each other out.
        """
        length = 0.0 if self._sum is None else float(np.linalg.norm(self._sum))
        if self._sum is None or length <= 1e-6 * self._weight:
            raise ValueError(f"expected frames of one face, found {self.frames} that make no direction")
        return Probe((self._sum / length).astype(np.float32), self.mask, self._pack_id, {})

    @property
    def effective_frames(self) -> float:
        """How many independent, equally good frames these are worth: from 1 (one, or all alike) to `frames`; 0 of none.

        A mean of n frames whose chance parts correlate by r, weighted by w (summing to 1), has a chance part of
        variance sum(w^2) + r (1 - sum(w^2)) of a single one's. Its inverse is the number. r comes from the mean cosine
        between the frames, on the scale from `INDEPENDENT_COSINE` (0) to alike (1).
        """
        if self._sum is None:
            return 0.0
        concentration = self._weight_squared / self._weight**2
        if concentration >= 1 - 1e-9:
            return 1.0
        resultant = float(self._sum @ self._sum) / self._weight**2
        cosine = (resultant - concentration) / (1 - concentration)
        correlation = min(max((cosine - INDEPENDENT_COSINE) / (1 - INDEPENDENT_COSINE), 0.0), 1.0)
        return 1 / (concentration + correlation * (1 - concentration))
