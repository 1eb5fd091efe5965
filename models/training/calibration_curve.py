"""From the scores of strangers to a calibration curve: quantiles where the data carries them, a strict tail beyond.

Terms after ISO/IEC 19795-1. A *false match* is a non-mated comparison whose similarity reaches the threshold; the false
match rate (FMR) is their share. Comparisons share people: n photographs make about n^2 / 2 of them, but a person who
resembles many others counts in all of theirs. So

- intervals come from resampling *identities* (bootstrap), never comparisons, as 19795-1 advises for dependent ones;
- the data carries a rate down to `MIN_FALSE_MATCHES` false matches that come from as many *different pairs* of people.

Beyond that rate the curve is a model: the excess of similarity over a high quantile (the *onset*, two decades above)
is taken as exponential, a straight line in log10(FMR). That is the generalised Pareto tail with its shape fixed at 0. A
cosine is bounded, so the true shape is negative and the true curve falls away below the line; the scale is taken at the
upper end of its interval; and where the last quantiles lie above the line, it is moved up to them. All three make the
threshold too high rather than too low.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gate.decision.calibration import Curve

Floats = NDArray[np.float64]

MIN_FALSE_MATCHES = 10
STEPS_PER_DECADE = 4
HIGHEST_FMR = 0.1
KEPT_SHARE = 0.13
"""Share of all comparisons that is kept, the highest: above `HIGHEST_FMR`, with room for resampling to move it."""

_FIT_DECADES = 2
"""The tail is fitted on the false matches of this many decades above the last rate that is carried: about 1,000."""

_MODELLED_DECADES = 1
"""Points written beyond the carried rates. `Curve` runs on along the last decade, so one decade of line is enough."""

_INTERVAL = (2.5, 97.5)

BINS = 1000
"""Of a similarity, from -1 to 1."""


def bin_of(similarities: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which of `BINS` equal bins over [-1, 1] each falls into."""
    return np.asarray(np.clip((similarities + 1) * (BINS / 2), 0, BINS - 1), np.int64)


@dataclass(frozen=True, slots=True)
class Population:
    """Who was compared with whom: every probe with every reference of another identity.

    Attributes:
        probes, references: photographs by identity (I,) that gave a template.
        symmetric: probes and references are the same photographs, each pair compared once.
        excluded: pairs of identities (E, 2) that were left out.
    """

    probes: NDArray[np.int64]
    references: NDArray[np.int64]
    symmetric: bool
    excluded: NDArray[np.int64]

    def comparisons(self, weight: Floats) -> float:
        """Non-mated comparisons when identity i counts `weight[i]` times (I,)."""
        probes, references = weight * self.probes, weight * self.references
        total = probes.sum() * references.sum() - probes @ references
        one, other = self.excluded.T
        total -= probes[one] @ references[other] + probes[other] @ references[one]
        return float(total / 2 if self.symmetric else total)


@dataclass(frozen=True, slots=True)
class ScoreTail:
    """The highest non-mated similarities (K,), falling, and the identities `one`, `other` (K,) they belong to.

    `counts` (`BINS`,) are of all non-mated similarities, see `bin_of`; empty where nobody counted.
    """

    scores: NDArray[np.float32]
    one: NDArray[np.int32]
    other: NDArray[np.int32]
    population: Population
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def total(self) -> int:
        """Non-mated comparisons, those below the tail included."""
        return round(self.population.comparisons(np.ones(len(self.population.probes))))

    def realised(self, similarity: float) -> float:
        """FMR at a threshold within the tail."""
        return float(np.searchsorted(-self.scores, -similarity, side="right")) / self.total


@dataclass(frozen=True, slots=True)
class Estimate:
    """A curve and how sure it is.

    Attributes:
        curve: what the pack carries.
        tail_scale: of the exponential excess, similarity for a factor e of FMR; as fitted, before the strict bound.
        tail_scale_interval: 95 % by resampling identities; the upper end is in the curve.
    """

    curve: Curve
    tail_scale: float
    tail_scale_interval: tuple[float, float]


class Weighted:
    """The tail when identity i counts `weight[i]` times."""

    def __init__(self, tail: ScoreTail, weight: Floats) -> None:
        self._scores = tail.scores
        self._weights = weight[tail.one] * weight[tail.other]
        admitted = np.cumsum(self._weights)
        # Equal scores are admitted together.
        self._ends = np.flatnonzero(np.append(np.diff(tail.scores) < 0, True))
        self._admitted = admitted[self._ends]
        self._total = tail.population.comparisons(weight)

    def similarity_at(self, fmr: float) -> float:
        """The lowest similarity at which at most a share `fmr` of the comparisons match."""
        # The epsilon keeps 0.1 * 10 comparisons from being 0 of them.
        at = int(np.searchsorted(self._admitted, fmr * self._total * (1 + 1e-9), side="right")) - 1
        if at < 0:
            return float(np.nextafter(self._scores[0], np.float32(2)))
        return float(self._scores[self._ends[at]])

    def mean_excess(self, similarity: float) -> float:
        """Mean of (score - similarity) over the scores above: the maximum-likelihood scale of an exponential tail."""
        count = int(np.searchsorted(-self._scores, -similarity, side="left"))
        weights = self._weights[:count]
        if weights.sum() == 0:
            return 0.0
        return float(np.average(self._scores[:count].astype(np.float64) - similarity, weights=weights))


