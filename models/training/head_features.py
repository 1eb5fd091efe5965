"""Backbones that a head can be trained for, and their embeddings of all clean crops, which the head must reach.

`python -m models.training.head_features --backbone w600k-mbf` writes `head/<backbone>/clean.npy` (n, 512) float16,
L2-normalised, in the training folder, and `done.txt`, the rows done; a run continues where the last one stopped. Crops
are looked at in one shuffled order, so that training can begin with what is there.
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
    """The shuffled order in which crops are looked at: row i of `clean.npy` is crop `order(n)[i]`."""
    return np.random.default_rng(0).permutation(count)


def clean_embeddings(backbone: str) -> NDArray[np.float32]:
    """Rows (m, 512) done by now."""
    folder = train_dir("head", backbone)
    rows = int((folder / "done.txt").read_text())
    return np.asarray(np.load(folder / "clean.npy", mmap_mode="r")[:rows], np.float32)


def main() -> None:
    """Embed what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder, crops, backbone = train_dir("head", arguments.backbone), load(), BACKBONES[arguments.backbone]
    network, shuffled = ConvolutionalNetwork(backbone.path), order(len(crops))
    path, done = folder / "clean.npy", folder / "done.txt"
    if not path.is_file():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(len(crops), 512)).flush()
        done.write_text("0")
    array = np.load(path, mmap_mode="r+")
    for start in tqdm(range(int(done.read_text()), len(crops), _CHUNK), desc=arguments.backbone, mininterval=10):
        rows = shuffled[start : start + _CHUNK]
        parts = [
            network.run(to_input(crops.rgb[rows[i : i + _BATCH]]), backbone.embedding)
            for i in range(0, len(rows), _BATCH)
        ]
        array[start : start + len(rows)] = normalise(np.concatenate(parts))
        array.flush()
        done.write_text(str(start + len(rows)))


if __name__ == "__main__":
    main()
