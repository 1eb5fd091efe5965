"""Everybody of `gate bench fpir` as templates, and who of the crops is somebody of the data set after all."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks.accuracy_checkpoint import Crop
from benchmarks.accuracy_photos import list_distractors, list_people, read_lookalikes
from benchmarks.accuracy_sides import quick_distractors, quick_photos
from benchmarks.accuracy_templates import LIMITS, Acquisition, Templates, references, stacked
from benchmarks.fpir_rates import Side
from gate.decision.calibration import Calibration
from gate.engine.build import read_pack_calibration
from gate.settings import DEFAULT_PACK
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pipeline import Vision
from gate.vision.probe import MaskState, Sighting

STATED = 0.003

_QUICK_CROPS = 400

_SAME_FMR = 1e-5
"""Of the second pack, where it takes a crop for somebody of the data set: among pairs that the first pack holds for the
same already, so hardly any stranger is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: ``<person>/<photo>``.
        distractors: further people, one photograph each.
        crops: folder of aligned crops of further people, see `read_crops`.
        lookalikes: see `read_lookalikes`.
        pack: model pack, by name.
        second: another pack, which says who of the crops is somebody of the data set; None believes that nobody is.
        quick: some of the people and crops.
        replicates: resamplings of the people.
        seed: of masks and resampling.
        threads: photographs at a time.
    """

    dataset: Path
    distractors: Path | None = None
    crops: Path | None = None
    lookalikes: Path | None = None
    pack: str = DEFAULT_PACK
    second: str | None = None
    quick: bool = False
    replicates: int = 200
    seed: int = 7
    threads: int = field(default_factory=lambda: len(psutil.Process().cpu_affinity() or (0,)))


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Everybody as templates.

    Attributes:
        probes: by how they come, ``unmasked`` and ``masked``.
        references: the first photograph of each person of the data set.
        crops: of further people, numbered after them.
        barred: pairs that may be one person.
        found_in_crops: so many of them are somebody of the data set among the crops.
    """

    probes: dict[str, Templates]
    references: Side
    crops: Side
    barred: list[tuple[int, int]]
    found_in_crops: int = 0


