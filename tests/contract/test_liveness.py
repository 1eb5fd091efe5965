"""What holds for every liveness model: for MiniFASNet with its real networks, and for a plain one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.vision.liveness import Box, Liveness
from gate.vision.load import load_liveness_model
from gate.vision.pack import load_liveness
from gate.vision.probe import ImageBGR
from gate.vision.session import Provider
from tests.vision.fakes import FakeLiveness

coordinates = st.floats(-2000, 4000, width=32)


@pytest.fixture(scope="module", params=["fake", "minifasnet"])
def liveness(request: pytest.FixtureRequest) -> Liveness:
    if request.param == "fake":
        return FakeLiveness()
    shared: Path = request.getfixturevalue("shared")
    models = load_liveness("minifasnet", folders=(shared / "models",))
    return load_liveness_model(models, provider=Provider.CPU, threads=1)


def noise(height: int, width: int, seed: int = 3) -> ImageBGR:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=25, deadline=None)
@given(
    box=st.tuples(coordinates, coordinates, coordinates, coordinates),
    height=st.integers(32, 400),
    width=st.integers(32, 400),
)
def test_every_box_of_every_picture_has_a_score(liveness: Liveness, box: Box, height: int, width: int) -> None:
    """A detector's box reaches beyond the picture when a face does; a score beyond [0, 1] or NaN passes some test."""
    score = liveness.score(noise(height, width), box)
    assert math.isfinite(score)
    assert 0 <= score <= 1


def test_the_same_face_has_the_same_score_again(liveness: Liveness) -> None:
    """A replay of a recorded passage must find the same numbers, bit for bit."""
    picture = noise(240, 320)
    first = liveness.score(picture, (100, 60, 180, 160))
    assert liveness.score(picture.copy(), (100, 60, 180, 160)) == first


def test_the_picture_is_left_as_it_is(liveness: Liveness) -> None:
    """The same picture is looked at by other models; raw frames are read-only views of the message."""
    picture = noise(240, 320)
    before = picture.copy()
    picture.flags.writeable = False
    liveness.score(picture, (100, 60, 180, 160))
    assert (picture == before).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_box_that_is_none_is_refused(liveness: Liveness, bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        liveness.score(noise(100, 100), (0, 0, bad, 50))


def test_it_can_be_warmed(liveness: Liveness) -> None:
    liveness.warm()
