"""How many ordinary travellers a watch list sends to an officer, and how many of those on it are found.

  gate bench watchlist                   people of ../shared, bare and with drawn masks
  gate bench watchlist --dataset DIR     DIR/<person>/<photo>
  gate bench watchlist --quick           some of them, two looks, short lists, for CI

People with four photographs or more are ordinary travellers: their passage is four looks, at the rate that the policy
states for all of them. Watch lists are drawn from everybody else, one photograph each. Whoever is on a list and has
further photographs walks up as well. docs/watchlist.md explains the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.accuracy import usual_faces
from benchmarks.accuracy_photos import Photo, list_distractors, list_people, read_lookalikes
from benchmarks.accuracy_sides import quick_distractors, quick_photos
from benchmarks.accuracy_templates import LIMITS, Acquisition, Seen
from benchmarks.figures import Figure
from benchmarks.measured import Measured
from gate.clock import SystemClock
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.engine.lookout import Lookout
from gate.gallery.watched import Watched
from gate.gallery.watchlist import WatchList
from gate.settings import DEFAULT_PACK
from gate.vision.load import build_pipeline, find_pack
from gate.vision.probe import Probe

_REPLICATES = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: ``<person>/<photo>``.
        distractors: further people, one photograph each.
        lookalikes: see `read_lookalikes`; such pairs say nothing about strangers.
        sizes: of the watch lists.
        looks: of each ordinary traveller; who has as many photographs is one.
        lists: drawn, of each size.
        quick: some of the people.
        seed: of lists, masks and resampling.
        threads: photographs at a time.
    """

    dataset: Path
    distractors: Path | None = None
    lookalikes: Path | None = None
    pack: str = DEFAULT_PACK
    sizes: tuple[int, ...] = (100, 1_000)
    looks: int = 4
    lists: int = 20
    quick: bool = False
    seed: int = 7
    threads: int = field(default_factory=lambda: len(psutil.Process().cpu_affinity() or (0,)))


