"""Evidence that claims more than its comparisons carry opens a lane to somebody else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.decision.likelihood import Likelihood
from gate.vision.fuse import Fusion
from gate.vision.probe import MaskState, Probe
from models.training.calibration_curve import BINS, KEPT_SHARE, Estimate, Population, ScoreTail, bin_of, estimate
from models.training.comparisons import Mated, Side, mated, non_mated
from models.training.fused_scale import fit_fused
from models.training.likelihood_fit import fit_likelihood

NO_PAIRS = np.zeros((0, 2), np.int64)
SPREAD, MEAN = 0.1, 0.45


def normal(people: int, seed: int, replicates: int = 40) -> tuple[ScoreTail, Estimate, Likelihood]:
    """Strangers normal(0, 0.1), people with themselves normal(0.45, 0.1): LLR(s) = 45 s - 10.125."""
    rng = np.random.default_rng(seed)
    one, other = np.triu_indices(people, 1)
    scores = rng.normal(0, SPREAD, len(one)).astype(np.float32)
    order = np.argsort(-scores)[: int(len(one) * KEPT_SHARE) + 1]
    population = Population(np.ones(people, np.int64), np.ones(people, np.int64), True, NO_PAIRS)
    counts = np.bincount(bin_of(scores), minlength=BINS)
    tail = ScoreTail(scores[order], one[order].astype(np.int32), other[order].astype(np.int32), population, counts)
    same = Mated(rng.normal(MEAN, SPREAD, 6 * people).clip(-0.9, 1).astype(np.float32), np.repeat(np.arange(people), 6))
    fitted = estimate(tail, rng, replicates)
    return tail, fitted, fit_likelihood(tail, same, fitted, rng, replicates)


def true_llr(similarity: float) -> float:
    return MEAN / SPREAD**2 * (similarity - MEAN / 2)


def test_segments_are_the_true_ratio_of_two_normal_distributions() -> None:
    _, _, likelihood = normal(1200, 1)
    for similarity, value, low, high in list(
        zip(likelihood.similarity, likelihood.llr, likelihood.low, likelihood.high, strict=True)
    )[1:-1]:
        assert value == pytest.approx(true_llr(similarity), abs=max(0.5, 1.5 * (high - low)))


def test_beyond_the_segments_evidence_is_never_more_than_all_that_lies_there_carries() -> None:
    tail, _, likelihood = normal(800, 2)
    # Even with every mated comparison above and ten strangers of all: the segments end where ten carry the rate.
    assert likelihood.llr[-1] <= np.log(tail.total / 10) + 0.1
    assert likelihood.llr[0] >= -np.log(likelihood.mated / 10) - 0.1
    assert likelihood.at(1.0).value == likelihood.llr[-1] < true_llr(1.0)


def test_just_beyond_the_last_segment_evidence_does_not_jump() -> None:
    _, fitted, likelihood = normal(800, 3)
    edge = max(
        s
        for s, f in zip(fitted.curve.similarity, fitted.curve.log10_fmr, strict=True)
        if 10**f >= fitted.curve.measured_to
    )
    assert likelihood.at(edge + 0.001).value - likelihood.at(edge - 0.001).value < 0.5


def test_intervals_hold_the_true_ratio_about_as_often_as_they_say() -> None:
    held = tried = 0
    for seed in range(12):
        _, _, likelihood = normal(300, seed)
        for similarity, low, high in list(zip(likelihood.similarity, likelihood.low, likelihood.high, strict=True))[
            1:-1
        ]:
            held += low - 0.05 <= true_llr(similarity) <= high + 0.05
            tried += 1
    assert held / tried > 0.8


def test_the_share_of_travellers_below_is_that_of_their_scores() -> None:
    _, _, likelihood = normal(800, 4)
    for similarity, fnmr, high in zip(likelihood.similarity, likelihood.fnmr, likelihood.fnmr_high, strict=True):
        true = 0.5 * (1 + math.erf((similarity - MEAN) / SPREAD / math.sqrt(2)))
        assert fnmr <= high <= fnmr + 0.03
        assert true <= high + 0.005


@settings(max_examples=15, deadline=None)
@given(st.integers(60, 140), st.integers(3, 24), st.floats(0.2, 1.5), st.integers(0, 2**32 - 1))
def test_any_people_give_ratios_that_rise_and_hold_their_point(
    people: int, dimensions: int, spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    faces = rng.normal(size=(people, dimensions))
    photos = np.repeat(faces, 4, axis=0) + spread * rng.normal(size=(4 * people, dimensions))
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    side = Side(photos.astype(np.float32), np.repeat(np.arange(people), 4), np.ones(4 * people, np.bool_))
    tail = non_mated(side, side, people, NO_PAIRS, symmetric=True)
    assert tail.counts.sum() == tail.total
    fitted = estimate(tail, rng, 5)
    same = mated(side, side, symmetric=True)
    likelihood = fit_likelihood(tail, same, fitted, rng, 10)  # Likelihood itself refuses what falls
    assert likelihood.mated == len(same.scores)


def test_failures_to_acquire_are_no_evidence() -> None:
    tail, fitted, _ = normal(300, 5)
    same = Mated(np.array([0.4, 0.5, 0.6, 0.1] * 300, np.float32), np.repeat(np.arange(300), 4))
    failed = Mated(
        np.append(same.scores, [-1.0] * 500).astype(np.float32), np.append(same.identity, np.arange(500) % 300)
    )
    one = fit_likelihood(tail, same, fitted, np.random.default_rng(1), 5)
    other = fit_likelihood(tail, failed, fitted, np.random.default_rng(1), 5)
    assert (one.llr, one.fnmr, one.mated) == (other.llr, other.fnmr, other.mated)


def test_uncounted_comparisons_are_refused() -> None:
    tail, fitted, _ = normal(300, 6)
    bare = ScoreTail(tail.scores, tail.one, tail.other, tail.population)
    with pytest.raises(ValueError, match="counts"):
        fit_likelihood(bare, Mated(np.zeros(1, np.float32), np.zeros(1, np.int64)), fitted, np.random.default_rng(1))


def test_mated_comparisons_of_few_people_are_refused() -> None:
    tail, fitted, _ = normal(300, 7)
    few = Mated(np.full(90, 0.6, np.float32), np.repeat(np.arange(9), 10))
    with pytest.raises(ValueError, match="found 9"):
        fit_likelihood(tail, few, fitted, np.random.default_rng(1))


def test_faces_that_nobody_mistakes_carry_no_more_than_their_number() -> None:
    tail, fitted, _ = normal(300, 7)
    apart = Mated(np.full(600, 0.9, np.float32), np.repeat(np.arange(300), 2))
    likelihood = fit_likelihood(tail, apart, fitted, np.random.default_rng(1), 5)
    assert likelihood.llr[-1] <= np.log(tail.total / 10) + 0.1
    assert likelihood.llr[0] >= -np.log(600 / 3) - 0.1


def _noisy(people: int, photos: int, rng: np.random.Generator, families: int = 12) -> Side:
    """Faces in families, and on every photograph its own noise: fused, relatives resemble each other more."""
    dimensions = 64
    relatives = rng.normal(size=(families, dimensions))[rng.integers(families, size=people)]
    faces = relatives + 1.2 * rng.normal(size=(people, dimensions))
    rows = np.repeat(faces, photos, axis=0) + 1.2 * rng.normal(size=(people * photos, dimensions))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Side(rows.astype(np.float32), np.repeat(np.arange(people), photos), np.ones(len(rows), np.bool_))


def test_a_fused_stranger_at_the_scaled_threshold_matches_no_oftener_than_a_single_frame() -> None:
    rng = np.random.default_rng(1)
    side = _noisy(200, 4, rng)
    fused = fit_fused(side, side, 200, NO_PAIRS, rng, 40)
    assert fused.scale[-1] > 1.05
    fresh = _noisy(400, 4, np.random.default_rng(2))
    together, effective = [], []
    for rows in fresh.templates.reshape(400, 4, -1):
        fusion = Fusion()
        for row in rows:
            fusion = fusion.add(Probe(row, MaskState.NONE, "", {}), 1.0, 0.0)
        together.append(fusion.probe.embedding)
        effective.append(fusion.effective_frames)
    stranger = np.arange(400)[:, None] != fresh.identity[None, :]
    similarity = (np.stack(together) @ fresh.templates.T)[stranger]
    single = (fresh.templates @ fresh.templates.T)[fresh.identity[:, None] != fresh.identity[None, :]]
    for rate in (1e-2, 1e-3):
        threshold = float(np.quantile(single, 1 - rate))
        assert (similarity >= threshold).mean() > rate
        assert (similarity >= threshold * fused.scale_at(float(np.mean(effective)))).mean() < 1.15 * rate


def test_too_few_people_with_several_photographs_leave_the_scale_at_one() -> None:
    rng = np.random.default_rng(1)
    side = _noisy(30, 2, rng)
    assert fit_fused(side, side, 30, NO_PAIRS, rng, 5).scale == (1.0,)
