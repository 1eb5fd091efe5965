"""Templates against templates: the highest non-mated scores, the mated ones, in chunks that fit in memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.calibration_curve import BINS, KEPT_SHARE, Population, ScoreTail, bin_of

Templates = NDArray[np.float32]

_CHUNK = 512
"""Rows of the similarity matrix at a time: 512 x 100,000 references are 200 MB."""


@dataclass(frozen=True, slots=True)
class Side:
    """Templates of one mask state.

    Attributes:
        templates: (n, D), L2-normalised; rows without a face are anything.
        identity: (n,), the same numbers on both sides.
        found: (n,), whether the photograph gave a template.
    """

    templates: Templates
    identity: NDArray[np.int64]
    found: NDArray[np.bool_]

    def only(self, keep: NDArray[np.bool_]) -> Side:
        """The photographs `keep` (n,) of it."""
        return Side(self.templates[keep], self.identity[keep], self.found[keep])

    def acquired(self) -> Side:
        """Those with a template."""
        return self.only(self.found)


@dataclass(frozen=True, slots=True)
class Mated:
    """Comparisons of a person with themselves: similarity (m,), -1 where acquisition failed, and identity (m,)."""

    scores: NDArray[np.float32]
    identity: NDArray[np.int64]


def non_mated(
    probes: Side, references: Side, identities: int, excluded: NDArray[np.int64], *, symmetric: bool
) -> ScoreTail:
    """The highest `KEPT_SHARE` of all comparisons of different people.

    Args:
        probes, references: the two sides; row i of both is the same photograph.
        identities: number of identities.
        excluded: pairs of identities (E, 2) that may be one person.
        symmetric: both sides are the same, so only one half of the matrix is new.
    """
    probes, references = probes.acquired(), references.acquired()
    population = Population(
        np.bincount(probes.identity, minlength=identities),
        np.bincount(references.identity, minlength=identities),
        symmetric,
        excluded,
    )
    top = _Top(int(population.comparisons(np.ones(identities)) * KEPT_SHARE) + 1)
    barred = _barred(excluded)
    counts = np.zeros(BINS, np.int64)
    for start in range(0, len(probes.templates), _CHUNK):
        rows = slice(start, start + _CHUNK)
        scores = probes.templates[rows] @ references.templates.T
        ours = probes.identity[rows]
        stranger = ours[:, None] != references.identity[None, :]
        for row in np.flatnonzero(np.isin(ours, excluded)):
            stranger[row] &= ~np.isin(references.identity, barred[int(ours[row])])
        if symmetric:
            stranger &= np.arange(len(references.identity))[None, :] > np.arange(start, start + len(ours))[:, None]
        counts += np.bincount(bin_of(scores[stranger]), minlength=BINS)
        row_of, column_of = np.nonzero(stranger & (scores >= top.floor))
        top.add(scores[row_of, column_of], ours[row_of], references.identity[column_of])
    return top.tail(population, counts)


def mated(probes: Side, references: Side, *, symmetric: bool) -> Mated:
    """Every comparison of two different photographs of one person; a failure to acquire scores -1, never left out."""
    scores: list[float] = []
    identity: list[int] = []
    order = np.argsort(probes.identity, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(probes.identity[order])) + 1):
        matrix = probes.templates[group] @ references.templates[group].T
        matrix[~(probes.found[group][:, None] & references.found[group][None, :])] = -1
        wanted = np.triu(np.ones_like(matrix, bool), 1) if symmetric else ~np.eye(len(group), dtype=bool)
        scores += matrix[wanted].tolist()
        identity += [int(probes.identity[group[0]])] * int(wanted.sum())
    return Mated(np.array(scores, np.float32), np.array(identity, np.int64))


class _Top:
    """The `keep` highest of a stream of scores."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._parts: list[tuple[Templates, NDArray[np.int32], NDArray[np.int32]]] = []
        self._held = 0
        self.floor = -2.0

    def add(self, scores: Templates, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        """Takes scores (k,) and their identities (k,)."""
        self._parts.append((scores, one.astype(np.int32), other.astype(np.int32)))
        self._held += len(scores)
        if self._held > 3 * self._keep:
            self._shrink()

    def tail(self, population: Population, counts: NDArray[np.int64]) -> ScoreTail:
        """What was kept, highest first."""
        scores, one, other = self._shrink()
        order = np.argsort(-scores, kind="stable")
        return ScoreTail(scores[order], one[order], other[order], population, counts)

    def _shrink(self) -> tuple[Templates, NDArray[np.int32], NDArray[np.int32]]:
        scores, one, other = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        if len(scores) > self._keep:
            best = np.argpartition(-scores, self._keep - 1)[: self._keep]
            scores, one, other = scores[best], one[best], other[best]
            self.floor = float(scores.min())
        self._parts, self._held = [(scores, one, other)], len(scores)
        return scores, one, other


def _barred(excluded: NDArray[np.int64]) -> dict[int, list[int]]:
    """For each identity of an excluded pair, the others it must not meet."""
    barred: dict[int, list[int]] = defaultdict(list)
    for one, other in excluded.tolist():
        barred[one].append(other)
        barred[other].append(one)
    return barred
