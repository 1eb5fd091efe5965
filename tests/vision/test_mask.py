"""A mask model's answer must be read for what it is, and a strange answer be a fault."""

from __future__ import annotations

import numpy as np
import pytest

from gate.errors import Code, EngineFault, ModelPackError
from gate.vision.detector import InputScaling
from gate.vision.mask import OnnxMaskModel
from gate.vision.probe import MaskState
from gate.vision.session import OrtSession
from tests.vision.tiny import bias_model

SCALING = InputScaling(127.5, 127.5, rgb=True)
CROP = np.zeros((112, 112, 3), np.uint8)


def model(*values: float) -> OnnxMaskModel:
    return OnnxMaskModel(OrtSession(bias_model(values), name="mask"), SCALING)


@pytest.mark.parametrize(
    ("worn", "under_nose", "state"),
    [
        (0.1, 0.0, MaskState.NONE),
        (0.9, 0.1, MaskState.WORN),
        (0.9, 0.8, MaskState.UNDER_NOSE),
        pytest.param(1.0000002, -1e-7, MaskState.WORN, id="a sum of float32 passes 1"),
        pytest.param(0.2, 0.9, MaskState.NONE, id="no mask, so none under the nose"),
    ],
)
def test_two_probabilities_make_a_state(worn: float, under_nose: float, state: MaskState) -> None:
    assert model(worn, under_nose).state(CROP) is state


@pytest.mark.parametrize("values", [(0.5,), (0.1, 0.2, 0.3), (2.0, 0.0), (float("nan"), 0.5)])
def test_other_answers_are_a_fault(values: tuple[float, ...]) -> None:
    """Logits taken for probabilities would pass every face as masked."""
    with pytest.raises(EngineFault) as caught:
        model(*values).state(CROP)
    assert caught.value.code is Code.INFERENCE_FAILED


def test_a_model_of_whole_pictures_is_refused() -> None:
    session = OrtSession(bias_model((0.1, 0.2)), name="mask")
    session.inputs = ()
    with pytest.raises(ModelPackError) as caught:
        OnnxMaskModel(session, SCALING)
    assert caught.value.code is Code.MODEL_INVALID
