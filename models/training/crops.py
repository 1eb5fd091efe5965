"""The training crops, decoded once into one array that every training script maps into memory.

`python -m models.training.crops` writes `crops.npy` (n, 112, 112, 3) RGB uint8 and `crops.csv` with the index rows.
An operator's own data goes in the same way: 112 x 112 crops on the ArcFace template in zips, and an `index.csv` with
the columns `zip, member, source, identity, eye_distance_px`, in the folder given with `--data`.
"""

from __future__ import annotations

import argparse
import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.paths import shared_dir, train_dir

CROP_SIZE = 112
# Where the five landmarks stand in every crop: left eye, right eye, nose, left and right mouth corner; x, y in px.
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    dtype=np.float32,
)


@dataclass(frozen=True, slots=True)
class Crops:
    """`rgb` (n, 112, 112, 3) uint8, memory-mapped; `identity` (n,), -1 where unknown; `source` and `member` (n,)."""

    rgb: NDArray[np.uint8]
    identity: NDArray[np.int64]
    source: NDArray[np.str_]
    member: NDArray[np.str_]
    eye_distance_px: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rgb)


def build(data: Path, some: int | None = None) -> None:
    """Decode every crop that `data / index.csv` names, or `some` at random: fewer are among the more.

    Raises:
        ValueError: fewer crops than `some`, or one that is no picture of 112 x 112.
    """
    with (data / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if some is not None:
        if not 0 < some <= len(rows):
            raise ValueError(f"expected 1 to {len(rows)} crops of {data}, asked for {some}")
        rows = [rows[i] for i in np.sort(np.random.default_rng(0).permutation(len(rows))[:some])]
    folder = train_dir()
    shape = (len(rows), CROP_SIZE, CROP_SIZE, 3)
    rgb = np.lib.format.open_memmap(folder / "crops.tmp.npy", mode="w+", dtype=np.uint8, shape=shape)
    archives = {name: zipfile.ZipFile(data / name) for name in sorted({row["zip"] for row in rows})}
    for index, row in enumerate(tqdm(rows, desc="crops", mininterval=5)):
        encoded = np.frombuffer(archives[row["zip"]].read(row["member"]), dtype=np.uint8)
        picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        if picture is None or picture.shape != shape[1:]:
            raise ValueError(f"{row['zip']}: {row['member']} is no {CROP_SIZE} x {CROP_SIZE} picture")
        rgb[index] = picture[:, :, ::-1]
    rgb.flush()
    with (folder / "crops.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "crops.tmp.npy").rename(folder / "crops.npy")


def load() -> Crops:
    """The decoded crops; builds them on first use."""
    path = train_dir() / "crops.npy"
    if not path.is_file():
        build(shared_dir() / "data" / "faces" / "train")
    with (train_dir() / "crops.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # CelebA's two shards number their people alike; elsewhere a name is only known within its source.
    names = [f"{r['source'].split('-')[0] if 'celeba' in r['source'] else r['source']}/{r['identity']}" for r in rows]
    known = {name: i for i, name in enumerate(sorted({n for n in names if not n.endswith(("/", "/_"))}))}
    return Crops(
        rgb=np.load(path, mmap_mode="r"),
        identity=np.array([known.get(name, -1) for name in names], dtype=np.int64),
        source=np.array([r["source"] for r in rows]),
        member=np.array([r["member"] for r in rows]),
        eye_distance_px=np.array([float(r["eye_distance_px"] or 40) for r in rows], dtype=np.float32),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=shared_dir() / "data" / "faces" / "train")
    parser.add_argument("--some", type=int, metavar="N", help="only N of them, drawn at random")
    arguments = parser.parse_args()
    build(arguments.data, arguments.some)
