"""What it gains to fuse the frames of an approach: errors and time, against the first frame and the best one.

  gate bench evidence                    simulated approaches of the people of ../shared
  gate bench evidence --dataset DIR      DIR/<person>/<photo>; people with three photographs walk up
  gate bench evidence --quick            fewer people, for CI

One photograph of each person is enrolled. Others walk up to a simulated camera (`benchmarks.evidence_approach`), bare
and with a drawn mask, at flights of 420: half of the time they are expected. Every look is the engine's own, at the
thresholds of the policy. docs/decision.md explains the figures and what the simulation lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import evidence_approach as approach
from benchmarks import rates
from benchmarks.accuracy import usual_faces
from benchmarks.accuracy_photos import Photo, list_distractors, list_people, read_lookalikes
from benchmarks.accuracy_sides import quick_distractors, quick_photos
from benchmarks.accuracy_templates import LIMITS, Acquisition
from benchmarks.accuracy_templates import references as kept_of
from benchmarks.evidence_play import Answers, Look, Way, answers, looks, plan_of
from benchmarks.figures import Figure
from benchmarks.measured import Measured, Plot, Series
from gate.decision.calibration import Calibration
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.settings import DEFAULT_PACK
from gate.vision.load import build_pipeline, find_pack

GALLERY = 420
_QUICK_PEOPLE = 6
_PHOTOS = 3
"""Of whoever walks up: one is enrolled, the others are shown."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: ``<person>/<photo>``.
        distractors: further people, one photograph each, who fill the flights.
        lookalikes: see `read_lookalikes`; none of them takes part.
        pack: model pack, by name.
        people: who walk up, at most.
        flights: gates at which each approach is answered.
        quick: fewer people.
        seed: of people, flights and approaches.
        threads: approaches at a time.
    """

    dataset: Path
    distractors: Path | None = None
    lookalikes: Path | None = None
    pack: str = DEFAULT_PACK
    people: int = 200
    flights: int = 30
    quick: bool = False
    seed: int = 7
    threads: int = field(default_factory=lambda: len(psutil.Process().cpu_affinity() or (0,)))


def default_plan(dataset: Path | None, *, quick: bool) -> Plan:
    """The data set of `../shared` with all that belongs to it; of another data set, only itself."""
    faces = usual_faces()
    if dataset is not None:
        return Plan(dataset, quick=quick)
    return Plan(faces / "lfw", faces / "lfw-singles", faces / "lookalikes.csv", quick=quick)


@dataclass(frozen=True, slots=True, eq=False)
class Approach:
    """Somebody who walked up: row of their reference, how they came, and the frames."""

    person: int
    mode: str
    glimpses: tuple[approach.Glimpse, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """All approaches, and everybody's references (people, D)."""

    approaches: tuple[Approach, ...]
    references: NDArray[np.float32] = field(repr=False)


def measure(plan: Plan, console: Console, work: Acquisition | None = None) -> Measured:
    """Every figure.

    Args:
        work: by the pack's pipeline, where photographs may have been looked at already.

    Raises:
        OSError: a folder or file is not there, or not what it should be.
        ModelPackError: see `find_pack`; the pack needs a calibration.
        EngineFault: a model failed.
    """
    pack = find_pack(plan.pack)
    calibration = read_pack_calibration(pack)
    work = work or Acquisition(build_pipeline(pack, limits=LIMITS), Policy().quality, plan.seed, plan.threads)
    cv2.setNumThreads(1)  # approaches are looked at side by side
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        recorded = record(plan, work, progress)
        return judge(plan, recorded, calibration, progress)


