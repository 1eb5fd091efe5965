"""Backbones that a head can be trained for, and their embeddings of the crops, which tell a head where to go.

`python -m models.training.head_features --backbone w600k-mbf` writes under `head/<backbone>/` of the training folder

* `clean.npy` (n, 512) float16, L2-normalised: the embeddings of all clean crops, which the head must reach;
* `occluded.npy` the same of some occluded ones (variant 0), from which a linear correction is solved to start with;

and `<name>-done.txt`, the rows done; a run continues where the last one stopped. Crops are looked at in one shuffled
order: row i is crop `order(n)[i]`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.crops import load
from models.training.head_backbone import ConvolutionalNetwork
from models.training.paths import shared_dir, train_dir
from models.training.teacher import normalise, to_input

_CHUNK = 512
_LINEAR = 16384  # occluded crops from which the linear correction is solved
_BATCH = 16  # larger batches fall out of the cache


@dataclass(frozen=True, slots=True)
class Backbone:
    """An ArcFace-type network of plain convolutions.

    Attributes:
        file: in `shared/models`.
        taps: the tensors that a head may replace, in order: maps (n, C, 14, 14) and (n, C, 7, 7).
        embedding: the output (n, D).
    """

    file: str
    taps: tuple[str, ...]
    embedding: str

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return shared_dir() / "models" / self.file


BACKBONES = {
    # The ends of residual blocks: every second one at 14 x 14, all three at 7 x 7.
    "w600k-mbf": Backbone("w600k_mbf.onnx", ("574", "429", "451", "473", "637", "494", "505"), "516"),
}


def order(count: int) -> NDArray[np.int64]:
    """The shuffled order in which crops are looked at."""
    return np.random.default_rng(0).permutation(count)


def embeddings(backbone: str, name: str) -> NDArray[np.float32]:
    """Rows (m, 512) of `clean` or `occluded` done by now."""
    folder = train_dir("head", backbone)
    rows = int((folder / f"{name}-done.txt").read_text())
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")[:rows], np.float32)


def _embed(backbone: Backbone, folder: Path, name: str, pictures: NDArray[np.uint8], count: int) -> None:
    path, done = folder / f"{name}.npy", folder / f"{name}-done.txt"
    network, shuffled = ConvolutionalNetwork(backbone.path), order(len(pictures))[:count]
    if not path.is_file():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(count, 512)).flush()
        done.write_text("0")
    array = np.load(path, mmap_mode="r+")
    for start in tqdm(range(int(done.read_text()), count, _CHUNK), desc=name, mininterval=10):
        rows = shuffled[start : start + _CHUNK]
        batches = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
        found = [network.run(to_input(pictures[batch]), backbone.embedding) for batch in batches]
        array[start : start + len(rows)] = normalise(np.concatenate(found))
        array.flush()
        done.write_text(str(start + len(rows)))


def main() -> None:
    """Embed what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder, backbone, crops = train_dir("head", arguments.backbone), BACKBONES[arguments.backbone], load()
    _embed(backbone, folder, "clean", crops.rgb, len(crops))
    occluded = np.load(train_dir() / "occluded-0.npy", mmap_mode="r")
    _embed(backbone, folder, "occluded", occluded, min(len(crops), _LINEAR))


if __name__ == "__main__":
    main()
