"""Where a head makes its backbone look, bare and masked: `python -m models.training.head_figure HEAD.onnx OUT.png`.

The mean attention over the development set, drawn over a schematic face; no photograph is in the picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.head import join
from models.training.attention_figure import draw
from models.training.devset import load
from models.training.head_features import BACKBONES
from models.training.teacher import session, to_input

_BATCH = 8
# Rows 1 to 3 of the 7 x 7 map: 16 to 64 px of the crop, forehead to below the eyes.
_EYE_ROWS = slice(1, 4)


def mean_attention(model: bytes, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean map (7, 7), summing to 1, over crops (n, 112, 112, 3) RGB."""
    runner = session(model, threads=1)
    feed = runner.get_inputs()[0].name
    parts = range(0, len(crops), _BATCH)
    maps = [runner.run(["head/attention"], {feed: to_input(crops[s : s + _BATCH])})[0] for s in parts]
    return np.asarray(np.concatenate(maps).mean(axis=0), np.float32)


def main() -> None:
    """Draw, and say how much of the attention is on the eye rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("head", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--faces", type=int, default=400)
    arguments = parser.parse_args()
    model = join(BACKBONES[arguments.backbone].path.read_bytes(), arguments.head.read_bytes(), arguments.head.name)
    dev = load()
    rows = np.random.default_rng(0).choice(len(dev.clean), min(arguments.faces, len(dev.clean)), replace=False)
    maps = {"no mask": mean_attention(model, dev.clean[rows]), "mask": mean_attention(model, dev.masked[rows])}
    highest = float(max(level.max() for level in maps.values()))
    cv2.imwrite(str(arguments.out), np.hstack([draw(level, name, highest) for name, level in maps.items()]))
    print(json.dumps({f"eye rows, {name}": round(float(level[_EYE_ROWS].sum()), 3) for name, level in maps.items()}))


if __name__ == "__main__":
    main()
