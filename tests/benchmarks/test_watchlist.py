"""A watch list that is measured on its own people, or on look-alikes, would say the wrong thing of strangers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from benchmarks import accuracy_templates, watchlist
from benchmarks.accuracy_templates import Acquisition
from benchmarks.watchlist import Faces, Plan
from gate.decision.policy import Policy
from gate.vision.probe import ImageBGR
from tests.benchmarks.faces import NOBODY, FakeVision, save


@pytest.fixture(autouse=True)
def painted(monkeypatch: pytest.MonkeyPatch) -> None:
    def paint(image: ImageBGR, *_: object) -> ImageBGR:
        masked = image.copy()
        masked[38:52, 16:48] = 250
        return masked

    monkeypatch.setattr(accuracy_templates, "render_mask", paint)


def look(plan: Plan) -> Faces:
    work = Acquisition(FakeVision(), Policy().quality, plan.seed, 1)
    with Progress(console=Console(file=io.StringIO())) as progress:
        return watchlist.look(plan, work, progress)


def test_ordinary_travellers_are_those_with_as_many_photographs_as_looks(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", range(5), 4)
    save(tmp_path, "set", range(5, 9), 2)
    faces = look(Plan(dataset))
    assert faces.ordinary == tuple(f"p{person:03}" for person in range(5))
    assert set(faces.probes["bare"]) == set(faces.probes["masked"]) == {f"p{person:03}" for person in range(9)}
    assert all(len(faces.probes["masked"][person]) == 4 for person in faces.ordinary)


def test_whoever_is_not_found_is_no_look(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", [1, 2, NOBODY], 4)
    save(tmp_path, "set", range(5, 9), 2)
    faces = look(Plan(dataset))
    assert faces.ordinary == ("p001", "p002")
    assert f"p{NOBODY}" not in faces.probes["bare"]


def test_look_alikes_are_barred_both_ways(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", range(2), 4)
    save(tmp_path, "set", range(2, 4), 1)
    alike = tmp_path / "alike.csv"
    alike.write_text("identity_a,identity_b\nset/p000,set/p003\n")
    faces = look(Plan(dataset, lookalikes=alike))
    assert faces.barred == {"p000": frozenset({"p003"}), "p003": frozenset({"p000"})}


def test_a_set_without_anybody_else_is_refused(tmp_path: Path) -> None:
    """Lists drawn from nobody would refer nobody."""
    with pytest.raises(OSError, match="one kind only"):
        look(Plan(save(tmp_path, "set", range(3), 4)))
    with pytest.raises(OSError, match="one kind only"):
        look(Plan(save(tmp_path, "other", range(3), 1)))


def test_of_few_people_some_are_left_to_be_on_a_list(tmp_path: Path) -> None:
    faces = look(Plan(save(tmp_path, "set", range(6), 2), looks=2, quick=True))
    assert len(faces.ordinary) == 3
    assert len(faces.probes["bare"]) == 6
