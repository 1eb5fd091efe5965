"""Axes that leave out a part of what a pack's templates fill make strangers of travellers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gate.gallery.axes import Axes
from gate.gallery.templates import Templates
from gate.vision.axes import last_layer, spanning_vectors
from gate.vision.load import find_pack, load_embedder
from gate.vision.session import Provider

PACKS = ("edgeface-xs", "edgeface-xxs", "w600k-mbf", "w600k-mbf-head", "egate-s")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", PACKS)
def test_every_packs_templates_lie_on_its_axes(name: str) -> None:
    """Noise is a harder question than faces: it goes where no face has been."""
    pack = find_pack(name)
    embedder = load_embedder(pack, provider=Provider.CPU, threads=1)
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (6, 112, 112, 3), np.uint8)
    rows = embedder.embed(crops)
    spanning = spanning_vectors(pack)
    held = Templates.of(rows, Axes.of(spanning, embedder.dimensions))
    assert held.rows() == pytest.approx(rows, abs=2e-6)
    if name.startswith("edgeface"):
        assert spanning is not None
        assert len(spanning) < 200


@pytest.mark.usefixtures("shared")
def test_the_layer_is_read_as_the_library_reads_it() -> None:
    data = find_pack("edgeface-xs").embedder.data
    graph = onnx.load_model_from_string(data).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights, bias = (tensors[name] for name in graph.node[-1].input[1:])
    found = last_layer(data)
    assert found is not None
    assert np.array_equal(found[:-1], weights.T)
    assert np.array_equal(found[-1], bias)


def model(operator: str, kind: int = TensorProto.FLOAT) -> bytes:
    """One layer from 3 numbers to 5."""
    numbers = np.arange(15, dtype=helper.tensor_dtype_to_np_dtype(kind)).reshape(3, 5)
    tensors = [numpy_helper.from_array(numbers, "w"), numpy_helper.from_array(numbers[0], "b")]
    inputs = ["x", "w", "b"] if operator == "Gemm" else ["x", "w"]
    ends = [helper.make_tensor_value_info(name, kind, None) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(operator, inputs, ["y"])], "g", ends[:1], ends[1:], tensors)
    return helper.make_model(graph).SerializeToString()


def test_a_layer_is_found_and_turned_the_right_way() -> None:
    found = last_layer(model("Gemm"))
    assert found is not None
    assert np.array_equal(found, np.concatenate([np.arange(15).reshape(3, 5), np.arange(5)[np.newaxis]]))


@pytest.mark.parametrize("other", [model("MatMul"), model("Gemm", TensorProto.DOUBLE), b""])
def test_what_is_no_such_layer_tells_nothing(other: bytes) -> None:
    """A guess here would cut templates short."""
    assert last_layer(other) is None
