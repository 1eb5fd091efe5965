"""Passages to play: travellers who walk up to the gate's camera, and those who are expected besides them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.accuracy_photos import list_distractors
from gate.demo.approach import FPS, Actor, Scene, render
from gate.demo.people import Person, built_in, from_folder
from gate.gallery.traveller import Traveller
from gate.vision.pipeline import Vision

FRAMES_PER_S = 10
"""At which they are played: what gate cameras send."""

FLIGHT = "BENCH"


@dataclass(frozen=True, slots=True)
class WalkUp:
    """One traveller: the photograph that is enrolled, and the frames of one approach, JPEG files of 1280 x 720."""

    reference: str
    photo: bytes
    frames: tuple[bytes, ...]


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
    found = []
    for index, person in enumerate(people[:count]):
        scene = Scene((Actor(person.portrait),), seconds=frames / FPS, seed=seed + index)
        found.append(WalkUp(f"T{index:05}", person.photo, tuple(render(scene))))
        tick()
    return found


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
