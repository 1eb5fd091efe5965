"""Fingers for simulated passages: every comparison draws one of the scores measured between real prints.

A few dozen real fingers cannot be shared out among hundreds of travellers without many of them having the same. So a
traveller's finger is a name, and how alike two are is drawn: from the mated scores of one name, from the non-mated ones
of two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import fvc
from benchmarks.fingerprint import extract, extractors, sets
from benchmarks.fingerprint_templates import dataset_folder
from gate.engine.fingers import NOT_COMPARED, FingerComparison, FingerReader
from gate.fingerprint.calibration.curve import FingerCalibration
from gate.fingerprint.matcher import CylinderMatcher
from gate.fingerprint.sample import FingerEncoding, FingerSample
from gate.fingerprint.template import FingerTemplate
from gate.settings import FingerprintSettings

Floats = NDArray[np.float64]


def measured_scores(templates: Path | None) -> tuple[str, Floats, Floats]:
    """The extractor's name, mated and non-mated scores over every set, as the engine compares them.

    Args:
        templates: kept from an earlier run; else every print is read, which takes minutes.

    Raises:
        FileNotFoundError: there are no prints.
    """
    matcher = CylinderMatcher(math.radians(FingerprintSettings().max_rotation_deg))
    mated: list[float] = []
    non_mated: list[float] = []
    with extractors() as present:
        extractor = next(iter(present.values()))
        for paths in sets(dataset_folder()).values():
            found = extract(extractor, paths, templates).templates
            prepared = {key: matcher.prepare(template) for key, template in found.items() if template is not None}
            prints = list(found)
            for pairs, scores in ((fvc.mated_pairs(prints), mated), (fvc.full_pairs(prints), non_mated)):
                for ours, theirs in pairs:
                    both = ours in prepared and theirs in prepared
                    scores.append(matcher.score(prepared[ours], prepared[theirs]) if both else 0.0)
        return extractor.name, np.array(mated), np.array(non_mated)


class DrawnFingers(FingerReader):
    """Reads a sample as the name of a finger, and draws how alike two are.

    Args:
        extractor: whose scores these are.
        mated, non_mated: to draw from.
        rng: draws.
    """

    def __init__(self, extractor: str, mated: Floats, non_mated: Floats, rng: np.random.Generator) -> None:
        super().__init__()
        self._drawn_of = FingerCalibration.find(extractor, CylinderMatcher().name)
        self._mated, self._non_mated = mated, non_mated
        self._rng = rng

    @property
    def most_llr(self) -> float:
        """See `FingerReader`."""
        return self._drawn_of.llr_most

    def read(self, sample: FingerSample) -> FingerTemplate:
        """See `FingerReader`."""
        return named(int.from_bytes(sample.data, "big"), self._drawn_of.extractor)

    def compare(self, probe: FingerTemplate, references: Iterable[FingerTemplate]) -> FingerComparison:
        """See `FingerReader`."""
        scores = [float(self._rng.choice(self._mated if _same(probe, r) else self._non_mated)) for r in references]
        if not scores:
            return NOT_COMPARED
        score, n = max(scores), len(scores)
        rate, llr = self._drawn_of.rate(score), self._drawn_of.llr(score) - math.log(n)
        high = min(1.0, rate.high * n)
        return FingerComparison(score, llr, min(1.0, rate.fmr * n), high, probe.finger, n, not rate.extrapolated)


def named(person: int, extractor: str) -> FingerTemplate:
    """Somebody's finger: one minutia that says whose."""
    none = np.zeros(1, np.uint8)
    at = np.array([person], np.float32)
    return FingerTemplate(at, np.zeros(1, np.float32), np.zeros(1, np.float32), none, none, 65_535, 1, extractor)


def sample_of(person: int) -> FingerSample:
    """What the person's finger leaves on the sensor."""
    return FingerSample(FingerEncoding.GREY8, person.to_bytes(4, "big"))


def _same(one: FingerTemplate, other: FingerTemplate) -> bool:
    return bool(one.x_px[0] == other.x_px[0])