def record(plan: Plan, work: Acquisition, progress: Progress) -> Recorded:
    """Enrols everybody, and lets some of them walk up.

    Raises:
        OSError: nobody has three photographs, or there are too few people for a flight.
    """
    everybody = _everybody(plan)
    rng = np.random.default_rng(plan.seed)
    able = [person for person, photos in everybody.items() if len(photos) >= _PHOTOS]
    walkers = [able[i] for i in rng.permutation(len(able))[: _QUICK_PEOPLE if plan.quick else plan.people]]
    names = walkers + [person for person in everybody if person not in set(walkers)]
    if not walkers or len(names) < GALLERY + len(walkers):
        raise OSError(f"{plan.dataset}: expected people with {_PHOTOS} photographs, and {GALLERY} others")
    if plan.quick:
        names = names[: GALLERY + 2 * len(walkers)]
    tick = partial(progress.advance, progress.add_task("references", total=len(names)))
    references = kept_of(work.plain([everybody[name][0].path for name in names], tick))
    # Who could not be enrolled is expected by nobody, and nobody takes anybody for them.
    found = np.flatnonzero(references.found)
    row = {names[old]: new for new, old in enumerate(found.tolist())}
    shown = [
        (mode, approach.Shown(row[name], tuple(photo.path for photo in photos), masked))
        for mode, count, masked in _MODES
        for name in walkers
        if name in row and (photos := everybody[name][1 : 1 + count])
    ]
    tick = partial(progress.advance, progress.add_task("approaches", total=len(shown)))
    frames = approach.record(work.vision, [one for _, one in shown], Policy().quality, plan.seed, plan.threads, tick)
    approaches = tuple(Approach(one.person, mode, seen) for (mode, one), seen in zip(shown, frames, strict=True))
    return Recorded(approaches, references.rows[found])


_MODES = (
    ("unmasked.one_photo", 1, False),
    ("masked.one_photo", 1, True),
    ("unmasked.two_photos", 2, False),
    ("masked.two_photos", 2, True),
)


def judge(plan: Plan, recorded: Recorded, calibration: Calibration, progress: Progress) -> Measured:
    """Every way of every approach at every gate."""
    policy, rng = Policy(), np.random.default_rng(plan.seed)
    galleries = np.stack(list(_flights(recorded, plan.flights, rng)))
    task = progress.add_task("answers", total=len(_MODES) * len(Way))
    figures: list[Figure] = []
    plots: list[Plot] = []
    for mode, _, _ in _MODES:
        own = [one for one in recorded.approaches if one.mode == mode]
        lines = []
        for way in Way:
            told = _Told.of(own, way, recorded.references, galleries, calibration, policy)
            figures += told.figures(f"evidence.{mode}.{way}", rng)
            lines.append(told.line(way))
            progress.advance(task)
        plots.append(
            Plot(
                f"Opened to whom is expected, {mode.replace('_', ' ').replace('.', ', ')}",
                "s from the first usable frame",
                "%",
                tuple(lines),
            )
        )
    run = {
        "pack": plan.pack,
        "policy": f"FPIR {policy.fpir:g}, at most {policy.max_comparisons} looks, "
        f"{policy.max_early_refusals:g} of travellers refused early at most",
        "dataset": plan.dataset.name,
        "people": len({one.person for one in recorded.approaches}),
        "approaches": len(recorded.approaches),
        "frames_an_approach": approach.FRAMES,
        "frames_a_second": approach.FPS,
        "flights": plan.flights,
        "gallery": GALLERY,
        "quick": plan.quick,
        "seed": plan.seed,
    }
    return Measured(tuple(figures), run, notes=(_NOTE,), plots=tuple(plots))


