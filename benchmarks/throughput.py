"""How many frames a second one watched lane takes, against what others would spend on the same frames.

  gate bench throughput                    travellers walk up, 30 frames each; minutes
  gate bench throughput --quick

By turns, on the same frames: the engine in process; `insightface.app.FaceAnalysis` on the same model files; and the
loop that everybody writes first, which detects at 640 in every frame, embeds, and multiplies by the gallery in numpy.
Also how much memory the engine's process takes, and how long it takes to serve from a cold start.

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import figures as fig
from benchmarks.insightface_peer import InsightFacePeer
from benchmarks.measured import Measured, Plot, Series
from benchmarks.throughput_process import Process, run_processes
from benchmarks.throughput_subjects import Embed, FilmClock, GateSubject, LoopSubject, Watched, plain_embed
from benchmarks.turns import logs_to_nowhere
from benchmarks.walkups import QUICK_FRAMES, WalkUp, expected_photos, walk_ups
from gate.decision.policy import Policy
from gate.engine.build import build_engine, read_pack_calibration
from gate.engine.engine import Engine
from gate.errors import EnrolmentError
from gate.settings import DEFAULT_PACK, FrameSettings, ModelSettings, ServerSettings, Settings
from gate.vision.frame import DecodeLimits, decode_photo
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pipeline import Vision
from gate.vision.probe import MaskState

GATE, PEER, PLAIN = "gate", "insightface", "plain"
SUBJECTS = (GATE, PEER, PLAIN)
PLAIN_SIZE_PX = 640


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        travellers: who walk up.
        frames: of each.
        expected: travellers in the gallery.
        rounds: of every subject; one more before them does not count.
        starts: of a process, to serve.
    """

    pack: str = DEFAULT_PACK
    travellers: int = 12
    frames: int = 30
    expected: int = 420
    rounds: int = 7
    starts: int = 5
    seed: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """For CI."""
        return cls(travellers=3, frames=QUICK_FRAMES, expected=20, rounds=3, starts=2)


def measure(plan: Plan, console: Console, walking: Sequence[WalkUp] = ()) -> Measured:
    """Every figure.

    Args:
        walking: who walks up; none paints them.
    """
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, logs_to_nowhere(), tempfile.TemporaryDirectory() as folder:
        clock = FilmClock()
        settings = Settings(
            server=ServerSettings(address="127.0.0.1:0"),
            models=ModelSettings(pack=plan.pack),
            frames=FrameSettings(identical="allow"),  # the same film is played again and again
        )
        built = build_engine(settings, clock=clock)
        crowd = list(walking[: plan.travellers]) or _crowd(plan, built.vision, progress)
        enrolled = _enrol(built.engine, crowd, plan.expected)
        subjects = _subjects(plan, built.engine, clock, enrolled, Path(folder))
        seen = _by_turns(plan, subjects, crowd, progress)
        process = run_processes(settings, crowd, plan.starts, plan.expected, progress)
    return _measured(plan, crowd, enrolled, seen, process)


def _crowd(plan: Plan, vision: Vision, progress: Progress) -> list[WalkUp]:
    tick = partial(progress.advance, progress.add_task("travellers", total=plan.travellers))
    return walk_ups(vision, plan.travellers, plan.frames, plan.seed, tick)


def _enrol(engine: Engine, walking: list[WalkUp], expected: int) -> list[tuple[str, bytes]]:
    """Who was taken on, with their photographs: the peers get the same."""
    taken = []
    for person, photo in expected_photos(walking, expected):
        try:
            engine.enrol(person, photo)
        except EnrolmentError:
            continue
        taken.append((person.reference, photo))
    return taken


def _subjects(
    plan: Plan, engine: Engine, clock: FilmClock, enrolled: list[tuple[str, bytes]], folder: Path
) -> dict[str, Callable[[tuple[bytes, ...]], Watched]]:
    engine.warm()
    pack = find_pack(plan.pack)
    peer = InsightFacePeer(pack, folder / "peer", (PLAIN_SIZE_PX, PLAIN_SIZE_PX))
    vision = build_pipeline(pack, detect_size_px=PLAIN_SIZE_PX)
    threshold = read_pack_calibration(pack).threshold(MaskState.NONE, Policy().fpir, len(enrolled)).similarity
    embeds: dict[str, Embed] = {PEER: peer.embed, PLAIN: partial(plain_embed, vision)}
    loops = {}
    for name, embed in embeds.items():
        templates = [(reference, embed(_as_jpeg(photo))) for reference, photo in enrolled]
        known = [(reference, template) for reference, template in templates if template is not None]
        gallery = np.stack([template for _, template in known])
        loops[name] = LoopSubject(embed, gallery, [reference for reference, _ in known], threshold).watch
    return {GATE: GateSubject(engine, clock).watch, **loops}


