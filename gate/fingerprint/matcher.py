"""Comparing fingers: what a matcher does, and ours.

`CylinderMatcher` finds minutiae whose neighbourhoods look alike (`cylinders`), lets them vote for the movements that
bring one print onto the other (`alignment`), pairs minutiae under each (`pairing`), and weighs what agrees against what
could have (`score`).
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from gate.errors import Code, FingerprintError
from gate.fingerprint.alignment import Layout, agreement, candidates, movements
from gate.fingerprint.cylinders import Cylinders, similarity
from gate.fingerprint.hull import Hull, Real
from gate.fingerprint.pairing import pair
from gate.fingerprint.score import Measures, Print, measure
from gate.fingerprint.template import FingerTemplate

UPRIGHT_RAD = math.radians(60)
"""A finger in a groove is turned less. In FVC's 2002 set, where people turned theirs on purpose, one pair in 280 was
turned further."""

Prepared = TypeVar("Prepared")

FEWEST_MINUTIAE = 8
"""A template with fewer matches nothing: any finger has a few minutiae somewhere that lie like these. In FVC2004 DB2_B
a print of seven was nearer to six other fingers than to most impressions of its own."""


class Matcher(Protocol[Prepared]):
    """Tells how far two templates are of one finger. Threads may share one.

    Comparing is much faster than preparing, so a template that is compared often is prepared once.
    """

    @property
    def name(self) -> str:
        """Which matcher, and which version of its rules: a calibration is of one."""

    def prepare(self, template: FingerTemplate) -> Prepared:
        """What `score` takes. Any template can be prepared; one with too few minutiae matches nothing."""

    def score(self, probe: Prepared, reference: Prepared) -> float:
        """In [0, 1], the higher the more alike; the same whichever of the two comes first. 0: nothing in common.

        What a score means, `gate.fingerprint.calibration` says.

        Raises:
            FingerprintError: FINGER_INCOMPARABLE, when different extractors made the templates.
        """


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFinger:
    """A template as `CylinderMatcher` compares it.

    Attributes:
        extractor: of the template.
        order: the minutiae as bytes: whichever of two templates comes first by it, comes first in their comparison.
        shape, cylinders: of the minutiae, in an order that depends on nothing else; None where they are too few.
    """

    extractor: str
    order: bytes = field(repr=False)
    shape: Print | None = field(repr=False)
    cylinders: Cylinders | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two prints were found to lie on each other.

    Attributes:
        score: in [0, 1].
        pairs: minutiae that were taken to be the same.
        rotation_rad: of one print to lie on the other, in (-π, π]; 0 without pairs.
        measures: what the score was made of; None where there was nothing to compare.
    """

    score: float
    pairs: int
    rotation_rad: float
    measures: Measures | None


NOTHING = Comparison(0.0, 0, 0.0, None)


class CylinderMatcher:
    """Compares minutiae by their neighbourhoods, then by place.

    Fingers may lie in any direction, upside down as well: nothing in a finger tells how it lay on the sensor. Who wants
    them upright, as at a gate whose sensor has a groove for the finger, limits the rotation: prints that agree best
    when turned further have nothing in common. A limit never raises a score, so a calibration made with a wider one
    stays true: `name` is of the narrowest that was calibrated, `UPRIGHT_RAD` or none.

    Args:
        max_rotation_rad: how far one print may be turned against the other, in (0, π].
    """

    def __init__(self, max_rotation_rad: float = math.pi) -> None:
        if not 0 < max_rotation_rad <= math.pi:
            raise ValueError(f"expected a rotation above 0, up to π, found {max_rotation_rad}")
        self.name = "cylinders-1-upright" if max_rotation_rad <= UPRIGHT_RAD else "cylinders-1"
        self._least_cosine = -2.0 if max_rotation_rad == math.pi else math.cos(max_rotation_rad)

    def prepare(self, template: FingerTemplate) -> PreparedFinger:
        """See `Matcher`."""
        sorted_ = np.lexsort((template.quality, template.angle_rad, template.y_px, template.x_px))
        at = (template.x_px[sorted_] - 1j * template.y_px[sorted_]).astype(np.complex64)
        towards = np.exp(1j * template.angle_rad[sorted_]).astype(np.complex64)
        quality = template.quality[sorted_]
        order = at.tobytes() + towards.tobytes() + quality.tobytes()
        if len(at) < FEWEST_MINUTIAE:
            return PreparedFinger(template.extractor, order, None, None)
        weight = np.where(quality > 0, quality / np.float32(100), 1).astype(np.float32)
        hull = Hull.around(at)
        shape = Print(at, towards, weight, hull, Layout.of(at, towards))
        return PreparedFinger(template.extractor, order, shape, Cylinders.of(at, towards, hull))

    def score(self, probe: PreparedFinger, reference: PreparedFinger) -> float:
        """See `Matcher`."""
        return self.compare(probe, reference).score

    def compare(self, probe: PreparedFinger, reference: PreparedFinger) -> Comparison:
        """The score and how it came about.

        Raises:
            FingerprintError: FINGER_INCOMPARABLE.
        """
        if probe.extractor != reference.extractor:
            raise FingerprintError(
                Code.FINGER_INCOMPARABLE,
                f"expected two templates of one extractor, found {probe.extractor!r} and {reference.extractor!r}",
            )
        first, second = sorted((probe, reference), key=lambda finger: finger.order)
        if first.shape is None or second.shape is None or first.cylinders is None or second.cylinders is None:
            return NOTHING
        return self._compare(first.shape, second.shape, similarity(first.cylinders, second.cylinders))

    def _compare(self, first: Print, second: Print, alike: Real) -> Comparison:
        """In that order; `alike` (n, m)."""
        rows, columns = candidates(alike)
        if not len(rows):
            return NOTHING
        agreed = agreement(first.layout, second.layout, rows, columns)
        ours, theirs = (first.at, first.towards), (second.at, second.towards)
        found = movements(
            (first.at[rows], first.towards[rows]),
            (second.at[columns], second.towards[columns]),
            alike[rows, columns],
            agreed,
        )
        if not len(found.turn):
            return NOTHING
        pairing = pair(found, ours, theirs, alike)
        best = int(np.argmax(pairing.worth))
        turn = complex(pairing.movements.turn[best, 0])
        if turn.real < self._least_cosine:
            return NOTHING
        measures = measure(pairing, best, first, second, alike)
        return Comparison(measures.score, int(np.count_nonzero(pairing.gain[best])), cmath.phase(turn), measures)
