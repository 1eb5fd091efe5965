"""Synthesised passages must be what a camera would send, or the demo proves nothing."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from gate.demo.approach import HEIGHT_PX, WIDTH_PX, Actor, Blur, Scene, render
from gate.demo.people import Person
from gate.engine.build import Built
from gate.synth import MaskStyle
from gate.vision.frame import Encoding, Frame
from gate.vision.probe import Sighting

pytestmark = pytest.mark.shared


def look(built: Built, frame: bytes) -> Sighting:
    return built.vision.look(Frame(1, 0, Encoding.JPEG, 0, 0, frame))


def test_frames_are_jpeg_of_a_cameras_size_and_all_different() -> None:
    frames = list(render(Scene((), seconds=0.5)))
    assert len(frames) == 6
    assert len(set(frames)) == 6, "sensor noise makes no two frames alike"
    image = cv2.imdecode(np.frombuffer(frames[0], np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)


def test_the_same_seed_makes_the_same_passage(people: tuple[Person, ...]) -> None:
    """Guards against a demo that passes by luck."""
    scene = Scene((Actor(people[0].portrait),), seconds=0.3, seed=5)
    assert list(render(scene)) == list(render(scene))


def test_a_person_comes_closer(built: Built, people: tuple[Person, ...]) -> None:
    frames = list(render(Scene((Actor(people[0].portrait, from_eye_px=36),), seconds=2)))
    sizes = [quality.eye_distance_px for f in frames[::4] if (quality := look(built, f).quality)]
    assert sizes[0] < 45
    assert sizes[-1] > 60
    assert all(later > earlier - 4 for earlier, later in pairwise(sizes))


def test_blur_ends_when_it_should(built: Built, people: tuple[Person, ...]) -> None:
    frames = list(render(Scene((Actor(people[0].portrait, from_eye_px=60),), seconds=1, blur=Blur(5.0, 8, until=0.5))))
    first, last = look(built, frames[2]).quality, look(built, frames[-1]).quality
    assert first is not None
    assert last is not None
    assert first.sharpness < 0.35 < last.sharpness


def test_two_people_are_two_faces(built: Built, people: tuple[Person, ...]) -> None:
    actors = (Actor(people[0].portrait, x=0.35, from_eye_px=50), Actor(people[1].portrait, x=0.65, from_eye_px=50))
    assert len(look(built, list(render(Scene(actors, seconds=1)))[-1]).faces) == 2


def test_a_mask_changes_the_face_and_leaves_the_eyes(people: tuple[Person, ...]) -> None:
    bare = people[0].portrait
    masked = bare.masked(MaskStyle(), np.random.default_rng(1))
    nose, eye = bare.landmarks[2].astype(int), bare.landmarks[0].astype(int)
    assert (masked.image_bgr[nose[1] + 15, nose[0]] != bare.image_bgr[nose[1] + 15, nose[0]]).any()
    assert (masked.image_bgr[eye[1], eye[0]] == bare.image_bgr[eye[1], eye[0]]).all()


def test_a_cut_out_is_one_upright_person(built: Built, people: tuple[Person, ...]) -> None:
    """Guards the group photograph: a neighbour's face in the cut-out would be a second person."""
    for person in people:
        portrait = person.portrait
        left, right = portrait.landmarks[0], portrait.landmarks[1]
        assert abs(float(right[1] - left[1])) < 1.0, "the eyes are level"
        frame = list(render(Scene((Actor(portrait, from_eye_px=60),), seconds=0.3)))[-1]
        assert len(look(built, frame).faces) == 1, person.label
