"""Searching a gallery: the engine's snapshot against a flat index of FAISS, and against its approximate ones.

By turns, one thread each, the five most similar of n invented templates. They are made as the default pack makes its
own: a last layer widens 192 numbers, drawn from a normal distribution, to 512, which are then brought to length one.
Similarities of strangers spread by 0.072, of real templates of edgeface-xs by 0.078: those are a little easier to
tell apart. Every other probe has a similarity of about 0.65 to one of them; the others are strangers, of whom an
index has to find who is nearest by a little. `benchmarks.million` uses real templates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import faiss
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import figures as fig
from benchmarks.measured import Measured
from gate.gallery.axes import Axes
from gate.gallery.changes import grouped
from gate.gallery.segment import MAX_ROWS, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.templates import Templates
from gate.gallery.traveller import Traveller
from gate.vision.probe import MaskState, Probe

Rows = NDArray[np.float32]
Search = Callable[[Rows], int]
"""A probe (D,) to the row of the most similar template."""

_PACK = "benchmark"
_DIMENSIONS, _NARROW = 512, 192
_TOP = 5
_FLIGHT_OF = 420
_LAYER = 20261122
"""Seed of the last layer: the invented pack is always the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured. `sizes`: templates; `probes`: searches a turn; `hnsw`: also that, which is slow to build."""

    sizes: tuple[int, ...] = (420, 4_200, 42_000)
    rounds: int = 7
    probes: int = 60
    hnsw: bool = True
    seed: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """For CI."""
        return cls(sizes=(420, 42_000), rounds=3, probes=20, hnsw=False)


def last_layer() -> Rows:
    """Weights and bias (193, 512) of the invented pack."""
    directions = np.random.default_rng(_LAYER).normal(size=(_DIMENSIONS, _NARROW + 1))
    return np.asarray(np.linalg.qr(directions)[0].T, np.float32)


def invented(size: int, rng: np.random.Generator) -> Rows:
    """Templates (size, 512)."""
    layer = last_layer()
    return _unit(rng.standard_normal((size, _NARROW), np.float32) @ layer[:-1] + layer[-1])


def probes_of(rows: Rows, count: int, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
    """Probes (count, 512), and of which template each is; -1 for every other one, who is nobody's."""
    own = rng.choice(len(rows), count, replace=count > len(rows)).astype(np.int64)
    # A length of 1.17 across gives a cosine of 1 / sqrt(1 + 1.17^2) = 0.65.
    probes = _unit(rows[own] + 1.17 * invented(count, rng))
    probes[1::2] = invented(len(probes[1::2]), rng)
    own[1::2] = -1
    return probes, own


def measure(plan: Plan, console: Console) -> Measured:
    """Every figure."""
    rng = np.random.default_rng(plan.seed)
    found: list[fig.Figure] = []
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for size in plan.sizes:
            with console.status(f"gallery of {size}"):
                found += _of_size(plan, size, rng)
    finally:
        faiss.omp_set_num_threads(before)
    run = {
        "templates": f"invented, {_DIMENSIONS} numbers made from {_NARROW}; every other probe is a stranger",
        "flights": f"of {_FLIGHT_OF} travellers each, for the engine; searched over all",
        "top": _TOP,
        "threads": 1,
        "hnsw": "M 32, efConstruction 80, efSearch 64",
        "ivf": "4 sqrt(n) lists, 16 of them searched",
        "rounds": plan.rounds,
        "probes": plan.probes,
        "seed": plan.seed,
    }
    return Measured(tuple(found), run)


def _of_size(plan: Plan, size: int, rng: np.random.Generator) -> list[fig.Figure]:
    rows = invented(size, rng)
    indexes: dict[str, faiss.Index] = {"flat": faiss.IndexFlatIP(_DIMENSIONS)}
    indexes["flat"].add(rows)
    if size >= 1_000:  # below, nobody needs another
        indexes["ivf"] = _ivf(rows)
        if plan.hnsw:
            indexes["hnsw"] = _hnsw(rows)
    axes = Axes.of(last_layer(), _DIMENSIONS)
    one, many = snapshot_of(rows, size, axes), snapshot_of(rows, _FLIGHT_OF, axes)
    searches: dict[str, Search] = {
        **{name: _search_of(index) for name, index in indexes.items()},
        "engine": lambda probe: _searched(one, probe),
        "engine_by_flights": lambda probe: _searched(many, probe),
    }
    probes, _ = probes_of(rows, plan.probes, rng)
    took, answers = by_turns(plan.rounds, searches, probes, rng)
    prefix = f"gallery.{size}"
    found = [fig.compare(f"{prefix}.ratio_to_flat", "ratio", took["engine"], took["flat"], np.divide, rng)]
    for name in searches:
        found.append(fig.summarise(f"{prefix}.{name}.p50_ms", "ms", took[name], fig.percentile(50), rng))
        if name == "flat":
            continue
        if name != "engine":
            ratio = fig.compare(f"{prefix}.{name}.ratio_to_flat", "ratio", took[name], took["flat"], np.divide, rng)
            found.append(ratio)
        same = (answers[name] == answers["flat"])[np.newaxis].astype(np.float64)
        found.append(fig.summarise(f"{prefix}.{name}.top1_agreement", "share", same, _mean, rng))
        if name in indexes:
            memory = len(faiss.serialize_index(indexes[name])) / (rows.nbytes or 1)
            found.append(fig.Figure(f"{prefix}.{name}.memory_ratio_to_flat", memory, "ratio", 1, memory, memory))
    memory = memory_of(one) / (rows.nbytes or 1)
    found.append(fig.Figure(f"{prefix}.engine.memory_ratio_to_flat", memory, "ratio", 1, memory, memory))
    return found


