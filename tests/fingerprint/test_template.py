"""Templates hold what they say: ranges, resolution, and the extractor they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Code, FingerprintError
from gate.fingerprint.template import FingerTemplate, check_comparable


def template(n: int = 3, **changes: Any) -> FingerTemplate:
    fields = {
        "x_px": np.linspace(0, 90, n, dtype=np.float32),
        "y_px": np.linspace(5, 110, n, dtype=np.float32),
        "angle_rad": np.linspace(0, 6, n, dtype=np.float32),
        "kind": np.ones(n, np.uint8),
        "quality": np.full(n, 50, np.uint8),
        "width_px": 100,
        "height_px": 120,
        "extractor": "test",
    }
    return FingerTemplate(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"x_px": np.array([0, 50, 100], np.float32)},
        {"x_px": np.array([0, np.nan, 9], np.float32)},
        {"y_px": np.array([0, 0x7F800001, 0], np.uint32).view(np.float32)},  # a signalling NaN, out of stored bytes
        {"y_px": np.array([-1, 50, 100], np.float32)},
        {"y_px": np.array([1, 50], np.float32)},
        {"angle_rad": np.array([0, 1, 6.3], np.float32)},
        {"angle_rad": np.array([0, 1, 6.2])},
        {"kind": np.array([0, 1, 3], np.uint8)},
        {"quality": np.array([0, 1, 101], np.uint8)},
        {"width_px": 0},
    ],
)
def test_minutiae_outside_the_image_or_its_ranges_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FingerprintError) as caught:
        template(**changes)
    assert caught.value.code is Code.FINGER_RECORD_INVALID
    assert "expected" in caught.value.message


def test_arrays_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="read-only"):
        template().x_px[0] = 5


@given(
    dpi=st.floats(100, 2000),
    width=st.integers(1, 3000),
    part=st.floats(0, 1, exclude_max=True),
    angle=st.floats(-50, 50),
)
def test_any_resolution_comes_to_500_dpi_without_leaving_the_image(
    dpi: float, width: int, part: float, angle: float
) -> None:
    x = np.array([min(part * width, np.nextafter(width, 0))])
    made = FingerTemplate.at_500_dpi(
        x, x, np.array([angle]), np.array([1]), np.array([0]),
        width_px=width, height_px=width, resolution_dpi=dpi, extractor="test",
    )  # fmt: skip
    assert abs(made.x_px[0] - x[0] * 500 / dpi) <= 1
    assert np.cos(made.angle_rad[0]) == pytest.approx(np.cos(angle), abs=1e-5)


def test_templates_of_different_extractors_are_not_compared() -> None:
    check_comparable(template(), template(5))
    with pytest.raises(FingerprintError) as caught:
        check_comparable(template(), template(extractor="another"))
    assert caught.value.code is Code.FINGER_INCOMPARABLE
