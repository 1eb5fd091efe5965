"""Where a head makes its backbone look, bare and masked: `python -m models.training.head_figure HEAD.onnx OUT.png`.

The mean attention over the development set, drawn over a schematic face; no photograph is in the picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from gate.vision.head import join
from models.training.attention_figure import EYE_ROWS, draw, mean_attention
from models.training.devset import load
from models.training.head_features import BACKBONES


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
    maps = {
        name: mean_attention(model, faces[rows], "head/attention", threads=1)
        for name, faces in (("no mask", dev.clean), ("mask", dev.masked))
    }
    highest = float(max(level.max() for level in maps.values()))
    cv2.imwrite(str(arguments.out), np.hstack([draw(level, name, highest) for name, level in maps.items()]))
    print(json.dumps({f"eye rows, {name}": round(float(level[EYE_ROWS].sum()), 3) for name, level in maps.items()}))


if __name__ == "__main__":
    main()
