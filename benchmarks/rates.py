"""Error rates with weights: a threshold from a wanted rate, the share above it, and intervals by resampling identities.

Comparisons that share a person are no independent evidence, so people are drawn with replacement, not comparisons: one
of a drawn w_a times and b drawn w_b times counts w_a * w_b times (ISO/IEC 19795-1, annex B; R. M. Bolle et al.,
"The relation between the ROC curve and the CMC", subset bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
People = NDArray[np.int64]
"""Numbers of people, 0 to n - 1."""

FAILED = -np.inf
"""The score of a comparison that could not be made: below every threshold."""

NEEDED = 10
"""False matches that a rate must rest on: fewer say next to nothing about where its threshold lies."""

_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `n` events with its 95 % interval, in per cent."""

    value: float
    n: int
    low: float
    high: float


def threshold_at(scores: Floats, weights: Floats, total: float, rate: float) -> float:
    """The lowest threshold that at most a share `rate` of `total` weight reaches.

    Args:
        scores: (n,) falling; the highest ones are enough, as long as the share ends among them.
        weights: (n,) of each.
        total: weight of all scores, also of those that are not given.
        rate: in [0, 1].
    """
    if not len(scores) or total <= 0:
        return FAILED
    allowed = int(np.searchsorted(np.cumsum(weights), rate * total * (1 + 1e-12), side="right"))
    # A score equal to the first that is too many is out as well.
    return FAILED if allowed >= len(scores) else float(np.nextafter(scores[allowed], np.inf))


def share_at(scores: Floats, weights: Floats, threshold: float) -> float:
    """Weighted share of the scores (n,) that reach the threshold; a failed one never does."""
    total = weights.sum()
    reached = (scores >= threshold) & (scores > FAILED)
    return float(weights[reached].sum() / total) if total > 0 else float("nan")


def enough(comparisons: int, rate: float) -> bool:
    """Whether that many non-mated comparisons carry a threshold at `rate`."""
    return comparisons * rate >= NEEDED


def draws(people: int, replicates: int, rng: np.random.Generator) -> Floats:
    """(replicates, people) how often each is drawn when as many are drawn with replacement."""
    return rng.multinomial(people, np.full(people, 1 / people), size=replicates).astype(np.float64)


def interval(measured: float, resampled: Floats, n: int, people: int) -> Rate:
    """A share, measured and resampled, as percentages.

    Where it is 0 or 1, resampling shows no spread at all; then the rule of three over people bounds it (ISO/IEC
    19795-1, B.1.1): 3 / people is what they can rule out with 95 % confidence.
    """
    usable = resampled[np.isfinite(resampled)]
    low, high = np.percentile(usable, _INTERVAL) if len(usable) else (measured, measured)
    if measured <= 0:
        high = max(high, min(1.0, 3 / max(people, 1)))
    if measured >= 1:
        low = min(low, max(0.0, 1 - 3 / max(people, 1)))
    return Rate(100 * measured, n, 100 * float(low), 100 * float(high))


def rate_over_people(hit: NDArray[np.bool_], person: People, resampled: Floats) -> Rate:
    """Share of events (n,) that are hits; `person` (n,) says of whom, `resampled` (r, people) is of `draws`."""
    people = resampled.shape[1]
    counts = np.bincount(person, minlength=people).astype(np.float64)
    hits = np.bincount(person, weights=hit.astype(np.float64), minlength=people)
    with np.errstate(invalid="ignore"):
        shares = (resampled @ hits) / (resampled @ counts)
    return interval(float(hit.mean()), shares, len(hit), int((counts > 0).sum()))


def over_draws(resampled: Floats, statistic: Callable[[Floats], float]) -> Floats:
    """(r,) the statistic of each draw's weights (people,)."""
    return np.array([statistic(weights) for weights in resampled])
