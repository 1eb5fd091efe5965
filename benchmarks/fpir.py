"""Whether a gallery of N is entered by mistake as seldom as the policy states: realised against stated FPIR.

  gate bench fpir                        the data set of ../shared, with its crops as further people
  gate bench fpir --dataset DIR          DIR/<person>/<photo>
  gate bench fpir --quick                a part of it, for CI

Everybody's photographs, bare and with drawn masks, are searched in galleries of other people, at the threshold that the
pack's calibration gives for N and the mask state that the pack sees. docs/decision.md explains the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import rates
from benchmarks.accuracy import usual_faces
from benchmarks.accuracy_templates import LIMITS, Acquisition, Templates
from benchmarks.figures import Figure
from benchmarks.fpir_people import STATED, People, Plan, acquire
from benchmarks.fpir_rates import Matches, Side, compare, realised
from benchmarks.measured import Measured, Plot, Series
from gate.decision.calibration import Calibration
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.vision.load import build_pipeline, find_pack
from gate.vision.probe import MaskState

SIZES = (50, 420, 5_000, 42_000)
SWEPT = (0.001, 0.003, 0.01, 0.03, 0.1)

_SECOND = "w600k-mbf"


def default_plan(dataset: Path | None, *, quick: bool) -> Plan:
    """The data set of `../shared` with all that belongs to it; of another data set, only itself."""
    faces = usual_faces()
    if dataset is not None:
        return Plan(dataset, quick=quick)
    second = None if quick else _SECOND  # another pack to load, for a handful of pairs
    return Plan(
        faces / "lfw", faces / "lfw-singles", faces / "train", faces / "lookalikes.csv", second=second, quick=quick
    )


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
    cv2.setNumThreads(1)  # photographs are looked at side by side
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        people = acquire(plan, work, calibration, progress)
    return judge(plan, people, calibration)


def judge(plan: Plan, people: People, calibration: Calibration) -> Measured:
    """Every figure, once everybody is a template."""
    rng = np.random.default_rng(plan.seed)
    everybody = Side(
        np.concatenate([people.references.rows, people.crops.rows]),
        np.concatenate([people.references.person, people.crops.person]),
    )
    bases = {"dataset": people.references, "all": everybody} if len(people.crops.rows) else {"dataset": everybody}
    resampled = rates.draws(int(everybody.person.max()) + 1, plan.replicates, rng)
    figures: list[Figure] = []
    plots: list[Plot] = []
    for mode, probes in people.probes.items():
        series = []
        for basis, gallery in bases.items():
            found = _Searches.of(probes, gallery, calibration, people.barred)
            for size in SIZES:
                line = [100 * realised(found.matches, found.above(size, rate), size) for rate in SWEPT]
                figures.append(found.figure(f"fpir.{mode}.{basis}.{size}", size, resampled))
                if basis == list(bases)[-1]:
                    series.append(
                        Series(f"N = {size:,}", tuple(100 * rate for rate in SWEPT), tuple(line), markers=True)
                    )
        ideal = tuple(100 * rate for rate in SWEPT)
        series.append(Series("as stated", ideal, ideal))
        plots.append(Plot(f"FPIR, {mode}", "stated, %", "realised, %", tuple(series), "log", "log"))
    run = {
        "pack": plan.pack,
        "stated_percent": 100 * STATED,
        "dataset": plan.dataset.name,
        "people": len(people.references.person),
        "crops": len(people.crops.person),
        "second": plan.second,
        "crop_people": len(np.unique(people.crops.person)),
        "probes": {mode: int(probes.found.sum()) for mode, probes in people.probes.items()},
        "calibrated_on": calibration.data,
        "replicates": plan.replicates,
        "quick": plan.quick,
        "seed": plan.seed,
    }
    return Measured(tuple(figures), run, notes=_notes(people, bases), plots=tuple(plots))


def _notes(people: People, bases: dict[str, Side]) -> tuple[str, ...]:
    notes = []
    for basis, gallery in bases.items():
        drawn = [f"{size:,}" for size in SIZES if size <= len(gallery.person) - 1]
        beyond = [f"{size:,}" for size in SIZES if size > len(gallery.person) - 1]
        note = f"{basis}: {len(gallery.person):,} templates; galleries of {', '.join(drawn)} are drawn from them"
        if beyond:
            note += f"; for {', '.join(beyond)} they stand for a larger crowd that each probe resembles as often"
        notes.append(note)
    if len(people.crops.person):
        notes.append(
            f"crops: {len(people.crops.person):,} of {len(np.unique(people.crops.person)):,} people or more, aligned "
            "beforehand, smaller and of other sources than the probes; several may be of one person"
        )
        notes.append(
            f"{people.found_in_crops} pairs of a person of the data set and one of the crops were taken for the same "
            "by a second pack, too, and are not compared"
        )
    return tuple(notes)


@dataclass(frozen=True, slots=True, eq=False)
class _Searches:
    """All probes of one mode against one basis."""

    matches: Matches
    states: list[MaskState]
    where: NDArray[np.int64]
    calibration: Calibration

    @classmethod
    def of(
        cls, probes: Templates, gallery: Side, calibration: Calibration, barred: Sequence[tuple[int, int]]
    ) -> _Searches:
        """Compares; failures to acquire match nobody and are no searches."""
        seen = probes.only(probes.found)
        states = [MaskState(name) for name in np.unique(seen.state)]
        where = np.searchsorted(np.unique(seen.state), seen.state).astype(np.int64)
        least = np.array([calibration.threshold(state, max(SWEPT), min(SIZES)).similarity for state in states])
        return cls(compare(Side(seen.rows, seen.person), gallery, least[where], barred), states, where, calibration)

    def above(self, size: int, rate: float) -> rates.Floats:
        """The threshold for galleries of `size`, over the lowest one of each probe's mask state (n,)."""
        thresholds = np.array(
            [
                self.calibration.threshold(state, rate, size).similarity
                - self.calibration.threshold(state, max(SWEPT), min(SIZES)).similarity
                for state in self.states
            ]
        )
        return np.asarray(thresholds[self.where], np.float64)

    def figure(self, name: str, size: int, resampled: rates.Floats) -> Figure:
        """At the stated rate, with its interval over people."""
        above = self.above(size, STATED)
        value = realised(self.matches, above, size)
        spread = rates.over_draws(resampled, lambda drawn: realised(self.matches, above, size, drawn))
        rate = rates.interval(value, spread, len(self.where), len(np.unique(self.matches.person)))
        return Figure(name, rate.value, "%", rate.n, rate.low, rate.high)
