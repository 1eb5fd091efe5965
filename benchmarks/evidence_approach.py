"""Simulated approaches: a photograph seen by a gate's camera from afar until it stands before it, frame by frame.

Size, shake, motion and focus, light, noise and compression change from frame to frame, as the person walks and stops.
Pose and expression do not: a photograph has one of each. Where several photographs are shown in turn, they change too
much, as they were taken on different days. A real approach lies between the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy_templates import read
from gate.decision.judgement import judge, score
from gate.decision.policy import QualityLimits
from gate.synth import photometric, random_style, render_mask
from gate.vision.frame import Encoding, Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import ImageBGR, Landmarks, Probe

FRAMES, FPS = 14, 6.0
SIDE_PX = 320
"""Side of the picture: the part of a camera's frame round the face."""

_FAR_PX, _NEAR_PX = (24.0, 34.0), (52.0, 78.0)
"""Eye distance at the first frame, and from the moment they stand."""

_ARRIVED = (0.4, 0.75)
"""Share of the frames after which they stand."""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """One frame as the engine took it.

    Attributes:
        at_s: since the first frame.
        probe: None where the frame was not good enough to be compared.
        score: its quality, [0, 1].
    """

    at_s: float
    probe: Probe | None = field(repr=False)
    score: float


@dataclass(frozen=True, slots=True)
class Shown:
    """Who walks up, and what is shown of them: one photograph, or several in turn."""

    person: int
    photos: tuple[Path, ...]
    masked: bool


def record(
    vision: Vision,
    shown: Sequence[Shown],
    limits: QualityLimits,
    seed: int,
    threads: int,
    tick: Callable[[], None],
) -> list[tuple[Glimpse, ...]]:
    """What the engine takes from each approach; every frame goes through the whole pipeline."""

    def one(who: Shown) -> tuple[Glimpse, ...]:
        glimpses = []
        # The same person comes by the same way, with and without a mask.
        for at_s, picture in frames(vision, who, np.random.default_rng([seed, who.person])):
            sighting = vision.look(_raw(picture))
            usable = sighting.quality is not None and judge(sighting, limits) is None
            quality = 0.0 if sighting.quality is None else score(sighting.quality)
            glimpses.append(Glimpse(at_s, vision.probe(sighting) if usable else None, quality))
        tick()
        return tuple(glimpses)

    with ThreadPoolExecutor(threads, "approaches") as pool:
        return list(pool.map(one, shown))


def frames(vision: Vision, who: Shown, rng: np.random.Generator) -> Iterator[tuple[float, ImageBGR]]:
    """The pictures of one approach, and when each was taken, seconds; none where nobody is found on a photograph."""
    stills = [
        _still(vision, path, who.masked, np.random.default_rng([i, who.person])) for i, path in enumerate(who.photos)
    ]
    found = [still for still in stills if still is not None]
    if not found:
        return
    walk = _Walk.draw(rng)
    # Each photograph is shown for some frames at a time.
    turns = np.cumsum(rng.random(FRAMES) < 0.3) + int(rng.integers(len(found)))
    for index in range(FRAMES):
        yield index / FPS, walk.see(found[int(turns[index]) % len(found)], index, rng)


@dataclass(frozen=True, slots=True, eq=False)
class _Still:
    """A photograph, where its face is, and what is around it, out of focus."""

    image: ImageBGR
    landmarks: Landmarks
    hall: ImageBGR


