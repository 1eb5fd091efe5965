"""Scenes for the detector, rendered ahead: `python -m models.training.detector_shards --shards 8`.

Each shard is `scenes-K.npy` (n, 320, 320, 3) BGR uint8 with `scenes-K.npz`, the faces of all its scenes, under
`detector/` of the training folder. Needs `detector_sources`, and `shards` for crops with something on.
`--look OUT.png` draws a sheet of scenes with their labels instead.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.training import crops, shards
from models.training.detect import read_bgr
from models.training.detector_backgrounds import Picture
from models.training.detector_scenes import SIDE_PX, Labels, Material, scene
from models.training.detector_sources import SURE, load_crop_faces, load_photos
from models.training.paths import train_dir

_CHUNK = 64
_LONGEST_PX = 512


@cache
def material() -> Material:
    """Everything that scenes are made of; photographs decoded once, at 512 pixels at most."""
    cv2.setNumThreads(1)
    faces = load_crop_faces()
    variants = [np.load(train_dir() / f"occluded-{k}.npy", mmap_mode="r") for k in shards.available()[:2]]
    return Material(
        crops=(crops.load().rgb, *variants),
        faces=faces,
        usable=np.flatnonzero((faces.scores >= SURE) & faces.whole),
        photos=[(photo, read_bgr(photo.path)) for photo in load_photos()],
    )


def render(shard: int, start: int, stop: int) -> tuple[int, NDArray[np.uint8], list[Labels]]:
    """Scenes `start` to `stop` of a shard; the same each time."""
    made = [scene(material(), np.random.default_rng([shard, index])) for index in range(start, stop)]
    return start, np.stack([picture for picture, _ in made]), [labels for _, labels in made]


def build(shard: int, count: int, workers: int) -> None:
    """Render one shard."""
    folder = train_dir("detector")
    shape = (count, SIDE_PX, SIDE_PX, 3)
    out = np.lib.format.open_memmap(folder / f"rendering-{shard}.npy", mode="w+", dtype=np.uint8, shape=shape)
    starts = range(0, count, _CHUNK)
    labels: list[Labels] = []
    # Not forked: a fork of a process whose libraries have threads can wait for one that it has not got, for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = pool.map(render, [shard] * len(starts), starts, [min(s + _CHUNK, count) for s in starts])
        for start, pictures, found in tqdm(jobs, total=len(starts), desc=f"shard {shard}", mininterval=10):
            out[start : start + len(pictures)] = pictures
            labels += found
    out.flush()
    np.savez(
        folder / f"scenes-{shard}.npz",
        first=np.cumsum([0, *(len(label.sure) for label in labels)]),
        boxes=np.concatenate([label.boxes for label in labels]),
        landmarks=np.concatenate([label.landmarks for label in labels]),
        sure=np.concatenate([label.sure for label in labels]),
    )
    (folder / f"rendering-{shard}.npy").rename(folder / f"scenes-{shard}.npy")


def available() -> list[Path]:
    """The shards that have been rendered."""
    return sorted(train_dir("detector").glob("scenes-*.npy"))


def load(path: Path) -> tuple[NDArray[np.uint8], list[Labels]]:
    """A shard's scenes (n, 320, 320, 3) BGR, memory-mapped, and the faces of each."""
    stored = dict(np.load(path.with_suffix(".npz")))
    first = stored["first"]
    labels = [
        Labels(stored["boxes"][a:b], stored["landmarks"][a:b], stored["sure"][a:b])
        for a, b in itertools.pairwise(first)
    ]
    return np.load(path, mmap_mode="r"), labels


def draw(picture: Picture, labels: Labels) -> Picture:
    """The scene with its labels: green is to be found, grey may be."""
    shown = picture.copy()
    for box, landmarks, sure in zip(labels.boxes, labels.landmarks, labels.sure, strict=True):
        colour = (0, 255, 0) if sure else (150, 150, 150)
        x1, y1, x2, y2 = (int(value) for value in box)
        cv2.rectangle(shown, (x1, y1), (x2, y2), colour, 1)
        for x, y in landmarks:
            cv2.circle(shown, (int(x), int(y)), 1, (0, 0, 255) if sure else colour, -1)
    return shown


def _sheet(rows: int, columns: int, seed: int) -> Iterator[Picture]:
    for row in range(rows):
        seeds = range(seed + row * columns, seed + (row + 1) * columns)
        yield np.hstack([draw(*scene(material(), np.random.default_rng([999, s]))) for s in seeds])


def main() -> None:
    """Render what is missing, or draw a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--scenes", type=int, default=4000, help="in a shard")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--look", type=Path, help="draw a sheet of scenes to this file")
    parser.add_argument("--seed", type=int, default=0, help="of the sheet")
    arguments = parser.parse_args()
    if arguments.look:
        cv2.imwrite(str(arguments.look), np.vstack(list(_sheet(4, 6, arguments.seed))))
        return
    for shard in range(arguments.shards):
        if not (train_dir("detector") / f"scenes-{shard}.npy").is_file():
            build(shard, arguments.scenes, arguments.workers)


if __name__ == "__main__":
    main()