def fmr_grid(last: float) -> Floats:
    """Rates from `HIGHEST_FMR` down to `last` and the first at or below it, in steps of a quarter decade."""
    steps = int(np.ceil(np.log10(HIGHEST_FMR / last) * STEPS_PER_DECADE - 1e-9))
    return np.asarray(HIGHEST_FMR * 10.0 ** (-np.arange(steps + 1) / STEPS_PER_DECADE), np.float64)


def measured_to(tail: ScoreTail) -> float:
    """The smallest rate of the grid that `MIN_FALSE_MATCHES` pairs of people carry.

    Raises:
        ValueError: there are too few comparisons for any point but the first.
    """
    low, high = np.minimum(tail.one, tail.other).astype(np.int64), np.maximum(tail.one, tail.other)
    _, first = np.unique(low << 32 | high, return_index=True)
    if len(first) < MIN_FALSE_MATCHES:
        raise ValueError(f"expected at least {MIN_FALSE_MATCHES} pairs of people, found {len(first)}")
    needed = int(np.sort(first)[MIN_FALSE_MATCHES - 1]) + 1
    carried = [fmr for fmr in fmr_grid(1 / tail.total) if np.floor(fmr * tail.total * (1 + 1e-9)) >= needed]
    if len(carried) < 2:
        raise ValueError(f"expected comparisons for two points at least, found {tail.total}")
    return float(carried[-1])


def estimate(tail: ScoreTail, rng: np.random.Generator, replicates: int = 300) -> Estimate:
    """The curve of one mask state, with intervals by resampling identities `replicates` times.

    Raises:
        ValueError: too few comparisons.
    """
    carried = measured_to(tail)
    grid = fmr_grid(carried * 10.0**-_MODELLED_DECADES)
    identities = len(tail.population.probes)
    plain = _fit(Weighted(tail, np.ones(identities)), grid, carried)
    scales, points = np.empty(replicates), np.empty((replicates, len(grid)))
    for row in range(replicates):
        weight = np.bincount(rng.integers(identities, size=identities), minlength=identities).astype(np.float64)
        fit = _fit(Weighted(tail, weight), grid, carried)
        scales[row], points[row] = fit.scale, fit.similarity_at(grid, fit.scale)
    low, high = (float(value) for value in np.percentile(scales, _INTERVAL))
    similarity = _rising(plain.similarity_at(grid, max(high, plain.scale)))
    interval = np.percentile(points, _INTERVAL, axis=0).T
    # The strict scale may lie above the interval of the fitted one; an interval holds its point.
    interval = np.stack([np.minimum(interval[:, 0], similarity), np.maximum(interval[:, 1], similarity)], axis=1)
    possible = int((similarity <= 1).sum())
    curve = Curve(
        similarity=_rounded(similarity[:possible]),
        log10_fmr=_rounded(np.log10(grid[:possible])),
        measured_to=float(f"{carried:.6g}"),
        comparisons=tail.total,
        similarity_interval=tuple((round(a, 5), round(b, 5)) for a, b in interval[:possible].tolist()),
    )
    return Estimate(curve, plain.scale, (low, high))


@dataclass(frozen=True, slots=True)
class _Fit:
    """Quantiles down to the carried rate; onset (similarity and rate) and scale of the tail beyond it."""

    quantiles: Floats
    carried: float
    onset: float
    onset_fmr: float
    scale: float

    def similarity_at(self, grid: Floats, scale: float) -> Floats:
        """Similarity (G,) at the rates of the grid, the tail with the scale given."""
        line = self.onset + scale * np.log(self.onset_fmr / self.carried)
        beyond = np.log(self.carried / grid[len(self.quantiles) :])
        return np.concatenate([self.quantiles, max(line, self.quantiles[-1]) + scale * beyond])


def _fit(scores: Weighted, grid: Floats, carried: float) -> _Fit:
    quantiles = np.array([scores.similarity_at(fmr) for fmr in grid if fmr >= carried * (1 - 1e-9)])
    onset_fmr = min(HIGHEST_FMR, carried * 10.0**_FIT_DECADES)
    onset = scores.similarity_at(onset_fmr)
    return _Fit(quantiles, carried, onset, onset_fmr, scores.mean_excess(onset))


def _rising(similarity: Floats) -> Floats:
    """The same, each point above the one before; equal ones move to the strict side."""
    rising = similarity.copy()
    for i in range(1, len(rising)):
        rising[i] = max(rising[i], rising[i - 1] + 2e-5)
    return rising


def _rounded(values: Floats) -> tuple[float, ...]:
    # Upwards, which is the strict side for a similarity and nothing for a rate that is a multiple of a quarter.
    return tuple((np.ceil(values * 1e5 - 1e-6) / 1e5).tolist())
