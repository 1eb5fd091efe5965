"""A gallery of a million templates: the engine's search against a flat index and FAISS's approximate ones.

  python -m benchmarks.million                       some minutes, and 6 GB; templates are made once, in ten minutes
  python -m benchmarks.million --quick               100,000 templates
  python -m benchmarks.million --json out/million.json

No data set here has a million people. The gallery has the crops of ../shared whose people are known, and blends of two
of them each, which are as hard to tell from a stranger as real people are (docs/benchmarks.md has the figures); and
one photograph each of some of LFW's people. Their other photographs are those of travellers, LFW's other people are
strangers. What is lost is counted in TPIR at an FPIR of 0.3 %, against a search that compares every template.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import figures as fig
from benchmarks import machine
from benchmarks.index import by_turns, memory_of
from benchmarks.million_templates import Known, read_known
from gate.gallery.axes import Axes, Rows
from gate.gallery.changes import grouped
from gate.gallery.segment import MAX_ROWS, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.templates import Templates
from gate.gallery.traveller import Traveller
from gate.vision.axes import spanning_vectors
from gate.vision.load import find_pack
from gate.vision.probe import MaskState, Probe

_FPIR = 0.003
_TOP = 5
_FLIGHT = "ZZ0001/2026-11-22"
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        size: templates.
        rounds, probes: of timing, and searches a round.
        hnsw: also that, which takes hours to build at a million.
        folder: where the templates of ../shared are kept between runs; ignored by git.
        flight_of: travellers on a flight; 0: all on one.
    """

    size: int = 1_000_000
    rounds: int = 5
    probes: int = 40
    hnsw: bool = False
    seed: int = 7
    folder: Path = Path("out/gallery-cache")
    flight_of: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Whom to look for: probes (n, D), and the row of each one's own template, -1 for strangers."""

    probes: Rows
    own: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The most similar row for each probe, and its similarity."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]

    def threshold(self, question: Question) -> float:
        """That `_FPIR` of the strangers reach."""
        return float(np.quantile(self.similarities[question.own < 0], 1 - _FPIR, method="higher"))

    def hits(self, question: Question) -> NDArray[np.float64]:
        """Of each traveller, whether they are named at that threshold."""
        mated = question.own >= 0
        named = (self.rows == question.own) & (self.similarities >= self.threshold(question))
        return np.asarray(named[mated], np.float64)


