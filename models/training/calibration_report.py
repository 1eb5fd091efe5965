"""What a calibration run tells the reader: thresholds, how often people match themselves there, and an honest check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from gate.decision.calibration import Calibration
from gate.vision.probe import MaskState
from models.training.calibration_curve import Estimate, ScoreTail
from models.training.calibration_curve import estimate as estimate_curve
from models.training.comparisons import Mated, Side

SHOWN_FMR = (1e-3, 1e-4, 1e-5, 1e-6)
CHECKED_FMR = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SPLITS = 10


@dataclass(frozen=True, slots=True)
class Split:
    """`of(identities)` gives the comparisons among a part (I,) of the people."""

    of: Callable[[NDArray[np.bool_]], ScoreTail]
    identities: int


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A rate asked of a curve fitted on half of the people, and what the other half then saw.

    Attributes:
        fmr: asked for.
        modelled: on how many of the splits the threshold came from the modelled tail.
        splits: how many there were.
        realised: false matches over comparisons of the other halves, all splits together.
        low, high: the smallest and largest realised rate of a split.
        false_matches: expected in one half at `fmr`; few of them prove little.
    """

    fmr: float
    modelled: int
    splits: int
    realised: float
    low: float
    high: float
    false_matches: float


def held_back(split: Split, rng: np.random.Generator, splits: int = SPLITS) -> list[HeldBack]:
    """Fits on one half of the identities, measures on the other, `splits` times. Empty with too few comparisons."""
    rates: dict[float, list[float]] = {fmr: [] for fmr in CHECKED_FMR}
    modelled = dict.fromkeys(CHECKED_FMR, 0)
    totals = []
    for _ in range(splits):
        half = np.zeros(split.identities, np.bool_)
        half[rng.permutation(split.identities)[: split.identities // 2]] = True
        fitted, fresh = split.of(half), split.of(~half)
        try:
            # The strict scale needs resampling; twenty times are enough to find its upper end roughly.
            curve = estimate_curve(fitted, rng, replicates=20).curve
        except ValueError:
            return []
        totals.append(fresh.total)
        for fmr in CHECKED_FMR:
            rates[fmr].append(fresh.realised(curve.similarity_at(fmr)))
            modelled[fmr] += fmr < curve.measured_to
    mean_total = float(np.mean(totals))
    return [
        HeldBack(
            f,
            modelled[f],
            splits,
            float(np.average(rates[f], weights=totals)),
            min(rates[f]),
            max(rates[f]),
            f * mean_total,
        )
        for f in CHECKED_FMR
    ]


def true_accept_rate(
    same: Mated, similarity: float, rng: np.random.Generator, replicates: int = 300
) -> tuple[float, float, float]:
    """Share of mated comparisons at or above `similarity`, failures to acquire among the misses; its 95 % interval.

    NaN without any.
    """
    if len(same.scores) == 0:
        return float("nan"), float("nan"), float("nan")
    people, index = np.unique(same.identity, return_inverse=True)
    hits = np.bincount(index, weights=same.scores >= similarity, minlength=len(people))
    tries = np.bincount(index, minlength=len(people))
    drawn = rng.integers(len(people), size=(replicates, len(people)))
    rates = hits[drawn].sum(axis=1) / tries[drawn].sum(axis=1)
    low, high = np.percentile(rates, (2.5, 97.5))
    return float(hits.sum() / tries.sum()), float(low), float(high)


def show(
    console: Console,
    pack: str,
    estimates: dict[MaskState, Estimate],
    same: dict[MaskState, Mated],
    sides: dict[MaskState, Side],
    checks: dict[MaskState, list[HeldBack]],
    rng: np.random.Generator,
) -> None:
    """The tables."""
    console.print(_thresholds(pack, estimates, same, rng))
    for state, estimated in estimates.items():
        curve, failed = estimated.curve, int((~sides[state].found).sum())
        low, high = estimated.tail_scale_interval
        console.print(
            f"{state}: {curve.comparisons:,} non-mated and {len(same[state].scores):,} mated comparisons; "
            f"no face found in {failed} of {len(sides[state].found)} photographs; "
            f"carried to FMR {curve.measured_to:.2g}; tail scale {estimated.tail_scale:.4f} ({low:.4f} to {high:.4f})"
        )
    for state, rows in checks.items():
        if rows:
            console.print(_check(pack, state, rows))


def document(
    calibration: Calibration, estimates: dict[MaskState, Estimate], checks: dict[MaskState, list[HeldBack]]
) -> dict[str, object]:
    """The same for machines."""
    return {
        "calibration": calibration.model_dump(mode="json"),
        "tail_scale": {state.value: (e.tail_scale, *e.tail_scale_interval) for state, e in estimates.items()},
        "held_back": {state.value: [asdict(row) for row in rows] for state, rows in checks.items()},
    }


def _thresholds(
    pack: str, estimates: dict[MaskState, Estimate], same: dict[MaskState, Mated], rng: np.random.Generator
) -> Table:
    table = Table(title=f"{pack}: threshold at a false match rate, and who passes it")
    for heading in ("probe", "FMR", "threshold", "95 % interval", "", "mated at or above", "95 % interval"):
        table.add_column(heading, justify="right")
    for state, estimated in estimates.items():
        curve = estimated.curve
        for fmr in SHOWN_FMR:
            at = curve.similarity_at(fmr)
            rate, low, high = true_accept_rate(same[state], at, rng)
            interval = _interval_at(estimated, fmr)
            table.add_row(
                state.value,
                f"{fmr:.0e}",
                f"{at:.4f}",
                f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "",
                "modelled" if fmr < curve.measured_to else "measured",
                f"{rate:.2%}",
                f"{low:.2%} to {high:.2%}",
            )
        table.add_section()
    return table


def _check(pack: str, state: MaskState, rows: list[HeldBack]) -> Table:
    table = Table(
        title=f"{pack}, {state}: fitted on half of the people, measured on the others, {rows[0].splits} splits"
    )
    for heading in ("FMR asked", "realised", "lowest", "highest", "ratio", "expected matches", "modelled"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            f"{row.fmr:.0e}",
            f"{row.realised:.2e}",
            f"{row.low:.2e}",
            f"{row.high:.2e}",
            f"{row.realised / row.fmr:.2f}",
            f"{row.false_matches:.1f}",
            f"{row.modelled} of {row.splits}",
        )
    return table


def _interval_at(estimated: Estimate, fmr: float) -> tuple[float, float] | None:
    """The interval of the grid point at `fmr`, when it is one."""
    grid = np.array(estimated.curve.log10_fmr)
    nearest = int(np.abs(grid - np.log10(fmr)).argmin())
    intervals = estimated.curve.similarity_interval
    if intervals is None or abs(grid[nearest] - np.log10(fmr)) > 1e-4:
        return None
    return intervals[nearest]
