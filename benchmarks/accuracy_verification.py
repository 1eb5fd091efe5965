"""Verification, one against one: every probe with every reference of another photograph, and named pairs.

ISO/IEC 19795-1: false match rate over all comparisons of different people, false non-match rate over all of one person
with themselves, failures to acquire among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks import rates
from benchmarks.accuracy_templates import Templates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

FMRS = (1e-2, 1e-3, 1e-4, 1e-5)
FOLDS = 10
BINS = 1000
"""Of the histograms, over similarities from -1 to 1."""

_CHUNK = 512
_KEPT_SHARE = 0.03
"""Of the non-mated comparisons, the highest: what the largest FMR needs, with room for resampling."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """All comparisons of probes with references.

    Attributes:
        mated: (m,) similarity, `FAILED` where either photograph gave no template.
        mated_person: (m,).
        top: (k,) the highest non-mated similarities, falling.
        top_people: (k, 2) of whom.
        non_mated: how many there are altogether.
        probes_of, references_of: (people,) templates of each person on either side.
        mated_bins, non_mated_bins: (BINS,) counts over [-1, 1].
    """

    mated: Floats = field(repr=False)
    mated_person: Ints = field(repr=False)
    top: Floats = field(repr=False)
    top_people: Ints = field(repr=False)
    non_mated: int
    probes_of: Ints = field(repr=False)
    references_of: Ints = field(repr=False)
    mated_bins: Counts = field(repr=False)
    non_mated_bins: Counts = field(repr=False)

    @property
    def failed(self) -> int:
        """Mated comparisons that could not be made."""
        return int((self.mated == rates.FAILED).sum())

    def weight(self, drawn: Floats) -> float:
        """All non-mated comparisons, each person counted as often as drawn (people,)."""

        def of(weights: Floats) -> float:
            known = weights[: len(self.probes_of)]
            ours, theirs = known * self.probes_of, known * self.references_of
            return float(ours.sum() * theirs.sum() - ours @ theirs)

        everybody = of(np.ones(len(drawn)))
        return self.non_mated * of(drawn) / everybody if everybody else 0.0


def compare(
    probes: Templates, references: Templates, barred: Mapping[int, frozenset[int]], *, once: bool
) -> Comparisons:
    """Every comparison of two different photographs, in chunks that fit into memory.

    Args:
        probes, references: what is compared.
        barred: people who may be one person, by person; not compared.
        once: both are of the same photographs in the same order, each two of which are compared once, not both ways.
    """
    mated, mated_person = [], []
    kept: list[NDArray[np.float32]] = []
    people: list[NDArray[np.int32]] = []
    bins = np.zeros(BINS, np.int64)
    floor, count, held = -2.0, 0, 0
    for start in range(0, len(probes), _CHUNK):
        ours = probes.only(np.arange(start, min(start + _CHUNK, len(probes)), dtype=np.int64))
        scores = ours.rows @ references.rows.T
        both = ours.found[:, None] & references.found[None, :]
        new = np.ones(scores.shape, np.bool_)
        if once:
            new = np.arange(len(references))[None, :] > np.arange(start, start + len(ours))[:, None]
        same = ours.person[:, None] == references.person[None, :]
        row, column = np.nonzero(same & new & (ours.photo[:, None] != references.photo[None, :]))
        mated.append(np.where(both[row, column], scores[row, column], rates.FAILED).astype(np.float64))
        mated_person.append(ours.person[row])
        strangers = new & ~same & both
        for index in np.flatnonzero(np.isin(ours.person, list(barred))):
            strangers[index] &= ~np.isin(references.person, list(barred[int(ours.person[index])]))
        values = scores[strangers]
        count += len(values)
        bins += _binned(values)
        row, column = np.nonzero(strangers & (scores > floor))
        kept.append(scores[row, column])
        people.append(np.stack([ours.person[row], references.person[column]], axis=1).astype(np.int32))
        held += len(row)
        # The floor rises with what is already known to be too low, once there is much more than will be needed.
        if held > 4_000_000:
            keep = int(_KEPT_SHARE * _expected(len(probes), len(references), once=once)) + 1000
            kept, people, floor = _highest(kept, people, keep)
            held = len(kept[0])
    scores_, people_, _ = _highest(kept, people, int(_KEPT_SHARE * count) + 1000)
    order = np.argsort(-scores_[0], kind="stable")
    every_mated = np.concatenate(mated) if mated else np.zeros(0)
    return Comparisons(
        every_mated,
        np.concatenate(mated_person) if mated_person else np.zeros(0, np.int64),
        scores_[0][order].astype(np.float64),
        people_[0][order].astype(np.int64),
        count,
        _templates_of(probes, references),
        _templates_of(references, probes),
        _binned(every_mated[every_mated > rates.FAILED]),
        bins,
    )


def _templates_of(side: Templates, other: Templates) -> Ints:
    people = int(max(side.person.max(initial=0), other.person.max(initial=0))) + 1
    return np.bincount(side.person[side.found], minlength=people)


def _expected(probes: int, references: int, *, once: bool) -> float:
    return probes * references / 2 if once else float(probes * references)


def _highest(
    kept: list[NDArray[np.float32]], people: list[NDArray[np.int32]], keep: int
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int32]], float]:
    scores = np.concatenate(kept) if kept else np.zeros(0, np.float32)
    pairs = np.concatenate(people) if people else np.zeros((0, 2), np.int32)
    if len(scores) <= keep:
        return [scores], [pairs], -2.0
    best = np.argpartition(-scores, keep - 1)[:keep]
    return [scores[best]], [pairs[best]], float(scores[best].min())


def _binned(values: NDArray[np.floating]) -> Counts:
    places = ((values + 1) * (BINS / 2)).astype(np.int64).clip(0, BINS - 1)
    return np.bincount(places, minlength=BINS)


def fnmr_at(comparisons: Comparisons, fmr: float, resampled: Floats) -> tuple[rates.Rate, float]:
    """False non-match rate at the threshold that strangers reach at rate `fmr`, and that threshold.

    Args:
        comparisons: of people 0 to n - 1.
        fmr: as a share.
        resampled: (r, n) see `rates.draws`.
    """
    first, second = comparisons.top_people.T

    def fnmr_of(drawn: Floats) -> float:
        weights = drawn[first] * drawn[second]
        threshold = rates.threshold_at(comparisons.top, weights, comparisons.weight(drawn), fmr)
        return 1 - rates.share_at(comparisons.mated, drawn[comparisons.mated_person], threshold)

    measured = fnmr_of(np.ones(resampled.shape[1]))
    threshold = rates.threshold_at(comparisons.top, np.ones(len(comparisons.top)), float(comparisons.non_mated), fmr)
    people = len(np.unique(comparisons.mated_person))
    spread = rates.over_draws(resampled, fnmr_of)
    return rates.interval(measured, spread, len(comparisons.mated), people), threshold


def curve(comparisons: Comparisons, points: int = 120) -> Iterator[tuple[float, float]]:
    """False match and false non-match rate over a range of thresholds, for plots; both as shares."""
    if not comparisons.non_mated or not len(comparisons.mated):
        return
    mated, top = np.sort(comparisons.mated), comparisons.top
    above = np.cumsum(comparisons.non_mated_bins[::-1])[::-1]
    for fmr in np.logspace(-6, np.log10(0.5), points):
        if fmr * comparisons.non_mated < 1:
            continue
        if fmr * comparisons.non_mated < len(top) - 1:
            threshold = rates.threshold_at(top, np.ones(len(top)), float(comparisons.non_mated), float(fmr))
        else:
            threshold = float(np.searchsorted(-above, -fmr * comparisons.non_mated)) * 2 / BINS - 1
        yield float(fmr), float(np.searchsorted(mated, threshold, side="left") / len(mated))


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Named pairs: similarity (n,) or `FAILED`, whether mated, and whose (n, 2)."""

    similarity: Floats = field(repr=False)
    mated: NDArray[np.bool_] = field(repr=False)
    people: Ints = field(repr=False)


