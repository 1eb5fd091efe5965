"""The corridor bench: what it counts as right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.corridor import Plan, default_plan
from benchmarks.corridor_play import Played, Verdict
from benchmarks.corridor_scene import Cast
from benchmarks.mot import Following
from gate.decision.outcome import Outcome, Reason
from gate.synth.camera import Camera


def played(*verdicts: Verdict) -> Played:
    cast = Cast((), frozenset({0, 1}), frozenset(), 1)
    following = Following(0, 0, 0, 0, 0, 0)
    return Played(cast, following, verdicts, frozenset({0, 1, 2}), (), (), 0.0, (), 0, 0, ())


def opened(recognised: int, shown: int | None) -> Verdict:
    return Verdict(1, Outcome.OPEN, Reason.MATCHED, recognised, shown, 1.0)


def test_somebody_passes_on_their_own_face_only() -> None:
    assert played(opened(0, 0)).passed(0)
    assert not played(opened(0, 1)).passed(0)
    assert not played(opened(0, None)).passed(0)


def test_a_face_that_passes_as_somebody_else_is_the_worst_that_can_happen() -> None:
    wrong = played(opened(0, 2))
    assert wrong.passed_wrongly(2)
    assert not wrong.passed_wrongly(0)
    assert not played(opened(0, 0)).passed_wrongly(0)


def test_somebody_referred_has_not_passed() -> None:
    referred = played(Verdict(1, Outcome.OFFICER, Reason.NO_MATCH, None, 0, 1.0))
    assert not referred.passed(0)
    assert not referred.passed_wrongly(0)


def test_the_quick_plan_is_smaller(tmp_path: Path) -> None:
    plan = default_plan(tmp_path, quick=True)
    assert plan.videos * plan.people < Plan(tmp_path, tmp_path).people


@pytest.mark.shared
def test_a_short_corridor_is_measured_from_end_to_end(shared: Path) -> None:
    from rich.console import Console

    from benchmarks.corridor import run

    faces = shared / "data" / "faces"
    few = {"videos": 1, "people": 4, "strangers": 1, "masked": 0, "travellers": 5, "still_frames": 1}
    camera = Camera(width_px=1280, height_px=720, focal_px=2000.0, fps=6.0)
    plan = Plan(faces / "celeba", faces / "lfw", camera=camera, detect_size_px=480, **few)
    measured = run(plan, Console(quiet=True))
    by_name = measured.by_name()
    assert by_name["corridor.passed_wrongly"].value == 0
    assert by_name["corridor.mota"].value > 0.5
    assert by_name["corridor.expected_passed"].n <= 3
    assert measured.plots
