"""Networks of one or two operators, made here: the shapes of real models without their weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny_model(columns: int = 4, *, fill: float | None = None, sigmoid: bool = False) -> bytes:
    """An embedder by shape: (N, 3, 112, 112) to (N, columns), the channel means times a fixed matrix.

    Args:
        columns: of the output.
        fill: every number of the matrix; by default fixed random ones.
        sigmoid: squeeze the output into (0, 1).
    """
    matrix = np.random.default_rng(5).normal(size=(3, columns)).astype(np.float32)
    if fill is not None:
        matrix[:] = fill
    last = "raw" if sigmoid else "y"
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], [last]),
    ]
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", ["raw"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 112, 112])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", columns])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def bias_model(values: tuple[float, ...], size_px: int = 112) -> bytes:
    """(N, 3, size_px, size_px) to one row of given numbers, whatever the picture: a model with a known answer."""
    constant = numpy_helper.from_array(np.array([values], np.float32), "values")
    graph = helper.make_graph(
        [helper.make_node("Identity", ["values"], ["y"])],
        "bias",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, size_px, size_px])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(values)])],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
