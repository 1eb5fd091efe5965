"""Whom the demo shows: people from public photographs, under neutral labels."""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gate.demo.portrait import Portrait, cut_out
from gate.errors import FrameError
from gate.sources import PICTURES, SourceError, encode_jpeg
from gate.vision.enrolment import EnrolmentRules
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode_photo
from gate.vision.pipeline import Vision
from gate.vision.probe import Face, ImageBGR, Sighting

_GROUP_ORDER = (2, 3, 0, 1, 4, 5)
"""The group photograph's people from left to right, in the order of their parts: see `built_in`."""

_ENOUGH = 4
"""People with whom every scenario of the demo can be played."""

_FILES_TRIED = 6
"""Photographs of one person that are looked at."""


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
    labels = _labels()
    alone = _package_picture("skimage", "data/astronaut.png")
    group = _package_picture("insightface", "data/images/t1.jpg")
    faces = sorted(_look(vision, group).faces, key=lambda face: face.centre[0])
    if len(faces) != len(_GROUP_ORDER):
        raise SourceError(
            f"Expected {len(_GROUP_ORDER)} faces in insightface's group photograph, found {len(faces)}",
            "Reinstall the packages (`make setup`), or use --faces.",
        )
    shots = [(alone, _look(vision, alone).faces[:1], 0)] + [(group, faces, index) for index in _GROUP_ORDER]
    return tuple(
        _from_crop(next(labels), image, found, index, clothes) for clothes, (image, found, index) in enumerate(shots)
    )


def _from_crop(label: str, image: ImageBGR, faces: Sequence[Face], index: int, clothes: int) -> Person:
    face = faces[index]
    others = tuple(other for other in faces if other is not face)
    return Person(label, _photo(image, face), cut_out(image, face, others, clothes), same_photo=True)


def from_folder(vision: Vision, folder: Path, count: int, seed: int) -> tuple[Person, ...]:
    """People of a folder with a folder for each: the first photograph enrols, another one plays.

    Args:
        vision: finds the faces.
        folder: of people; who has only one usable photograph is passed over.
        count: people wanted.
        seed: chooses them.

    Raises:
        SourceError: fewer people are usable than are wanted, and than four.
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
            enrols, plays = pair
            portrait = plays.portrait(len(people))
            people.append(Person(next(labels), enrols.data, portrait, same_photo=False))
    if len(people) < min(count, _ENOUGH):
        raise SourceError(
            f"{folder} holds {len(people)} people with two usable photographs, expected {min(count, _ENOUGH)}",
            "Name a folder that holds a folder of photographs a person.",
        )
    return tuple(people)


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """A photograph in which somebody was found."""

    data: bytes
    image: ImageBGR
    sighting: Sighting
    face: Face

    @property
    def alone(self) -> bool:
        """Nobody else is near: it can be enrolled."""
        return self.sighting.rival_ratio < EnrolmentRules().max_rival_ratio

    def portrait(self, clothes: int) -> Portrait:
        """The person cut out."""
        others = tuple(face for face in self.sighting.faces if face is not self.face)
        return cut_out(self.image, self.face, others, clothes)


def _pair(vision: Vision, home: Path) -> tuple[_Shot, _Shot] | None:
    """The photograph to enrol, and the one to play, of one person; None without two that will do."""
    files = [path for path in sorted(home.iterdir()) if path.suffix.lower() in PICTURES][:_FILES_TRIED]
    shots = [shot for path in files if (shot := _shot(vision, path.read_bytes())) is not None]
    enrols = next((shot for shot in shots if shot.alone), None)
    plays = next((shot for shot in shots if shot is not enrols), None)
    return (enrols, plays) if enrols and plays else None


def _shot(vision: Vision, data: bytes) -> _Shot | None:
    try:
        image = decode_photo(data, DecodeLimits())
    except FrameError:
        return None
    sighting = _look(vision, image)
    return _Shot(data, image, sighting, sighting.traveller) if sighting.traveller else None


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