_NOTE = (
    "approaches are simulated from photographs: with one, only size, shake, blur, light and noise change from frame to "
    "frame; with two, face and pose change as much as between days. A real approach lies between"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """What one way told in one mode: approaches times gates.

    Attributes:
        person: (n,) whose approach.
        expected, right, wrong, sure: (n, g) they were expected; opened as themselves; as somebody; told no early.
        waited_s: (n, g) from the first usable frame to the answer.
    """

    person: NDArray[np.int64]
    expected: NDArray[np.bool_]
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    sure: NDArray[np.bool_]
    waited_s: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        approaches: Sequence[Approach],
        way: Way,
        references: NDArray[np.float32],
        galleries: NDArray[np.int64],
        calibration: Calibration,
        policy: Policy,
    ) -> _Told:
        """Answers every approach."""
        plan = plan_of(way, policy, policy.max_early_refusals)
        told: list[Answers] = []
        started = []
        for one in approaches:
            seen: list[Look] = looks(way, one.glimpses, policy)
            rows = np.stack([look.probe.embedding for look in seen]) if seen else np.zeros((0, references.shape[1]))
            told.append(answers(seen, np.asarray(rows @ references.T, np.float32), galleries, calibration, plan))
            started.append(next((g.at_s for g in one.glimpses if g.probe is not None), 0.0))
        person = np.array([one.person for one in approaches], np.int64)
        who = np.stack([one.who for one in told])
        waited = np.stack([one.at_s for one in told]) - np.array(started)[:, None]
        expected = np.stack([(galleries == p).any(axis=1) for p in person.tolist()])
        right = expected & (who == person[:, None])
        return cls(person, expected, right, (who >= 0) & ~right, np.stack([one.sure_no for one in told]), waited)

    def figures(self, name: str, rng: np.random.Generator) -> Iterator[Figure]:
        """Error rates in per cent and times in seconds, with intervals over people."""
        people, number = np.unique(self.person, return_inverse=True)
        drawn = rates.draws(len(people), 300, rng)
        owner = np.broadcast_to(number[:, None], self.expected.shape)

        def rate(what: str, hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> Figure:
            found = rates.rate_over_people(hit[among], owner[among], drawn)
            return Figure(f"{name}.{what}", found.value, "%", found.n, found.low, found.high)

        yield rate("fnir", ~self.right, self.expected)
        yield rate("fpir", self.wrong, ~self.expected)
        yield rate("early_refusals", self.sure & ~self.right, self.expected)
        for what, among in (("open_s", self.right), ("stranger_s", ~self.expected & ~self.wrong)):
            if among.any():
                yield _mean(f"{name}.{what}", self.waited_s[among], owner[among], drawn)

    def line(self, way: Way) -> Series:
        """Share of expected approaches that are open by each frame."""
        times = np.arange(approach.FRAMES) / approach.FPS
        opened = np.where(self.right, self.waited_s, np.inf)[self.expected]
        return Series(str(way), tuple(times.tolist()), tuple(100 * float((opened <= t + 1e-9).mean()) for t in times))


def _mean(name: str, values: NDArray[np.float64], owner: NDArray[np.int64], drawn: rates.Floats) -> Figure:
    sums = np.bincount(owner, values, minlength=drawn.shape[1])
    counts = np.bincount(owner, minlength=drawn.shape[1])
    resampled = (drawn @ sums) / np.maximum(drawn @ counts, 1)
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Figure(name, float(values.mean()), "s", len(values), float(low), float(high))


def _flights(recorded: Recorded, count: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Who is expected: half of those who walk up, and others."""
    walkers = np.unique([one.person for one in recorded.approaches])
    others = np.setdiff1d(np.arange(len(recorded.references)), walkers)
    for _ in range(count):
        expected = rng.permutation(walkers)[: min(len(walkers) // 2, GALLERY)]
        yield np.concatenate([expected, rng.permutation(others)[: GALLERY - len(expected)]])


def _everybody(plan: Plan) -> dict[str, list[Photo]]:
    own = list_people(plan.dataset).photos
    others = list_distractors(plan.distractors).photos if plan.distractors else ()
    photos = (*own, *others)
    if plan.quick:
        # Those first whom other quick benchmarks look at, too.
        photos = (*quick_photos(own), *quick_distractors(others), *photos)
    alike = {name for pair in (read_lookalikes(plan.lookalikes) if plan.lookalikes else []) for name in pair}
    everybody: dict[str, list[Photo]] = {}
    for photo in photos:
        if photo.person not in alike and photo not in everybody.setdefault(photo.person, []):
            everybody[photo.person].append(photo)
    return everybody
