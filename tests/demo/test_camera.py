"""The demo with a camera, with recorded pictures for a camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.decision.outcome import Outcome
from gate.demo.approach import Actor, Scene, render
from gate.demo.camera import verify_person_before
from gate.demo.people import Person
from gate.demo.stage import demo_settings
from gate.engine.build import Built, build_engine
from gate.settings import Settings
from gate.sources import Pictures, SourceError

pytestmark = pytest.mark.shared


@pytest.fixture
def fresh(tmp_path: Path, shared: Path) -> Iterator[Built]:
    """An engine with nobody enrolled."""
    del shared  # only to skip without it
    folder = tmp_path / "engine"
    folder.mkdir()
    with build_engine(demo_settings(Settings(), folder)) as built:
        yield built


def camera(frames: list[bytes], folder: Path) -> Pictures:
    files = [folder / f"{number:03d}.jpg" for number in range(len(frames))]
    for path, frame in zip(files, frames, strict=True):
        path.write_bytes(frame)
    return Pictures(tuple(files), fps=30.0)


async def test_whoever_stands_there_is_enrolled_and_then_recognised(
    fresh: Built, people: tuple[Person, ...], tmp_path: Path
) -> None:
    """The first pictures show nobody, as when somebody has yet to step before the camera."""
    nobody = list(render(Scene((), seconds=0.3)))
    somebody = list(render(Scene((Actor(people[0].portrait, from_eye_px=40),), seconds=2)))
    decision = await verify_person_before(camera(nobody + somebody, tmp_path), fresh, lambda _: None)
    assert decision.outcome is Outcome.OPEN
    assert decision.gallery_size == 1


async def test_nobody_before_the_camera_is_said(fresh: Built, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No picture could be enrolled"):
        await verify_person_before(camera(list(render(Scene((), seconds=0.3))), tmp_path), fresh, lambda _: None)