def rows_of(known: Known, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Templates of a gallery in batches: of those who are expected, of known crops, and blends of two crops each."""
    yield known.enrolled
    crops = known.crops[: size - len(known.enrolled)]
    yield crops
    for start in range(len(known.enrolled) + len(crops), size, _BATCH):
        yield blends(known.crops, min(_BATCH, size - start), rng)


def blends(rows: Rows, count: int, rng: np.random.Generator) -> Rows:
    """People between two others each."""
    one, other = rows[rng.integers(len(rows), size=(2, count))]
    share = rng.random((count, 1), np.float32)
    between = share * one + (1 - share) * other
    return np.asarray(between / np.linalg.norm(between, axis=1, keepdims=True), np.float32)


def snapshot_of(batches: Iterator[Rows], axes: Axes, pack_id: str, flight_of: int) -> Snapshot:
    """The engine's gallery with these templates; travellers are named by their rows."""
    expires_at = datetime.now(UTC) + timedelta(hours=4)
    flights: dict[str, list[Segment]] = {}
    most = min(MAX_ROWS, flight_of or MAX_ROWS)
    row = 0
    for batch in batches:
        for start in range(0, len(batch), most):
            part = batch[start : start + most]
            flight = f"ZZ{row // flight_of:05}/2026-11-22" if flight_of else _FLIGHT
            people = [Traveller(str(row + i), flight, expires_at) for i in range(len(part))]
            flights.setdefault(flight, []).append(Segment(flight, people, [1] * len(part), Templates.of(part, axes)))
            row += len(part)
    frozen = {flight: tuple(segments) for flight, segments in flights.items()}
    return Snapshot(pack_id, 1, frozen, axes=axes, groups=grouped(frozen))


Search = Callable[[Rows, int], tuple[NDArray[np.float32], NDArray[np.int64]]]
"""Probes (n, D) and k to similarities and rows (n, k)."""


def peers(plan: Plan, batches: Callable[[], Iterator[Rows]], dimensions: int) -> dict[str, Search]:
    """Searches of other indexes with the same templates in the same order."""
    flat = faiss.IndexFlatIP(dimensions)
    for batch in batches():
        flat.add(batch)
    lists = _lists(plan)
    coarse = faiss.IndexFlatIP(dimensions)
    inner = faiss.METRIC_INNER_PRODUCT
    ivf = faiss.IndexIVFScalarQuantizer(coarse, dimensions, lists, faiss.ScalarQuantizer.QT_fp16, inner)
    ivf.cp.niter, ivf.cp.min_points_per_centroid = 5, 1
    sample = np.random.default_rng(plan.seed).choice(plan.size, min(plan.size, 16 * lists), replace=False)
    ivf.train(np.stack([flat.reconstruct(int(row)) for row in np.sort(sample)]))
    found: dict[str, Search] = {"flat": flat.search}
    for share in (64, 8):
        parameters = faiss.SearchParametersIVF(nprobe=lists // share)  # type: ignore[call-arg]  # FAISS's own stub
        found[f"ivf_{share}"] = partial(ivf.search, params=parameters)
    indexes: list[faiss.Index] = [ivf]
    if plan.hnsw:
        hnsw = faiss.IndexHNSWFlat(dimensions, 32, inner)
        hnsw.hnsw.efConstruction, hnsw.hnsw.efSearch = 80, 128
        indexes.append(hnsw)
        found["hnsw"] = hnsw.search
    for batch in batches():
        for index in indexes:
            index.add(batch)
    return found


def _lists(plan: Plan) -> int:
    return int(2 * plan.size**0.5)


def ask_engine(snapshot: Snapshot, question: Question) -> Answers:
    """Each probe by itself, as lanes ask."""
    now = datetime.now(UTC)
    probes = (Probe(row, MaskState.NONE, snapshot.pack_id, {}) for row in question.probes)
    best = [snapshot.search(probe, now, k=_TOP).ranked[0] for probe in probes]
    rows = np.array([int(candidate.traveller.reference) for candidate in best], np.int64)
    return Answers(rows, np.array([candidate.similarity for candidate in best], np.float32))


def ask(search: Search, question: Question) -> Answers:
    """All probes at once, which finds the same."""
    similarities, rows = search(question.probes, 1)
    return Answers(rows[:, 0], similarities[:, 0])


def measure(plan: Plan, say: Callable[[str], None]) -> tuple[list[fig.Figure], dict[str, object]]:
    """Every figure, and facts of the run."""
    rng = np.random.default_rng(plan.seed)
    known = read_known(plan.folder, say)
    question = Question(known.probes, known.own)
    pack = find_pack("edgeface-xs")
    axes = Axes.of(spanning_vectors(pack), pack.embedder.entry.dimensions)

    def batches() -> Iterator[Rows]:
        return rows_of(known, plan.size, np.random.default_rng(plan.seed))

    say("the engine's gallery")
    start_s = time.perf_counter()
    snapshot = snapshot_of(batches(), axes, pack.pack_id, plan.flight_of)
    built_s = time.perf_counter() - start_s
    gc.collect()
    gc.freeze()
    before = faiss.omp_get_max_threads()
    say("the peers' indexes")
    others = peers(plan, batches, pack.embedder.entry.dimensions)
    faiss.omp_set_num_threads(1)
    try:
        found = timed(plan, snapshot, others, question, say, rng)
        say("answers")
        faiss.omp_set_num_threads(before)
        found += _compared(plan, snapshot, others, question, rng)
    finally:
        faiss.omp_set_num_threads(before)
    mated = int((question.own >= 0).sum())
    facts: dict[str, object] = {
        "templates": f"{len(known.enrolled)} of LFW, {len(known.crops)} crops, the others blends of two crops each",
        "left_out": f"{known.left_out} crops more similar than 0.5 to somebody of LFW: the same person, perhaps",
        "probes": f"{mated} of those expected, {len(question.own) - mated} of strangers",
        "flights": f"of {plan.flight_of}" if plan.flight_of else "one",
        "engine_built_s": round(built_s, 1),
        "ivf": f"fp16, {_lists(plan)} lists, one in 64 and one in 8 of them searched",
        "threads": 1,
        "rounds": plan.rounds,
        "seed": plan.seed,
    }
    return found, facts


def timed(
    plan: Plan,
    snapshot: Snapshot,
    others: dict[str, Search],
    question: Question,
    say: Callable[[str], None],
    rng: np.random.Generator,
) -> list[fig.Figure]:
    """Half of the probes are travellers', half strangers'."""
    say("turns")
    mated, strangers = np.flatnonzero(question.own >= 0), np.flatnonzero(question.own < 0)
    half = plan.probes // 2
    chosen = np.concatenate([rng.choice(mated, half, replace=False), rng.choice(strangers, half, replace=False)])

    def one_by_one(search: Search) -> Callable[[Rows], int]:
        return lambda row: int(search(row[np.newaxis], _TOP)[1][0, 0])

    def by_engine(row: Rows) -> int:
        found = snapshot.search(Probe(row, MaskState.NONE, snapshot.pack_id, {}), datetime.now(UTC), k=_TOP)
        return int(found.ranked[0].traveller.reference)

    searches = {name: one_by_one(search) for name, search in others.items()} | {"engine": by_engine}
    took, _ = by_turns(plan.rounds, searches, question.probes[chosen], rng)
    prefix = f"gallery.{plan.size}"
    found = [fig.compare(f"{prefix}.ratio_to_flat", "ratio", took["engine"], took["flat"], np.divide, rng)]
    for name, samples in took.items():
        found.append(fig.summarise(f"{prefix}.{name}.p50_ms", "ms", samples, fig.percentile(50), rng))
        if name not in ("engine", "flat"):
            found.append(fig.compare(f"{prefix}.{name}.ratio_to_flat", "ratio", samples, took["flat"], np.divide, rng))
    return found


def _compared(
    plan: Plan, snapshot: Snapshot, others: dict[str, Search], question: Question, rng: np.random.Generator
) -> list[fig.Figure]:
    prefix, dimensions = f"gallery.{plan.size}", question.probes.shape[1]
    memory = memory_of(snapshot) / (plan.size * dimensions * 4)
    exact = ask(others["flat"], question)
    answers = {"engine": ask_engine(snapshot, question)}
    answers |= {name: ask(search, question) for name, search in others.items() if name != "flat"}
    found = [fig.Figure(f"{prefix}.memory_ratio", memory, "ratio", 1, memory, memory)]
    hits = exact.hits(question)
    found.append(_share(f"{prefix}.flat.tpir", hits, rng))
    for name, given in answers.items():
        place = prefix if name == "engine" else f"{prefix}.{name}"
        same = (given.rows == exact.rows).astype(np.float64)
        found.append(fig.summarise(f"{place}.top1_agreement", "share", same[np.newaxis], _mean, rng))
        found.append(_share(f"{place}.tpir", given.hits(question), rng))
        found.append(_share(f"{place}.tpir_loss", hits - given.hits(question), rng))
    return found


def _share(name: str, hits: NDArray[np.float64], rng: np.random.Generator) -> fig.Figure:
    return fig.summarise(name, "%", 100 * hits[np.newaxis], _mean, rng)


def _mean(samples: fig.Samples) -> fig.Samples:
    return np.asarray(samples.mean(axis=1), np.float64)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    console = Console()
    plan = Plan(
        100_000 if options.quick else 1_000_000,
        3 if options.quick else 5,
        hnsw=options.hnsw,
        folder=options.folder,
        flight_of=options.flight_of,
    )
    facts = machine.describe()  # before the load of the run itself
    with console.status("set-up") as status:
        found, run = measure(plan, status.update)
    table = Table(title=f"gallery of {plan.size} templates")
    for heading in ("figure", "value", "95 % interval", "unit"):
        table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right", overflow="fold")
    for figure in found:
        table.add_row(figure.name, f"{figure.value:.4g}", f"{figure.ci_low:.4g} to {figure.ci_high:.4g}", figure.unit)
    console.print(table)
    fig.report(console, found, facts, run, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.million",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="100,000 templates, three rounds")
    add("--hnsw", action="store_true", help="build that, too: at a million it takes an hour and 3 GB more")
    add("--flight-of", type=int, default=0, metavar="N", help="travellers on a flight (default: all on one)")
    add("--folder", type=Path, default=Plan().folder, help="templates between runs (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="write figures, machine and run there")
    return parser


if __name__ == "__main__":
    main()
