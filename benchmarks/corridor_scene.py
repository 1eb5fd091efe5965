"""Who walks down the corridor: people out of a folder of photographs, some of them masked, some not expected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gate.demo.people import Person, from_folder
from gate.demo.portrait import Portrait
from gate.errors import FrameError
from gate.synth import random_style
from gate.synth.camera import Camera
from gate.synth.corridor import CorridorFrame, Walk, Walker, crowd, render
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode_photo
from gate.vision.pipeline import Vision

AFTER_S = 2.6
"""The camera goes on so long when everybody has left: tracks end a while after they were last seen."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one video.

    Attributes:
        people: in the order of the walkers.
        expected: which of them are in the gallery.
        masked: which of them wear a mask.
        seed: of the video.
    """

    people: tuple[Person, ...]
    expected: frozenset[int]
    masked: frozenset[int]
    seed: int


def casts(
    vision: Vision, faces: Path, *, videos: int, people: int, strangers: int, masked: int, seed: int
) -> tuple[Cast, ...]:
    """So many videos of different people.

    Raises:
        SourceError: the folder holds too few people with two usable photographs.
        ValueError: it holds enough for some videos only.
    """
    everybody = from_folder(vision, faces, videos * people, seed)
    if len(everybody) < videos * people:
        raise ValueError(f"expected {videos * people} people in {faces}, found {len(everybody)}")
    made = []
    for number in range(videos):
        rng = np.random.default_rng((seed, number))
        order = [int(index) for index in rng.permutation(people)]
        made.append(
            Cast(
                everybody[number * people : (number + 1) * people],
                frozenset(order[strangers:]),
                frozenset(int(index) for index in rng.permutation(people)[:masked]),
                seed * 1000 + number,
            )
        )
    return tuple(made)


def film(vision: Vision, cast: Cast, camera: Camera) -> Iterator[CorridorFrame]:
    """The video of a cast."""
    walks = crowd(len(cast.people), cast.seed)
    walkers = [
        Walker(portrait, walk, _face_of(vision, portrait)) for portrait, walk in zip(_dressed(cast), walks, strict=True)
    ]
    seconds = max(walk.ends_s for walk in walks) + AFTER_S
    return render(walkers, seconds, camera, cast.seed)


def still(vision: Vision, cast: Cast, person: int, camera: Camera, frames: int) -> Iterator[CorridorFrame]:
    """The same person, dressed as in the video, alone, near, and standing still: as good as they can be seen."""
    portrait = _dressed(cast)[person]
    walker = Walker(portrait, Walk(from_m=_NEAR_M, speed=0.05), _face_of(vision, portrait))
    return render([walker], (frames + 0.5) / camera.fps, camera, cast.seed)


_NEAR_M = 3.0


def _dressed(cast: Cast) -> list[Portrait]:
    """Everybody, with the masks that some of them wear."""
    rng = np.random.default_rng(cast.seed)
    return [
        person.portrait.masked(replace(random_style(rng), wear="over_nose"), rng)
        if index in cast.masked
        else person.portrait
        for index, person in enumerate(cast.people)
    ]


def _face_of(vision: Vision, portrait: Portrait) -> tuple[float, float, float, float]:
    """The detector's box round the face of a cut-out; masks are drawn where it was found, so it is found again."""
    height, width = portrait.image_bgr.shape[:2]
    seen = vision.look(Frame(0, 0, Encoding.BGR24, width, height, portrait.image_bgr.tobytes()))
    eyes = portrait.eyes_xy
    nearest = min(seen.faces, key=lambda face: math.dist(face.centre, eyes), default=None)
    if nearest is not None and math.dist(nearest.centre, eyes) < portrait.eye_distance_px:
        return nearest.box_xyxy
    x, y, unit = *eyes, portrait.eye_distance_px
    return x - 1.1 * unit, y - 1.2 * unit, x + 1.1 * unit, y + 1.7 * unit


def others(faces: Path, count: int, seed: int) -> Iterator[bytes]:
    """Photographs of other people, one each, to fill the gallery."""
    homes = sorted(home for home in faces.iterdir() if home.is_dir())
    for index in np.random.default_rng(seed).permutation(len(homes))[:count]:
        photos: Sequence[Path] = sorted(homes[index].glob("*.jpg"))
        if photos and _readable(photos[0].read_bytes()):
            yield photos[0].read_bytes()


def _readable(photo: bytes) -> bool:
    try:
        decode_photo(photo, DecodeLimits())
    except FrameError:
        return False
    return True
