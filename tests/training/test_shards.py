"""Guards what the models are told about each rendered picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tqdm", reason="training needs its extra: pip install .[train]")
pytest.importorskip("onnx")

from models.training import shards


def test_every_state_is_rendered_and_the_same_each_time() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    states = []
    for seed in range(120):
        picture, state = shards.occlude(crop, np.random.default_rng(seed))
        again, _ = shards.occlude(crop, np.random.default_rng(seed))
        assert np.array_equal(picture, again)
        assert picture.shape == crop.shape
        states.append(state)
    assert {shards.NO_MASK, shards.NOSE_COVERED, shards.WORN_LOW} <= set(states)
    assert states.count(shards.NOSE_COVERED) > 60


def test_degrading_keeps_the_shape_and_the_input() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    before = crop.copy()
    for seed in range(20):
        assert shards.degrade(crop, np.random.default_rng(seed), chance=0.5).shape == crop.shape
    assert np.array_equal(crop, before)
