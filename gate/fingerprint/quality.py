"""Whether an image shows enough of a finger to be compared, and what to ask of the traveller when it does not.

Extractors find minutiae in anything: white noise of a sensor's size has a hundred. So an image must show ridges before
its minutiae count: blocks with one dominant direction, with contrast, and with most of it at the spacing that ridges
have. The numbers were set on the FVC images and on noise, stripes, text and photographs of other things
(docs/fingerprint.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, FingerprintError
from gate.fingerprint.advice import ADVICE_TEXT as ADVICE_TEXT  # noqa: PLC0414 -- part of a quality
from gate.fingerprint.advice import Advice as Advice  # noqa: PLC0414
from gate.fingerprint.template import FingerImage, FingerTemplate, GreyImage

_Map = NDArray[np.float32]

_BLOCK_PX = 16
_WINDOW_PX = 32
_MM_PER_PX = 25.4 / 500

_MIN_COHERENCE = 0.35
_MIN_CONTRAST = 10.0
_MIN_RIDGE_SHARE = 0.25
"""Of a block to be ridges: direction (0 to 1), standard deviation (grey levels), and energy at the ridges' spacing.

In the median block noise reaches a coherence of 0.07, text 0.16, and photographs a share of 0.1.
"""

_FINE_SIGMA_PX, _COARSE_SIGMA_PX = 1.2, 4.5
"""A difference of these two blurs passes periods of about 5 to 15 pixels: ridges are 0.3 to 0.6 mm apart."""

_RIDGE_SPAN_PX = 17
"""Two ridges wide: darkest and brightest within it are a ridge and a valley."""

_MIN_BLOCKS_TO_FIT = 20
_MAX_WAVE = 0.45
"""How much the ridges' strength may change with their direction, as part of its mean. 1 in 100 FVC images is above."""


@dataclass(frozen=True, slots=True)
class FingerPolicy:
    """What an image must have to be compared.

    Attributes:
        min_area_mm2: of clear ridges.
        min_minutiae: on them.
        min_share: of all minutiae that lie on them; most of a finger's do, few of a photograph's.
        min_spread_mm: root mean square distance of the minutiae from their middle; a clump is dirt.
        max_density_per_mm2: skin has 0.1 to 0.5 minutiae a mm², noise far more.
    """

    min_area_mm2: float = 40.0
    min_minutiae: int = 10
    min_share: float = 0.6
    min_spread_mm: float = 1.5
    max_density_per_mm2: float = 0.8


