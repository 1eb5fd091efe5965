"""Small repairs to an ONNX graph, made in memory at load; files on disk stay as their hash says."""

from __future__ import annotations

import onnx

from gate.vision.protobuf import every, first


def with_symbolic_size(model: bytes) -> bytes:
    """The model with height and width of its input left open.

    Detectors are often exported for 640 x 640 although nothing in them depends on it. Shapes stated for
    inner tensors and outputs go too: they would contradict every other size.

    Args:
        model: bytes of a valid ONNX file with one input (N, 3, H, W).
    """
    proto = onnx.load_model_from_string(model)
    axes = proto.graph.input[0].type.tensor_type.shape.dim
    axes[2].dim_param, axes[3].dim_param = "height", "width"
    del proto.graph.value_info[:]
    for output in proto.graph.output:
        for axis in list(output.type.tensor_type.shape.dim)[:-1]:
            axis.Clear()
    symbolic: bytes = proto.SerializeToString()
    return symbolic


def open_batch_axis(model: bytes) -> str:
    """Name of the batch axis of a model's one input (N, …); empty where its size is stated."""
    shape = memoryview(model)
    for field in _TO_FIRST_AXIS:
        shape = next(every(shape, field), memoryview(b""))
    return first(shape, _AXIS_NAME).decode(errors="replace")


# ModelProto.graph, GraphProto.input, its type, tensor_type, shape and the first dim; Dimension.dim_param (onnx.proto3).
_TO_FIRST_AXIS = (7, 11, 2, 1, 2, 1)
_AXIS_NAME = 2