def score_pairs(one: Templates, other: Templates, mated: NDArray[np.bool_]) -> PairScores:
    """Row i of one with row i of the other."""
    similarity = np.einsum("nd,nd->n", one.rows, other.rows).astype(np.float64)
    similarity[~(one.found & other.found)] = rates.FAILED
    return PairScores(similarity, mated, np.stack([one.person, other.person], axis=1))


def balanced_accuracy(pairs: PairScores, resampled: Floats, seed: int = 0) -> rates.Rate:
    """Mean of the shares of mated pairs accepted and of non-mated ones rejected.

    As LFW's protocol has it: the threshold is chosen on nine folds and judged on the tenth. A pair that could not be
    compared is not accepted.

    Raises:
        ValueError: there is no mated, or no non-mated pair.
    """
    if not pairs.mated.any() or pairs.mated.all():
        raise ValueError("expected mated and non-mated pairs")
    folds = _folds(pairs.mated, seed)
    right = np.zeros(len(pairs.mated), np.bool_)
    for fold in range(FOLDS):
        inside = folds == fold
        threshold = _best_threshold(pairs.similarity[~inside], pairs.mated[~inside])
        right[inside] = (pairs.similarity[inside] >= threshold) == pairs.mated[inside]

    def accuracy(drawn: Floats) -> float:
        weights = drawn[pairs.people[:, 0]] * drawn[pairs.people[:, 1]]
        same = pairs.people[:, 0] == pairs.people[:, 1]
        weights[same] = drawn[pairs.people[same, 0]]
        shares = [
            float((weights * right)[kind].sum() / weights[kind].sum()) if weights[kind].sum() > 0 else float("nan")
            for kind in (pairs.mated, ~pairs.mated)
        ]
        return float(np.mean(shares))

    measured = accuracy(np.ones(resampled.shape[1]))
    return rates.interval(measured, rates.over_draws(resampled, accuracy), len(right), len(np.unique(pairs.people)))


def _folds(mated: NDArray[np.bool_], seed: int) -> Ints:
    """(n,) fold of each pair; mated and non-mated ones are spread evenly."""
    rng = np.random.default_rng(seed)
    folds = np.zeros(len(mated), np.int64)
    for kind in (mated, ~mated):
        rows = rng.permutation(np.flatnonzero(kind))
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def _best_threshold(similarity: Floats, mated: NDArray[np.bool_]) -> float:
    grid = np.unique(similarity[similarity > rates.FAILED])
    if not len(grid) or not mated.any() or mated.all():
        return 0.0
    yes, no = np.sort(similarity[mated]), np.sort(similarity[~mated])
    accepted = 1 - np.searchsorted(yes, grid, side="left") / len(yes)
    rejected = np.searchsorted(no, grid, side="left") / len(no)
    return float(grid[np.argmax(accepted + rejected)])
