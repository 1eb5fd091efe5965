"""People of the demo: neutral labels, and never the very same pixels enrolled and played."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.demo.people import Person, from_folder
from gate.engine.build import Built
from gate.sources import SourceError

pytestmark = pytest.mark.shared


def test_the_built_in_people_have_letters_for_names(people: tuple[Person, ...]) -> None:
    assert [person.label for person in people] == ["A", "B", "C", "D", "E", "F", "G"]
    assert all(person.same_photo for person in people), "and the demo must say so"


def test_a_folder_plays_another_photograph_than_it_enrols(built: Built, shared: Path) -> None:
    people = from_folder(built.vision, shared / "data" / "faces" / "lfw", 4, seed=3)
    assert [person.label for person in people] == ["A", "B", "C", "D"]
    for person in people:
        assert not person.same_photo
        photo = cv2.imdecode(np.frombuffer(person.photo, np.uint8), cv2.IMREAD_COLOR)
        assert photo.shape != person.portrait.image_bgr.shape


def test_two_people_are_enough_where_two_are_wanted(shared: Path, built: Built) -> None:
    """Benchmarks want fewer than the demo does."""
    assert len(from_folder(built.vision, shared / "data" / "faces" / "lfw", 2, seed=3)) == 2


def test_the_seed_chooses_the_people(built: Built, shared: Path) -> None:
    folder = shared / "data" / "faces" / "lfw"
    first, again, other = (from_folder(built.vision, folder, 4, seed=seed) for seed in (1, 1, 2))
    assert [p.photo for p in first] == [p.photo for p in again]
    assert [p.photo for p in first] != [p.photo for p in other]


def test_too_few_people_are_said(built: Built, tmp_path: Path) -> None:
    (tmp_path / "somebody").mkdir()
    with pytest.raises(SourceError, match="expected 4"):
        from_folder(built.vision, tmp_path, 4, seed=1)
    with pytest.raises(SourceError, match="no folder"):
        from_folder(built.vision, tmp_path / "none", 4, seed=1)
