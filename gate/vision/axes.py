"""The space in which a pack's templates lie, read off its network's last layer.

A network whose last layer is ``y = W x + b`` with fewer inputs than outputs makes embeddings that lie in the span of
W's columns and of b, whatever the picture shows. Only the bytes that say so are read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.vision.pack import ModelPack
from gate.vision.protobuf import every, fields, first, varints

_GRAPH, _NODE, _INITIALIZER = 7, 1, 5
_INPUT, _OPERATOR = 1, 4
_DIMENSIONS, _TYPE, _NAME, _BYTES = 1, 2, 8, 9
_FLOAT32 = 1
"""Fields of ModelProto, GraphProto, NodeProto and TensorProto, and a data type (onnx.proto3)."""


def spanning_vectors(pack: ModelPack) -> NDArray[np.float32] | None:
    """Vectors (M, D), M < D, whose span holds every embedding of the pack; None where the network does not tell."""
    if pack.embedder.entry.family != "arcface" or pack.head is not None:
        return None
    found = last_layer(pack.embedder.data)
    if found is None or found.shape[1] != pack.embedder.entry.dimensions or len(found) >= found.shape[1]:
        return None
    return found


def last_layer(model: bytes) -> NDArray[np.float32] | None:
    """The inputs' weights and the bias (M, D) of a network's last node, a `Gemm`; None when it is something else.

    Args:
        model: a valid ONNX file.
    """
    node = memoryview(b"")
    tensors: dict[bytes, memoryview] = {}
    for graph in every(memoryview(model), _GRAPH):
        for field, content in fields(graph):
            if field == _NODE:
                node = content
            elif field == _INITIALIZER:
                tensors[first(content, _NAME)] = content
    inputs = [bytes(name) for name in every(node, _INPUT)]
    if first(node, _OPERATOR) != b"Gemm" or len(inputs) != 3:
        return None
    weights, bias = (_numbers(tensors.get(name)) for name in inputs[1:])
    if weights is None or bias is None or weights.ndim != 2 or bias.ndim != 1 or len(bias) not in weights.shape:
        return None
    wide = weights if weights.shape[1] == len(bias) else weights.T
    return np.concatenate([wide, bias[np.newaxis]])


def _numbers(tensor: memoryview | None) -> NDArray[np.float32] | None:
    """A tensor of float32 with its numbers as bytes, as every exporter writes large ones."""
    if tensor is None:
        return None
    shape = [size for field, size in varints(tensor) if field == _DIMENSIONS]
    content = first(tensor, _BYTES)
    if (_TYPE, _FLOAT32) not in varints(tensor) or len(content) != 4 * np.prod(shape):
        return None
    return np.frombuffer(content, "<f4").reshape(shape)
