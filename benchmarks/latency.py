"""How long a traveller waits for one frame: from the camera's JPEG to the gate's decision.

  python -m benchmarks.latency                     about two minutes
  python -m benchmarks.latency --quick             about half a minute, for CI
  python -m benchmarks.latency --json out/latency.json
  python -m benchmarks.latency --pack w600k-mbf --faces ~/photographs   (<person>/<photo>)

Measured by turns in one run, so that a busy machine slows all of them alike:

  gate         a real client, real gRPC on loopback, the engine in a process of its own
  engine       the same engine in this process: what gRPC adds is the difference
  floor        JPEG decode and bare ONNX Runtime, same models, same tensors, same threads: nothing can be faster
  insightface  insightface.app.FaceAnalysis (detection and recognition) on the same model files, with its canvas of
               640 x 640, and with the engine's own canvas size

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import figures as fig
from benchmarks import machine
from benchmarks.measured import Measured, Plot, Series
from benchmarks.turns import ENGINE, FLOOR, GATE, PEER, PEER_SAME, SUBJECTS, Plan, Setting, Times, measure
from gate.settings import DEFAULT_PACK

_LEGIBLE = {
    GATE: "gate, over gRPC",
    ENGINE: "engine, in process",
    FLOOR: "floor: decode + bare models",
    PEER: "InsightFace, canvas 640 x 640",
    PEER_SAME: "InsightFace, our canvas size",
}


def figures(times: Times, seed: int) -> list[fig.Figure]:
    """The stable figures."""
    rng = np.random.default_rng(seed)
    found = [
        fig.summarise(f"latency.{name}.p{q}_ms", "ms", samples, fig.percentile(q), rng)
        for name, samples in times.subjects.items()
        for q in (50, 95, 99)
    ]

    def against(name: str, ours: str, other: str, combine: Callable[..., fig.Samples], unit: str) -> fig.Figure:
        return fig.compare(name, unit, times.subjects[ours], times.subjects[other], combine, rng)

    found += [
        against("latency.ratio_to_floor", GATE, FLOOR, np.divide, "ratio"),
        against("latency.engine.ratio_to_floor", ENGINE, FLOOR, np.divide, "ratio"),
        against("latency.ratio_to_insightface", GATE, PEER, np.divide, "ratio"),
        against("latency.ratio_to_insightface_same_size", GATE, PEER_SAME, np.divide, "ratio"),
        against("latency.insightface_same_size.ratio_to_floor", PEER_SAME, FLOOR, np.divide, "ratio"),
        against("latency.grpc.added_ms", GATE, ENGINE, np.subtract, "ms"),
    ]
    for group, samples in (("floor", times.floor), ("stage", times.stages)):
        found += [
            fig.summarise(f"latency.{group}.{part}.p50_ms", "ms", values, fig.percentile(50), rng)
            for part, values in samples.items()
        ]
    return found


def plan(pack: str | None = None, *, quick: bool = False) -> Plan:
    """The usual plan."""
    return _plan(_parser().parse_args([*(["--pack", pack] if pack else []), *(["--quick"] if quick else [])]))


def run(chosen: Plan, console: Console) -> Measured:
    """Every subject by turns."""
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("set-up", total=(chosen.warm_up + chosen.rounds) * len(SUBJECTS))
        times, setting = measure(chosen, lambda name: progress.update(task, description=_LEGIBLE[name], advance=1))
    lines = tuple(_distribution(_LEGIBLE[name], times.subjects[name]) for name in SUBJECTS)
    plot = Plot("frame to decision: share of frames within", "ms", "share of frames, %", lines)
    return Measured(tuple(figures(times, chosen.seed)), _run_facts(chosen, setting), plots=(plot,))


def _distribution(name: str, samples: fig.Samples) -> Series:
    """Cumulative, up to the 99th percentile: one hiccup must not flatten the rest."""
    shares = np.arange(0.0, 99.5, 1.0)
    return Series(name, tuple(np.percentile(samples, shares).tolist()), tuple(shares.tolist()))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    console = Console()
    chosen = _plan(options)
    facts = machine.describe()  # before the load of the run itself
    measured = run(chosen, console)
    found = list(measured.figures)
    for table in tables(found):
        console.print(table)
    fig.report(console, found, facts, measured.run, options.json)


def tables(found: list[fig.Figure]) -> list[Table]:
    """What a person reads."""
    by_name = {figure.name: figure for figure in found}
    whole = Table(title="frame to decision, ms: medians over the rounds, 95 % interval of p50")
    for heading in ("", "p50", "", "p95", "p99"):
        whole.add_column(heading, justify="left" if not heading else "right")
    for name in SUBJECTS:
        p50, p95, p99 = (by_name[f"latency.{name}.p{q}_ms"] for q in (50, 95, 99))
        interval = f"{p50.ci_low:.2f} to {p50.ci_high:.2f}"
        whole.add_row(_LEGIBLE[name], f"{p50.value:.2f}", interval, f"{p95.value:.2f}", f"{p99.value:.2f}")
    rest = Table(title="of the same rounds")
    for heading in ("figure", "value", "95 % interval", "unit"):
        rest.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right")
    for figure in found:
        if figure.name not in {f"latency.{name}.p{q}_ms" for name in SUBJECTS for q in (50, 95, 99)}:
            rest.add_row(
                figure.name, f"{figure.value:.3f}", f"{figure.ci_low:.3f} to {figure.ci_high:.3f}", figure.unit
            )
    return [whole, rest]


def _run_facts(plan: Plan, setting: Setting) -> dict[str, object]:
    width, height = setting.canvas_px
    return {
        "pack": plan.pack,
        "provider": "cpu",
        "threads": f"{plan.threads} a model run (engine, floor); InsightFace: the library's default, every core",
        "detection_canvas": f"{width} x {height}",
        "frames": f"{setting.frames} of 1280 x 720, JPEG, {setting.frame_bytes / 1000:.0f} kB on average",
        "gallery": setting.travellers,
        "rounds": plan.rounds,
        "warm_up_rounds": plan.warm_up,
        "n": plan.rounds * setting.frames,
        "seed": plan.seed,
    }


def _plan(options: argparse.Namespace) -> Plan:
    faces = options.faces
    if faces is None:
        usual = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces" / "lfw"
        faces = usual if usual.is_dir() else None
    quick = options.quick
    return Plan(
        pack=options.pack,
        faces=faces,
        frames=options.frames or (12 if quick else 20),
        rounds=options.rounds or (7 if quick else 21),
        warm_up=1,
        travellers=options.travellers or (60 if quick else 420),
        threads=options.threads,
        detect_size_px=options.detect_size,
        seed=options.seed,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer frames, rounds and travellers")
    add("--json", type=Path, metavar="FILE", help="write figures, machine and run there")
    add("--pack", default=DEFAULT_PACK, help=f"model pack (default: {DEFAULT_PACK})")
    add("--faces", type=Path, metavar="DIR", help="<person>/<photo>; default: ../shared, else one sample picture")
    add("--frames", type=int, help="different frames (default: 20, quick 12)")
    add("--rounds", type=int, help="rounds that count (default: 21, quick 7)")
    add("--travellers", type=int, help="in the gallery (default: 420, quick 60)")
    add("--threads", type=int, default=1, help="within one model run (default: 1, as the engine)")
    add("--detect-size", type=int, help="longer side of the detection canvas, px (default: the engine's)")
    add("--seed", type=int, default=7, help="of people, frames and turns (default: 7)")
    return parser


if __name__ == "__main__":
    main()
