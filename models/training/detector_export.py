"""From the detector's checkpoint to the ONNX file that ships: `python -m models.training.detector_export RUN OUT.onnx`.

The file takes a picture's own pixels, (1, 3, H, W) uint8 BGR: a canvas as float costs more time than the first three
convolutions. Convolutions are in 8 bits (weights by channel, activations by tensor, ranges from rendered scenes), but
for the first, which sees the picture, and the last, which say the answer.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.training import detector_shards
from models.training.detector_network import CHANNELS, STRIDES_PX, DetectorNet, DetectorShape
from models.training.eight_bits import but_the_ends, in_float, quantised, take_pixels, to_float
from models.training.paths import train_dir

PICTURE, FACES = "picture", "faces"
_CALIBRATION_SCENES = 256


def load_network(checkpoint: Path) -> DetectorNet:
    """The network of a checkpoint with its averaged weights."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = DetectorNet(DetectorShape(**state["shape"]))
    network.load_state_dict(state["average"])
    network.eval()
    return network


def to_onnx(network: DetectorNet) -> onnx.ModelProto:
    """The network in float: `picture` (1, 3, height, width) BGR in -1..1 to `faces` (1, 15, cells)."""
    network = copy.deepcopy(network)
    first = network.stem[0][0]
    first.weight.data = first.weight.data.flip(1)  # trained on RGB
    axes = ({2: "height", 3: "width"}, {2: "cells"})
    model = in_float(network, (1, 3, 256, 320), (PICTURE, FACES), axes)
    for axis, size in zip(model.graph.output[0].type.tensor_type.shape.dim, (1, CHANNELS), strict=False):
        axis.dim_value = size
    return model


def calibration_scenes() -> NDArray[np.uint8]:
    """Scenes (n, side, side, 3) BGR of the first shard, by which ranges are set."""
    pictures, _ = detector_shards.load(detector_shards.available()[0])
    return pictures[:_CALIBRATION_SCENES]


def quantise(model: onnx.ModelProto, pictures: NDArray[np.uint8]) -> onnx.ModelProto:
    """The same with its inner convolutions in 8 bits, ranges from pictures (n, side, side, 3) BGR."""
    one_by_one = (to_float(pictures[row : row + 1]) for row in range(len(pictures)))
    return quantised(model, one_by_one, but_the_ends(len(STRIDES_PX)), ("Conv", "Add", "Resize", "Relu"))


def main() -> None:
    """Export the latest checkpoint of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="leave everything in float")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    model = to_onnx(load_network(train_dir("detector", arguments.run) / "latest.pt"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(take_pixels(model if arguments.full else quantise(model, calibration_scenes())), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
