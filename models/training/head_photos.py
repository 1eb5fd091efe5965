"""Masks that others drew, `mask-nomask`: the check that a head has not merely learned our renderer."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.detect import align, main_face
from models.training.paths import shared_dir, train_dir


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
