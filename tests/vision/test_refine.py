"""Guards the second look: windows that show the face upright, and answers that come back to where they belong."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.align import apply_similarity, invert_similarity
from gate.vision.refine import (
    CHANNELS,
    UNIT_PX,
    USUAL_MIDDLE_PX,
    USUAL_SIDES_PX,
    WINDOW_PX,
    FaceRefiner,
    read,
    to_window,
    window_template,
)
from gate.vision.session import OrtSession
from tests.vision.tiny import bias_model

GREY = np.full((120, 160, 3), 90, np.uint8)


def says(row: NDArray[np.float32]) -> FaceRefiner:
    """A second look with a known answer, whatever it sees."""
    graph = helper.make_graph(
        [
            # The mean times nothing: as many rows as windows, and of each the same.
            helper.make_node("Cast", ["windows"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
            helper.make_node("Flatten", ["means"], ["flat"]),
            helper.make_node("MatMul", ["flat", "nothing"], ["zeros"]),
            helper.make_node("Add", ["zeros", "row"], ["seen"]),
        ],
        "says",
        [helper.make_tensor_value_info("windows", TensorProto.UINT8, ["n", 3, WINDOW_PX, WINDOW_PX])],
        [helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["n", CHANNELS])],
        [
            numpy_helper.from_array(np.zeros((3, CHANNELS), np.float32), "nothing"),
            numpy_helper.from_array(row.astype(np.float32), "row"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return FaceRefiner(OrtSession(bytes(model.SerializeToString()), name="says"))


def placed(scale: float, turn: float, x: float, y: float) -> NDArray[np.float32]:
    """The template's points (5, 2), turned (radians), scaled and moved into a picture."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    return np.asarray(window_template() @ np.array([[cos, sin], [-sin, cos]]) + (x, y), np.float32)


def test_the_template_lies_inside_the_window() -> None:
    """With room on every side: a proposal may be a third of a face off."""
    template = window_template()
    assert (template > WINDOW_PX / 5).all()
    assert (template < WINDOW_PX * 4 / 5).all()


@given(
    scale=st.floats(0.2, 8), turn=st.floats(-1, 1), x=st.floats(-50, 500), y=st.floats(-50, 500), seed=st.integers(0, 9)
)
def test_what_is_said_of_a_window_comes_back_to_the_picture(
    scale: float, turn: float, x: float, y: float, seed: int
) -> None:
    """A turn taken the wrong way, or a shift before the scale, would put eyes beside eyes."""
    transform = to_window(placed(scale, turn, x, y))
    said = np.random.default_rng(seed).normal(0, 0.5, (1, CHANNELS)).astype(np.float32)
    found = read(said, transform[None])
    back = invert_similarity(transform)
    offsets = said[0, 3:].reshape(6, 2) * UNIT_PX
    points = apply_similarity(back, (window_template() + offsets[1:]).astype(np.float32))
    np.testing.assert_allclose(found.landmarks[0], points, atol=0.02)
    middle = apply_similarity(back, (np.array([USUAL_MIDDLE_PX]) + offsets[:1]).astype(np.float32))[0]
    sides = np.array(USUAL_SIDES_PX) * np.exp(said[0, 1:3]) * scale
    np.testing.assert_allclose(found.boxes_xyxy[0], [*(middle - sides / 2), *(middle + sides / 2)], atol=0.05)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-float(said[0, 0]))), abs=1e-6)


def test_a_network_that_moves_nothing_leaves_the_points_as_they_were() -> None:
    rough = np.stack([placed(1.5, 0.2, 20, 10), placed(0.4, 0.0, 90, 60)])
    seen = says(np.zeros(CHANNELS, np.float32)).look(GREY, rough)
    np.testing.assert_allclose(seen.landmarks, rough, atol=0.01)
    np.testing.assert_allclose(seen.scores, [0.5, 0.5])


def test_every_candidate_gets_its_own_answer_in_order() -> None:
    """One answer for all would look right with one person at the gate, and wrong with two."""
    row = np.zeros(CHANNELS, np.float32)
    row[-2:] = (1.0, -0.5)
    rough = np.stack([placed(1.0, 0.0, x, 20) for x in (10, 60, 100)])
    seen = says(row).look(GREY, rough)
    np.testing.assert_allclose(seen.landmarks[:, :4], rough[:, :4], atol=0.01)
    np.testing.assert_allclose(seen.landmarks[:, 4] - rough[:, 4], np.tile([UNIT_PX, -UNIT_PX / 2], (3, 1)), atol=0.01)


def test_an_absurd_side_stays_a_number() -> None:
    row = np.zeros(CHANNELS, np.float32)
    row[1:3] = 500
    assert np.isfinite(says(row).look(GREY, placed(1, 0, 20, 20)[None]).boxes_xyxy).all()


def test_points_all_at_one_place_are_looked_at_too() -> None:
    """They define no scale; a weak false proposal must not end a passage."""
    seen = says(np.full(CHANNELS, -3, np.float32)).look(GREY, np.full((1, 5, 2), 30, np.float32))
    assert seen.scores[0] < 0.1


def test_a_candidate_far_outside_the_picture_is_looked_at_too() -> None:
    seen = says(np.zeros(CHANNELS, np.float32)).look(GREY, placed(30.0, 0.1, -9000, 4000)[None])
    assert np.isfinite(seen.landmarks).all()


def test_points_that_are_no_numbers_are_a_fault() -> None:
    rough = placed(1, 0, 20, 20)[None]
    rough[0, 2, 1] = np.nan
    with pytest.raises(EngineFault, match="not finite"):
        says(np.zeros(CHANNELS, np.float32)).look(GREY, rough)


def test_answers_that_are_no_numbers_are_a_fault() -> None:
    """NaN reaches no threshold: a broken model would pass for an empty hall."""
    row = np.zeros(CHANNELS, np.float32)
    row[0] = np.nan
    with pytest.raises(EngineFault, match="not finite"):
        says(row).look(GREY, placed(1, 0, 20, 20)[None])


def test_a_model_of_another_shape_is_refused() -> None:
    with pytest.raises(ModelPackError) as caught:
        FaceRefiner(OrtSession(bias_model((0.0, 1.0), WINDOW_PX), name="tiny"))
    assert caught.value.code is Code.MODEL_INVALID
