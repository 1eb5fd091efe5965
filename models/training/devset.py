"""The development faces: LFW people bare and wearing our rendered masks, as the engine's own pipeline sees them.

The masked version is drawn onto the whole photograph and then detected and aligned again, as at a gate. Only
photographs in which a face is found both times are used: here the embedder is judged; calibration counts what detection
misses. The crops are the ones that calibration keeps, so they are made once.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.load import build_pipeline, find_pack
from gate.vision.probe import MaskState
from models.training.acquisition import acquire, found_by, list_lookalikes, list_photos
from models.training.calibrate import named
from models.training.paths import shared_dir

_SETS = ("lfw", "lfw-singles")
_PACK = "edgeface-xs"  # for its detector
_SEED = 7


@dataclass(frozen=True, slots=True)
class DevSet:
    """`clean` and `masked` (n, 112, 112, 3) RGB; `name` (n,) path below `data/faces`; `person` (n,) identity number.

    `pairs` (m, 2) rows with `mated` (m,) are the standard LFW pairs; `excluded` (k, 2) are persons who may be the same.
    """

    clean: NDArray[np.uint8]
    masked: NDArray[np.uint8]
    name: NDArray[np.str_]
    person: NDArray[np.int64]
    pairs: NDArray[np.int64]
    mated: NDArray[np.bool_]
    excluded: NDArray[np.int64]

    def mates(self) -> NDArray[np.bool_]:
        """(n, n) which comparisons are of one person's two photographs."""
        return np.asarray((self.person[:, None] == self.person[None, :]) & ~np.eye(len(self.person), dtype=np.bool_))

    def impostors(self) -> NDArray[np.bool_]:
        """(n, n) which comparisons are surely of two people."""
        different = np.asarray(self.person[:, None] != self.person[None, :], dtype=np.bool_)
        for a, b in self.excluded:
            rows, columns = np.flatnonzero(self.person == a), np.flatnonzero(self.person == b)
            different[np.ix_(rows, columns)] = False
            different[np.ix_(columns, rows)] = False
        return different


def load() -> DevSet:
    """The development set; detects and aligns it on first use (minutes)."""
    faces = shared_dir() / "data" / "faces"
    photos = list_photos(faces, _SETS)
    pack = find_pack(_PACK)
    with tqdm(total=len(photos), desc="development set", mininterval=10, leave=False) as progress:
        crops = acquire(build_pipeline(pack), photos, _SEED, found_by(pack.detector), progress.update)
    clean, worn = MaskState.NONE, MaskState.WORN
    kept = np.flatnonzero(crops.found[clean] & crops.found[worn])
    names = [str(photos[i].path.relative_to(faces)) for i in kept]
    number = {identity: i for i, identity in enumerate(sorted({photo.identity for photo in photos}))}
    row = {name: i for i, name in enumerate(names)}
    with (faces / "lfw-pairs.csv").open(newline="") as file:
        pairs = [p for p in csv.DictReader(file) if p["image_a"] in row and p["image_b"] in row]
    alike = [(a, b) for one, other in list_lookalikes(faces) for a in named(number, one) for b in named(number, other)]
    return DevSet(
        clean=crops.aligned[clean][kept][:, :, :, ::-1],
        masked=crops.aligned[worn][kept][:, :, :, ::-1],
        name=np.array(names),
        person=np.array([number[photos[i].identity] for i in kept]),
        pairs=np.array([(row[p["image_a"]], row[p["image_b"]]) for p in pairs]),
        mated=np.array([p["mated"] == "1" for p in pairs]),
        excluded=np.array(alike, dtype=np.int64).reshape(-1, 2),
    )
