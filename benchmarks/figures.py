"""Figures: a number with its unit, how many samples it stands on, and its interval; and how rounds become one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

Samples = NDArray[np.float64]
"""Measurements (rounds, samples a round). Subjects are measured by turns, a round each, so row i of two subjects was
taken under nearly the same load of the machine."""

Statistic = Callable[[Samples], Samples]
"""Rounds (R, S) to one value a round (R,)."""

_REPLICATES = 400
_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Figure:
    """One result.

    Attributes:
        name: dotted, stable: other versions are compared by it.
        value: median over the rounds.
        unit: ms, ratio, …
        n: samples, all rounds together.
        ci_low, ci_high: 95 % interval, by resampling rounds and samples within them.
    """

    name: str
    value: float
    unit: str
    n: int
    ci_low: float
    ci_high: float


def percentile(q: float) -> Statistic:
    """The q-th percentile of each round."""

    def statistic(samples: Samples) -> Samples:
        return np.asarray(np.percentile(samples, q, axis=1), np.float64)

    return statistic


def summarise(name: str, unit: str, samples: Samples, statistic: Statistic, rng: np.random.Generator) -> Figure:
    """The median over the rounds of a statistic of each."""
    return _figure(name, unit, (samples,), lambda parts: statistic(parts[0]), rng)


def compare(
    name: str,
    unit: str,
    ours: Samples,
    other: Samples,
    combine: Callable[[Samples, Samples], Samples],
    rng: np.random.Generator,
) -> Figure:
    """The median over the rounds of `combine` of the two medians of the same round: a ratio or a difference.

    Within a round, so that what slows the machine for a while slows both sides.
    """
    median = percentile(50)
    return _figure(name, unit, (ours, other), lambda parts: combine(median(parts[0]), median(parts[1])), rng)


def document(figures: list[Figure], facts: Mapping[str, object]) -> dict[str, object]:
    """What is written as JSON: `figures`, and the facts of the run beside them."""
    return {"schema_version": 1, "figures": [asdict(figure) for figure in figures], **facts}


def write(path: Path, found: list[Figure], machine: Mapping[str, object], run: Mapping[str, object]) -> None:
    """Writes the JSON of a run, with the machine it ran on and how it was run; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(found, {"machine": machine, "run": run}), indent=1) + "\n")


def report(
    console: Console, found: list[Figure], machine: Mapping[str, object], run: Mapping[str, object], path: Path | None
) -> None:
    """What stands below every table: machine and run; and the JSON, where it is wanted."""
    for key, value in {**machine, **run}.items():
        console.print(f"[dim]{key:<20}[/]{value}", highlight=False)
    if path is not None:
        write(path, found, machine, run)
        console.print(f"written: {path}")


def _figure(
    name: str,
    unit: str,
    parts: tuple[Samples, ...],
    per_round: Callable[[tuple[Samples, ...]], Samples],
    rng: np.random.Generator,
) -> Figure:
    rounds = len(parts[0])
    if any(len(part) != rounds for part in parts):
        raise ValueError(f"expected as many rounds on both sides, found {[len(part) for part in parts]}")
    values = np.empty(_REPLICATES)
    for replicate in range(_REPLICATES):
        chosen = rng.integers(rounds, size=rounds)
        values[replicate] = np.median(per_round(tuple(_resampled(part[chosen], rng) for part in parts)))
    low, high = np.percentile(values, _INTERVAL)
    value = float(np.median(per_round(parts)))
    return Figure(name, value, unit, parts[0].size, float(low), float(high))


def _resampled(samples: Samples, rng: np.random.Generator) -> Samples:
    columns = rng.integers(samples.shape[1], size=samples.shape)
    return np.take_along_axis(samples, columns, axis=1)