def default_plan(dataset: Path | None, *, quick: bool) -> Plan:
    """The data set of `../shared` with all that belongs to it; of another data set, only itself."""
    faces = usual_faces()
    short = Plan(dataset or faces / "lfw", sizes=(100,), looks=2, lists=4, quick=True)
    plan = short if quick else Plan(dataset or faces / "lfw")
    if dataset is not None:
        return plan
    return replace(plan, distractors=faces / "lfw-singles", lookalikes=faces / "lookalikes.csv")


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Everybody's probes by mode and person, in the order of their photographs.

    Attributes:
        probes: of photographs in which the person is found bare and masked.
        references: what a list keeps of the first of them.
        ordinary: who is on no list.
        barred: who is never compared with whom.
    """

    probes: Mapping[str, Mapping[str, list[Probe]]]
    references: Mapping[str, Probe]
    ordinary: tuple[str, ...]
    barred: Mapping[str, frozenset[str]]


def measure(plan: Plan, console: Console, work: Acquisition | None = None) -> Measured:
    """Every figure.

    Args:
        work: by the pack's pipeline, where photographs may have been looked at already.

    Raises:
        OSError: a folder or file is not there, or not what it should be; nobody has enough photographs.
        ModelPackError: see `find_pack`; the pack needs a calibration.
        EngineFault: a model failed.
    """
    work = work or Acquisition(
        build_pipeline(find_pack(plan.pack), limits=LIMITS), Policy().quality, plan.seed, plan.threads
    )
    cv2.setNumThreads(1)  # photographs are looked at side by side
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        faces = look(plan, work, progress)
        return judge(plan, faces, progress)


def look(plan: Plan, work: Acquisition, progress: Progress) -> Faces:
    """Everybody's photographs, bare and masked.

    Raises:
        OSError: nobody has enough photographs, or everybody has.
    """
    own = list_people(plan.dataset).photos
    others = list_distractors(plan.distractors).photos if plan.distractors else ()
    known = {photo.person for photo in own}
    others = tuple(photo for photo in others if photo.person not in known)
    photos: tuple[Photo, ...] = (*quick_photos(own), *quick_distractors(others)) if plan.quick else (*own, *others)
    tick = partial(progress.advance, progress.add_task("photographs", total=len(photos)))
    both = work.with_masks([photo.path for photo in photos], tick)
    probes: dict[str, dict[str, list[Probe]]] = {"bare": {}, "masked": {}}
    kept: dict[str, Probe] = {}
    for photo, seen in zip(photos, zip(*both, strict=True), strict=True):
        _keep(probes, kept, photo.person, *seen)
    able = sorted(person for person, shown in probes["bare"].items() if len(shown) >= plan.looks)
    # Of few people some must be left to be on a list and to be found.
    ordinary = tuple(able[::2] if plan.quick else able)
    if not ordinary or len(probes["bare"]) == len(ordinary):
        raise OSError(f"{plan.dataset}: expected people with {plan.looks} photographs and others, found one kind only")
    return Faces(probes, kept, ordinary, _barred(plan.lookalikes))


def _keep(
    probes: Mapping[str, dict[str, list[Probe]]], kept: dict[str, Probe], person: str, bare: Seen, masked: Seen
) -> None:
    if bare.probe is not None and bare.reference is not None and masked.probe is not None:
        kept.setdefault(person, bare.reference)
        probes["bare"].setdefault(person, []).append(bare.probe)
        probes["masked"].setdefault(person, []).append(masked.probe)


def _barred(lookalikes: Path | None) -> dict[str, frozenset[str]]:
    barred: dict[str, set[str]] = {}
    for one, other in read_lookalikes(lookalikes) if lookalikes else []:
        barred.setdefault(one, set()).add(other)
        barred.setdefault(other, set()).add(one)
    return {person: frozenset(others) for person, others in barred.items()}


def judge(plan: Plan, faces: Faces, progress: Progress) -> Measured:
    """Shares over random lists of each size."""
    pack = find_pack(plan.pack)
    policy, calibration = Policy(), read_pack_calibration(pack)
    rng = np.random.default_rng(plan.seed)
    ordinary = faces.ordinary
    others = sorted(set(faces.probes["bare"]) - set(ordinary))
    figures: list[Figure] = []
    task = progress.add_task("lists", total=len(plan.sizes) * plan.lists)
    for size in plan.sizes:
        referred = {mode: np.zeros((plan.lists, len(ordinary)), bool) for mode in faces.probes}
        found: dict[str, list[bool]] = {mode: [] for mode in faces.probes}
        for draw in range(plan.lists):
            listed = frozenset(rng.choice(others, min(size, len(others)), replace=False).tolist())
            watch_list = listing(listed, faces, pack.pack_id)
            for mode, people in faces.probes.items():

                def seen(looks: list[Probe], watch_list: WatchList = watch_list) -> bool:
                    lookout = Lookout(watch_list, policy, calibration)
                    return any(lookout(probe, datetime.now(UTC)) for probe in looks)

                for column, person in enumerate(ordinary):
                    # A pair that may be one person says nothing about strangers.
                    alone = not faces.barred.get(person, frozenset()) & listed
                    referred[mode][draw, column] = alone and seen(people[person][: plan.looks])
                found[mode] += [seen(people[p][1 : 1 + plan.looks]) for p in sorted(listed) if len(people[p]) > 1]
            progress.advance(task)
        for mode in faces.probes:
            figures.append(_share(f"watchlist.referred.{mode}.{size}", referred[mode], rng))
            if found[mode]:
                figures.append(_share(f"watchlist.found.{mode}.{size}", np.array([found[mode]]), rng))
    run = {
        "pack": plan.pack,
        "stated_percent": 100 * policy.watchlist_fpir,
        "dataset": plan.dataset.name,
        "ordinary": len(ordinary),
        "others": len(others),
        "lists": plan.lists,
        "looks": plan.looks,
        "quick": plan.quick,
        "seed": plan.seed,
    }
    notes = (
        "those on the list who are looked for have few further photographs: fewer looks than at a gate",
        "photographs in which nobody is found, bare or masked, are no looks: nobody is held against the list by them",
    )
    return Measured(tuple(figures), run, notes=notes)


def listing(people: frozenset[str], faces: Faces, pack_id: str) -> WatchList:
    """A watch list of the first bare photograph of each."""
    made = WatchList(pack_id, SystemClock())
    until = datetime.now(UTC) + timedelta(hours=12)
    for person in sorted(people):
        made.enrol(Watched(person, "drawn", until), faces.references[person])
    return made


def _share(name: str, events: NDArray[np.bool_], rng: np.random.Generator) -> Figure:
    """Per cent of all events (draws, people), with its interval by resampling people; the exact one where none was."""
    of_person = events.mean(axis=0)
    if not of_person.any():
        return Figure(name, 0.0, "%", int(events.size), 0.0, 100 * (1 - 0.025 ** (1 / len(of_person))))
    drawn = of_person[rng.integers(0, len(of_person), (_REPLICATES, len(of_person)))].mean(axis=1)
    low, high = np.percentile(100 * drawn, (2.5, 97.5))
    return Figure(name, float(100 * of_person.mean()), "%", int(events.size), float(low), float(high))
