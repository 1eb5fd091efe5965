"""The learning curve's fit, on curves that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.learning_figure import draw, fall, needed, read

HEAD = "step,samples,pairs,tar_masked,tpir_unmasked,tpir_masked\n"


@given(st.floats(1, 1e5), st.floats(-1.5, -0.05), st.floats(0.5, 5))
def test_a_power_law_is_found_again(factor: float, exponent: float, error: float) -> None:
    """A wrong fit would promise a goal for a tenth of the samples that it takes."""
    samples = np.array([1e5, 2e5, 5e5, 1e6])
    found = fall(samples, factor * samples**exponent)
    np.testing.assert_allclose(found, (factor, exponent), rtol=1e-6)
    reached = needed(*found, error)
    assert factor * reached**exponent == pytest.approx(error, rel=1e-5)


def test_a_curve_that_does_not_fall_never_arrives() -> None:
    assert needed(10.0, 0.1, 1.0) == float("inf")


def test_a_curve_is_read_as_errors_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(HEAD + "1,100000,90,50,30,\n2,200000,92,66,47,20\n3,500000,95,77,58,30\n4,900000,96,78,60,35\n")
    points = read(path)
    assert points["pairs"].tolist() == [10, 8, 5, 4]
    assert points["tpir_masked"][1:].tolist() == [80, 70, 65]
    assert fall(points["samples"], points["tpir_masked"])[1] < 0, "a field left empty belongs to no curve"
    assert (draw(points) != 255).any()


def test_two_points_are_no_curve(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(HEAD + "1,100000,90,50,30,9\n2,200000,92,66,47,12\n")
    with pytest.raises(ValueError, match="pairs, found 2"):
        read(path)
