"""Whom the demo shows: people from public photographs, under neutral labels."""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gate.demo.portrait import Portrait, cut_out
from gate.errors import FrameError
from gate.sources import PICTURES, SourceError, encode_jpeg
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode_photo
from gate.vision.pipeline import Vision
from gate.vision.probe import Face, ImageBGR, Sighting

_GROUP_ORDER = (2, 3, 0, 1, 4, 5)
"""The group photograph's people from left to right, in the order of their parts: see `built_in`."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in the demo.

    Attributes:
        label: neutral: never the person's name.
        photo: JPEG file, to enrol.
        portrait: to play.
        same_photo: `portrait` comes from the photograph that is enrolled.
    """

    label: str
    photo: bytes
    portrait: Portrait
    same_photo: bool


def built_in(vision: Vision) -> tuple[Person, ...]:
    """Seven people from the photographs inside the installed packages: a group of six, and a portrait.

    In this order: four who look at the camera, one who is only expected, one who looks away, one who is not expected.

    Raises:
        SourceError: the packages or their photographs are not there.
    """
    alone = _package_picture("skimage", "data/astronaut.png")
    group = _package_picture("insightface", "data/images/t1.jpg")
    faces = sorted(_look(vision, group).faces, key=lambda face: face.centre[0])
    if len(faces) != len(_GROUP_ORDER):
        raise SourceError(
            f"Expected {len(_GROUP_ORDER)} faces in insightface's group photograph, found {len(faces)}",
            "Reinstall the packages (`make setup`), or use --faces.",
        )
    seen = _look(vision, alone)
    found = [(alone, seen.faces[0], ())] if seen.faces else []
    found += [(group, faces[i], tuple(f for f in faces if f is not faces[i])) for i in _GROUP_ORDER]  # type: ignore[misc]
    return tuple(
        Person(label, _photo(image, face), cut_out(image, face, others, clothes), same_photo=True)
        for clothes, (label, (image, face, others)) in enumerate(zip(_labels(), found, strict=False))
    )


def from_folder(vision: Vision, folder: Path, count: int, seed: int) -> tuple[Person, ...]:
    """People of a folder with a folder for each: the first photograph enrols, another one plays.

    Args:
        vision: finds the faces.
        folder: of people; who has only one usable photograph is passed over.
        count: people wanted.
        seed: chooses them.

    Raises:
        SourceError: fewer than four people are usable.
    """
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}", "Name a folder that holds a folder of photographs a person.")
    homes = sorted(home for home in folder.iterdir() if home.is_dir())
    order = np.random.default_rng(seed).permutation(len(homes))
    people: list[Person] = []
    labels = _labels()
    for index in order:
        if len(people) == count:
            break
        pair = _pair(vision, homes[index])
        if pair is not None:
            photo, (image, face, others) = pair
            people.append(Person(next(labels), photo, cut_out(image, face, others, len(people)), same_photo=False))
    if len(people) < 4:
        raise SourceError(
            f"{folder} holds {len(people)} people with two usable photographs; the demo needs 4",
            "Name a folder that holds a folder of photographs a person.",
        )
    return tuple(people)


_Seen = tuple[ImageBGR, Face, tuple[Face, ...]]


def _pair(vision: Vision, home: Path) -> tuple[bytes, _Seen] | None:
    """The photograph to enrol, and what to play, of one person."""
    photos: list[tuple[bytes, _Seen]] = []
    for path in sorted(home.iterdir()):
        if path.suffix.lower() in PICTURES and len(photos) < 2:
            data = path.read_bytes()
            seen = _subject(vision, data)
            if seen is not None:
                photos.append((data, seen))
    return (photos[0][0], photos[1][1]) if len(photos) == 2 else None


def _subject(vision: Vision, data: bytes) -> _Seen | None:
    try:
        image = decode_photo(data, DecodeLimits())
    except FrameError:
        return None
    sighting = _look(vision, image)
    if sighting.traveller is None:
        return None
    return image, sighting.traveller, tuple(f for f in sighting.faces if f is not sighting.traveller)


def _look(vision: Vision, image: ImageBGR) -> Sighting:
    height, width = image.shape[:2]
    return vision.look(Frame(0, 0, Encoding.BGR24, width, height, image.tobytes()))


def _photo(image: ImageBGR, face: Face) -> bytes:
    """A portrait for enrolment: the photograph's own pixels round the face, without the neighbours."""
    left, top, right, bottom = face.box_xyxy
    side = 0.5 * (right - left)
    rows = slice(max(0, int(top - 0.45 * (bottom - top))), int(bottom + 0.35 * (bottom - top)))
    return encode_jpeg(np.ascontiguousarray(image[rows, max(0, int(left - side)) : int(right + side)]), 95)


def _labels() -> Iterator[str]:
    letters = string.ascii_uppercase
    yield from letters
    yield from (first + second for first in letters for second in letters)


def _package_picture(package: str, name: str) -> ImageBGR:
    spec = importlib.util.find_spec(package)
    places = [Path(place) / name for place in (spec.submodule_search_locations or ())] if spec else []
    path = next((place for place in places if place.is_file()), None)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path else None
    if image is None:
        raise SourceError(f"The photograph {name} of {package} is not installed", "Run `make setup`, or use --faces.")
    return image.astype(np.uint8)
