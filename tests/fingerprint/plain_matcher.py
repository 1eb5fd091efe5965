"""A matcher without any cleverness: it tries every movement that brings one minutia onto another."""

from __future__ import annotations

import numpy as np

from gate.fingerprint.matcher import FEWEST_MINUTIAE
from gate.fingerprint.template import FingerTemplate, check_comparable

_NEAR_PX, _NEAR_COSINE = 12.0, np.cos(0.4)


class PlainMatcher:
    """Counts minutiae that come to lie on each other, under the best of all movements. Exact, and slow."""

    name = "plain"

    def prepare(self, template: FingerTemplate) -> FingerTemplate:
        """Nothing to prepare."""
        return template

    def score(self, probe: FingerTemplate, reference: FingerTemplate) -> float:
        """Pairs squared over both numbers of minutiae."""
        check_comparable(probe, reference)
        if min(len(probe), len(reference)) < FEWEST_MINUTIAE:
            return 0.0
        first, second = sorted((probe, reference), key=lambda one: (sorted(one.x_px), sorted(one.y_px)))
        return max(self._pairs(first, second, i) for i in range(len(first))) ** 2 / (len(first) * len(second))

    def _pairs(self, first: FingerTemplate, second: FingerTemplate, i: int) -> int:
        """Most pairs under the movements that bring minutia i of the first onto any of the second."""
        (at, towards), (there, thither) = _points(first), _points(second)
        turn = (thither * towards[i].conj())[:, np.newaxis]
        lies = (at - at[i]) * turn + there[:, np.newaxis]
        near = np.abs(lies[:, :, np.newaxis] - there) < _NEAR_PX
        near &= (turn[:, :, np.newaxis] * np.multiply.outer(towards, thither.conj())).real > _NEAR_COSINE
        return int(np.minimum(near.any(axis=1).sum(axis=1), near.any(axis=2).sum(axis=1)).max())


def _points(template: FingerTemplate) -> tuple[np.ndarray, np.ndarray]:
    return template.x_px - 1j * template.y_px, np.exp(1j * template.angle_rad)
