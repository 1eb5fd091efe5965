"""A calibration from comparisons whose truth is known, and how sure it is.

Fingers are resampled, not comparisons: those that share a finger go up and down together, and an interval that forgets
it is far too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gate.fingerprint.calibration.curve import EDGE, FingerCalibration, Point, logit

_REPLICATES = 1000
_INTERVAL = (2.5, 97.5)
_STEP_DECADES = 0.1
_FEWEST_FALSE_MATCHES = 10
"""A rate that fewer carry is not measured, but a coincidence."""

_CERTAIN = 3.0
"""An event that never came in n trials is, with 95 % confidence, rarer than this over n."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Scores with their truth.

    Attributes:
        score: (n,) in [0, 1].
        probe, reference: (n,) whose finger it was, by number from 0; the same number is the same finger.
    """

    score: Floats = field(repr=False)
    probe: NDArray[np.intp] = field(repr=False)
    reference: NDArray[np.intp] = field(repr=False)

    @property
    def mated(self) -> NDArray[np.bool_]:
        """(n,) which are of one finger."""
        return np.asarray(self.probe == self.reference)

    @property
    def fingers(self) -> int:
        """How many fingers took part."""
        return len(np.unique(np.concatenate([self.probe, self.reference])))


def fit(
    comparisons: Comparisons, *, extractor: str, matcher: str, data: str, rng: np.random.Generator
) -> FingerCalibration:
    """The calibration that these comparisons carry. At least ten of them must be non-mated, and one mated."""
    mated = comparisons.mated
    mates, strangers = comparisons.score[mated], comparisons.score[~mated]
    # At 0 prints had nothing in common, which no slope describes; how many get past it, does.
    slope, offset = _log_likelihood_ratio(_logits(mates[mates > 0]), _logits(strangers[strangers > 0]))
    offset += float(np.log(np.mean(mates > 0) / np.mean(strangers > 0)))
    return FingerCalibration(
        schema_version=1,
        extractor=extractor,
        matcher=matcher,
        data=data,
        fingers=comparisons.fingers,
        mated=len(mates),
        non_mated=len(strangers),
        points=_points(comparisons, rng),
        llr_slope=slope,
        llr_offset=offset,
        llr_least=-float(np.log(len(mates) / _CERTAIN)),
        llr_most=float(np.log(len(strangers) / _CERTAIN)),
    )


def _points(comparisons: Comparisons, rng: np.random.Generator) -> tuple[Point, ...]:
    """Ten a decade from 1 down, as far as the comparisons carry."""
    chosen = ~comparisons.mated
    scores = comparisons.score[chosen].clip(EDGE, 1 - EDGE)
    falling = np.sort(scores)[::-1]
    least = np.log10(_FEWEST_FALSE_MATCHES / len(scores))
    wanted = 10 ** np.append(np.arange(0, least, -_STEP_DECADES), least)
    at = np.unique(falling[np.floor(wanted * len(scores)).astype(int) - 1])
    reached = scores >= at[:, np.newaxis]
    weights = _resampled(comparisons.probe[chosen], comparisons.reference[chosen], rng)
    resampled = weights @ reached.T / np.maximum(weights.sum(axis=1, keepdims=True), 1)
    low, high = np.percentile(resampled, _INTERVAL, axis=0)
    rates = reached.mean(axis=1)
    return tuple(
        Point(score=float(s), fmr=float(r), low=float(min(low_, r)), high=float(max(high_, r)))
        for s, r, low_, high_ in zip(at, rates, low, high, strict=True)
    )


def _resampled(probe: NDArray[np.intp], reference: NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """(replicates, n): how often each comparison is in it when as many fingers as there are are drawn anew."""
    fingers, numbered = np.unique(np.concatenate([probe, reference]), return_inverse=True)
    drawn = rng.multinomial(len(fingers), np.full(len(fingers), 1 / len(fingers)), size=_REPLICATES).astype(np.float64)
    return np.asarray(drawn[:, numbered[: len(probe)]] * drawn[:, numbered[len(probe) :]])


def _log_likelihood_ratio(mates: Floats, strangers: Floats, rounds: int = 200) -> tuple[float, float]:
    """Slope and offset over the logit, by logistic regression in which both sides weigh the same (Newton's steps)."""
    x = np.concatenate([mates, strangers])
    truth = np.concatenate([np.ones(len(mates)), np.zeros(len(strangers))])
    weight = np.concatenate([np.full(len(mates), 0.5 / len(mates)), np.full(len(strangers), 0.5 / len(strangers))])
    design = np.stack([x, np.ones_like(x)], axis=1)
    # A trace of a prior on the slope: sides that do not overlap would make it infinite.
    prior = np.diag([1e-4, 0.0])
    found = np.array([1.0, 0.0])
    for _ in range(rounds):
        expected = 1 / (1 + np.exp(-np.clip(design @ found, -50, 50)))
        gradient = design.T @ (weight * (expected - truth)) + prior @ found
        curvature = (design * (weight * expected * (1 - expected))[:, np.newaxis]).T @ design + prior
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        # Whole steps overshoot where the sides hardly overlap.
        found = found - step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return float(max(found[0], 1e-6)), float(found[1])


def _logits(scores: Floats) -> Floats:
    return np.array([logit(float(score)) for score in scores])
