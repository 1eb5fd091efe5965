"""From comparisons whose truth is known to likelihood ratios: segments that enough people fall into, pooled to rise.

The similarity is cut where the false match rate falls by a quarter of a decade. Within a segment the ratio is the share
of mated comparisons over the share of non-mated ones; where it would fall from one segment to the next, they are pooled
(pool adjacent violators). The lowest segment kept has mated comparisons of at least `FEWEST_PEOPLE` people below it,
the highest ends at the last rate that the non-mated ones carry.

Above and below there are no segments, but the ratio of all that lies beyond is measured, and nothing says more than
that. It is reached gradually, above along the slope of the non-mated tail, below along the mean slope of the segments:
just beyond the last segment a similarity says little more than within it.

Intervals come from resampling identities, as in `calibration_curve`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.decision.likelihood import Likelihood
from models.training.calibration_curve import BINS, STEPS_PER_DECADE, Estimate, Floats, ScoreTail
from models.training.comparisons import Mated

FEWEST_PEOPLE = 10
_INTERVAL = (2.5, 97.5)
_CONTINUITY = 0.5
"""Added to the counts of a segment: a resampling without a comparison in a segment is not infinitely sure."""

_CERTAIN = 3.0
"""Comparisons never seen in n are, with 95 % confidence, rarer than this over n."""

_STEP = 1e-4
"""Between two points at least, similarity."""


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Mated and non-mated comparisons in each segment (S,), the open ones below and above among them."""

    mated: Floats
    strangers: Floats


def fit_likelihood(
    tail: ScoreTail, same: Mated, estimate: Estimate, rng: np.random.Generator, replicates: int = 300
) -> Likelihood:
    """The likelihood ratios of one mask state; failures to acquire are left out.

    Raises:
        ValueError: nobody counted the non-mated comparisons, or there are too few mated ones.
    """
    if len(tail.counts) != BINS:
        raise ValueError("expected the counts of all non-mated comparisons, found none")
    acquired = same.scores > -1
    scores, identity = same.scores[acquired].astype(np.float64), same.identity[acquired]
    if len(np.unique(identity)) < FEWEST_PEOPLE:
        raise ValueError(f"expected mated comparisons of {FEWEST_PEOPLE} people, found {len(np.unique(identity))}")
    edges = _edges(tail, scores, identity, estimate)
    people = len(tail.population.probes)
    segments = _Segments(tail, scores, identity, edges)
    scale = max(estimate.tail_scale, *estimate.tail_scale_interval)
    plain = segments.count(np.ones(people))
    ends = _ends(edges, plain, scale)
    at = _places(edges, plain, ends)
    drawn = (rng.integers(people, size=people) for _ in range(replicates))
    resampled = [segments.count(np.bincount(d, minlength=people).astype(np.float64)) for d in drawn]
    value = _llr(plain, edges, at, ends)
    low, high = np.percentile([_llr(counts, edges, at, ends) for counts in resampled], _INTERVAL, axis=0)
    fnmr = np.searchsorted(np.sort(scores), at) / len(scores)
    fnmr_high = np.percentile(segments.fnmr(at, people, rng, replicates), _INTERVAL[1], axis=0)
    return Likelihood(
        similarity=_tuple(at),
        llr=_tuple(value),
        low=_tuple(np.minimum(low, value)),
        high=_tuple(np.maximum(high, value)),
        fnmr=_tuple(fnmr),
        fnmr_high=_tuple(np.maximum(fnmr_high, fnmr)),
        seen_from=round(float((np.flatnonzero(tail.counts.cumsum() >= FEWEST_PEOPLE)[0] + 1) * 2 / BINS - 1), 4),
        seen_to=round(float(np.sort(scores)[-FEWEST_PEOPLE]), 4),
        mated=len(scores),
        people=len(np.unique(identity)),
    )


