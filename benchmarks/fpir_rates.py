"""How often somebody who is not expected is taken for one of N: realised, over every gallery that could be drawn.

A gallery of N is a draw of N from M templates. For a probe that c of the M match at the threshold, the share of
galleries that hold none of them is C(M - c, N) / C(M, N): so all galleries are counted, and none is simulated. Where N
exceeds M there is no such gallery; then the M stand for a larger crowd that resembles the probe as often, drawn with
replacement: 1 - (1 - c / M)^N. What a probe has in common with many (a face like many others) is kept in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.rates import Floats, People

_CHUNK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Templates (n, D), and whose (n,) they are."""

    rows: NDArray[np.float32] = field(repr=False)
    person: People


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Non-mated comparisons that come near a threshold.

    Attributes:
        probe: (k,) row of the probe.
        like: (k,) whom it resembles.
        lead: (k,) similarity over the probe's lowest threshold, at least 0.
        person: (n,) whose each probe is.
        size: templates that each probe was compared with.
    """

    probe: NDArray[np.int64]
    like: People
    lead: Floats
    person: People
    size: int


def compare(probes: Side, gallery: Side, least: Floats, barred: Sequence[tuple[int, int]]) -> Matches:
    """Every probe with every template of somebody else.

    Args:
        probes: (n, D).
        gallery: one template a person, or several of people who never come.
        least: (n,) similarity from which a comparison of each probe is kept.
        barred: pairs of people who may be one person.
    """
    found: list[tuple[NDArray[np.int64], People, Floats]] = []
    never = {pair for one, other in barred for pair in ((one, other), (other, one))}
    for start in range(0, len(probes.rows), _CHUNK):
        scores = probes.rows[start : start + _CHUNK] @ gallery.rows.T
        lead = scores - least[start : start + _CHUNK, None]
        ours = probes.person[start : start + _CHUNK]
        row, column = np.nonzero((lead >= 0) & (ours[:, None] != gallery.person[None, :]))
        allowed = np.array(
            [(a, b) not in never for a, b in zip(ours[row].tolist(), gallery.person[column].tolist(), strict=True)],
            np.bool_,
        )
        row, column = row[allowed], column[allowed]
        found.append((row + start, gallery.person[column], lead[row, column].astype(np.float64)))
    probe, like, lead = (np.concatenate(column) for column in zip(*found, strict=True))
    # Of the probe's own person there is at most one template in it.
    own = bool(np.isin(probes.person, gallery.person).any())
    return Matches(probe, like, lead, probes.person, len(gallery.person) - own)


def realised(matches: Matches, above: Floats, size: int, weights: Floats | None = None) -> float:
    """Share of searches in galleries of `size` that find somebody.

    Args:
        matches: of all probes.
        above: (n,) the probe's threshold over its lowest one, see `Matches.lead`.
        size: travellers expected.
        weights: (people,) how often each counts; None for once.
    """
    reached = matches.lead >= above[matches.probe]
    counted = np.ones(int(reached.sum())) if weights is None else weights[matches.like[reached]]
    hits = np.bincount(matches.probe[reached], counted, minlength=len(matches.person)).astype(np.float64)
    chance = some(hits, matches.size, size)
    of_each = np.ones(len(matches.person)) if weights is None else weights[matches.person]
    return float(np.average(chance, weights=of_each))


def some(hits: Floats, of: int, drawn: int) -> Floats:
    """Chance that `drawn` of `of` templates hold one of the `hits` (n,), which may be fractions of resampling."""
    if drawn > of:
        return np.asarray(-np.expm1(drawn * np.log1p(-np.minimum(hits / of, 1 - 1e-12))), np.float64)
    few = np.minimum(hits, of - drawn)
    log_none = _log_choose(of - few, drawn) - math.lgamma(of + 1) + math.lgamma(drawn + 1) + math.lgamma(of - drawn + 1)
    chance = np.where(hits > of - drawn, 1.0, np.clip(-np.expm1(log_none), 0, 1))
    # Logarithms of large factorials leave a trace where there is nothing.
    return np.asarray(np.where(hits > 0, chance, 0.0), np.float64)


def _log_choose(n: Floats, k: int) -> Floats:
    """Logarithm of the binomial coefficients of n (m,), which may be fractions, over k."""
    distinct, where = np.unique(n, return_inverse=True)
    logs = [math.lgamma(v + 1) - math.lgamma(k + 1) - math.lgamma(v - k + 1) for v in distinct.tolist()]
    return np.array(logs)[where]
