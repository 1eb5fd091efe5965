"""What a mask looks like and how it is worn, and random ones in the variety that travellers bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

MaskKind = Literal["surgical", "respirator", "cloth", "patterned", "black"]
MaskFit = Literal["snug", "loose"]
MaskWear = Literal["over_nose", "under_nose", "under_chin"]
PatternName = Literal["plain", "stripes", "checks", "dots", "camouflage", "flowers", "gradient", "print"]
Bgr = tuple[int, int, int]

MASK_KINDS: tuple[MaskKind, ...] = ("surgical", "respirator", "cloth", "patterned", "black")
MASK_WEARS: tuple[MaskWear, ...] = ("over_nose", "under_nose", "under_chin")
PATTERNS: tuple[PatternName, ...] = (
    "stripes",
    "checks",
    "dots",
    "camouflage",
    "flowers",
    "gradient",
    "print",
)

_SURGICAL: tuple[Bgr, ...] = (
    (232, 205, 150), (235, 220, 190), (225, 190, 125), (240, 240, 238), (245, 248, 250), (205, 215, 165),
    (210, 195, 235), (190, 185, 180), (220, 170, 90), (238, 228, 215),
)  # fmt: skip
_RESPIRATOR: tuple[Bgr, ...] = (
    (245, 245, 245),
    (235, 238, 240),
    (215, 215, 212),
    (190, 190, 190),
    (60, 55, 52),
    (215, 180, 120),
)
_WHITE: Bgr = (243, 243, 243)


@dataclass(frozen=True, slots=True)
class MaskStyle:
    """One mask. Lengths are in eye distances, colours BGR 0..255, strengths 0..1."""

    kind: MaskKind = "surgical"
    fit: MaskFit = "snug"
    wear: MaskWear = "over_nose"
    colour: Bgr = (232, 205, 150)
    accent: Bgr = _WHITE
    strap: Bgr = _WHITE
    pattern: PatternName = "plain"
    pattern_size: float = 0.25
    pleats: int = 3
    seam: bool = False
    valve: bool = False
    binding: float = 0.0
    head_straps: bool = False
    strap_cover: float = 1.0
    nose_peak: float = 0.32
    nose_width: float = 0.3
    cheek_line: float = 0.66
    chin_line: float = 1.85
    side_top: float = 0.6
    side_bottom: float = 1.25
    wrap: float = 1.1
    fullness: float = 1.0
    folds: float = 0.5
    weave: float = 0.4
    sheen: float = 0.1
    softness: float = 0.02


def _jitter(rng: np.random.Generator, colour: Bgr, spread: float) -> Bgr:
    """The colour, a little lighter or darker and a little off its hue."""
    mixed = np.asarray(colour) * rng.uniform(1 - spread, 1 + spread / 2) + rng.normal(0, 40 * spread, 3)
    return cast(Bgr, tuple(int(c) for c in np.clip(mixed, 4, 252)))


def _any_colour(rng: np.random.Generator) -> Bgr:
    """Dyed cloth: any hue, mostly not glaring."""
    vivid = rng.uniform(15, 240, 3)
    return cast(Bgr, tuple(int(c) for c in vivid.mean() + (vivid - vivid.mean()) * rng.uniform(0.1, 1.0)))


def random_style(
    rng: np.random.Generator,
    kinds: Sequence[MaskKind] = MASK_KINDS,
    wears: Sequence[MaskWear] = ("over_nose",),
) -> MaskStyle:
    """A random mask of one of `kinds`, worn in one of `wears`, each with equal chance; the same for the same `rng`."""
    kind = kinds[int(rng.integers(len(kinds)))]
    wear = wears[int(rng.integers(len(wears)))]
    fit: MaskFit = "snug" if rng.random() < 0.6 else "loose"
    slack = 1.0 if fit == "loose" else 0.0
    colour, accent = _colours(rng, kind)
    flat_folded = kind == "surgical" or (kind == "black" and rng.random() < 0.4)
    return MaskStyle(
        kind=kind,
        fit=fit,
        wear=wear,
        colour=colour,
        accent=accent,
        strap=_strap_colour(rng, kind, colour),
        pattern=PATTERNS[int(rng.integers(len(PATTERNS)))] if kind == "patterned" else "plain",
        pattern_size=float(rng.uniform(0.08, 0.45)),
        pleats=int(rng.integers(2, 5)) if flat_folded else 0,
        seam=not flat_folded and rng.random() < 0.6,
        valve=kind == "respirator" and rng.random() < 0.25,
        binding=float(rng.uniform(0.03, 0.07)) if rng.random() < (0.7 if flat_folded else 0.3) else 0.0,
        head_straps=kind == "respirator" and rng.random() < 0.5,
        strap_cover=float(rng.uniform(0.4, 1.0)) if rng.random() < 0.75 else 0.0,  # hair hides many
        nose_peak=float(rng.uniform(0.16, 0.46)),
        nose_width=float(rng.uniform(0.2, 0.45)),
        cheek_line=float(rng.uniform(0.5, 0.82)),
        chin_line=float(rng.uniform(1.62, 2.0) + 0.12 * slack),
        side_top=float(rng.uniform(0.38, 0.78)),
        side_bottom=float(rng.uniform(1.05, 1.5) + 0.1 * slack),
        wrap=float(rng.uniform(0.85, 1.3)),
        fullness=float(rng.uniform(0.92, 1.06) + 0.08 * slack),
        folds=float(rng.uniform(0.1, 0.6) + 0.4 * slack),
        weave=float(rng.uniform(0.05, 0.8)),
        sheen=float(rng.uniform(0.0, 0.35)),
        softness=float(rng.uniform(0.008, 0.045)),
    )


def _colours(rng: np.random.Generator, kind: MaskKind) -> tuple[Bgr, Bgr]:
    if kind == "surgical":
        return _jitter(rng, _SURGICAL[int(rng.integers(len(_SURGICAL)))], 0.12), _jitter(rng, _WHITE, 0.1)
    if kind == "respirator":
        return _jitter(rng, _RESPIRATOR[int(rng.integers(len(_RESPIRATOR)))], 0.1), _jitter(rng, (200, 200, 200), 0.3)
    if kind == "black":
        grey = int(rng.integers(14, 62))
        return _jitter(rng, (grey, grey, grey), 0.15), _jitter(rng, (90, 90, 90), 0.9)
    return _any_colour(rng), _any_colour(rng)


def _strap_colour(rng: np.random.Generator, kind: MaskKind, colour: Bgr) -> Bgr:
    if kind == "black":
        return _jitter(rng, (30, 30, 30), 0.3)
    if kind == "respirator" and rng.random() < 0.4:
        return _jitter(rng, (90, 200, 225), 0.3)  # the yellow rubber of cup respirators
    return _jitter(rng, _WHITE if rng.random() < 0.7 else colour, 0.1)
