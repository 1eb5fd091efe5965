"""Where the student looks, bare and masked: `python -m models.training.attention_figure MODEL.onnx OUT.png`.

The mean attention over the development set, drawn over a schematic face; no photograph is in the picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.crops import CROP_SIZE, TEMPLATE
from models.training.devset import load
from models.training.teacher import outputs_of

_SCALE = 4
# Rows 1 to 3 of the 7 x 7 map: 16 to 64 px of the crop, forehead to below the eyes.
EYE_ROWS = slice(1, 4)


def mean_attention(
    model: Path | bytes, crops: NDArray[np.uint8], output: str = "attention", threads: int = 2
) -> NDArray[np.float32]:
    """Mean map (7, 7), summing to one, over crops (n, 112, 112, 3) RGB."""
    (maps,) = outputs_of(model, crops, (output,), threads)
    return np.asarray(maps.mean(axis=0), dtype=np.float32)


def draw(attention: NDArray[np.float32], title: str, highest: float) -> NDArray[np.uint8]:
    """One panel (448, 448, 3) BGR: the map as colour, a schematic face as lines."""
    side = CROP_SIZE * _SCALE
    level = cv2.resize(attention / highest, (side, side), interpolation=cv2.INTER_CUBIC)
    panel = cv2.applyColorMap((np.clip(level, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    white = (255, 255, 255)
    points = np.round(TEMPLATE * _SCALE).astype(int)
    for x, y in points[:2]:
        cv2.ellipse(panel, (int(x), int(y)), (34, 16), 0, 0, 360, white, 2, cv2.LINE_AA)
        cv2.ellipse(panel, (int(x), int(y) - 34), (42, 12), 0, 200, 340, white, 2, cv2.LINE_AA)
    cv2.ellipse(panel, (int(points[2, 0]), int(points[2, 1])), (22, 12), 0, 0, 180, white, 2, cv2.LINE_AA)
    middle = points[3:].mean(axis=0).astype(int)
    cv2.ellipse(panel, (int(middle[0]), int(middle[1])), (58, 18), 0, 0, 360, white, 2, cv2.LINE_AA)
    cv2.ellipse(panel, (int(points[2, 0]), 250), (150, 220), 0, 0, 360, white, 2, cv2.LINE_AA)
    cv2.putText(panel, title, (12, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, white, 2, cv2.LINE_AA)
    return np.asarray(panel, dtype=np.uint8)


def main() -> None:
    """Draw and say how much of the attention is on the eye rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--faces", type=int, default=800)
    arguments = parser.parse_args()
    dev = load()
    rows = np.random.default_rng(0).choice(len(dev.clean), min(arguments.faces, len(dev.clean)), replace=False)
    maps = {
        name: mean_attention(arguments.model, faces[rows])
        for name, faces in (("bare", dev.clean), ("masked", dev.masked))
    }
    highest = max(float(m.max()) for m in maps.values())
    cv2.imwrite(str(arguments.out), np.hstack([draw(m, name, highest) for name, m in maps.items()]))
    print(json.dumps({f"on_eye_rows_{name}": round(float(m[EYE_ROWS].sum()), 3) for name, m in maps.items()}))


if __name__ == "__main__":
    main()
