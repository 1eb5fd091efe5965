"""From the second look's checkpoint to the ONNX file that ships: `python -m models.training.refine_export OUT.onnx`.

As the detector's own file (`detector_export`): uint8 BGR pixels in, convolutions in 8 bits but for the first and the
last, ranges from windows that it learned from.
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

from gate.vision.refine import WINDOW_PX
from models.training.paths import train_dir
from models.training.refine_data import load
from models.training.refine_network import MEAN, STD, RefineNet

WINDOWS, SEEN = "windows", "seen"
_CALIBRATION_WINDOWS = 768
_BATCH = 32


class _Reader(CalibrationDataReader):
    """Windows (n, 64, 64, 3) BGR in batches of the float network's input."""

    def __init__(self, windows: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = (windows[s : s + _BATCH] for s in range(0, len(windows), _BATCH))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next calibration batch."""
        batch = next(self._batches, None)
        if batch is None:
            return None
        return {WINDOWS: (batch.transpose(0, 3, 1, 2).astype(np.float32) - MEAN) / np.float32(STD)}


def to_onnx(network: RefineNet) -> onnx.ModelProto:
    """The network in float: `windows` (n, 3, 64, 64) BGR in -1..1 to `seen` (n, 15)."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the newer one needs one more package (onnxscript).
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, WINDOW_PX, WINDOW_PX),),
            buffer,
            input_names=[WINDOWS],
            output_names=[SEEN],
            dynamic_axes={WINDOWS: {0: "n"}, SEEN: {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def calibration_windows() -> NDArray[np.uint8]:
    """Windows (n, 64, 64, 3) BGR, evenly over all of them, as the engine would cut them."""
    windows = load()
    return windows.inner(np.arange(0, len(windows.face), max(1, len(windows.face) // _CALIBRATION_WINDOWS)))


def quantise(model: onnx.ModelProto, windows: NDArray[np.uint8]) -> onnx.ModelProto:
    """The same with its inner convolutions in 8 bits, ranges from windows (n, 64, 64, 3) BGR."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (str(Path(folder) / name) for name in ("full.onnx", "prepared.onnx", "small.onnx"))
        onnx.save(model, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            prepared,
            target,
            _Reader(windows),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[convolutions[0], convolutions[-1]],
        )
        return onnx.load(target)


def take_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, from uint8 pixels."""
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["scaled" if name == WINDOWS else name for name in node.input]
    scale = numpy_helper.from_array(np.array(1 / STD, np.float32), "pixel.scale")
    zero = numpy_helper.from_array(np.array(MEAN, np.uint8), "pixel.zero")
    graph.initializer.extend([scale, zero])
    pixels = [WINDOWS, scale.name, zero.name]
    graph.node.insert(0, helper.make_node("DequantizeLinear", pixels, ["scaled"], name="scale"))
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def main() -> None:
    """Export the latest checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="leave everything in float")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    network = RefineNet()
    network.load_state_dict(torch.load(train_dir("refine") / "latest.pt", map_location="cpu", weights_only=True))
    model = to_onnx(network)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(take_pixels(model if arguments.full else quantise(model, calibration_windows())), arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
