"""Learning curves against data and size: the same short training with fewer crops, or with another width inside blocks.

`python -m models.training.scaling --crops 10000` (or `--expansion 2`) trains one student from a random start, block by
block and then end to end, for as many steps as every other, measures it on the development faces, and adds a line to
`scaling.csv` in the training folder; `--plot OUT.png` draws what is there. A training on fewer crops has a folder
of its own, in which everything, the teacher's blends too, is made of these crops alone.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.chart import chart
from models.training.crops import load
from models.training.distil import append
from models.training.evaluate import quick
from models.training.export import load_student
from models.training.paths import train_dir
from models.training.shards import available
from models.training.student import StudentShape

_LEAST_VARIANTS = 2
# More than a training of this length draws.
_BLENDS = 20_000
_MEASURES = {"tar_masked": "1 - TAR, masked", "tpir_unmasked": "1 - TPIR, bare", "tpir_masked": "1 - TPIR, masked"}
_FIELDS = ("crops", "expansion", "parameters", "samples", "pairs", "tar_unmasked", *_MEASURES)


def _call(module: str, folder: Path, *arguments: object) -> None:
    """One part of the training, as its own process: the folder it works in is part of its environment."""
    command = [sys.executable, "-m", f"models.training.{module}", *map(str, arguments)]
    subprocess.run(command, check=True, env={**os.environ, "EGATE_TRAIN_DIR": str(folder)})  # noqa: S603  (our own modules)


def prepare(crops: int | None, threads: int) -> Path:
    """The folder with everything a training on so many crops (None: all of them) asks for."""
    folder = train_dir() if crops is None else train_dir("scaling", str(crops))
    if not (folder / "crops.npy").is_file():
        _call("crops", folder, *([] if crops is None else ["--some", crops]))
    if not (folder / "blends.npz").is_file():
        _call("teacher", folder, "--blends", _BLENDS, "--threads", threads)
    if not (folder / "blocks" / "block-3-0.npy").is_file():
        _call("features", folder, "--threads", threads)
    # As many as all crops have, or one training would see more masks than another.
    _call("shards", folder, "--variants", max(_LEAST_VARIANTS, len(available())), "--workers", threads)
    return folder


def train(folder: Path, expansion: int, steps: tuple[int, int], batch: int, threads: int) -> Path:
    """A student of that shape as ONNX, after so many steps block by block, and end to end."""
    blocks, whole = f"scaling-blocks-{expansion}-{steps[0]}", f"scaling-{expansion}-{steps[1]}"
    shared = ("--expansion", expansion, "--threads", threads)
    if not (folder / "runs" / blocks / "latest.pt").is_file():
        _call("blockwise", folder, "--run", blocks, "--minutes", "inf", "--steps", steps[0], *shared)
    ends = ("--steps", steps[1], "--batch", batch, "--judge-every-min", "inf")
    _call("distil", folder, "--run", whole, "--start", blocks, *ends, *shared)
    out = folder / "runs" / whole / "model.onnx"
    _call("export", folder, "--full", out.with_name("latest.pt"), out)
    return out


def read(path: Path) -> list[dict[str, str]]:
    """The lines of `scaling.csv`, of a training that was repeated the last; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return list({(row["crops"], row["expansion"], row["samples"]): row for row in rows}.values())


def against(rows: list[dict[str, str]], axis: str, samples: str) -> dict[str, NDArray[np.float64]]:
    """By measure, points (n, 2) of log10(`axis`) and the error in percent, of students that saw so many samples.

    `axis` is `crops`, among students of the shipped shape, or `parameters`, among those that learned from every crop.
    """
    everything = str(max(int(row["crops"]) for row in rows))
    name, value = ("expansion", str(StudentShape().expansion)) if axis == "crops" else ("crops", everything)
    chosen = [row for row in rows if row[name] == value and row["samples"] == samples]
    chosen.sort(key=lambda row: float(row[axis]))
    return {
        title: np.array([(np.log10(float(row[axis])), 100 - float(row[measure])) for row in chosen]).reshape(-1, 2)
        for measure, title in _MEASURES.items()
    }


def draw(rows: list[dict[str, str]]) -> NDArray[np.uint8]:
    """Charts one below the other, errors by crops and by parameters, for each number of samples that has two points."""
    charts = []
    for samples in sorted({row["samples"] for row in rows}, key=int):
        for axis, limits in (("crops", (3.5, 5.5, 0.0, 100.0)), ("parameters", (5.8, 7.3, 0.0, 100.0))):
            points = against(rows, axis, samples)
            if len(next(iter(points.values()))) > 1:
                title = f"errors by {axis}, {samples} samples seen"
                charts.append(chart(points, title, f"log10 of {axis}; error, percent", limits))
    return np.vstack(charts)


def main() -> None:
    """Train and measure one, or draw all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, help="learn from so many crops; default: from all")
    parser.add_argument(
        "--expansion", type=int, default=StudentShape().expansion, help="channels inside a block, in widths"
    )
    parser.add_argument("--block-steps", type=int, default=500)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="train nothing, draw what was measured")
    arguments = parser.parse_args()
    table = train_dir() / "scaling.csv"
    if arguments.plot:
        if len(rows := read(table)) < 2:
            parser.error(f"two trainings or more make a curve, {table} has {len(rows)}")
        cv2.imwrite(str(arguments.plot), draw(rows))
        return
    folder = prepare(arguments.crops, arguments.threads)
    steps = (arguments.block_steps, arguments.steps)
    model = train(folder, arguments.expansion, steps, arguments.batch, arguments.threads)
    student = load_student(model.with_name("latest.pt"))
    row = {
        "crops": arguments.crops or len(load()),
        "expansion": arguments.expansion,
        "parameters": sum(p.numel() for p in student.parameters()),
        "samples": arguments.steps * arguments.batch,
        **quick(model, arguments.threads),
    }
    print(row)
    append(table, row, _FIELDS)


if __name__ == "__main__":
    main()
