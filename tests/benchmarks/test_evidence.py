"""A way to use frames that sees more than a gate would, or counts the wrong approaches, looks better than it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.progress import Progress

from benchmarks import evidence, evidence_approach
from benchmarks.accuracy_templates import Acquisition
from benchmarks.evidence_approach import Glimpse, Shown, frames
from benchmarks.evidence_play import Look, Way, answers, looks, plan_of
from gate.decision.policy import Policy
from gate.decision.sequential import Plan, weight
from gate.vision.probe import MaskState, Probe
from tests.benchmarks.faces import FakeVision, save
from tests.decision.makers import CALIBRATION
from tests.decision.test_sequential import MEASURED

POLICY = Policy(max_comparisons=3, retry_after_s=0.3)


def glimpse(at_s: float, score: float, axis: int | None = 0, mask: MaskState = MaskState.NONE) -> Glimpse:
    probe = None if axis is None else Probe(np.eye(8, dtype=np.float32)[axis], mask, "fake", {})
    return Glimpse(at_s, probe, score)


APPROACH = [
    glimpse(0.0, 0.2, None),
    glimpse(0.1, 0.4),
    glimpse(0.2, 0.41),
    glimpse(0.3, 0.6),
    glimpse(0.4, 0.5),
    glimpse(0.7, 0.6),
    glimpse(1.2, 0.6),
]


def times(way: Way) -> list[float]:
    return [look.at_s for look in looks(way, APPROACH, POLICY)]


def test_each_way_looks_when_a_gate_would() -> None:
    assert times(Way.FIRST) == [0.1]
    assert times(Way.TURNS) == times(Way.FUSED) == [0.1, 0.3, 0.7]  # better, better, time has passed; then none is left
    assert times(Way.BEST) == times(Way.FUSED_ONCE) == [1.2]  # the best is only known at the end
    assert times(Way.SPACED) == [0.1, 0.4, 1.2]  # after 0.3 s, after twice that, and last
    assert looks(Way.FUSED, [glimpse(0, 0.5, None)], POLICY) == []


def test_a_fused_look_has_every_usable_frame_until_then_and_none_from_later() -> None:
    third = looks(Way.FUSED, APPROACH, POLICY)[1]
    assert third.weight == pytest.approx(weight(0.4) + weight(0.41) + weight(0.6))


def test_frames_with_and_without_a_mask_are_not_fused_together() -> None:
    worn = [glimpse(0.0, 0.5, 1, MaskState.WORN), glimpse(0.5, 0.9, 0)]
    last = looks(Way.FUSED, worn, POLICY)[-1]
    assert last.probe.mask is MaskState.NONE
    assert last.probe.embedding[0] == pytest.approx(1)


def look(at_s: float, weighs: float = 2.0) -> Look:
    return Look(at_s, Probe(np.eye(4, dtype=np.float32)[0], MaskState.NONE, "fake", {}), 1.0, weighs)


def test_an_approach_ends_at_the_first_look_that_is_sure() -> None:
    similarities = np.array([[0.2, 0.1, 0.2], [0.9, 0.1, 0.2], [0.95, 0.1, 0.99]], np.float32)
    galleries = np.array([[0, 1], [1, 2]])
    found = answers([look(0.0), look(0.5), look(0.9)], similarities, galleries, CALIBRATION, Plan(0.01, 3, 0.0))
    assert found.who.tolist() == [0, 2]
    assert found.at_s.tolist() == [0.5, 0.9]
    assert not found.sure_no.any()


def test_somebody_who_resembles_nobody_is_told_so_early_only_where_that_is_allowed() -> None:
    similarities = np.full((2, 3), 0.05, np.float32)
    galleries = np.array([[0, 1]])
    early = answers([look(0.0), look(0.5)], similarities, galleries, MEASURED, Plan(0.01, 2, 0.02))
    patient = answers([look(0.0), look(0.5)], similarities, galleries, MEASURED, Plan(0.01, 2, 0.0))
    assert (early.at_s[0], early.sure_no[0], early.who[0]) == (0.0, True, -1)
    assert (patient.at_s[0], patient.sure_no[0], patient.who[0]) == (0.5, False, -1)


def test_nobody_seen_is_nobody_let_in() -> None:
    found = answers([], np.zeros((0, 3), np.float32), np.array([[0, 1], [1, 2]]), CALIBRATION, Plan(0.01, 3))
    assert found.who.tolist() == [-1, -1]


def test_one_look_spends_the_whole_rate_and_several_share_it() -> None:
    assert plan_of(Way.FIRST, POLICY, 0.01) == Plan(POLICY.fpir, 1, 0.0)
    assert plan_of(Way.FUSED, POLICY, 0.01) == Plan(POLICY.fpir, 3, 0.01)
    assert plan_of(Way.PATIENT, POLICY, 0.01).miss == 0


def test_rates_count_expected_and_unexpected_approaches_apart() -> None:
    rows = np.eye(6, 8, dtype=np.float32)
    walkers = tuple(evidence.Approach(p, "unmasked.one_photo", (glimpse(0.0, 0.9, p),)) for p in (0, 1))
    # Person 0 is expected at the first gate, person 1 at neither, and nobody at all resembles the others.
    told = evidence._Told.of(walkers, Way.FIRST, rows, np.array([[0, 2], [3, 4]]), CALIBRATION, POLICY)
    figures = {figure.name: figure for figure in told.figures("x", np.random.default_rng(1))}
    assert (figures["x.fnir"].value, figures["x.fnir"].n) == (0, 1)
    assert (figures["x.fpir"].value, figures["x.fpir"].n) == (0, 3)
    assert told.line(Way.FIRST).y[0] == 100


def test_an_approach_changes_from_frame_to_frame_and_is_the_same_every_time(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    cv2.circle(picture, (32, 32), 20, (255, 255, 255), -1)
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), picture)
    shown = Shown(3, (path,), masked=False)
    one, other = (list(frames(FakeVision(), shown, np.random.default_rng(4))) for _ in range(2))
    assert len(one) == evidence_approach.FRAMES
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, other, strict=True))
    assert [at_s for at_s, _ in one] == pytest.approx([i / evidence_approach.FPS for i in range(len(one))])
    assert not np.array_equal(one[0][1], one[-1][1])


def test_a_photograph_without_a_face_is_no_approach(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 255, np.uint8))
    assert list(frames(FakeVision(), Shown(1, (path,), masked=False), np.random.default_rng(1))) == []


def test_too_few_people_for_a_flight_are_said_so(tmp_path: Path) -> None:
    plan = evidence.Plan(save(tmp_path, "few", range(5), 3))
    with Progress(disable=True) as progress, pytest.raises(OSError, match="420 others"):
        evidence.record(plan, Acquisition(FakeVision(), Policy().quality, 7, 1), progress)
