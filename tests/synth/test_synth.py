"""Guards what every user of the renderer relies on: shape, untouched input, reproducibility, free eyes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.synth import photometric, random_style, render_mask
from gate.synth.geometry import face_frame
from gate.synth.occluders import OCCLUDERS
from gate.synth.style import MASK_KINDS, MASK_WEARS, MaskKind, MaskWear

TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    dtype=np.float32,
)
SEEDS = st.integers(0, 2**32 - 1)


def noise_image(height: int = 112, width: int = 112, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(seed=SEEDS, kind=st.sampled_from(MASK_KINDS), wear=st.sampled_from(MASK_WEARS))
@settings(max_examples=60, deadline=None)
def test_a_mask_covers_the_mouth_or_chin_and_never_an_eye(seed: int, kind: MaskKind, wear: MaskWear) -> None:
    image = noise_image()
    rng = np.random.default_rng(seed)
    masked = render_mask(image, TEMPLATE, random_style(rng, [kind], [wear]), rng)
    assert masked.shape == image.shape
    assert masked.dtype == np.uint8
    changed = (masked != image).any(axis=2)
    rows, columns = np.mgrid[:112, :112]
    for x, y in TEMPLATE[:2]:
        near = np.hypot(columns - x, rows - y) < 0.23 * 35.2
        assert not changed[near].any()
    if wear != "under_chin":
        assert changed[90:96, 45:68].mean() > 0.9
    if wear == "over_nose":
        assert changed[71, 56]


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_same_seed_gives_the_same_picture_and_leaves_the_input_alone(seed: int) -> None:
    image = noise_image()
    before = image.copy()
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(seed)
        pictures.append(render_mask(image, TEMPLATE, random_style(rng), rng))
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(image, before)


@given(
    seed=SEEDS,
    points=st.lists(st.floats(-400, 800, allow_nan=False), min_size=10, max_size=10),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
)
@settings(max_examples=80, deadline=None)
def test_any_landmarks_on_any_picture_give_a_picture(seed: int, points: list[float], height: int, width: int) -> None:
    image = noise_image(height, width)
    landmarks = np.array(points, dtype=np.float32).reshape(5, 2)
    rng = np.random.default_rng(seed)
    assert render_mask(image, landmarks, random_style(rng), rng).shape == image.shape
    for occlude in OCCLUDERS.values():
        assert occlude(image, landmarks, rng).shape == image.shape


@pytest.mark.parametrize(
    "landmarks",
    [
        np.zeros((5, 2), dtype=np.float32),
        np.full((5, 2), np.nan, dtype=np.float32),
        np.full((5, 2), np.inf, dtype=np.float32),
        np.stack([np.arange(5), np.arange(5)], axis=1).astype(np.float32) * 20,
        TEMPLATE * 0.05,
    ],
    ids=["one point", "nan", "inf", "collinear", "a face of two pixels"],
)
def test_points_that_make_no_face_leave_the_picture_unchanged(landmarks: NDArray[np.float32]) -> None:
    image, rng = noise_image(), np.random.default_rng(1)
    assert np.array_equal(render_mask(image, landmarks, random_style(rng), rng), image)


def test_landmarks_of_a_wrong_shape_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match=r"\(5, 2\)"):
        face_frame(np.zeros((4, 2), dtype=np.float32))


def test_a_mask_follows_the_roll_of_the_head() -> None:
    """A face turned by 90 degrees wears the same mask turned by 90 degrees (the rasteriser may differ at edges)."""
    image = np.full((112, 112, 3), 128, dtype=np.uint8)
    turned = np.stack([111 - TEMPLATE[:, 1], TEMPLATE[:, 0]], axis=1)
    upright = render_mask(image, TEMPLATE, random_style(np.random.default_rng(5)), np.random.default_rng(6))
    rolled = render_mask(image, turned, random_style(np.random.default_rng(5)), np.random.default_rng(6))
    cover = (upright != 128).any(axis=2)
    cover_rolled = (np.rot90(rolled, 1) != 128).any(axis=2)
    union = (cover | cover_rolled).sum()
    assert (cover & cover_rolled).sum() / union > 0.9


@pytest.mark.parametrize("name", sorted(OCCLUDERS))
def test_an_occluder_changes_the_face_the_same_way_each_time(name: str) -> None:
    image = noise_image()
    pictures = [OCCLUDERS[name](image, TEMPLATE, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(pictures[0], pictures[1])
    assert (pictures[0] != image).any()
    assert np.array_equal(image, noise_image())


PHOTOMETRIC = {
    "defocus": lambda image, rng: photometric.defocus(image, 2.0, rng),
    "motion": lambda image, rng: photometric.motion_blur(image, 9.0, rng),
    "gain": lambda image, rng: photometric.gain(image, 1.0, rng),
    "gamma": lambda image, rng: photometric.gamma(image, 0.6, rng),
    "side light": lambda image, rng: photometric.side_light(image, 0.7, rng),
    "backlight": lambda image, rng: photometric.backlight(image, 0.7, rng),
    "noise": lambda image, rng: photometric.sensor_noise(image, 12.0, rng),
    "jpeg": lambda image, rng: photometric.jpeg(image, 20, rng),
    "downscale": lambda image, rng: photometric.downscale(image, 4.0, rng),
}


@pytest.mark.parametrize("name", sorted(PHOTOMETRIC))
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (112, 112)])
def test_a_photometric_change_keeps_shape_type_and_input(name: str, size: tuple[int, int]) -> None:
    image = noise_image(*size)
    pictures = [PHOTOMETRIC[name](image, np.random.default_rng(3)) for _ in range(2)]
    assert pictures[0].shape == image.shape
    assert pictures[0].dtype == np.uint8
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(image, noise_image(*size))
