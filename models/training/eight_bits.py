"""From a torch network to a small ONNX file in 8 bits.

The detector's two looks also take their pictures' own pixels, uint8 BGR: as floats they cost more time than the first
convolutions.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from models.training.tracing import traced

# A zero point of 8 bits is whole, so it is not the mean pixel value 127.5; half a grey level is less than any
# camera's noise.
MEAN, STD = 128, 128.0


def to_float(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures (n, H, W, 3) as a float network's input (n, 3, H, W)."""
    return np.ascontiguousarray((bgr.transpose(0, 3, 1, 2).astype(np.float32) - MEAN) / np.float32(STD))


def in_float(
    network: nn.Module, example: tuple[int, ...], names: tuple[str, str], axes: tuple[dict[int, str], dict[int, str]]
) -> onnx.ModelProto:
    """A network of one input of the shape `example` and one output in float; names and open axes of both."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    return onnx.load_from_string(traced(network, example, names, dict(zip(names, axes, strict=True))))


class _Reader(CalibrationDataReader):
    def __init__(self, inputs: Iterable[NDArray[np.float32]], name: str) -> None:
        self._inputs: Iterator[NDArray[np.float32]] = iter(inputs)
        self._name = name

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next calibration batch."""
        batch = next(self._inputs, None)
        return None if batch is None else {self._name: batch}


def quantised(
    model: onnx.ModelProto,
    inputs: Iterable[NDArray[np.float32]],
    left: Callable[[list[str]], list[str]],
    operators: tuple[str, ...] = ("Conv",),
) -> onnx.ModelProto:
    """The same with convolutions in 8 bits: weights by channel, activations by tensor.

    Args:
        model: in float, with one input.
        inputs: batches for it, from which the ranges come.
        left: which of the convolutions, named in their order, stay in float.
        operators: that are to be in 8 bits.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (str(Path(folder) / name) for name in ("full.onnx", "prepared.onnx", "small.onnx"))
        onnx.save(model, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            prepared,
            target,
            _Reader(inputs, model.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=list(operators),
            nodes_to_exclude=left(convolutions),
        )
        return onnx.load(target)


def but_the_ends(last: int) -> Callable[[list[str]], list[str]]:
    """In float: the first convolution, which sees the picture, and so many `last` ones, which say the answer."""
    return lambda names: [names[0], *names[-last:]]


def take_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, from uint8 pixels."""
    graph = model.graph
    picture = graph.input[0].name
    for node in graph.node:
        node.input[:] = ["scaled" if name == picture else name for name in node.input]
    scale = numpy_helper.from_array(np.array(1 / STD, np.float32), "pixel.scale")
    zero = numpy_helper.from_array(np.array(MEAN, np.uint8), "pixel.zero")
    graph.initializer.extend([scale, zero])
    pixels = [picture, scale.name, zero.name]
    graph.node.insert(0, helper.make_node("DequantizeLinear", pixels, ["scaled"], name="scale"))
    graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return model
