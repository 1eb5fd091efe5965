"""A plot that does not show what was measured is worse than none."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks import report
from benchmarks.figures import Figure
from benchmarks.measured import Insufficient, Measured, Plot, Series
from benchmarks.svg import HEIGHT, WIDTH, draw

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(-1e6, 1e6)


def points(svg: str) -> list[tuple[float, float]]:
    lines = ElementTree.fromstring(svg).iter(f"{SVG}polyline")  # noqa: S314 -- our own text
    return [(float(x), float(y)) for line in lines for x, y in (p.split(",") for p in line.attrib["points"].split())]


def test_a_point_lies_where_its_ticks_say() -> None:
    svg = draw(Plot("t", "x", "y", (Series("a", (0.0, 5.0, 10.0), (0.0, 50.0, 100.0)),)))
    (left, low), (middle, half), (right, high) = points(svg)
    assert middle == pytest.approx((left + right) / 2)
    assert half == pytest.approx((low + high) / 2)
    assert low > high  # up is less in SVG


def test_decades_are_equally_far_apart_on_a_logarithmic_scale() -> None:
    svg = draw(Plot("t", "x", "y", (Series("a", (0.1, 1.0, 10.0), (1.0, 2.0, 3.0)),), "log"))
    (first, _), (second, _), (third, _) = points(svg)
    assert second - first == pytest.approx(third - second, abs=0.2)


def test_nought_lies_on_the_edge_of_a_scale_without_a_place_for_it() -> None:
    for scale in ("log", "normal"):
        svg = draw(Plot("t", "x", "y", (Series("a", (0.0, 1.0), (0.0, 1.0)),), scale, scale))
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(svg))


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20),
    st.sampled_from(["linear", "log", "normal"]),
    st.booleans(),
)
@example(pairs=[(0.0, 5e-324)], scale="linear", steps=False)
@example(pairs=[(1.0, 5e-324)], scale="log", steps=False)
def test_any_numbers_stay_within_the_picture(pairs: list[tuple[float, float]], scale: str, steps: bool) -> None:
    series = Series("a", tuple(x for x, _ in pairs), tuple(y for _, y in pairs), steps)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points(draw(Plot("t", "x", "y", (series,), scale))))


def test_words_cannot_break_the_page() -> None:
    nasty = "<script>alert(1)</script>"
    plot = Plot(nasty, nasty, nasty, (Series(nasty, (1.0,), (1.0,)),), marks={nasty: 1.0})
    missing = Insufficient(nasty, 1, 2, nasty)
    page = report.html(
        Measured((Figure(nasty, 1, nasty, 1, 0, 2),), {nasty: nasty}, (missing,), (nasty,), (plot,)), nasty
    )
    assert "<script" not in page
    assert "insufficient data" in page


def test_an_empty_plot_is_left_out() -> None:
    assert draw(Plot("t", "x", "y", (Series("a", (), ()),))) == ""


def test_rates_of_0_and_100_do_not_squeeze_the_others_on_a_normal_scale() -> None:
    """Every trade-off ends in both; what is asked of it lies between."""
    line = Series("", (0.0, 0.1, 1.0, 100.0), (100.0, 5.0, 2.0, 0.0))
    drawn = draw(Plot("", "", "", (line,), "normal", "normal"))
    assert ">5</text>" in drawn
    assert ">99</text>" not in drawn
    assert ">0.001</text>" not in drawn
