"""The corridor's truth must be true: what it says of a face is measured against what is in the picture."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.synth.camera import PUPILS_M, Camera
from gate.synth.corridor import CorridorFrame, Walk, Walker, crowd, render
from gate.synth.geometry import Field, Image

SMALL = Camera(width_px=480, height_px=270, focal_px=750.0, fps=10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Paper:
    """A person of one colour, with a face that is all of the upper part."""

    image_bgr: Image
    alpha: Field
    landmarks: NDArray[np.float32]


def walker(colour: tuple[int, int, int], walk: Walk) -> Walker:
    image = np.full((400, 120, 3), colour, np.uint8)
    alpha = np.ones((400, 120), np.float32)
    points = np.array([[45, 60], [75, 60], [60, 75], [48, 90], [72, 90]], np.float32)
    return Walker(Paper(image, alpha, points), walk, (28.0, 25.0, 92.0, 110.0))


def shown(frame: CorridorFrame) -> Image:
    return cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR).astype(np.uint8)


RED, BLUE = (30, 30, 220), (220, 40, 30)


def test_the_same_seed_paints_the_same_video() -> None:
    scene = [walker(RED, Walk(from_m=8))]
    one, other = list(render(scene, 0.3, SMALL)), list(render(scene, 0.3, SMALL))
    assert [frame.jpeg for frame in one] == [frame.jpeg for frame in other]


def test_a_face_is_where_the_truth_says() -> None:
    for frame in itertools.islice(render([walker(RED, Walk(from_m=6, x_m=(-0.4, 0.4)))], 2, SMALL), 3, 15, 4):
        (face,) = frame.faces
        left, top, right, bottom = (round(value) for value in face.box_xyxy)
        inside = shown(frame)[top:bottom, left:right].reshape(-1, 3).mean(axis=0)
        assert inside[2] > 2 * inside[0]
        assert face.visible == 1.0


def test_faces_grow_as_people_come_nearer() -> None:
    sizes = [frame.faces[0].eye_px for frame in render([walker(RED, Walk(from_m=8, speed=2))], 2, SMALL)]
    assert sizes == sorted(sizes)
    assert sizes[0] == pytest.approx(PUPILS_M * SMALL.focal_px / 8, rel=0.02)


def test_who_stands_behind_somebody_is_hidden() -> None:
    near, far = Walk(from_m=4, speed=0.01), Walk(from_m=8, speed=0.01, eyes_m=1.2)
    frame = next(render([walker(RED, far), walker(BLUE, near)], 0.2, SMALL))
    visible = {face.walker: face.visible for face in frame.faces}
    assert visible[0] < 0.05
    assert visible[1] == 1.0


def test_half_out_of_the_picture_is_half_seen() -> None:
    aside = next(x / 100 for x in range(200) if SMALL.see(x / 100, 1.6, 4)[0] >= SMALL.width_px)
    frame = next(render([walker(RED, Walk(from_m=4, speed=0.01, x_m=(aside, aside)))], 0.2, SMALL))
    assert 0.3 < frame.faces[0].visible < 0.8


def test_nobody_is_seen_before_they_come_or_after_they_have_left() -> None:
    walk = Walk(starts_s=0.5, from_m=3, speed=2)
    frames = list(render([walker(RED, walk)], 2.0, SMALL))
    seen = [frame.at_s for frame in frames if frame.faces]
    assert min(seen) >= walk.starts_s
    assert max(seen) <= walk.ends_s


@pytest.mark.parametrize("seed", range(4))
def test_a_crowd_never_walks_through_itself(seed: int) -> None:
    walks = crowd(8, seed)
    assert walks == crowd(8, seed)
    for at_s in np.arange(0, max(walk.ends_s for walk in walks), 0.1):
        places = [place for walk in walks if (place := walk.at(float(at_s))) is not None]
        for one, other in itertools.combinations(places, 2):
            assert math.hypot(one[0] - other[0], one[2] - other[2]) >= 0.4


def test_too_many_for_the_corridor_are_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        crowd(40, 1, within_s=0.1)


def test_light_and_smear_follow_the_walk() -> None:
    """Somebody who crosses fast is smeared sideways; one who comes on is not."""
    camera = replace(SMALL, exposure_s=0.06)

    def edge(walk: Walk) -> float:
        frame = list(render([walker(RED, walk)], 0.8, camera))[-1]
        grey = cv2.cvtColor(shown(frame), cv2.COLOR_BGR2GRAY).astype(np.float32)
        left, top, right, bottom = (round(value) for value in frame.faces[0].box_xyxy)
        return float(np.abs(np.diff(grey[top:bottom, left - 30 : right + 30], axis=1)).max())

    still = edge(Walk(from_m=4, speed=0.01))
    crossing = edge(Walk(from_m=4, speed=2.0, x_m=(-1.2, 1.2)))
    assert crossing < 0.8 * still
