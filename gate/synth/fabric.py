"""Woven, printed and folded stuff: colours and relief as functions of a surface's own coordinates."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth.geometry import Field
from gate.synth.style import Bgr, PatternName

# A pattern says for each point, given in pattern repeats, how much of the accent colour shows: 0..1.
Pattern = Callable[[Field, Field, np.random.Generator], Field]


def smooth_noise(x: Field, y: Field, rng: np.random.Generator, octaves: int = 1) -> Field:
    """Noise of about unit variance with features of about one unit of (x, y); all arrays (h, w)."""
    total = np.zeros_like(x)
    for octave in range(octaves):
        lattice = rng.standard_normal((32, 32)).astype(np.float32)
        step = np.float32(2.0**octave)
        offset = rng.uniform(0, 32, 2).astype(np.float32)
        u = np.mod(x * step + offset[0], 31).astype(np.float32)
        v = np.mod(y * step + offset[1], 31).astype(np.float32)
        total += cv2.remap(lattice, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP).astype(np.float32) / step
    return total


def _step(value: Field, softness: float = 0.08) -> Field:
    return np.asarray(np.clip(value / softness + 0.5, 0, 1), dtype=np.float32)


def _stripes(x: Field, y: Field, rng: np.random.Generator) -> Field:
    angle = rng.uniform(0, np.pi)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)))
    return _step(wave.astype(np.float32) - np.float32(rng.uniform(-0.6, 0.6)), 0.3)


def _checks(x: Field, y: Field, rng: np.random.Generator) -> Field:
    edge = np.float32(rng.uniform(-0.4, 0.7))
    across = _step(np.sin(2 * np.pi * x) - edge, 0.3)
    along = _step(np.sin(2 * np.pi * y) - edge, 0.3)
    return 0.5 * across + 0.5 * along


def _dots(x: Field, y: Field, rng: np.random.Generator) -> Field:
    row = np.floor(y)
    dx = np.mod(x + 0.5 * np.mod(row, 2), 1) - 0.5
    dy = y - row - 0.5
    return _step(np.float32(rng.uniform(0.15, 0.4)) - np.sqrt(dx * dx + dy * dy), 0.1)


def _camouflage(x: Field, y: Field, rng: np.random.Generator) -> Field:
    coarse = _step(smooth_noise(x * 0.8, y * 0.8, rng, 2), 0.1)
    fine = _step(smooth_noise(x * 1.3, y * 1.3, rng, 2) - 0.4, 0.1)
    return 0.6 * coarse + 0.4 * fine


def _flowers(x: Field, y: Field, rng: np.random.Generator) -> Field:
    dx, dy = np.mod(x, 1) - 0.5, np.mod(y, 1) - 0.5
    radius = np.sqrt(dx * dx + dy * dy)
    petals = np.float32(rng.integers(4, 8))
    outline = 0.28 + 0.1 * np.cos(petals * np.arctan2(dy, dx))
    return _step(outline.astype(np.float32) - radius, 0.1)


def _gradient(x: Field, y: Field, rng: np.random.Generator) -> Field:
    angle = rng.uniform(0, 2 * np.pi)
    share = 0.5 + 0.12 * (x * np.cos(angle) + y * np.sin(angle))
    return np.asarray(np.clip(share, 0, 1), dtype=np.float32)


def _print(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A few words or a badge somewhere on plain cloth, as shapes; repeats do not matter here."""
    centre_x, centre_y = rng.uniform(-1.5, 1.5), rng.uniform(2.0, 5.0)
    half_width, half_height = rng.uniform(0.5, 2.0), rng.uniform(0.15, 0.6)
    inside = np.minimum(half_width - np.abs(x - centre_x), half_height - np.abs(y - centre_y))
    strokes = _step(np.sin(2 * np.pi * x * rng.uniform(1.5, 3.0)) + 0.4 * np.sin(9 * y), 0.4)
    return _step(inside.astype(np.float32), 0.1) * strokes


_PATTERNS: dict[PatternName, Pattern] = {
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "camouflage": _camouflage,
    "flowers": _flowers,
    "gradient": _gradient,
    "print": _print,
}


def cloth_colour(
    x: Field, y: Field, colour: Bgr, accent: Bgr, pattern: PatternName, size: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Albedo (h, w, 3) BGR 0..255 of cloth at surface points (x, y), in eye distances; `size` is one repeat."""
    base = np.empty((*x.shape, 3), dtype=np.float32)
    base[:] = colour
    if pattern == "plain":
        return base
    share = _PATTERNS[pattern](x / np.float32(size), y / np.float32(size), rng)[..., None]
    return base * (1 - share) + np.asarray(accent, dtype=np.float32) * share


def pleats(v: Field, u: Field, count: int, rng: np.random.Generator) -> Field:
    """Relief of `count` sewn folds across a surgical mask; u in -1..1 across, v in 0..1 down. About -1..1 high."""
    relief = np.zeros_like(v)
    spread = rng.uniform(0.5, 0.72)
    for index in range(count):
        at = 0.5 + spread * ((index + 0.5) / count - 0.5) + rng.normal(0, 0.02)
        bow = rng.normal(0.03, 0.03)
        distance = v - np.float32(at) - np.float32(bow) * (1 - u * u)
        # A fold rises slowly and ends in a sharp lip that throws the shadow.
        relief += np.where(distance < 0, np.exp(distance * 14), np.exp(-distance * 60)).astype(np.float32)
    return relief


def creases(u: Field, v: Field, amount: float, rng: np.random.Generator) -> Field:
    """Relief of a few random pulls and folds, fanning out from nose and chin to the straps."""
    relief = np.zeros_like(u)
    for _ in range(int(rng.integers(2, 7))):
        u0, v0 = rng.uniform(-0.9, 0.9), rng.uniform(0.1, 0.95)
        angle = rng.normal(0.0, 0.5) + (np.pi / 2 if rng.random() < 0.25 else 0.0)
        along = (u - u0) * np.cos(angle) + (v - v0) * np.sin(angle)
        across = (v - v0) * np.cos(angle) - (u - u0) * np.sin(angle) + rng.normal(0, 0.3) * along * along
        width, length = rng.uniform(0.02, 0.07), rng.uniform(0.25, 0.8)
        relief += (np.float32(rng.uniform(-1, 1)) * np.exp(-((across / width) ** 2) - (along / length) ** 2)).astype(
            np.float32
        )
    return relief * np.float32(amount)


def weave(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Brightness texture of threads and fibres, about unit variance; (x, y) in eye distances."""
    threads = np.float32(rng.uniform(18, 40))
    mix = np.float32(rng.uniform(0, 1))
    turn = np.float32(2 * np.pi) * threads
    regular = np.sin(turn * x) * np.sin(turn * y)
    fibres = smooth_noise(x * (threads / np.float32(2)), y * (threads / np.float32(2)), rng)
    return np.asarray(mix * regular + (1 - mix) * fibres, dtype=np.float32)
