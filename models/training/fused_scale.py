"""Whether strangers resemble a probe fused of several frames more than a single one, and by how much.

Different photographs of a person are the most independent frames there are, so what fusion does to strangers shows most
with them. The same people's photographs are compared with everybody else once one by one and once fused, and at equal
false match rates the similarities are set against each other. Fewer photographs count as fewer effective frames,
by the same measure as in a passage (`gate.vision.fuse.Fusion`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gate.decision.calibration import Fused
from gate.vision.fuse import Fusion
from gate.vision.probe import MaskState, Probe
from models.training.calibration_curve import ScoreTail, Weighted
from models.training.comparisons import Side, non_mated

FRAMES = (2, 3, 4, 6)
RATES = (1e-2, 1e-3, 1e-4)
"""At which the similarities are set against each other."""

_FEWEST_PEOPLE = 50
_FEWEST_FALSE_MATCHES = 100
_INTERVAL = (2.5, 97.5)


def fit_fused(
    probes: Side,
    references: Side,
    identities: int,
    excluded: NDArray[np.int64],
    rng: np.random.Generator,
    replicates: int = 100,
) -> Fused:
    """The scale by effective frames, as far as people with enough photographs go."""
    frames, scale = [1.0], [1.0]
    for count in FRAMES:
        singles, fused, effective = _fuse(probes, count)
        if len(fused.identity) < _FEWEST_PEOPLE or effective <= frames[-1]:
            break
        single = non_mated(singles, references, identities, excluded, symmetric=False)
        tail = non_mated(fused, references, identities, excluded, symmetric=False)
        carried = [rate for rate in RATES if rate * tail.total >= _FEWEST_FALSE_MATCHES]
        if not carried:
            break
        highest = max(_upper(single, tail, rate, rng, replicates) for rate in carried)
        frames.append(round(effective, 3))
        scale.append(max(scale[-1], float(np.ceil(highest * 1e4) / 1e4)))
    return Fused(frames=tuple(frames), scale=tuple(scale))


def _upper(single: ScoreTail, fused: ScoreTail, rate: float, rng: np.random.Generator, replicates: int) -> float:
    """Upper end of the interval of fused over single similarity at the same false match rate."""
    people = len(single.population.probes)
    ratios = []
    for _ in range(replicates):
        weight = np.bincount(rng.integers(people, size=people), minlength=people).astype(np.float64)
        ours, theirs = Weighted(fused, weight).similarity_at(rate), Weighted(single, weight).similarity_at(rate)
        ratios.append(ours / theirs)
    return float(np.percentile(ratios, _INTERVAL[1]))


def _fuse(probes: Side, count: int) -> tuple[Side, Side, float]:
    """The first `count` photographs of everybody who has as many: one by one, fused, and the mean effective frames."""
    chosen, fused, who, effective = [], [], [], []
    for rows in _photographs(probes, count):
        fusion = Fusion()
        for row in rows:
            fusion = fusion.add(Probe(probes.templates[row], MaskState.UNKNOWN, "", {}), 1.0, 0.0)
        chosen.append(rows)
        fused.append(fusion.probe.embedding)
        who.append(int(probes.identity[rows[0]]))
        effective.append(fusion.effective_frames)
    if not fused:
        nobody = probes.only(np.zeros(len(probes.found), np.bool_))
        return nobody, nobody, 0.0
    identity = np.array(who, np.int64)
    singles = probes.only(np.isin(np.arange(len(probes.found)), np.concatenate(chosen)))
    return singles, Side(np.stack(fused), identity, np.ones(len(who), np.bool_)), float(np.mean(effective))


def _photographs(probes: Side, count: int) -> Iterator[NDArray[np.int64]]:
    rows = np.flatnonzero(probes.found)
    order = rows[np.argsort(probes.identity[rows], kind="stable")]
    for group in np.split(order, np.flatnonzero(np.diff(probes.identity[order])) + 1):
        if len(group) >= count:
            yield group[:count]
