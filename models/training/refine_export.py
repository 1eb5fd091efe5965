"""From the second look's checkpoint to the ONNX file that ships: `python -m models.training.refine_export OUT.onnx`.

As the detector's own file (`detector_export`): uint8 BGR pixels in, convolutions in 8 bits but for the first and the
last, ranges from windows that it learned from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from gate.vision.refine import WINDOW_PX
from models.training.eight_bits import but_the_ends, in_float, quantised, take_pixels, to_float
from models.training.paths import train_dir
from models.training.refine_data import EDGE_PX, FACE, Example, from_photos, load
from models.training.refine_network import RefineNet, scaled, wanted

WINDOWS, SEEN = "windows", "seen"
_CALIBRATION_WINDOWS = 768
_BATCH = 32
_LEANING_VIEWS = 400
# The first that the network says after the score: the box's sides do not lean.
_SIDES = 2


def leant(network: RefineNet, examples: Iterable[Example]) -> RefineNet:
    """The network with the teacher's lean: its points stand a little, 1.6 % of the eye distance, to the right.

    Training mirrors every second window, and so takes away what is not the same on both sides. Embedders were trained
    on faces that such detectors had aligned, lean and all, and so it is put back: the median by which the network's
    places differ from the teacher's in pictures that are not mirrored.
    """
    faces = [(window, points, box) for window, face, points, box in examples if face == FACE]
    pictures, points, boxes = (np.stack(column) for column in zip(*faces, strict=True))
    inner = slice(EDGE_PX, EDGE_PX + WINDOW_PX)
    pixels = torch.from_numpy(np.ascontiguousarray(pictures[:, inner, inner].transpose(0, 3, 1, 2)))
    with torch.no_grad():
        off = network(scaled(pixels))[:, 1:] - torch.from_numpy(wanted(points, boxes))
        lean = off.median(dim=0).values
        lean[:_SIDES] = 0
        network.say.bias[1:] -= lean
    return network


def to_onnx(network: RefineNet) -> onnx.ModelProto:
    """The network in float: `windows` (n, 3, 64, 64) BGR in -1..1 to `seen` (n, 15)."""
    return in_float(network, (2, 3, WINDOW_PX, WINDOW_PX), (WINDOWS, SEEN), ({0: "n"}, {0: "n"}))


def calibration_windows() -> NDArray[np.uint8]:
    """Windows (n, 64, 64, 3) BGR, evenly over all of them, as the engine would cut them."""
    windows = load()
    return windows.inner(np.arange(0, len(windows.face), max(1, len(windows.face) // _CALIBRATION_WINDOWS)))


def quantise(model: onnx.ModelProto, windows: NDArray[np.uint8]) -> onnx.ModelProto:
    """The same with its inner convolutions in 8 bits, ranges from windows (n, 64, 64, 3) BGR."""
    batches = (to_float(windows[start : start + _BATCH]) for start in range(0, len(windows), _BATCH))
    return quantised(model, batches, but_the_ends(1))


def main() -> None:
    """Export the latest checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="leave everything in float")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    network = RefineNet()
    network.load_state_dict(torch.load(train_dir("refine") / "latest.pt", map_location="cpu", weights_only=True))
    model = to_onnx(leant(network.eval(), from_photos(_LEANING_VIEWS, np.random.default_rng(1))))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(take_pixels(model if arguments.full else quantise(model, calibration_windows())), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
