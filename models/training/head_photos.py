"""The development faces as the engine acquires them, for judging heads: found by SCRFD-500M, bare and masked again.

The same crops that `calibrate` keeps: the mask is drawn onto the whole photograph, and the face is found and aligned
again on the result. Photographs in which it is found only once are left out. `mask-nomask` comes with masks that others
drew: the check that a head has not merely learned our renderer.
"""

from __future__ import annotations

import csv

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.load import DEFAULT_DETECT_SIZE_PX, build_pipeline
from gate.vision.pack import load_pack, model_folders
from gate.vision.probe import MaskState
from gate.vision.registry import registry_folder
from models.training.acquisition import acquire, list_lookalikes, list_photos
from models.training.detect import align, main_face
from models.training.devset import DevSet
from models.training.paths import shared_dir, train_dir

# Masks by the seed that `calibrate` uses; training draws its own from other generators.
_SEED = 7
_PACK = "w600k-mbf"  # for its detector alone


def development_set() -> DevSet:
    """LFW and LFW singles; acquired on first use (minutes)."""
    root = shared_dir() / "data" / "faces"
    home = registry_folder()
    pack = load_pack(_PACK, registry_dir=home, folders=(shared_dir() / "models", *model_folders(home)))
    detector = f"{pack.detector.short_id}-{DEFAULT_DETECT_SIZE_PX}px"
    photos = list_photos(root, ("lfw", "lfw-singles"))
    with tqdm(total=len(photos), desc="development set", mininterval=10) as progress:
        crops = acquire(
            build_pipeline(pack), photos, _SEED, train_dir("calibration", detector), lambda: _tick(progress)
        )
    both = crops.found[MaskState.NONE] & crops.found[MaskState.WORN]
    names = np.array([str(photo.path.relative_to(root)) for photo in photos])[both]
    people = [photo.identity for photo, kept in zip(photos, both, strict=True) if kept]
    number = {person: i for i, person in enumerate(sorted(set(people)))}
    row = {name: i for i, name in enumerate(names.tolist())}
    with (root / "lfw-pairs.csv").open(newline="") as file:
        pairs = [p for p in csv.DictReader(file) if p["image_a"] in row and p["image_b"] in row]
    # The list names people by source; who has one photograph lies in another folder of it.
    named = {person.partition("/")[2]: i for person, i in number.items()}
    listed = [(a.partition("/")[2], b.partition("/")[2]) for a, b in list_lookalikes(root)]
    alike = [(named[a], named[b]) for a, b in listed if a in named and b in named]
    return DevSet(
        clean=crops.aligned[MaskState.NONE][both][..., ::-1],
        masked=crops.aligned[MaskState.WORN][both][..., ::-1],
        name=names,
        person=np.array([number[person] for person in people], np.int64),
        pairs=np.array([(row[p["image_a"]], row[p["image_b"]]) for p in pairs]),
        mated=np.array([p["mated"] == "1" for p in pairs]),
        excluded=np.array(alike, np.int64).reshape(-1, 2),
    )


def foreign_pairs() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Crops (n, 112, 112, 3) RGB of `mask-nomask` faces found both times: unmasked, masked; cached."""
    cache = train_dir("head") / "foreign.npz"
    if not cache.is_file():
        folder = shared_dir() / "data/faces/mask-nomask"
        bare, masked = [], []
        for path in tqdm(sorted((folder / "with").glob("*-with-mask.jpg")), desc="foreign masks", mininterval=10):
            other = folder / "without" / f"{path.name.removesuffix('-with-mask.jpg')}.jpg"
            if not other.is_file():
                continue
            pictures = [np.asarray(cv2.imread(str(p)), np.uint8) for p in (other, path)]
            faces = [main_face(picture) for picture in pictures]
            if faces[0] is not None and faces[1] is not None:
                bare.append(align(pictures[0], faces[0].landmarks)[:, :, ::-1])
                masked.append(align(pictures[1], faces[1].landmarks)[:, :, ::-1])
        np.savez(cache, bare=np.array(bare), masked=np.array(masked))
    with np.load(cache) as stored:
        return stored["bare"], stored["masked"]


def _tick(progress: tqdm) -> None:
    progress.update()
