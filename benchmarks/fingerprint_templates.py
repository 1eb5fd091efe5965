"""Templates of every fingerprint image of a folder, kept in out/, so that matchers can be measured without extracting.

  python -m benchmarks.fingerprint_templates --extractor leader
  python -m benchmarks.fingerprint_templates --extractor libfprint --dataset DIR

DIR holds DIR/<set>/<finger>_<impression>.png; templates come to out/fingerprint-cache/<extractor's name>/<set>/. Those
that are there already are left, so the command may be stopped and run again.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from gate.fingerprint.extractor import Extractor
from gate.fingerprint.leader import LeaderExtractor
from gate.fingerprint.libfprint import LibfprintExtractor
from gate.fingerprint.template import FingerImage, FingerTemplate

CACHE = Path("out") / "fingerprint-cache"

EXTRACTORS: dict[str, Callable[[], Extractor]] = {"leader": LeaderExtractor, "libfprint": LibfprintExtractor}


def dataset_folder() -> Path:
    """The folder of fingerprint sets: data/fingerprints in EGATE_SHARED, or in `shared` beside the checkout."""
    shared = os.environ.get("EGATE_SHARED") or Path(__file__).parents[2] / "shared"
    return Path(shared) / "data" / "fingerprints"


def images(dataset: Path) -> Iterator[Path]:
    """Every image of every set, sorted."""
    yield from sorted(dataset.glob("*/*_*.png"))


def read_image(path: Path) -> FingerImage:
    """A grey image of 500 dpi, which is what the FVC sets are close to."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise FileNotFoundError(path)
    return FingerImage(grey.astype(np.uint8, copy=False))


def cached(image: Path, extractor: str, cache: Path = CACHE) -> Path:
    """Where the template of an image lies.

    Args:
        image: DIR/<set>/<finger>_<impression>.png.
        extractor: its name, as in the templates.
        cache: the folder of all.
    """
    return cache / extractor / image.parent.name / f"{image.stem}.npz"


def save(template: FingerTemplate, path: Path) -> None:
    """Write a template, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial,
        x_px=template.x_px,
        y_px=template.y_px,
        angle_rad=template.angle_rad,
        kind=template.kind,
        quality=template.quality,
        size_px=np.array([template.width_px, template.height_px]),
        extractor=np.array(template.extractor),
    )
    partial.replace(path)


def load(path: Path) -> FingerTemplate:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return FingerTemplate(
            x_px=stored["x_px"],
            y_px=stored["y_px"],
            angle_rad=stored["angle_rad"],
            kind=stored["kind"],
            quality=stored["quality"],
            width_px=int(stored["size_px"][0]),
            height_px=int(stored["size_px"][1]),
            extractor=str(stored["extractor"]),
        )


def main() -> None:
    """Extract what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extractor", choices=sorted(EXTRACTORS), default="leader")
    parser.add_argument("--dataset", type=Path, default=dataset_folder())
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    os.nice(19)
    extractor = EXTRACTORS[options.extractor]()
    taken_s = []
    for image in images(options.dataset):
        path = cached(image, extractor.name, options.cache)
        if not path.is_file():
            start_s = time.perf_counter()
            save(extractor.extract(read_image(image)), path)
            taken_s.append(time.perf_counter() - start_s)
            print(f"{image.parent.name}/{image.stem} {taken_s[-1] * 1000:.0f} ms", flush=True)
    if taken_s:
        print(f"{len(taken_s)} images, median {np.median(taken_s) * 1000:.0f} ms an image")


if __name__ == "__main__":
    main()