def _hnsw(rows: Rows) -> faiss.Index:
    hnsw = faiss.IndexHNSWFlat(_DIMENSIONS, 32, faiss.METRIC_INNER_PRODUCT)
    hnsw.hnsw.efConstruction, hnsw.hnsw.efSearch = 80, 64
    hnsw.add(rows)
    return hnsw


def _ivf(rows: Rows) -> faiss.Index:
    coarse = faiss.IndexFlatIP(_DIMENSIONS)
    ivf = faiss.IndexIVFFlat(coarse, _DIMENSIONS, int(4 * len(rows) ** 0.5), faiss.METRIC_INNER_PRODUCT)
    ivf.cp.min_points_per_centroid = 1
    ivf.cp.niter = 5
    ivf.train(rows)
    ivf.add(rows)
    ivf.nprobe = 16
    return ivf


def snapshot_of(rows: Rows, flight_of: int, axes: Axes) -> Snapshot:
    """The engine's gallery with these templates, in segments and groups as it would make them."""
    expires_at = datetime.now(UTC) + timedelta(hours=2)
    flights: dict[str, tuple[Segment, ...]] = {}
    for start in range(0, len(rows), flight_of):
        flight = f"ZZ{start // flight_of:04}/2026-11-22"
        end = min(start + flight_of, len(rows))
        flights[flight] = tuple(
            _segment(flight, rows, place, min(place + MAX_ROWS, end), expires_at, axes)
            for place in range(start, end, MAX_ROWS)
        )
    return Snapshot(_PACK, 1, flights, axes=axes, groups=grouped(flights))


def memory_of(snapshot: Snapshot) -> int:
    """Bytes of templates and codes; what a flat index has nothing of (names, documents, expiries) is not counted."""
    rows = sum(segment.held.kept.nbytes for segment in snapshot.segments(None))
    return rows + sum(blocks.nbytes for group in snapshot.groups for _, blocks in group.parts())


def _segment(flight: str, rows: Rows, start: int, end: int, expires_at: datetime, axes: Axes) -> Segment:
    travellers = [Traveller(str(index), flight, expires_at) for index in range(start, end)]
    return Segment(flight, travellers, [1] * len(travellers), Templates.of(rows[start:end], axes))


def _search_of(index: faiss.Index) -> Search:
    def search(probe: Rows) -> int:
        return int(index.search(probe[np.newaxis], _TOP)[1][0, 0])

    return search


def _searched(snapshot: Snapshot, probe: Rows) -> int:
    found = snapshot.search(Probe(probe, MaskState.NONE, _PACK, {}), datetime.now(UTC), k=_TOP)
    return int(found.ranked[0].traveller.reference)


def by_turns(
    rounds: int, searches: Mapping[str, Search], probes: Rows, rng: np.random.Generator
) -> tuple[dict[str, fig.Samples], dict[str, NDArray[np.int64]]]:
    """Milliseconds of each (rounds, probes), a round after the other in another order; and what each found last."""
    took: dict[str, list[list[float]]] = {name: [] for name in searches}
    answers: dict[str, NDArray[np.int64]] = {}
    names = list(searches)
    for _ in range(rounds):
        for index in rng.permutation(len(names)):
            name = names[index]
            searches[name](probes[0])  # finds the caches of the subject before
            times, best = [], []
            for probe in probes:
                start_s = time.perf_counter()
                best.append(searches[name](probe))
                times.append((time.perf_counter() - start_s) * 1e3)
            took[name].append(times)
            answers[name] = np.array(best, np.int64)
    return {name: np.array(values) for name, values in took.items()}, answers


def _mean(samples: fig.Samples) -> fig.Samples:
    return np.asarray(samples.mean(axis=1), np.float64)


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
