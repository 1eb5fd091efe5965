"""The space in which a pack's templates lie, read off its network's last layer.

A network whose last layer is ``y = W x + b`` with fewer inputs than outputs makes embeddings that lie in the span of
W's columns and of b, whatever the picture shows. Only the bytes that say so are read: to parse the whole file takes the
protobuf library 15 ms of the start.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gate.vision.pack import ModelPack

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
    for graph in _all(memoryview(model), _GRAPH):
        for field, content in _fields(graph):
            if field == _NODE:
                node = content
            elif field == _INITIALIZER:
                tensors[_first(content, _NAME)] = content
    inputs = [bytes(name) for name in _all(node, _INPUT)]
    if _first(node, _OPERATOR) != b"Gemm" or len(inputs) != 3:
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
    shape = [size for field, size in _varints(tensor) if field == _DIMENSIONS]
    content = _first(tensor, _BYTES)
    if (_TYPE, _FLOAT32) not in _varints(tensor) or len(content) != 4 * np.prod(shape):
        return None
    return np.frombuffer(content, "<f4").reshape(shape)


def _first(message: memoryview, wanted: int) -> bytes:
    return bytes(next(_all(message, wanted), b""))


def _all(message: memoryview, wanted: int) -> Iterator[memoryview]:
    return (content for field, content in _fields(message) if field == wanted)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((field, content) for field, content in _walk(message) if isinstance(content, memoryview))


def _varints(message: memoryview) -> list[tuple[int, int]]:
    return [(field, number) for field, number in _walk(message) if isinstance(number, int)]


def _walk(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Fields of a protobuf message with their contents; numbers of fixed width are passed over."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            number, place = _varint(message, place)
            yield key >> 3, number
        elif kind == 2:
            length, place = _varint(message, place)
            yield key >> 3, message[place : place + length]
            place += length
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            return


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
