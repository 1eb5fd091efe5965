"""Occluded versions of every training crop, rendered once: what the student and the mask-state model look at.

`python -m models.training.shards --variants 4` writes `occluded-K.npy` (n, 112, 112, 3) RGB uint8 and
`occluded-K-state.npy` (n,) int8. Each variant is another random mask (or, one time in six, another occluder) on each
crop, with light, blur and compression on many. Rendering ahead keeps the training step free of Python work.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.synth import photometric, random_style, render_mask
from gate.synth.occluders import OCCLUDERS, render_cap, render_fringe, render_scarf, render_sunglasses
from models.training.crops import TEMPLATE, load
from models.training.paths import train_dir

# What is worn, as the mask-state model and the student's mask head learn it.
NO_MASK, NOSE_COVERED, WORN_LOW, UNCLEAR = 0, 1, 2, -1
_CHUNK = 512
# A scarf above the upper lip is as good as a mask: nobody could say which it should count as.
_SCARF_BELOW_MOUTH = (1.3, 1.65)


def occlude(bgr: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.uint8], int]:
    """One random occlusion of an aligned crop (112, 112, 3) BGR, and its mask state."""
    # Detectors place points on masked faces less exactly than on the clean ones these crops were aligned by.
    landmarks = TEMPLATE + rng.normal(0, 1.0, TEMPLATE.shape).astype(np.float32)
    draw = rng.random()
    if draw < 1 / 6:
        name = list(OCCLUDERS)[int(rng.integers(len(OCCLUDERS)))]
        if name == "scarf" and rng.random() < 0.6:
            return render_scarf(bgr, landmarks, rng, _SCARF_BELOW_MOUTH), NO_MASK
        return OCCLUDERS[name](bgr, landmarks, rng), UNCLEAR if name == "scarf" else NO_MASK
    if rng.random() < 0.12:
        bgr = (render_sunglasses, render_cap, render_fringe)[int(rng.integers(3))](bgr, landmarks, rng)
    low = draw < 0.3
    style = random_style(rng, wears=("under_nose", "under_nose", "under_chin") if low else ("over_nose",))
    return render_mask(bgr, landmarks, style, rng), WORN_LOW if low else NOSE_COVERED


def degrade(bgr: NDArray[np.uint8], rng: np.random.Generator, chance: float = 0.15) -> NDArray[np.uint8]:
    """What a gate's camera may add, each with `chance`."""
    steps = (
        partial(photometric.side_light, strength=0.6),
        partial(photometric.backlight, strength=0.5),
        partial(photometric.gamma, spread=0.5),
        partial(photometric.defocus, sigma_px=1.6),
        partial(photometric.motion_blur, length_px=7.0),
        partial(photometric.downscale, factor=3.0),
        partial(photometric.sensor_noise, sigma=12.0),
        partial(photometric.jpeg, quality=25),
    )
    for step in steps:
        if rng.random() < chance:
            bgr = step(bgr, rng=rng)
    return bgr


def _render(job: tuple[Path, int, int, int]) -> tuple[int, NDArray[np.int8], NDArray[np.uint8]]:
    path, variant, start, stop = job
    cv2.setNumThreads(1)
    crops = np.load(path, mmap_mode="r")
    states = np.zeros(stop - start, dtype=np.int8)
    pictures = np.empty((stop - start, *crops.shape[1:]), dtype=np.uint8)
    for i in range(start, stop):
        rng = np.random.default_rng([variant, i])
        picture, states[i - start] = occlude(np.ascontiguousarray(crops[i, :, :, ::-1]), rng)
        pictures[i - start] = degrade(picture, rng)[:, :, ::-1]
    return start, states, pictures


def build(variant: int, workers: int) -> None:
    """Render one variant of all crops."""
    count, folder = len(load()), train_dir()
    shape = (count, 112, 112, 3)
    out = np.lib.format.open_memmap(folder / "occluded.tmp.npy", mode="w+", dtype=np.uint8, shape=shape)
    states = np.zeros(count, dtype=np.int8)
    jobs = [(folder / "crops.npy", variant, s, min(s + _CHUNK, count)) for s in range(0, count, _CHUNK)]
    # Not forked: a fork of a process whose libraries have threads can wait for one that it has not got, for ever.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for start, state, pictures in tqdm(
            pool.map(_render, jobs), total=len(jobs), desc=f"variant {variant}", mininterval=10
        ):
            states[start : start + len(state)] = state
            out[start : start + len(state)] = pictures
    out.flush()
    np.save(folder / f"occluded-{variant}-state.npy", states)
    (folder / "occluded.tmp.npy").rename(folder / f"occluded-{variant}.npy")


def available() -> list[int]:
    """The variants that have been rendered."""
    return sorted(int(p.stem.split("-")[1]) for p in train_dir().glob("occluded-*.npy") if "state" not in p.stem)


def main() -> None:
    """Render what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    for variant in range(arguments.variants):
        if variant not in available():
            build(variant, arguments.workers)


if __name__ == "__main__":
    main()
