"""From the detector's checkpoint to the ONNX file that ships: `python -m models.training.detector_export RUN OUT.onnx`.

The file takes a picture's own pixels, (1, 3, H, W) uint8 BGR: a canvas as float costs more time than the first three
convolutions. Convolutions are in 8 bits (weights by channel, activations by tensor, ranges from rendered scenes), but
for the first, which sees the picture, and the last, which say the answer.
"""

from __future__ import annotations

import argparse
import copy
import io
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.training import detector_shards
from models.training.detector_network import CHANNELS, STRIDES_PX, DetectorNet, DetectorShape
from models.training.paths import train_dir

PICTURE, FACES = "picture", "faces"
_CALIBRATION_SCENES = 256
# What the training sees as zero is the pixel value 127.5; half a grey level is less than any camera's noise.
_MEAN, _STD = 128, 128.0


class _Reader(CalibrationDataReader):
    """Pictures (n, side, side, 3) BGR, one after the other as the float network's input."""

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self._pictures: Iterator[NDArray[np.uint8]] = iter(pictures)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next calibration picture."""
        picture = next(self._pictures, None)
        return None if picture is None else {PICTURE: to_float(np.asarray(picture))}


def to_float(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture (H, W, 3) as the float network's input (1, 3, H, W), BGR."""
    return np.ascontiguousarray((bgr.transpose(2, 0, 1)[None].astype(np.float32) - _MEAN) / np.float32(_STD))


def load_network(checkpoint: Path) -> DetectorNet:
    """The network of a checkpoint with its averaged weights."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = DetectorNet(DetectorShape(**state["shape"]))
    network.load_state_dict(state["average"])
    network.eval()
    return network


def to_onnx(network: DetectorNet) -> onnx.ModelProto:
    """The network in float: `picture` (1, 3, height, width) BGR in -1..1 to `faces` (1, 15, cells)."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    first = network.stem[0][0]
    first.weight.data = first.weight.data.flip(1)  # trained on RGB
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the newer one needs one more package (onnxscript).
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 256, 320),),
            buffer,
            input_names=[PICTURE],
            output_names=[FACES],
            dynamic_axes={PICTURE: {2: "height", 3: "width"}, FACES: {2: "cells"}},
            opset_version=17,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def calibration_scenes() -> NDArray[np.uint8]:
    """Scenes (n, side, side, 3) BGR of the first shard, by which ranges are set."""
    pictures, _ = detector_shards.load(detector_shards.available()[0])
    return pictures[:_CALIBRATION_SCENES]


def quantise(model: onnx.ModelProto, pictures: NDArray[np.uint8]) -> onnx.ModelProto:
    """The same with its inner convolutions in 8 bits, ranges from pictures (n, side, side, 3) BGR."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (str(Path(folder) / name) for name in ("full.onnx", "prepared.onnx", "small.onnx"))
        onnx.save(model, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            prepared,
            target,
            _Reader(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv", "Add", "Resize", "Relu"],
            nodes_to_exclude=[convolutions[0], *convolutions[-len(STRIDES_PX) :]],
        )
        return onnx.load(target)


def take_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, from uint8 pixels."""
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["scaled" if name == PICTURE else name for name in node.input]
    scale = numpy_helper.from_array(np.array(1 / _STD, np.float32), "pixel.scale")
    zero = numpy_helper.from_array(np.array(_MEAN, np.uint8), "pixel.zero")
    graph.initializer.extend([scale, zero])
    pixels = [PICTURE, scale.name, zero.name]
    graph.node.insert(0, helper.make_node("DequantizeLinear", pixels, ["scaled"], name="scale"))
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    for axis, size in zip(graph.output[0].type.tensor_type.shape.dim, (1, CHANNELS), strict=False):
        axis.dim_value = size
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model


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