def _as_jpeg(photo: bytes) -> bytes:
    picture = decode_photo(photo, DecodeLimits())
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _by_turns(
    plan: Plan,
    subjects: dict[str, Callable[[tuple[bytes, ...]], Watched]],
    walking: list[WalkUp],
    progress: Progress,
) -> dict[str, list[list[Watched]]]:
    """Rounds of every subject over every walk-up."""
    rng = np.random.default_rng(plan.seed)
    kept: dict[str, list[list[Watched]]] = {name: [] for name in subjects}
    task = progress.add_task("rounds", total=(plan.rounds + 1) * len(subjects))
    for number in range(plan.rounds + 1):
        for index in rng.permutation(len(SUBJECTS)):
            name = SUBJECTS[index]
            # To warm up, one passage does.
            seen = [subjects[name](person.frames) for person in (walking if number else walking[:1])]
            if number:
                kept[name].append(seen)
            progress.advance(task)
    return kept


def _measured(
    plan: Plan,
    walking: list[WalkUp],
    enrolled: list[tuple[str, bytes]],
    seen: dict[str, list[list[Watched]]],
    process: Process,
) -> Measured:
    rng = np.random.default_rng(plan.seed)
    frames = np.array([len(person.frames) for person in walking], np.float64)

    def each(name: str, of: Callable[[Watched], float]) -> fig.Samples:
        """(rounds, travellers), milliseconds a frame of the film."""
        return np.array([[of(one) for one in turn] for turn in seen[name]]) / frames

    whole = {name: each(name, lambda one: one.took_ms) for name in SUBJECTS}
    stopping = {name: each(name, lambda one: one.until_ms) for name in (PEER, PLAIN)}
    found = [
        fig.summarise(f"throughput.{name}.frames_per_s", "frames/s", samples, _per_second, rng)
        for name, samples in whole.items()
    ]
    for name in (PEER, PLAIN):
        found.append(fig.compare(f"throughput.ratio_to_{name}", "ratio", whole[name], whole[GATE], np.divide, rng))
        label = f"throughput.ratio_to_{name}_that_stops"
        found.append(fig.compare(label, "ratio", stopping[name], whole[GATE], np.divide, rng))
    looked = np.array([[one.looked / n for one, n in zip(turn, frames, strict=True)] for turn in seen[GATE]])
    found.append(fig.summarise("throughput.gate.looked_at", "share", looked, _mean, rng))
    last = {name: [one.who for one in turns[-1]] for name, turns in seen.items()}
    for name in (PEER, PLAIN):
        agree = np.array([[float(a == b) for a, b in zip(last[GATE], last[name], strict=True)]])
        found.append(fig.summarise(f"throughput.agreement_with_{name}", "share", agree, _mean, rng))
    for name, starts in (("to_serving_ms", process.started_ms), ("cpu_ms", process.started_cpu_ms)):
        found.append(fig.summarise(f"start.{name}", "ms", np.array([starts]).T, fig.percentile(50), rng))
    found.append(fig.Figure("memory.engine.rss_mb", process.rss_mb, "MB", 1, process.rss_mb, process.rss_mb))
    opened = sum(who == person.reference for who, person in zip(last[GATE], walking, strict=True))
    run = {
        "pack": plan.pack,
        "travellers": len(walking),
        "frames_each": plan.frames,
        "frame": "1280 x 720 JPEG, walking up",
        "gallery": len(enrolled),
        "rounds": plan.rounds,
        "warm_up_rounds": 1,
        "let_through_by_the_gate": opened,
        "seed": plan.seed,
    }
    shares = np.arange(0.0, 101.0, 2.0)
    lines = tuple(
        Series(name, tuple(np.percentile(samples, shares).tolist()), tuple(shares.tolist()))
        for name, samples in whole.items()
    )
    plot = Plot(
        "one watched lane: time a frame of the film, by passages", "ms a frame", "share of passages, %", lines, "log"
    )
    return Measured(tuple(found), run, plots=(plot,))


def _per_second(samples: fig.Samples) -> fig.Samples:
    return np.asarray(1e3 / samples.mean(axis=1), np.float64)


def _mean(samples: fig.Samples) -> fig.Samples:
    return np.asarray(samples.mean(axis=1), np.float64)