@dataclass(frozen=True, slots=True)
class FingerQuality:
    """What an image is worth.

    Attributes:
        score: 0 (useless) to 100.
        usable: it has what the policy asks for.
        reason: what it lacks; empty when usable.
        advice: what would make it better, the most helpful first; may be given to usable images too.
        area_mm2: of clear ridges.
        clarity: how much the ridges have one direction in each block, 0 to 1.
        contrast: standard deviation within the ridges' blocks, grey levels.
        ridge_share: ridges' part of the width of ridge and valley: small when dry, large when wet or pressed.
        minutiae, spread_mm: the number of those on the ridges, and how far they lie around their middle.
    """

    score: int
    usable: bool
    reason: str
    advice: tuple[Advice, ...]
    area_mm2: float
    clarity: float
    contrast: float
    ridge_share: float
    minutiae: int
    spread_mm: float


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Maps of one value a block, and which blocks are ridges: the largest patch of them that hangs together."""

    ridges: NDArray[np.bool_]
    coherence: _Map
    contrast: _Map
    direction_rad: _Map
    band: _Map


def assess(image: FingerImage, template: FingerTemplate, policy: FingerPolicy | None = None) -> FingerQuality:
    """What `image` is worth, with the minutiae that were found in it."""
    policy = policy or FingerPolicy()
    grey = image.at_500_dpi().grey
    blocks = _blocks(grey)
    count = int(blocks.ridges.sum())
    area_mm2 = count * (_BLOCK_PX * _MM_PER_PX) ** 2
    clarity = float(blocks.coherence[blocks.ridges].mean()) if count else 0.0
    contrast = float(blocks.contrast[blocks.ridges].mean()) if count else 0.0
    share = _ridge_share(grey, blocks.ridges)
    on_ridges = _on(blocks.ridges, template)
    minutiae = int(on_ridges.sum())
    spread_mm = _spread_mm(template.x_px[on_ridges], template.y_px[on_ridges])
    reason = _reason(policy, area_mm2, minutiae, len(template), spread_mm)
    return FingerQuality(
        score=_score(area_mm2, clarity, minutiae, usable=not reason),
        usable=not reason,
        reason=reason,
        advice=_advice(blocks, area_mm2, clarity, share, policy) or ((Advice.CENTRE_FINGER,) if reason else ()),
        area_mm2=area_mm2,
        clarity=clarity,
        contrast=contrast,
        ridge_share=share,
        minutiae=minutiae,
        spread_mm=spread_mm,
    )


class LowQualityError(FingerprintError):
    """A finger that must not be compared: FINGER_LOW_QUALITY.

    Args:
        reason: what it lacks.
        advice: what would make it better, the most helpful first.
    """

    def __init__(self, reason: str, advice: tuple[Advice, ...] = ()) -> None:
        asked = "; ".join(ADVICE_TEXT[one] for one in advice[:2])
        super().__init__(Code.FINGER_LOW_QUALITY, f"{reason}{f': {asked}' if asked else ''}")
        self.advice = advice


def require_usable(quality: FingerQuality) -> None:
    """Refuse an image that must not be compared.

    Raises:
        LowQualityError: with what is lacking and what to ask of the traveller.
    """
    if not quality.usable:
        raise LowQualityError(quality.reason, quality.advice)


def require_minutiae(template: FingerTemplate, policy: FingerPolicy | None = None) -> None:
    """Refuse minutiae that must not be compared, where there is no image of them to be judged.

    Raises:
        LowQualityError: there are too few, or they lie too near to each other.
    """
    policy = policy or FingerPolicy()
    spread_mm = _spread_mm(template.x_px, template.y_px)
    if len(template) < policy.min_minutiae:
        raise LowQualityError(f"expected {policy.min_minutiae} minutiae, found {len(template)}")
    if spread_mm < policy.min_spread_mm:
        raise LowQualityError(f"expected minutiae over {policy.min_spread_mm:g} mm, found {spread_mm:.1f}")


def _blocks(grey: GreyImage) -> _Blocks:
    height, width = (side // _BLOCK_PX * _BLOCK_PX for side in grey.shape)
    pixels = grey[:height, :width].astype(np.float32)
    smooth = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    gx, gy = cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    xx, yy, xy = _mean(gx * gx), _mean(gy * gy), _mean(gx * gy)
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1e-6)
    mean = _mean(pixels)
    variance = np.maximum(_mean(pixels * pixels) - mean * mean, 0)
    fine, coarse = (cv2.GaussianBlur(pixels, (0, 0), sigma) for sigma in (_FINE_SIGMA_PX, _COARSE_SIGMA_PX))
    band = _mean((fine - coarse) ** 2)
    contrast = np.sqrt(variance)
    ridges = (coherence >= _MIN_COHERENCE) & (contrast >= _MIN_CONTRAST) & (band / (variance + 1) >= _MIN_RIDGE_SHARE)
    return _Blocks(
        _largest(ridges), coherence, contrast, 0.5 * np.arctan2(2 * xy, xx - yy), np.sqrt(np.maximum(band, 0))
    )


def _largest(ridges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest patch. A finger is one; what passes for ridges in a photograph is strewn about."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ridges.astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # the rest
    return np.asarray(ridges & (labels == np.argmax(areas)), np.bool_)


def _mean(values: _Map) -> _Map:
    """Means over windows round the blocks' middles, one a block."""
    means = cv2.boxFilter(values, cv2.CV_32F, (_WINDOW_PX, _WINDOW_PX), borderType=cv2.BORDER_REFLECT)
    return means[_BLOCK_PX // 2 :: _BLOCK_PX, _BLOCK_PX // 2 :: _BLOCK_PX].astype(np.float32, copy=False)


def _ridge_share(grey: GreyImage, ridges: NDArray[np.bool_]) -> float:
    """Part of the pixels that are nearer to the darkest than to the brightest around them; 0.5 without ridges."""
    if not ridges.any():
        return 0.5
    span = np.ones((_RIDGE_SPAN_PX, _RIDGE_SPAN_PX), np.uint8)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    middle = cv2.erode(smooth, span) / 2 + cv2.dilate(smooth, span) / 2
    mask = np.kron(ridges, np.ones((_BLOCK_PX, _BLOCK_PX), np.bool_))
    dark = (smooth < middle)[: mask.shape[0], : mask.shape[1]]
    return float(dark[mask].mean())


def _on(ridges: NDArray[np.bool_], template: FingerTemplate) -> NDArray[np.bool_]:
    """Which minutiae lie on ridges or in a block beside them."""
    around = cv2.dilate(ridges.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    row, column = (
        np.minimum(values.astype(np.intp) // _BLOCK_PX, blocks - 1)
        for values, blocks in zip((template.y_px, template.x_px), ridges.shape, strict=True)
    )
    return np.asarray(around[row, column], np.bool_)


def _spread_mm(x_px: _Map, y_px: _Map) -> float:
    return float(np.sqrt(x_px.var() + y_px.var())) * _MM_PER_PX if len(x_px) else 0.0


def _reason(policy: FingerPolicy, area_mm2: float, minutiae: int, found: int, spread_mm: float) -> str:
    if area_mm2 < policy.min_area_mm2:
        return f"expected {policy.min_area_mm2:g} mm² of clear ridges, found {area_mm2:.0f}"
    if minutiae < policy.min_minutiae:
        return f"expected {policy.min_minutiae} minutiae on the ridges, found {minutiae}"
    if minutiae < policy.min_share * found:
        return f"expected {policy.min_share:.0%} of the minutiae on the ridges, found {minutiae} of {found}"
    if minutiae > policy.max_density_per_mm2 * area_mm2:
        return f"expected at most {policy.max_density_per_mm2:g} minutiae a mm², found {minutiae / area_mm2:.1f}"
    if spread_mm < policy.min_spread_mm:
        return f"expected minutiae over {policy.min_spread_mm:g} mm, found {spread_mm:.1f}"
    return ""


def _score(area_mm2: float, clarity: float, minutiae: int, *, usable: bool) -> int:
    """Geometric mean of three parts, each 1 from where more does not help; at most 10 for what is not usable."""
    parts = min(1.0, area_mm2 / 150) * min(1.0, clarity / 0.75) * min(1.0, minutiae / 30)
    score = round(100 * float(np.cbrt(parts)))
    return score if usable else min(score, 10)


def _advice(
    blocks: _Blocks, area_mm2: float, clarity: float, ridge_share: float, policy: FingerPolicy
) -> tuple[Advice, ...]:
    if area_mm2 < policy.min_area_mm2 / 4 or not blocks.ridges.any():
        return (Advice.PLACE_FINGER,)
    advised = {
        Advice.CENTRE_FINGER: _off_centre(blocks.ridges) > 0.4,
        Advice.PRESS_HARDER: ridge_share < 0.2,
        Advice.PRESS_LESS: ridge_share > 0.6,
        Advice.CLEAN_FINGER: clarity < 0.5,
        Advice.HOLD_STILL: _smeared(blocks),
    }
    return tuple(advice for advice, given in advised.items() if given)


def _off_centre(ridges: NDArray[np.bool_]) -> float:
    """How far the middle of the ridges is from the middle of the image: 0, to 1 at its edge."""
    rows, columns = np.nonzero(ridges)
    height, width = ridges.shape
    return float(max(abs(2 * (rows.mean() + 0.5) / height - 1), abs(2 * (columns.mean() + 0.5) / width - 1)))


def _smeared(blocks: _Blocks) -> bool:
    """Ridges of one direction are far weaker than those across it: the finger slid across the former."""
    strength, direction = blocks.band[blocks.ridges], blocks.direction_rad[blocks.ridges]
    if len(strength) < _MIN_BLOCKS_TO_FIT:
        return False
    waves = np.stack([np.ones_like(direction), np.cos(2 * direction), np.sin(2 * direction)], axis=1)
    mean, cosine, sine = np.linalg.lstsq(waves, strength, rcond=None)[0]
    return bool(np.hypot(cosine, sine) > _MAX_WAVE * abs(mean))
