"""The protocol of the Fingerprint Verification Competitions, and the error rates that it ends in.

Mated: every pair of impressions of one finger, once. Non-mated, FVC: the first impressions of all fingers. Non-mated,
full: every impression of a finger with every impression of every other.

Rates are as in D. Maio et al., "FVC2000: Fingerprint Verification Competition", IEEE TPAMI 24 (2002). Intervals
resample fingers, not comparisons: those that share a finger are no independent evidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Print = tuple[int, int]
"""Finger and impression, as the file's name has them."""

Pair = tuple[Print, Print]
Floats = NDArray[np.float64]

REFUSED = -1.0
"""The score of a comparison in which a print had no template: below every threshold."""

_INTERVAL = (2.5, 97.5)


def mated_pairs(prints: Sequence[Print]) -> list[Pair]:
    """Every two impressions of one finger."""
    return [(p, q) for p, q in itertools.combinations(sorted(prints), 2) if p[0] == q[0]]


def full_pairs(prints: Sequence[Print]) -> list[Pair]:
    """Every two impressions of different fingers."""
    return [(p, q) for p, q in itertools.combinations(sorted(prints), 2) if p[0] != q[0]]


def first_pairs(prints: Sequence[Print]) -> list[Pair]:
    """Every two fingers by their lowest impressions, as FVC compares them."""
    first: dict[int, Print] = {}
    for finger, impression in sorted(prints):
        first.setdefault(finger, (finger, impression))
    return list(itertools.combinations(first.values(), 2))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Comparisons of one set, with the fingers they are of.

    Attributes:
        mated, non_mated: (n,) and (m,) scores in [0, 1], or `REFUSED`.
        mated_finger: (n,) place of the finger in the list of all.
        non_mated_fingers: (m, 2) likewise.
        fingers: how many there are.
    """

    mated: Floats = field(repr=False)
    non_mated: Floats = field(repr=False)
    mated_finger: NDArray[np.intp] = field(repr=False)
    non_mated_fingers: NDArray[np.intp] = field(repr=False)
    fingers: int

    @classmethod
    def of(cls, mated: Sequence[Pair], non_mated: Sequence[Pair], score: Callable[[Pair], float]) -> Scores:
        """Scores every pair."""
        numbers = sorted({finger for pair in (*mated, *non_mated) for finger, _ in pair})
        place = {finger: index for index, finger in enumerate(numbers)}
        return cls(
            mated=np.array([score(pair) for pair in mated], np.float64),
            non_mated=np.array([score(pair) for pair in non_mated], np.float64),
            mated_finger=np.array([place[p[0]] for p, _ in mated], np.intp),
            non_mated_fingers=np.array([(place[p[0]], place[q[0]]) for p, q in non_mated], np.intp).reshape(-1, 2),
            fingers=len(numbers),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Error rates by threshold, a comparison being a match at or above it.

    Attributes:
        threshold: (t,) rising, each score once; the last one, infinite, nobody reaches.
        fmr, fnmr: (r, t) false match and false non-match rate, r times resampled.
    """

    threshold: Floats = field(repr=False)
    fmr: Floats = field(repr=False)
    fnmr: Floats = field(repr=False)

    @classmethod
    def of(cls, scores: Scores) -> Curve:
        """The rates as measured, r = 1."""
        return _curve(scores, np.ones((1, scores.fingers)))

    @classmethod
    def resampled(cls, scores: Scores, replicates: int, rng: np.random.Generator) -> Curve:
        """The rates of sets of as many fingers, drawn from these with replacement.

        A finger drawn twice is not compared with itself as if it were two.
        """
        drawn = rng.multinomial(scores.fingers, np.full(scores.fingers, 1 / scores.fingers), size=replicates)
        return _curve(scores, drawn.astype(np.float64))

    def eer(self) -> Floats:
        """(r,) equal error rate: mean of the two rates where they are nearest to each other."""
        nearest = np.abs(self.fmr - self.fnmr).argmin(axis=1)[:, np.newaxis]
        both = np.take_along_axis(self.fmr, nearest, 1) + np.take_along_axis(self.fnmr, nearest, 1)
        return np.asarray(both[:, 0] / 2)

    def fnmr_at(self, fmr: float) -> Floats:
        """(r,) lowest FNMR at an FMR of at most `fmr`: FMR100 of FVC at 1 / 100, ZeroFMR at 0."""
        allowed = self.fmr <= fmr + 1e-12
        return np.asarray(np.where(allowed, self.fnmr, np.inf).min(axis=1))


def interval(values: Floats) -> tuple[float, float]:
    """95 % of resampled values."""
    low, high = np.percentile(values, _INTERVAL)
    return float(low), float(high)


def _curve(scores: Scores, drawn: Floats) -> Curve:
    """Rates where each finger counts as often as it was drawn (r, fingers)."""
    reached = np.unique(np.concatenate([scores.mated, scores.non_mated, [0.0]]))
    threshold = np.append(reached[reached >= 0], np.inf)  # no threshold lets a refused comparison match
    ours, theirs = scores.non_mated_fingers.T
    missed = _share_below(scores.mated, drawn[:, scores.mated_finger], threshold)
    kept_out = _share_below(scores.non_mated, drawn[:, ours] * drawn[:, theirs], threshold)
    return Curve(threshold, 1 - kept_out, missed)


def _share_below(values: Floats, weights: Floats, threshold: Floats) -> Floats:
    """(r, t) weighted share of values below each threshold."""
    order = np.argsort(values)
    running = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights[:, order], axis=1)], axis=1)
    below = running[:, np.searchsorted(values[order], threshold, side="left")]
    total = running[:, -1:]
    # Where a resampling drew no such comparison, none of them is above any threshold.
    return np.asarray(np.where(total > 0, below / np.maximum(total, 1e-12), 1.0))
