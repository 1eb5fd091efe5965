"""How well the whole pipeline tells people apart, from raw photographs, after ISO/IEC 19795-1.

  gate bench accuracy --dataset DIR                        DIR/<person>/<photo>
  gate bench accuracy --dataset DIR --masked-dataset DIR   masked probes of the same people, under the same names
  gate bench accuracy --dataset DIR --distractors DIR      one photograph each of people who never match
  gate bench accuracy --dataset DIR --pairs FILE           CSV: image_a,image_b,mated

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import accuracy_checkpoint as checkpoint
from benchmarks import accuracy_figures as figures
from benchmarks import accuracy_flights as flights
from benchmarks import accuracy_verification as verification
from benchmarks import rates
from benchmarks.accuracy_groups import by_groups, read_labels
from benchmarks.accuracy_photos import read_pairs
from benchmarks.accuracy_plan import Plan as Plan  # noqa: PLC0414 -- the command's and the tests' way to it
from benchmarks.accuracy_plan import default_plan as default_plan  # noqa: PLC0414 -- likewise
from benchmarks.accuracy_plan import usual_faces as usual_faces  # noqa: PLC0414 -- likewise
from benchmarks.accuracy_sides import Sides, acquire, list_everybody
from benchmarks.accuracy_templates import LIMITS, Acquisition
from benchmarks.measured import Measured
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pipeline import Vision
from gate.vision.probe import MaskState

FPIR = 0.003

_CHECKPOINT_FLIGHTS = 20


@dataclass(frozen=True, slots=True)
class Engine:
    """What is measured: a pipeline, and the thresholds that belong to it; None for a pack without calibration."""

    vision: Vision
    thresholds: flights.Thresholds | None


def load_engine(pack: str, vision: Vision | None = None) -> Engine:
    """The pack's own pipeline, loaded where it is not there yet.

    Raises:
        ModelPackError: see `find_pack`.
    """
    papers = find_pack(pack)
    vision = vision or build_pipeline(papers, limits=LIMITS)
    if papers.calibration_json is None:
        return Engine(vision, None)
    calibration = read_pack_calibration(papers)
    known: dict[tuple[str, int], float] = {}

    def threshold(state: str, templates: int) -> float:
        key = (state, templates)
        if key not in known:
            known[key] = calibration.threshold(MaskState(state), FPIR, templates).similarity
        return known[key]

    return Engine(vision, threshold)


def measure(plan: Plan, engine: Engine, console: Console, work: Acquisition | None = None) -> Measured:
    """Every figure.

    Args:
        work: by the engine's pipeline, where photographs may have been looked at already.

    Raises:
        OSError: a folder or file is not there, or not what it should be.
        EngineFault: a model failed.
    """
    cv2.setNumThreads(1)  # photographs are looked at side by side
    listing, strangers, notes = list_everybody(plan)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        work = work or Acquisition(engine.vision, Policy().quality, plan.seed, plan.threads)
        sides, more = acquire(plan, work, listing, strangers, progress)
        notes += more
        rng = np.random.default_rng(plan.seed)
        resampled = rates.draws(sides.people + sides.distractors, plan.replicates, rng)
        found = figures.Found(resampled)
        figures.acquisition(found, sides.clean, sides.masked, sides.people)
        _verify(plan, sides, found, progress)
        _simulate(plan, engine, sides, found, progress)
    notes += found.notes
    if engine.thresholds is None:
        notes.append(f"pack {plan.pack} has no calibration: no figures at the engine's own thresholds")
    run = {
        "pack": plan.pack,
        "pack_id": engine.vision.pack_id,
        "policy": f"FPIR {FPIR:g}, one photograph, one look",
        "dataset": plan.dataset.name,
        "people": sides.people,
        "photographs": int((sides.clean.person < sides.people).sum()),
        "distractors": sides.distractors,
        "masked_probes": len(sides.masked),
        "masks": plan.masked_dataset.name if plan.masked_dataset else f"drawn by gate.synth, seed {plan.seed}",
        "distractors_masks": "drawn by gate.synth",
        "flights": plan.flights,
        "replicates": plan.replicates,
        "quick": plan.quick,
        "seed": plan.seed,
        **found.run,
    }
    return Measured(tuple(found.figures), run, tuple(found.insufficient), tuple(notes), tuple(found.plots))


def _verify(plan: Plan, sides: Sides, found: figures.Found, progress: Progress) -> None:
    task = progress.add_task("verification", total=2)
    sources = sides.references.only(sides.references.person < sides.people)
    bare = sides.clean.only(sides.clean.person < sides.people)
    for name, probes in (("unmasked", bare), ("masked", sides.masked.only(sides.masked.person < sides.people))):
        figures.verify(found, name, verification.compare(probes, sources, sides.barred, once=probes is bare))
        progress.advance(task)
    figures.det(found)
    if plan.pairs is None:
        return
    roots = (plan.dataset, plan.dataset.parent, plan.pairs.parent, Path())
    pairs, missing = read_pairs(plan.pairs, roots)
    usable = [pair for pair in pairs if pair.one.resolve() in sides.photo_of and pair.other.resolve() in sides.photo_of]
    left_out = len(pairs) - len(usable)
    if missing:
        found.notes.append(f"pairs: {missing} name a file that is not there, left out")
    if left_out:
        found.notes.append(f"pairs: {left_out} name a photograph outside of what was looked at, left out")
    one = np.array([sides.photo_of[pair.one.resolve()] for pair in usable], np.int64)
    other = np.array([sides.photo_of[pair.other.resolve()] for pair in usable], np.int64)
    mated = np.array([pair.mated for pair in usable], np.bool_)
    figures.pairs(found, verification.score_pairs(sides.references.only(one), sides.clean.only(other), mated))


def _simulate(plan: Plan, engine: Engine, sides: Sides, found: figures.Found, progress: Progress) -> None:
    everybody = np.arange(sides.people + sides.distractors, dtype=np.int64)
    crowd = flights.Crowd(
        sides.references,
        {flights.UNMASKED: sides.clean, flights.MASKED: sides.masked},
        everybody[: sides.people],
        everybody[sides.people :],
        sides.barred,
    )
    thresholds = engine.thresholds or (lambda _state, _templates: 0.0)
    calibrated = engine.thresholds is not None
    size = flights.gallery_size(sides.people, sides.distractors)
    if not size:
        needed = flights.LEAST_GALLERY + flights.LEAST_STRANGERS
        found.too_few(f"flight{flights.GALLERY}", sides.people + sides.distractors, needed, "people")
        return
    tick = partial(progress.advance, progress.add_task("flights", total=plan.flights))
    seated = flights.seats(sides.people, size)
    searches = flights.simulate(crowd, seated, plan.flights, thresholds, plan.seed, tick)
    if size < flights.GALLERY:
        found.notes.append(
            f"{sides.people + sides.distractors} people do not fill galleries of {flights.GALLERY} and leave "
            f"{flights.LEAST_STRANGERS} outside: figures are of galleries of {size}, and named flight{size}"
        )
    if seated.fillers:
        found.notes.append(f"flights: {seated.fillers} of {size} expected travellers are distractors, who never come")
    figures.identification(found, f"flight{size}", searches, FPIR, calibrated=calibrated)
    if plan.groups is not None:
        labels = read_labels(plan.groups)
        for mode in (flights.UNMASKED, flights.MASKED):
            threshold = found.thresholds.get(f"flight{size}.{mode}.tpir@fpir{FPIR:g}")
            if threshold is not None:
                by_groups(found, f"flight{size}.{mode}", searches[mode], threshold, labels, sides.number)
    if plan.quick:
        return
    crops = checkpoint.read_crops(plan.crowd) if plan.crowd else ()
    tick = partial(progress.advance, progress.add_task("crowd of the checkpoint", total=len(crops)))
    filled = checkpoint.fill(crowd, crops, engine.vision, plan.threads, tick)
    tick = partial(progress.advance, progress.add_task("checkpoint", total=_CHECKPOINT_FLIGHTS))
    searches = flights.simulate(filled.crowd, filled.seated, _CHECKPOINT_FLIGHTS, thresholds, plan.seed, tick)
    found.notes.append(filled.note)
    figures.identification(found, f"checkpoint{filled.size}", searches, FPIR, calibrated=calibrated)
    if filled.size < checkpoint.SIZE:
        rate = checkpoint.scaled_rate(FPIR, filled.size)
        figures.scaled_identification(
            found, f"checkpoint{checkpoint.SIZE}", searches, FPIR, rate, calibrated=calibrated
        )


def run(plan: Plan, console: Console, work: Acquisition | None = None) -> Measured:
    """Loads the pack and measures it; see `measure`."""
    return measure(plan, load_engine(plan.pack, work.vision if work else None), console, work)
