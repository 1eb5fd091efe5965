"""People who walk down a corridor towards a camera, several at once, and where exactly each face is in each frame.

They come at different speeds, cross each other's way, hide one another, swing as they walk, pass below lamps. What the
camera sees is synthesised from cut-outs of photographs: nobody turns their head, and shadows do not move. So it tests
following and deciding under occlusion, size, blur and light, and says nothing about pose.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gate.synth.camera import PUPILS_M, Camera, Sensor, corridor, lamp_light
from gate.synth.figure import CutOut, Figure, Place

HALF_WIDTH_M, LENGTH_M = 2.2, 20.0
"""Of the corridor."""

_NEAREST_M = 1.1
"""Nearer, nobody's head is in the picture any more."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How somebody goes down the corridor.

    Attributes:
        starts_s: when they are `from_m` away.
        from_m: distance from the camera at which they come in.
        speed: metres a second.
        x_m: metres right of the middle, where they come in and where they leave.
        eyes_m: height of their eyes.
        phase: of their swing, radians.
    """

    starts_s: float = 0.0
    from_m: float = 14.0
    speed: float = 1.4
    x_m: tuple[float, float] = (0.0, 0.0)
    eyes_m: float = 1.6
    phase: float = 0.0

    def at(self, at_s: float) -> tuple[float, float, float] | None:
        """Eyes to the right, up and ahead, metres; None before they come in and after they have left."""
        gone_s = at_s - self.starts_s
        ahead = self.from_m - self.speed * gone_s
        if gone_s < 0 or ahead < _NEAREST_M:
            return None
        share = (self.from_m - ahead) / (self.from_m - _NEAREST_M)
        # Two steps a cycle: the body rises with each, and leans to the leg that carries it.
        stride = 2 * math.pi * 0.65 * self.speed * gone_s + self.phase
        x = self.x_m[0] + (self.x_m[1] - self.x_m[0]) * share + 0.025 * math.sin(stride)
        return x, self.eyes_m + 0.018 * math.cos(2 * stride), ahead

    @property
    def ends_s(self) -> float:
        """When they have left."""
        return self.starts_s + (self.from_m - _NEAREST_M) / self.speed


@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """Somebody and their way.

    Attributes:
        face_xyxy: the box that a detector draws round their face, pixels of the cut-out.
    """

    cut_out: CutOut
    walk: Walk
    face_xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class TrueFace:
    """Where a face really is.

    Attributes:
        walker: index of the walker.
        box_xyxy: pixels; as a detector draws it.
        landmarks: (5, 2), pixels.
        eye_px: between the eyes.
        visible: share of the face that is inside the picture and that nobody nearer hides, [0, 1].
    """

    walker: int
    box_xyxy: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]
    eye_px: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class CorridorFrame:
    """A frame: when, a JPEG file, and every face that is in the picture, hidden ones too."""

    at_s: float
    jpeg: bytes
    faces: tuple[TrueFace, ...]


def crowd(people: int, seed: int, *, within_s: float = 4.0) -> tuple[Walk, ...]:
    """Ways of so many people who come in within a time, cross, overtake, and never walk through each other."""
    rng = np.random.default_rng(seed)
    walks: list[Walk] = []
    for _ in range(people * _TRIES):
        if len(walks) == people:
            break
        walk = Walk(
            starts_s=float(rng.uniform(0, within_s)),
            speed=float(rng.uniform(1.0, 1.7)),
            x_m=(float(rng.uniform(-1.6, 1.6)), float(rng.uniform(-0.75, 0.75))),
            eyes_m=float(np.clip(rng.normal(1.6, 0.08), 1.4, 1.8)),
            phase=float(rng.uniform(0, 2 * math.pi)),
        )
        if all(_apart(walk, other) for other in walks):
            walks.append(walk)
    if len(walks) < people:
        raise ValueError(f"expected room for {people} people within {within_s:g} s, found it for {len(walks)}")
    return tuple(walks)


def render(
    walkers: Sequence[Walker], seconds: float, camera: Camera | None = None, seed: int = 1
) -> Iterator[CorridorFrame]:
    """The video, frame by frame, always the same for the same seed."""
    camera = camera or Camera()
    rng = np.random.default_rng(seed)
    empty, sensor = corridor(camera, HALF_WIDTH_M, LENGTH_M, rng), Sensor(camera, rng)
    figures = [Figure(walker.cut_out) for walker in walkers]
    for number in range(round(seconds * camera.fps)):
        at_s = number / camera.fps
        picture, owner = empty.copy(), np.full(empty.shape[:2], -1, np.int16)
        places = _places(walkers, at_s, camera)
        # The nearest is painted last.
        for index in sorted(places, key=lambda i: places[i].eye_px):
            rows, columns, cover = figures[index].draw(picture, places[index])
            owner[rows, columns][cover > 0.5] = index
        faces = (
            _true_face(index, figures[index], place, walkers[index].face_xyxy, owner) for index, place in places.items()
        )
        yield CorridorFrame(at_s, sensor.capture(picture), tuple(face for face in faces if face is not None))


def _places(walkers: Sequence[Walker], at_s: float, camera: Camera) -> dict[int, Place]:
    """Where those in the corridor are seen."""
    found = {}
    for index, walker in enumerate(walkers):
        here = walker.walk.at(at_s)
        if here is None:
            continue
        soon = walker.walk.at(at_s + camera.exposure_s) or here
        (x, y), (next_x, next_y) = camera.see(*here), camera.see(*soon)
        eye_px = PUPILS_M * camera.pixels_a_metre(here[1], here[2])
        roll_deg = 2.5 * math.sin(walker.walk.phase + 4.1 * at_s)
        light = float(lamp_light(np.array(here[2])))
        found[index] = Place(x, y, eye_px, roll_deg, (next_x - x, next_y - y), light)
    return found


def _true_face(
    index: int, figure: Figure, place: Place, face_xyxy: tuple[float, float, float, float], owner: NDArray[np.int16]
) -> TrueFace | None:
    """The face of a figure in its place; None outside the picture."""
    corners = figure.moved(np.array(face_xyxy, np.float64).reshape(2, 2), place)
    box = (float(corners[0, 0]), float(corners[0, 1]), float(corners[1, 0]), float(corners[1, 1]))
    left, top, right, bottom = (round(value) for value in box)
    shown = owner[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if shown.size == 0:
        return None
    visible = float((shown == index).sum()) / max(1, (right - left) * (bottom - top))
    # The corners of the box are not the face's; a face that nobody hides fills about this much of it.
    return TrueFace(index, box, figure.landmarks(place), place.eye_px, min(1.0, visible / _FILLS))


_FILLS = 0.85


_TRIES = 60


def _apart(one: Walk, other: Walk) -> bool:
    """Whether two people always keep half a metre between them."""
    for at_s in np.arange(max(one.starts_s, other.starts_s), min(one.ends_s, other.ends_s), 0.15):
        here, there = one.at(float(at_s)), other.at(float(at_s))
        if here and there and math.hypot(here[0] - there[0], here[2] - there[2]) < 0.5:
            return False
    return True
