"""A whole checkpoint's gallery: everybody expected within hours, most of whom are at another lane.

No data set here has 42,000 people with two photographs. So most of the gallery are people who never come: distractors,
and crops that are already aligned, which skip detection. Several crops may be of one person. Where all of them are
still too few, what is measured is scaled: with independent comparisons, a gallery k times as large names strangers at
the rate 1 - (1 - FPIR)^k (ISO/IEC 19795-1, 9.4), so the threshold follows from a smaller rate in the smaller gallery.
The note that comes with the figures says how many of each there are.

Crops without an identity are left out: they may be of the people who come, and each would count as a stranger named.
(UTKFace's are: of LFW's photographs 11 % have a similarity above 0.5 to one of them, 0.05 % to as many of others.)
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy_flights import LEAST_STRANGERS, Crowd, Seats
from benchmarks.accuracy_templates import Templates
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.pipeline import Vision
from gate.vision.probe import Sighting

SIZE = 42_000

_EXPECTED_SHARE = 0.6
"""Of the data set's people; the others come without being expected."""

_BATCH = 256
_NOBODY = ("", "_")


@dataclass(frozen=True, slots=True)
class Crop:
    """One aligned face, 112 x 112, within a zip file."""

    archive: Path
    member: str


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """A checkpoint: who may come, how many are expected of each kind, and a sentence about it."""

    crowd: Crowd
    seated: Seats
    size: int
    note: str


def read_crops(folder: Path) -> tuple[Crop, ...]:
    """The crops that ``FOLDER/index.csv`` names in its columns ``zip`` and ``member``, and has an ``identity`` for.

    Raises:
        OSError: there is no such file.
    """
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            Crop(folder / row["zip"], row["member"]) for row in csv.DictReader(file) if row["identity"] not in _NOBODY
        )


def fill(crowd: Crowd, crops: Sequence[Crop], vision: Vision, threads: int, tick: Callable[[], None]) -> Filled:
    """A gallery of `SIZE`, or as large as there are people and crops for."""
    people = round(_EXPECTED_SHARE * len(crowd.people))
    spare = max(0, len(crowd.fillers) - LEAST_STRANGERS)
    fillers = min(spare, max(0, SIZE - people - len(crops)))
    chosen = crops[: max(0, SIZE - people - fillers)]
    seated = Seats(people, fillers)
    size = seated.size + len(chosen)
    note = (
        f"checkpoint{size}: {people} people of the data set, {fillers} distractors and {len(chosen)} crops that were "
        "aligned beforehand are expected; distractors and crops never come, and several crops may be of one person"
    )
    if size < SIZE:
        note += f"; figures of {SIZE} are scaled from these {size}"
    if not chosen:
        return Filled(crowd, seated, size, note)
    beyond = _beyond(crowd, chosen, vision, threads, tick)
    return Filled(replace(crowd, beyond=beyond, templates_beyond=len(chosen)), seated, size, note)


def scaled_rate(fpir: float, size: int) -> float:
    """The FPIR in a gallery of `size` that stands for `fpir` in one of `SIZE`."""
    return float(-np.expm1(np.log1p(-fpir) * size / SIZE))


def _beyond(
    crowd: Crowd, crops: Sequence[Crop], vision: Vision, threads: int, tick: Callable[[], None]
) -> dict[str, NDArray[np.float64]]:
    """How near each probe comes to any of the crops. Their templates are not kept beyond a batch."""
    best = {name: np.full(len(probes), -2.0) for name, probes in crowd.probes.items()}
    opened = {archive: zipfile.ZipFile(archive) for archive in {crop.archive for crop in crops}}

    def embed(aligned: NDArray[np.uint8]) -> NDArray[np.float32]:
        sighting = Sighting(ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, (), None, 0.0, None, aligned, {})
        template = vision.reference(sighting, vision.probe(sighting)).embedding
        tick()
        return template

    try:
        with ThreadPoolExecutor(threads, "crops") as pool:
            for start in range(0, len(crops), _BATCH):
                pictures = [_read(opened[crop.archive], crop.member) for crop in crops[start : start + _BATCH]]
                rows = np.stack(list(pool.map(embed, pictures)))
                for name, probes in crowd.probes.items():
                    best[name] = np.maximum(best[name], _nearest(probes, rows))
    finally:
        for archive in opened.values():
            archive.close()
    return best


def _nearest(probes: Templates, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray((probes.rows @ rows.T).max(axis=1), np.float64)


def _read(archive: zipfile.ZipFile, member: str) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(archive.read(member), np.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape != (ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, 3):
        raise OSError(f"{member}: expected a picture of {ALIGNED_SIZE_PX} x {ALIGNED_SIZE_PX}")
    return picture.astype(np.uint8, copy=False)
