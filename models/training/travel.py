"""Packs what the training needs, small enough to travel to a bare machine with a GPU, laid out as the shared folder.

`python -m models.training.travel FOLDER` writes the crops again as WebP of a quality that fits `--megabytes`, their
index, and the teacher. There, with `EGATE_SHARED=FOLDER`, the same commands as anywhere build the rest in minutes:
teacher's answers and stage features, rendered variants, student. Nothing to evaluate with travels: bring the checkpoint
back for that.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from models.training.crops import Crops, load
from models.training.paths import shared_dir
from models.training.teacher import TEACHER

_QUALITIES = (80, 70, 60, 50, 40, 30)


def encode(crops: Crops, row: int, quality: int) -> bytes:
    """One crop as WebP."""
    bgr = np.ascontiguousarray(crops.rgb[row, :, :, ::-1])
    return bytes(cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])[1])


def fitting_quality(crops: Crops, limit_bytes: float) -> int:
    """The best quality at which all crops stay under the limit, judged on a sample."""
    sample = np.random.default_rng(0).choice(len(crops), min(400, len(crops)), replace=False)
    for quality in _QUALITIES:
        mean = np.mean([len(encode(crops, int(row), quality)) for row in sample]) + 250  # the zip's own records
        if mean * len(crops) < 0.97 * limit_bytes:
            return quality
    raise ValueError(f"{len(crops)} crops do not fit {limit_bytes / 1e6:.0f} MB")


def pack(folder: Path, megabytes: float) -> None:
    """Write the travelling folder."""
    crops = load()
    data = folder / "data" / "faces" / "train"
    for path in (data, folder / "models"):
        path.mkdir(parents=True, exist_ok=True)
    shutil.copy(shared_dir() / "models" / TEACHER, folder / "models" / TEACHER)
    teacher_bytes = (folder / "models" / TEACHER).stat().st_size
    quality = fitting_quality(crops, megabytes * 1e6 - teacher_bytes - 4e6)
    with (
        zipfile.ZipFile(data / "crops.zip", "w", zipfile.ZIP_STORED) as archive,
        (data / "index.csv").open("w", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["zip", "member", "source", "identity", "eye_distance_px"])
        for row in tqdm(range(len(crops)), desc=f"quality {quality}", mininterval=10):
            archive.writestr(f"{row}.webp", encode(crops, row, quality))
            person = crops.identity[row]
            identity = "_" if person < 0 else person
            writer.writerow(["crops.zip", f"{row}.webp", "travel", identity, f"{crops.eye_distance_px[row]:.1f}"])


def main() -> None:
    """Pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=float, default=56.0, help="for everything in the folder (default: 56)")
    arguments = parser.parse_args()
    pack(arguments.folder, arguments.megabytes)


if __name__ == "__main__":
    main()
