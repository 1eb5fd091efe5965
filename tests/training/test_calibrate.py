"""A calibration that is too lenient opens the gate to strangers more often than the authority asked for."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.decision.calibration import Calibration, Curve
from gate.vision.probe import MaskState
from models.training import acquisition, calibrate
from models.training.calibration_curve import (
    KEPT_SHARE,
    MIN_FALSE_MATCHES,
    Population,
    ScoreTail,
    estimate,
    fmr_grid,
    measured_to,
)
from models.training.calibration_report import Split, held_back, true_accept_rate
from models.training.comparisons import Mated, Side, mated, non_mated

NO_PAIRS = np.zeros((0, 2), np.int64)


def normal_tail(people: int, rng: np.random.Generator) -> ScoreTail:
    """One photograph a person, every pair's score normal(0, 0.1): FMR(s) = erfc(s / (0.1 sqrt 2)) / 2."""
    one, other = np.triu_indices(people, 1)
    scores = rng.normal(0, 0.1, len(one)).astype(np.float32)
    order = np.argsort(-scores)[: int(len(one) * KEPT_SHARE) + 1]
    ones = np.ones(people, np.int64)
    population = Population(ones, ones, symmetric=True, excluded=NO_PAIRS)
    return ScoreTail(scores[order], one[order].astype(np.int32), other[order].astype(np.int32), population)


def normal_fmr(similarity: float) -> float:
    return math.erfc(similarity / 0.1 / math.sqrt(2)) / 2