def _still(vision: Vision, path: Path, masked: bool, rng: np.random.Generator) -> _Still | None:
    """The photograph, masked where that is wanted; None where nobody is found on it."""
    image = read(path)
    face = vision.look(_raw(image)).traveller
    if face is None:
        return None
    hall = cv2.resize(cv2.resize(image, (8, 8), interpolation=cv2.INTER_AREA), (SIDE_PX, SIDE_PX)).astype(np.uint8)
    shown = render_mask(image, face.landmarks, random_style(rng), rng) if masked else image
    return _Still(shown, face.landmarks, hall)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way of coming: the same for all frames."""

    far_px: float
    near_px: float
    arrived: int
    haste: float
    stops: tuple[float, float]
    lit: NDArray[np.float32] = field(repr=False)
    focus_px: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Walk:
        """A random one."""
        return cls(
            far_px=rng.uniform(*_FAR_PX),
            near_px=rng.uniform(*_NEAR_PX),
            arrived=round(FRAMES * rng.uniform(*_ARRIVED)),
            haste=rng.uniform(0.02, 0.14),
            stops=(rng.uniform(-1.2, 0.6), rng.uniform(-0.4, 0.4)),
            lit=_lamp(rng),
            focus_px=rng.uniform(0.0, 1.4),
        )

    def see(self, still: _Still, index: int, rng: np.random.Generator) -> ImageBGR:
        """What the camera makes of it at frame `index`."""
        done = min(1.0, index / self.arrived)
        # Size grows as one over the distance, which shrinks evenly until they stand.
        eye_px = 1 / (1 / self.far_px + (1 / self.near_px - 1 / self.far_px) * done)
        picture = _placed(still, eye_px, rng, 1.0 if done < 1 else 0.35)
        moving = self.haste * eye_px * (1.0 if done < 1 else 0.3)
        picture = photometric.motion_blur(picture, moving * rng.uniform(0.3, 1.6), rng)
        picture = photometric.defocus(picture, self.focus_px * (1.2 - done), rng)
        light = self.lit * np.float32(2.0 ** (self.stops[0] + (self.stops[1] - self.stops[0]) * done))
        lit = picture.astype(np.float32) * light[..., None] + _grain(rng)
        return photometric.jpeg(np.clip(lit, 0, 255).astype(np.uint8), 70, rng)


def _placed(still: _Still, eye_px: float, rng: np.random.Generator, sway: float) -> ImageBGR:
    """The photograph at the size and slant in which it is seen, before the hall."""
    image, landmarks = still.image, still.landmarks
    scale = eye_px / max(float(np.hypot(*(landmarks[1] - landmarks[0]))), 1.0)
    if scale < 0.7:
        # A warp samples single pixels: shrink first, so that none is left out.
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
        landmarks, scale = landmarks * scale, 1.0
    slant, squeeze = math.radians(4 * sway * rng.standard_normal()), 1 - 0.04 * sway * abs(rng.standard_normal())
    turn = scale * np.array(
        [[squeeze * math.cos(slant), -math.sin(slant)], [squeeze * math.sin(slant), math.cos(slant)]]
    )
    middle = SIDE_PX * np.array([0.5, 0.42]) + sway * 0.15 * eye_px * rng.standard_normal(2)
    matrix = np.column_stack([turn, middle - turn @ landmarks[:2].mean(axis=0)])
    return cv2.warpAffine(
        image,
        matrix,
        (SIDE_PX, SIDE_PX),
        dst=still.hall.copy(),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    ).astype(np.uint8)


def _lamp(rng: np.random.Generator) -> NDArray[np.float32]:
    """Light from one side: what the picture is multiplied by."""
    strength, angle = rng.uniform(0, 0.5), rng.uniform(0, 2 * math.pi)
    ramp = np.linspace(-1, 1, SIDE_PX, dtype=np.float32)
    field_ = 1 + strength * (ramp[None, :] * math.cos(angle) + ramp[:, None] * math.sin(angle))
    return np.asarray(np.clip(field_, 0.1, 2), np.float32)


@cache
def _noise() -> NDArray[np.float32]:
    """Sensor noise, larger than a frame."""
    return np.random.default_rng(0).normal(0, 2.5, (SIDE_PX + 64, SIDE_PX + 64, 3)).astype(np.float32)


def _grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Each frame shows another part of it."""
    top, left = rng.integers(0, 64, 2)
    return _noise()[top : top + SIDE_PX, left : left + SIDE_PX]


def _raw(image_bgr: ImageBGR) -> Frame:
    height, width = image_bgr.shape[:2]
    return Frame(1, 0, Encoding.BGR24, width, height, np.ascontiguousarray(image_bgr).tobytes())
