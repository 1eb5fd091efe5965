"""A false positive rate that is counted wrongly lets an authority believe in thresholds that do not hold."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from benchmarks import accuracy_templates, fpir, fpir_people
from benchmarks.accuracy_templates import Acquisition, Seen, stacked
from benchmarks.fpir_people import People, Plan, near_pairs, same_people
from benchmarks.fpir_rates import Side, compare, realised, some
from gate.decision.calibration import Calibration
from gate.decision.policy import Policy
from gate.vision.probe import ImageBGR, MaskState, Probe
from tests.benchmarks.faces import FakeVision, save
from tests.decision.makers import CALIBRATION

LENIENT = Calibration.model_validate(CALIBRATION.model_dump(mode="json") | {"pack_id": FakeVision.pack_id})


def unit(rows: list[list[float]]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    found = np.array(rows, np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_every_gallery_that_can_be_drawn_is_counted() -> None:
    """By hand: of all galleries of 2 out of 6, those that hold a match."""
    hits = {0: 1, 3: 1}
    drawn = list(combinations(range(6), 2))
    by_hand = sum(any(hits.get(i) for i in gallery) for gallery in drawn) / len(drawn)
    assert some(np.array([2.0]), 6, 2)[0] == pytest.approx(by_hand)


@given(st.integers(1, 2000), st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1))
def test_a_chance_is_a_chance_and_never_falls_with_the_matches(of: int, drawn: int, one: float, other: float) -> None:
    few, many = sorted((one * of, other * of))
    low, high = some(np.array([few, many]), of, drawn)
    assert -1e-9 <= low <= high + 1e-9 <= 1 + 2e-9
    assert some(np.array([0.0]), of, drawn)[0] == 0


@given(st.integers(2, 500), st.integers(0, 20))
def test_a_crowd_larger_than_the_templates_is_drawn_with_replacement(of: int, hits: int) -> None:
    hits = min(hits, of - 1)
    assert some(np.array([float(hits)]), of, 10 * of)[0] == pytest.approx(1 - (1 - hits / of) ** (10 * of))


def test_somebody_s_own_photograph_and_whoever_may_be_they_are_never_compared() -> None:
    rows = unit([[1, 0, 0], [1, 0.01, 0], [1, 0, 0.01]])
    side = Side(rows, np.array([0, 1, 2]))
    least = np.full(3, 0.5)
    free = compare(side, side, least, [])
    assert len(free.probe) == 6
    barred = compare(side, side, least, [(0, 1)])
    assert sorted(zip(barred.probe.tolist(), barred.like.tolist(), strict=True)) == [(0, 2), (1, 2), (2, 0), (2, 1)]
    assert barred.size == 2


def test_the_realised_rate_of_independent_strangers_is_the_stated_one() -> None:
    """A calibration that is right by construction: cosines in three dimensions are uniform (Archimedes)."""
    rng = np.random.default_rng(1)
    side = Side(unit(rng.normal(size=(1500, 3)).tolist()), np.arange(1500))
    for rate, size in ((0.1, 5), (0.05, 20)):
        fmr = 1 - (1 - rate) ** (1 / size)
        least = np.full(1500, 1 - 2 * fmr)
        matches = compare(side, side, least, [])
        assert realised(matches, np.zeros(1500), size) == pytest.approx(rate, rel=0.1)


def test_resampling_everybody_once_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    side = Side(unit(rng.normal(size=(200, 3)).tolist()), np.arange(200))
    matches = compare(side, side, np.full(200, 0.9), [])
    assert realised(matches, np.zeros(200), 10, np.ones(200)) == pytest.approx(realised(matches, np.zeros(200), 10))


def test_who_is_in_the_crops_after_all_is_found_by_two_packs_only() -> None:
    seen = [Seen(Probe(row, MaskState.NONE, "fake", {})) for row in unit([[1, 0, 0], [0, 1, 0], [0, 0, 1]])]
    probes = stacked(seen)
    crops = Side(unit([[1, 0.1, 0], [0, 1, 0.1], [1, 1, 1]]), np.array([10, 11, 12]))
    near = near_pairs(probes, crops, CALIBRATION)
    assert near.tolist() == [
        [0, 0],
        [1, 1],
    ]  # at 5,000 the made-up threshold is 0.62; the third resembles nobody so much
    second = unit([[1, 0], [0, 1]])
    theirs = {0: second[0], 1: second[0]}  # the second pack takes the other for somebody else
    assert same_people(near, {0: second[0], 1: second[1]}, theirs, probes.person, crops.person, 0.5) == [(0, 10)]


def test_crops_without_an_identity_are_people_of_their_own() -> None:
    names = ("celeba/7/1.webp", "celeba/7/2.webp", "utkface/_/1.webp", "utkface/_/2.webp")
    crops = [fpir_people.Crop(Path("a.zip"), name) for name in names]
    assert fpir_people.crop_people(crops).tolist() == [0, 0, 1, 2]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "crops"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive, (folder / "index.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("zip", "member"))
        for i in range(30):
            picture = np.full((112, 112, 3), 120, np.uint8)
            picture[:8, :8] = (130 + i, 0, 0)
            archive.writestr(f"x/_/{i}.png", cv2.imencode(".png", picture)[1].tobytes())
            rows.writerow(("a.zip", f"x/_/{i}.png"))
    return folder


def test_a_data_set_with_crops_gives_every_figure(tmp_path: Path, crops: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def paint(image: ImageBGR, *_: object) -> ImageBGR:
        masked = image.copy()
        masked[38:52, 16:48] = 250
        return masked

    monkeypatch.setattr(accuracy_templates, "render_mask", paint)
    plan = Plan(save(tmp_path, "people", range(80), 2), crops=crops, replicates=10, threads=1)
    work = Acquisition(FakeVision(), Policy().quality, plan.seed, plan.threads)
    with Progress(console=Console(file=io.StringIO())) as progress:
        people = fpir_people.acquire(plan, work, LENIENT, progress)
    assert len(people.references.person) == 80 and len(people.crops.person) == 30
    measured = fpir.judge(plan, people, LENIENT)
    names = set(measured.by_name())
    assert names == {
        f"fpir.{mode}.{basis}.{size}"
        for mode in ("unmasked", "masked")
        for basis in ("dataset", "all")
        for size in fpir.SIZES
    }
    assert all(math.isfinite(figure.value) and figure.ci_low <= figure.ci_high for figure in measured.figures)
    assert measured.run["probes"] == {"unmasked": 160, "masked": 160}
    assert "stand for a larger crowd" in measured.notes[0]
    assert len(measured.plots) == 2


def test_people_who_cannot_be_found_are_no_searches() -> None:
    seen = [Seen(Probe(row, MaskState.NONE, "fake", {})) for row in unit([[1, 0], [0, 1]])] + [Seen(None, "no face")]
    probes = stacked(seen)
    people = People(
        {"unmasked": probes, "masked": probes},
        Side(probes.rows[:2], probes.person[:2]),
        Side(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)),
        [],
    )
    measured = fpir.judge(Plan(Path("people"), replicates=5), people, CALIBRATION)
    assert measured.by_name()["fpir.unmasked.dataset.50"].n == 2