def acquire(plan: Plan, work: Acquisition, calibration: Calibration, progress: Progress) -> People:
    """Everybody as templates."""
    own = list_people(plan.dataset).photos
    others = list_distractors(plan.distractors).photos if plan.distractors else ()
    known = {photo.person for photo in own}
    others = tuple(photo for photo in others if photo.person not in known)
    photos = (*quick_photos(own), *quick_distractors(others)) if plan.quick else (*own, *others)
    number = {person: i for i, person in enumerate(dict.fromkeys(photo.person for photo in photos))}
    person = np.array([number[photo.person] for photo in photos], np.int64)
    tick = partial(progress.advance, progress.add_task("photographs", total=len(photos)))
    seen, drawn = work.with_masks([photo.path for photo in photos], tick)
    bare, masked, kept = (
        rows.of(person, np.arange(len(photos))) for rows in (stacked(seen), stacked(drawn), references(seen))
    )
    usable = np.flatnonzero(bare.found)
    _, first = np.unique(person[usable], return_index=True)
    expected = Side(kept.rows[usable[first]], person[usable[first]])
    crops = read_crops(plan.crops) if plan.crops else ()
    crops = crops[:: max(1, len(crops) // _QUICK_CROPS)] if plan.quick else crops
    tick = partial(progress.advance, progress.add_task("crops", total=len(crops)))
    rows = _embedded(crops, work.vision, plan.threads, tick, bare.rows.shape[1])
    barred = read_lookalikes(plan.lookalikes) if plan.lookalikes else []
    pairs = [(number[a], number[b]) for a, b in barred if a in number and b in number]
    beyond = Side(rows, crop_people(crops) + len(number))
    near = near_pairs(bare, beyond, calibration)
    same: list[tuple[int, int]] = []
    if plan.second is not None and len(near):
        again = find_pack(plan.second)
        second, said = build_pipeline(again, limits=LIMITS), read_pack_calibration(again)
        shown, taken = (np.unique(near[:, side]) for side in (0, 1))
        tick = partial(progress.advance, progress.add_task("second pack", total=len(shown) + len(taken)))
        ours = stacked(work.by(second).plain([photos[i].path for i in shown.tolist()], tick)).rows
        theirs = _embedded([crops[i] for i in taken.tolist()], second, plan.threads, tick, ours.shape[1])
        least = said.curves[MaskState.NONE].similarity_at(_SAME_FMR)
        same = same_people(
            near,
            dict(zip(shown.tolist(), ours, strict=True)),
            dict(zip(taken.tolist(), theirs, strict=True)),
            person,
            beyond.person,
            least,
        )
    return People({"unmasked": bare, "masked": masked}, expected, beyond, pairs + same, len(same))


def near_pairs(probes: Templates, crops: Side, calibration: Calibration) -> NDArray[np.int64]:
    """Rows of a probe and a crop (k, 2) that a gallery of 5,000 would take for one person."""
    least = calibration.threshold(MaskState.NONE, STATED, 5_000).similarity
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(probes), 256):
        rows = np.where(probes.found[start : start + 256, None], probes.rows[start : start + 256], 0)
        found.append(np.argwhere(rows @ crops.rows.T >= least) + np.array([start, 0]))
    return np.concatenate(found)


def same_people(
    near: NDArray[np.int64],
    ours: Mapping[int, NDArray[np.float32]],
    theirs: Mapping[int, NDArray[np.float32]],
    person: NDArray[np.int64],
    crop_person: NDArray[np.int64],
    least: float,
) -> list[tuple[int, int]]:
    """Pairs of people that another pack, too, takes for one: its templates by row, and its threshold."""
    return sorted(
        {(int(person[a]), int(crop_person[b])) for a, b in near.tolist() if float(ours[a] @ theirs[b]) >= least}
    )


def read_crops(folder: Path) -> tuple[Crop, ...]:
    """All crops that ``FOLDER/index.csv`` names, those of unnamed people among them.

    Raises:
        OSError: there is no such file.
    """
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return tuple(Crop(folder / row["zip"], row["member"]) for row in csv.DictReader(file))


def crop_people(crops: Iterable[Crop]) -> NDArray[np.int64]:
    """Numbers of the people of crops ``<source>/<identity or _>/<stem>``; without an identity everybody is new."""
    number: dict[str, int] = {}
    names = (crop.member if Path(crop.member).parent.name == "_" else str(Path(crop.member).parent) for crop in crops)
    return np.array([number.setdefault(name, len(number)) for name in names], np.int64)


def _embedded(
    crops: Sequence[Crop], vision: Vision, threads: int, tick: Callable[[], None], dimensions: int
) -> NDArray[np.float32]:
    """What a gallery keeps (n, D) of aligned faces."""
    opened = {archive: zipfile.ZipFile(archive) for archive in {crop.archive for crop in crops}}
    rows = np.zeros((len(crops), dimensions), np.float32)

    def embed(job: tuple[int, NDArray[np.uint8]]) -> None:
        number, aligned = job
        sighting = Sighting(ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, (), None, 0.0, None, aligned, {})
        rows[number] = vision.reference(sighting, vision.probe(sighting)).embedding
        tick()

    try:
        with ThreadPoolExecutor(threads, "crops") as pool:
            for start in range(0, len(crops), 256):
                batch = crops[start : start + 256]
                # Zip files are read by one thread, pictures are embedded by all.
                list(pool.map(embed, enumerate((_picture(opened[c.archive], c.member) for c in batch), start)))
    finally:
        for archive in opened.values():
            archive.close()
    return rows


def _picture(archive: zipfile.ZipFile, member: str) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(archive.read(member), np.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape != (ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, 3):
        raise OSError(f"{member}: expected a picture of {ALIGNED_SIZE_PX} x {ALIGNED_SIZE_PX}")
    return picture.astype(np.uint8, copy=False)
