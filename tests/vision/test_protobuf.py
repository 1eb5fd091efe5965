"""Fields read off the bytes of a model, against the library that parses it whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from gate.errors import Code, ModelPackError
from gate.vision.axes import last_layer
from gate.vision.graph import open_batch_axis
from gate.vision.load import _one_face
from gate.vision.session import Provider


def model(batch: int | str) -> bytes:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    made: bytes = helper.make_model(graph).SerializeToString()
    return made


@pytest.mark.parametrize(("batch", "name"), [("faces", "faces"), (1, "")])
def test_the_open_batch_axis_is_found(batch: int | str, name: str) -> None:
    assert open_batch_axis(model(batch)) == name


@given(st.binary(max_size=200))
def test_whatever_the_bytes_reading_them_ends(data: bytes) -> None:
    open_batch_axis(data)
    last_layer(data)


def test_a_file_that_is_no_model_is_still_told_as_such() -> None:
    """Looking into it first must not turn the typed error into another."""
    with pytest.raises(ModelPackError) as refused:
        _one_face(model("n")[:-9], "broken", Provider.CPU, 1)
    assert refused.value.code is Code.MODEL_INVALID
