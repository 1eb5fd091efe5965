"""Passages to play: travellers who walk up to the gate's camera, and those who are expected besides them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.accuracy_photos import list_distractors
from gate.demo.approach import FPS, Actor, Scene, render
from gate.demo.people import Person, built_in, from_folder
from gate.demo.portrait import Portrait
from gate.gallery.traveller import Traveller
from gate.synth import random_style
from gate.vision.pipeline import Vision

FRAMES_PER_S = 10
"""At which they are played: what gate cameras send."""

QUICK_FRAMES = 24
"""Of an approach in the benchmarks' quick forms, which share them."""

FLIGHT = "BENCH"

_T = TypeVar("_T")

_THREADS = 2
"""Films painted at a time: most of the work is OpenCV's, which lets other threads run."""


@dataclass(frozen=True, slots=True)
class WalkUp:
    """One traveller: the photograph that is enrolled, and the frames of one approach, JPEG files of 1280 x 720.

    Attributes:
        seed: of shake and noise.
        portrait: who walks; None where the frames are all there is.
    """

    reference: str
    photo: bytes
    frames: tuple[bytes, ...]
    seed: int = 0
    portrait: Portrait | None = field(default=None, repr=False)

    def masked(self) -> tuple[bytes, ...]:
        """The same approach by the same way, with a mask on.

        Raises:
            ValueError: there is no portrait.
        """
        if self.portrait is None:
            raise ValueError("expected a portrait, found frames alone")
        rng = np.random.default_rng(self.seed)
        return film(self.portrait.masked(random_style(rng), rng), len(self.frames), self.seed)


def usual_faces() -> Path | None:
    """Photographs of `../shared`, where they are."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"
    return folder if folder.is_dir() else None


def walk_ups(vision: Vision, count: int, frames: int, seed: int, tick: Callable[[], None]) -> list[WalkUp]:
    """People of `../shared`, else those inside the installed packages, each walking up once.

    Args:
        vision: finds their faces.
        count: people at most.
        frames: of each approach.
        tick: called after each.
    """
    faces = usual_faces()
    people: tuple[Person, ...] = from_folder(vision, faces / "lfw", count, seed) if faces else built_in(vision)

    def walk_up(index: int) -> WalkUp:
        person = people[index]
        shown = film(person.portrait, frames, seed + index)
        return WalkUp(f"T{index:05}", person.photo, shown, seed + index, person.portrait)

    return list(_each(walk_up, len(people[:count]), tick))


def masked_films(walking: list[WalkUp], tick: Callable[[], None]) -> list[tuple[bytes, ...]]:
    """Everybody's approach once more, masked."""
    return list(_each(lambda index: walking[index].masked(), len(walking), tick))


def film(portrait: Portrait, frames: int, seed: int) -> tuple[bytes, ...]:
    """One approach."""
    return tuple(render(Scene((Actor(portrait),), seconds=frames / FPS, seed=seed)))


def _each(make: Callable[[int], _T], count: int, tick: Callable[[], None]) -> Iterator[_T]:
    with ThreadPoolExecutor(_THREADS, "films") as pool:
        for made in pool.map(make, range(count)):
            tick()
            yield made


def expected_photos(walking: list[WalkUp], expected: int) -> list[tuple[Traveller, bytes]]:
    """Who is enrolled: everybody who walks up, and others up to `expected` who never come."""
    photos = [(traveller(person.reference), person.photo) for person in walking]
    faces = usual_faces()
    if faces is not None:
        others = list_distractors(faces / "lfw-singles").photos[: max(0, expected - len(photos))]
        photos += [(traveller(f"O{index:05}"), photo.path.read_bytes()) for index, photo in enumerate(others)]
    return photos


def traveller(reference: str) -> Traveller:
    """Somebody on the benchmark's flight."""
    return Traveller(reference, FLIGHT, datetime.now(UTC) + timedelta(hours=2))