class _Segments:
    """Counts by segment, however often each identity counts."""

    def __init__(self, tail: ScoreTail, scores: Floats, identity: NDArray[np.int64], edges: Floats) -> None:
        self._tail = tail
        self._scores, self._identity = scores, identity
        self._number = len(edges) + 1
        self._mated_in = np.searchsorted(edges, scores, side="right")
        self._tail_in = np.searchsorted(edges, tail.scores.astype(np.float64), side="right")
        # Below the tail kept, comparisons are so many that only their share counts, not whose they are.
        middles = (np.arange(BINS) + 0.5) * 2 / BINS - 1
        body = np.where(middles < tail.scores[-1], tail.counts, 0)
        self._body = np.bincount(np.searchsorted(edges, middles, side="right"), body, minlength=self._number)

    def count(self, weight: Floats) -> _Counts:
        """Comparisons when identity i counts `weight[i]` times (I,)."""
        mated = np.bincount(self._mated_in, weight[self._identity], minlength=self._number)
        weights = weight[self._tail.one] * weight[self._tail.other]
        strangers = np.bincount(self._tail_in, weights, minlength=self._number)
        rest = self._tail.population.comparisons(weight) - weights.sum()
        return _Counts(mated.astype(np.float64), strangers + self._body * (rest / max(self._body.sum(), 1)))

    def fnmr(self, at: Floats, people: int, rng: np.random.Generator, replicates: int) -> Floats:
        """Resampled shares of mated comparisons below each place (replicates, points)."""
        below_in = np.searchsorted(at, self._scores, side="right")
        rows = []
        for _ in range(replicates):
            weight = np.bincount(rng.integers(people, size=people), minlength=people).astype(np.float64)
            counts = np.bincount(below_in, weight[self._identity], minlength=len(at) + 1)
            rows.append(counts.cumsum()[:-1] / max(counts.sum(), 1))
        return np.array(rows)


def _edges(tail: ScoreTail, scores: Floats, identity: NDArray[np.int64], estimate: Estimate) -> Floats:
    """Where segments begin and end (E,), rising: quarter decades of the false match rate."""
    bins = np.cumsum(tail.counts[::-1])[::-1] / tail.counts.sum()  # share at or above the bin's lower edge
    rates = 10.0 ** (-np.arange(STEPS_PER_DECADE) / STEPS_PER_DECADE)
    body = [float(np.flatnonzero(bins >= rate)[-1]) * 2 / BINS - 1 for rate in rates[1:]]
    curve = estimate.curve
    carried = [s for s, f in zip(curve.similarity, curve.log10_fmr, strict=True) if 10**f >= curve.measured_to * 0.999]
    edges = np.unique([*body, *carried])
    people = np.array([len(np.unique(identity[scores < edge])) for edge in edges])
    # Faces that hardly anybody mistakes: then all that can be told is how much the highest of them says.
    first = min(int(np.searchsorted(people, FEWEST_PEOPLE)), len(edges) - 2)
    return np.asarray(edges[first:], np.float64)


@dataclass(frozen=True, slots=True)
class _Ends:
    """How fast the ratio may rise and fall beyond the segments, natural logarithm a unit of similarity."""

    below: float
    above: float


def _ends(edges: Floats, counts: _Counts, scale: float) -> _Ends:
    local = _local(counts)
    middles = (edges[1:] + edges[:-1]) / 2
    mean = (local[-1] - local[0]) / max(middles[-1] - middles[0], 1e-9)
    return _Ends(max(float(mean), 1.0), 1 / scale)


def _places(edges: Floats, counts: _Counts, ends: _Ends) -> Floats:
    """Similarity of each ratio: the segments' middles, and where those of all beyond are reached."""
    local, below, above = _local(counts), _open(counts, 0), _open(counts, -1)
    first = edges[0] - max((local[0] - below) / ends.below, _STEP)
    last = edges[-1] + max((above - local[-1]) / ends.above, _STEP)
    return np.concatenate([[first], (edges[1:] + edges[:-1]) / 2, [last]])


def _llr(counts: _Counts, edges: Floats, at: Floats, ends: _Ends) -> Floats:
    """Natural log-likelihood ratio at each place."""
    local = _local(counts)
    lowest = local[0] - (edges[0] - at[0]) * ends.below
    highest = local[-1] + (at[-1] - edges[-1]) * ends.above
    first = min(max(_open(counts, 0), lowest), local[0])
    last = max(min(_open(counts, -1), highest), local[-1])
    return np.concatenate([[first], local, [last]])


def _local(counts: _Counts) -> Floats:
    return _pooled(counts.mated[1:-1], counts.strangers[1:-1]) - _total(counts)


def _open(counts: _Counts, side: int) -> float:
    """Of all below (0) or above (-1) the segments."""
    mated, strangers = max(counts.mated[side], _CERTAIN), max(counts.strangers[side], _CERTAIN)
    return float(np.log(mated / strangers)) - _total(counts)


def _total(counts: _Counts) -> float:
    return float(np.log(counts.mated.sum() / counts.strangers.sum()))


def _pooled(mated: Floats, strangers: Floats) -> Floats:
    """Logarithm of mated over non-mated counts (S,), neighbours pooled until it never falls."""
    blocks: list[tuple[float, float, int]] = []
    for ours, theirs in zip((mated + _CONTINUITY).tolist(), (strangers + _CONTINUITY).tolist(), strict=True):
        block = (ours, theirs, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return np.concatenate([np.full(width, np.log(ours / theirs)) for ours, theirs, width in blocks])


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.5f}") for value in values)