def sphere(people: int, dimensions: int, rng: np.random.Generator, photos: int = 1) -> Side:
    """Random unit vectors; comparisons share people, as real ones do."""
    vectors = rng.normal(size=(people * photos, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    identity = np.repeat(np.arange(people), photos)
    return Side(vectors.astype(np.float32), identity, np.ones(len(identity), np.bool_))


def sphere_fmr(similarity: float) -> float:
    """In three dimensions the cosine of random directions is uniform (Archimedes)."""
    return (1 - similarity) / 2


def points(curve: Curve, *, modelled: bool) -> list[tuple[float, float]]:
    pairs = [(s, 10**f) for s, f in zip(curve.similarity, curve.log10_fmr, strict=True)]
    return [(s, f) for s, f in pairs if (f < curve.measured_to * 0.999) == modelled]


def test_measured_points_are_the_true_rates_of_a_normal_distribution() -> None:
    curve = estimate(normal_tail(1200, np.random.default_rng(1)), np.random.default_rng(2), 40).curve
    for similarity, fmr in points(curve, modelled=False):
        # Four standard deviations of a count with this expectation.
        expected = fmr * curve.comparisons
        assert normal_fmr(similarity) == pytest.approx(fmr, rel=4 / math.sqrt(expected) + 0.01)


def test_the_modelled_tail_of_a_normal_distribution_errs_on_the_strict_side() -> None:
    for seed in range(10):
        curve = estimate(normal_tail(600, np.random.default_rng(seed)), np.random.default_rng(seed), 40).curve
        assert points(curve, modelled=True)
        for similarity, fmr in points(curve, modelled=True):
            assert normal_fmr(similarity) < fmr
        # And on beyond the last point, where the engine's thresholds for large galleries lie.
        assert normal_fmr(curve.similarity_at(1e-9)) < 1e-9


def test_intervals_hold_the_true_similarity_about_as_often_as_they_say() -> None:
    held = tried = 0
    for seed in range(20):
        side = sphere(250, 3, np.random.default_rng(seed), photos=2)
        tail = non_mated(side, side, 250, NO_PAIRS, symmetric=True)
        curve = estimate(tail, np.random.default_rng(seed), 60).curve
        assert curve.similarity_interval is not None
        for (low, high), fmr in zip(curve.similarity_interval, curve.log10_fmr, strict=True):
            true = 1 - 2 * 10**fmr
            if 10**fmr >= curve.measured_to * 0.999:
                held += low <= true <= high
                tried += 1
    assert held / tried > 0.85


def test_fresh_draws_match_at_the_rate_asked_for() -> None:
    rng = np.random.default_rng(5)
    fitted = estimate(normal_tail(1000, rng), rng, 40).curve
    fresh = normal_tail(1000, rng)
    for fmr in (1e-2, 1e-3, 1e-4):
        expected = fmr * fresh.total
        assert fresh.realised(fitted.similarity_at(fmr)) == pytest.approx(fmr, rel=5 / math.sqrt(expected))


def test_scores_of_few_pairs_of_people_do_not_carry_a_rate() -> None:
    tail = normal_tail(300, np.random.default_rng(1))
    alone = measured_to(tail)
    # Two people who look alike fill the top with their many photographs: that is one observation, not a hundred.
    one, other = tail.one.copy(), tail.other.copy()
    one[:100], other[:100] = 3, 4
    crowded = measured_to(ScoreTail(tail.scores, one, other, tail.population))
    assert alone * tail.total >= MIN_FALSE_MATCHES
    assert crowded * tail.total >= 100


def test_too_few_comparisons_are_refused_rather_than_guessed_from() -> None:
    with pytest.raises(ValueError, match="expected"):
        estimate(normal_tail(4, np.random.default_rng(1)), np.random.default_rng(1))


def test_equal_scores_are_admitted_together_or_not_at_all() -> None:
    tail = normal_tail(300, np.random.default_rng(1))
    coarse = ScoreTail(np.round(tail.scores, 1), tail.one, tail.other, tail.population)
    curve = estimate(coarse, np.random.default_rng(1), 5).curve
    for similarity, fmr in points(curve, modelled=False):
        assert coarse.realised(similarity) <= fmr


@settings(max_examples=25, deadline=None)
@given(st.integers(40, 120), st.integers(2, 8), st.integers(1, 3), st.integers(0, 2**32 - 1), st.booleans())
def test_any_scores_give_a_curve_that_rises_and_never_exceeds_its_rate(
    people: int, dimensions: int, photos: int, seed: int, symmetric: bool
) -> None:
    rng = np.random.default_rng(seed)
    probes = sphere(people, dimensions, rng, photos)
    references = probes if symmetric else sphere(people, dimensions, rng, photos)
    tail = non_mated(probes, references, people, NO_PAIRS, symmetric=symmetric)
    curve = estimate(tail, rng, 5).curve  # Curve itself refuses points out of order
    for similarity, fmr in points(curve, modelled=False):
        assert tail.realised(similarity) <= fmr * (1 + 1e-6)


@pytest.mark.parametrize("symmetric", [True, False])
def test_every_comparison_of_different_people_is_counted_once(symmetric: bool) -> None:
    rng = np.random.default_rng(3)
    probes = sphere(30, 8, rng, photos=3)
    references = probes if symmetric else sphere(30, 8, rng, photos=3)
    probes.found[[4, 50]] = False
    excluded = np.array([(1, 2), (7, 20)])
    tail = non_mated(probes, references, 30, excluded, symmetric=symmetric)
    by_hand = []
    barred = {frozenset(pair) for pair in excluded.tolist()}
    for i, a in enumerate(probes.identity):
        for j, b in enumerate(references.identity):
            apart = a != b and frozenset((int(a), int(b))) not in barred
            if apart and probes.found[i] and references.found[j] and (not symmetric or i < j):
                by_hand.append(float(probes.templates[i] @ references.templates[j]))
    assert tail.total == len(by_hand)
    kept = np.sort(by_hand)[::-1][: len(tail.scores)]
    np.testing.assert_allclose(tail.scores, kept, atol=1e-6)
    assert len(tail.scores) == int(len(by_hand) * KEPT_SHARE) + 1


def test_chunks_do_not_change_the_scores_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    side = sphere(80, 16, np.random.default_rng(3), photos=2)
    whole = non_mated(side, side, 80, NO_PAIRS, symmetric=True)
    monkeypatch.setattr("models.training.comparisons._CHUNK", 7)
    in_chunks = non_mated(side, side, 80, NO_PAIRS, symmetric=True)
    # Not bit for bit: a matrix product of another shape may add in another order, by processor.
    np.testing.assert_allclose(in_chunks.scores, whole.scores, rtol=0, atol=1e-6)


def test_a_failure_to_acquire_is_a_miss_of_every_mated_comparison() -> None:
    same = np.tile(np.array([[1.0, 0.0]], np.float32), (4, 1))
    found = np.array([True, True, True, False])
    probes = Side(same, np.array([0, 0, 0, 0]), found)
    scores = mated(probes, probes, symmetric=True)
    assert len(scores.scores) == 6
    rate, low, high = true_accept_rate(scores, 0.5, np.random.default_rng(1))
    assert (rate, low, high) == (0.5, 0.5, 0.5)
    assert len(mated(probes, probes, symmetric=False).scores) == 12


def test_without_mated_comparisons_the_true_accept_rate_is_not_a_number() -> None:
    nobody = Mated(np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert math.isnan(true_accept_rate(nobody, 0.5, np.random.default_rng(1))[0])


def test_the_check_on_held_back_people_realises_the_rate() -> None:
    side = sphere(300, 3, np.random.default_rng(1))

    def of(keep: NDArray[np.bool_]) -> ScoreTail:
        ours = side.only(keep[side.identity])
        return non_mated(ours, ours, 300, NO_PAIRS, symmetric=True)

    first = held_back(Split(of, 300), np.random.default_rng(1), splits=4)[0]
    assert first.modelled == 0
    assert first.realised == pytest.approx(first.fmr, rel=0.25)


def test_the_grid_ends_at_the_rate_asked_for() -> None:
    assert fmr_grid(1e-6)[[0, -1]] == pytest.approx([0.1, 1e-6])
    assert len(fmr_grid(1e-6)) == 21


def test_a_set_may_hold_folders_or_single_photographs(tmp_path: Path) -> None:
    for name in ("a/Ann/1.jpg", "a/Ann/2.png", "a/Ben/1.jpg", "b/Cy.jpg", "b/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    # The list names the source, which may be spread over several sets: Cy lies in b.
    (tmp_path / "lookalikes.csv").write_text("identity_a,identity_b,similarity\na/Ann,a/Cy,0.8\na/Ann,a/Zoe,0.7\n")
    data = calibrate.read_data(tmp_path, ("a", "b"), None)
    assert [photo.identity for photo in data.photos] == ["a/Ann", "a/Ann", "a/Ben", "b/Cy"]
    assert data.excluded.tolist() == [[0, 2]]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        acquisition.list_photos(tmp_path, ("nowhere",))


@pytest.mark.shared
def test_a_quick_run_writes_what_the_engine_reads(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path))
    monkeypatch.setattr(calibrate, "packs_dir", lambda: tmp_path / "packs")
    faces = shared / "data" / "faces"
    calibrate.main(["--pack", "edgeface-xs", "--faces", str(faces), "--limit", "60", "--replicates", "5"])
    text = (tmp_path / "packs" / "edgeface-xs" / "calibration.json").read_text()
    calibration = Calibration.model_validate_json(text)
    assert set(calibration.curves) == set(calibration.likelihoods) == {MaskState.NONE, MaskState.WORN}
    assert all(0.05 < curve.similarity_at(0.01) < 0.6 for curve in calibration.curves.values())
