"""Plots as SVG text, without a plotting library: lines and step outlines on linear, logarithmic or normal scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist

from benchmarks.measured import Plot, Series

WIDTH, HEIGHT = 800, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 240, 40, 56
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333")
"""Okabe and Ito's: told apart by colour-blind people, too."""

_DASHES = ("", "7 3", "2 3", "9 3 2 3")
_NORMAL_TICKS = (0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 95.0, 99.0)
_NORMAL = NormalDist()
_SMALLEST = 1e-100
"""A span or value below is taken for none: neither its steps nor its logarithm would be numbers."""

_LOWEST_PERCENT, _HIGHEST_PERCENT = 1e-4, 50.0
"""Where a normal scale ends at the latest."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: values from `low` to `high` onto pixels, and where its ticks are."""

    low: float
    high: float
    start_px: float
    end_px: float
    transform: Callable[[float], float]
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Pixels; values beyond the axis lie on its edge."""
        low, high = self.transform(self.low), self.transform(self.high)
        share = (self.transform(min(max(value, self.low), self.high)) - low) / ((high - low) or 1.0)
        return self.start_px + share * (self.end_px - self.start_px)


def draw(plot: Plot) -> str:
    """The plot as one ``<svg>`` element."""
    shown = [series for series in plot.series if series.x]
    if not shown:
        return ""
    width_px = _step_width(shown)
    across = [x for series in shown for x in series.x] + [max(series.x) + width_px for series in shown if series.steps]
    x = _axis(across + list(plot.marks.values()), plot.x_scale, _LEFT, WIDTH - _RIGHT)
    from_zero = [0.0] if plot.y_scale == "linear" else []
    y = _axis([v for s in shown for v in s.y] + from_zero, plot.y_scale, HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(plot, x, y), *_marks(plot, x)]
    for index, series in enumerate(shown):
        colour, dash = COLOURS[index % len(COLOURS)], _DASHES[index % len(_DASHES)]
        parts.append(_line(series, x, y, width_px, colour, dash))
        if series.markers:
            parts += [
                f'<circle cx="{x.place(a):.1f}" cy="{y.place(b):.1f}" r="3" fill="{colour}"/>'
                for a, b in zip(series.x, series.y, strict=True)
            ]
        at = _TOP + 10 + 20 * index
        parts.append(
            f'<line x1="{WIDTH - _RIGHT + 14}" x2="{WIDTH - _RIGHT + 40}" y1="{at}" y2="{at}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        parts.append(_text(series.name, WIDTH - _RIGHT + 46, at + 4))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(plot.title, quote=True)}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _axis(values: Sequence[float], scale: str, start_px: float, end_px: float) -> Axis:
    if scale == "log":
        above = [value for value in values if value > _SMALLEST] or [1.0]
        low, high = math.floor(math.log10(min(above)) + 1e-9), math.ceil(math.log10(max(above)) - 1e-9)
        high = max(high, low + 1)
        ticks = tuple(10.0**power for power in range(low, high + 1))
        return Axis(10.0**low, 10.0**high, start_px, end_px, math.log10, ticks)
    if scale == "normal":
        # Rates of 0 or 100 have no place there, and beyond one half nobody looks: they lie on the axis's edge.
        inside = [value for value in values if _LOWEST_PERCENT <= value <= _HIGHEST_PERCENT] or [1.0]
        low_, high_ = min(*inside, _HIGHEST_PERCENT / 2), max(inside)
        high_ = max(high_, 2 * low_)
        ticks = tuple(tick for tick in _NORMAL_TICKS if low_ <= tick <= high_)
        return Axis(low_, high_, start_px, end_px, lambda value: _NORMAL.inv_cdf(value / 100), ticks)
    ticks = _round_ticks(min(values), max(values))
    return Axis(min(ticks[0], *values), max(ticks[-1], *values), start_px, end_px, float, ticks)


def _round_ticks(low: float, high: float, wanted: int = 6) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten, from the one below `low` to the one above `high`."""
    span = (high - low) or abs(high)
    span = span if span > _SMALLEST else 1.0
    power = 10.0 ** math.floor(math.log10(span / wanted))
    step = next((power * factor for factor in (1, 2, 5) if span / (power * factor) <= wanted), power * 10)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(index * step, 10) for index in range(first, max(last, first + 1) + 1))


def _frame(plot: Plot, x: Axis, y: Axis) -> list[str]:
    parts = [_text(plot.title, _LEFT, 22, size=15)]
    for tick in x.ticks:
        at = x.place(tick)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="#dddddd"/>')
        parts.append(_text(_number(tick), at, HEIGHT - _BOTTOM + 18, anchor="middle"))
    for tick in y.ticks:
        at = y.place(tick)
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#dddddd"/>')
        parts.append(_text(_number(tick), _LEFT - 8, at + 4, anchor="end"))
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(_text(plot.x_label, (_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 14, anchor="middle"))
    parts.append(f'<g transform="rotate(-90 16 {middle})">{_text(plot.y_label, 16, middle, anchor="middle")}</g>')
    return parts


def _marks(plot: Plot, x: Axis) -> list[str]:
    parts = []
    for index, (name, value) in enumerate(plot.marks.items()):
        at = x.place(value)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}" stroke="#777777" '
            'stroke-dasharray="2 3"/>'
        )
        parts.append(_text(name, at + 4, _TOP + 12 + 13 * index, size=10))
    return parts


def _line(series: Series, x: Axis, y: Axis, width: float, colour: str, dash: str) -> str:
    points = list(zip(series.x, series.y, strict=True))
    if series.steps:
        points = [(a + shift, b) for a, b in points for shift in (0.0, width)]
    path = " ".join(f"{x.place(a):.1f},{y.place(b):.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def _step_width(shown: Sequence[Series]) -> float:
    gaps = [b - a for series in shown if series.steps for a, b in zip(series.x, series.x[1:], strict=False) if b > a]
    return min(gaps, default=0.0)


def _text(words: str, x: float, y: float, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222222">{escape(words)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:g}"
