"""How much two prints that lie on each other have in common, given how much they could have.

Three measures make the evidence: pairs whose neighbourhoods look alike speak for one finger; minutiae that both prints
should have shown, and that found no partner, against it; and in prints of one finger the pairs near a pair lie round it
alike, however far the skin is stretched elsewhere. Their weights are those of one logistic regression over FVC2002
DB1_B, FVC2004 DB1_B and DB2_B, with the templates of both extractors; docs/benchmarks.md has rates on fingers left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from gate.fingerprint.alignment import Indices, Layout, Tolerance, agreement
from gate.fingerprint.hull import Hull, Points, Real
from gate.fingerprint.pairing import Pairing

_MARGIN_PX = 12.0
"""A minutia this far outside the other print's hull could still have been seen there."""

_NEAR_PX = 40.0
"""Standard deviation of the distance of what counts as near."""

_RIGID = Tolerance(2.5, 0.03, np.deg2rad(12.0))
"""Near each other, skin hardly stretches: half of what a whole print may."""

_ALIKE, _UNPAIRED, _RIGIDITY, _OFFSET = 5.383, -0.4073, 8.026, -9.112

_SPREAD = 4.0
"""Evidence (log odds, where mated and non-mated are as likely) over this is the score's logit. Undivided, a good match
would be so near 1 that no threshold told it from a better one."""


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What is measured of one print with n minutiae, n > 0.

    Attributes:
        at: (n,) places.
        towards: (n,) unit directions.
        weight: (n,) how surely each is one, in (0, 1].
        hull: of the places.
        layout: of the minutiae.
    """

    at: Points = field(repr=False)
    towards: Points = field(repr=False)
    weight: Real = field(repr=False)
    hull: Hull = field(repr=False)
    layout: Layout = field(repr=False)


@dataclass(frozen=True, slots=True)
class Measures:
    """What the score is made of.

    Attributes:
        alike: sum over the pairs of gain times cylinder similarity, at least 0.
        unpaired: weight of the minutiae without a partner where both prints were seen; geometric mean of both sides.
        rigid: in [0, 1], how far pairs that are near each other lie alike in both prints.
    """

    alike: float
    unpaired: float
    rigid: float

    @property
    def score(self) -> float:
        """In (0, 1). Above 0.5 the prints are likelier of one finger, if that was as likely as not beforehand."""
        evidence = _ALIKE * math.sqrt(self.alike) + _UNPAIRED * self.unpaired + _RIGIDITY * self.rigid + _OFFSET
        return 1 / (1 + math.exp(-evidence / _SPREAD))


def measure(pairing: Pairing, best: int, probe: Print, reference: Print, similarity: Real) -> Measures:
    """Measures movement `best` of a pairing; `similarity` (n, m) is that of the cylinders."""
    ours = np.flatnonzero(pairing.gain[best])
    theirs, gain = pairing.partner[best, ours], pairing.gain[best, ours]
    there, here = pairing.movements.apply(probe.at)[best], pairing.movements.undo(reference.at)[best]
    left = _unpaired(probe, there, reference.hull, ours, gain)
    left_there = _unpaired(reference, here, probe.hull, theirs, gain)
    return Measures(
        alike=float(gain @ similarity[ours, theirs]),
        unpaired=math.sqrt(left * left_there),
        rigid=_rigid(probe.layout, reference.layout, ours, theirs, gain),
    )


def _unpaired(side: Print, moved: Points, other: Hull, paired: Indices, gain: Real) -> float:
    seen = other.beyond_px(moved) <= _MARGIN_PX
    seen[paired] = True
    return max(0.0, float(side.weight[seen].sum() - side.weight[paired] @ gain))


def _rigid(probe: Layout, reference: Layout, ours: Indices, theirs: Indices, gain: Real) -> float:
    agreed = agreement(probe, reference, ours, theirs, _RIGID)
    near = np.exp(-np.square(probe.distance_px[np.ix_(ours, ours)] / np.float32(_NEAR_PX)) / 2)
    together = np.outer(gain, gain) * near
    np.fill_diagonal(together, 0)
    # Less than one good neighbour is no neighbourhood. More doubt than this would cost prints that hardly overlap.
    return float((together * agreed).sum() / max(float(together.sum()), 1.0))
