"""A fused probe that is no unit vector, or that counts one look twelve times, makes thresholds mean something else."""

from __future__ import annotations

from functools import reduce
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Code, GateError
from gate.vision.fuse import Fusion
from gate.vision.probe import Embedding, MaskState, Probe

Frame = tuple[Embedding, float]


def probe(embedding: Embedding, mask: MaskState = MaskState.NONE, pack_id: str = "pack-1") -> Probe:
    return Probe(embedding, mask, pack_id, {})


def unit(vector: Embedding) -> Embedding:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def fused(frames: list[Frame]) -> Fusion:
    return reduce(lambda fusion, frame: fusion.add(probe(frame[0]), frame[1], 0.0), frames, Fusion())


@st.composite
def tracks(draw: st.DrawFn) -> list[Frame]:
    """Frames of one face: a direction in common, and each its own chance."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.floats(0, 1.2))
    count = draw(st.integers(1, 12))
    face = rng.normal(size=64)
    face /= np.linalg.norm(face)
    return [(unit(face + spread * rng.normal(size=64) / 8), draw(st.floats(0.01, 1))) for _ in range(count)]


@given(tracks())
def test_the_fused_probe_is_a_unit_vector(frames: list[Frame]) -> None:
    embedding = fused(frames).probe.embedding
    assert embedding.dtype == np.float32
    assert float(np.linalg.norm(embedding)) == pytest.approx(1, abs=1e-5)


@given(tracks(), st.randoms())
def test_the_order_of_the_frames_makes_no_difference(frames: list[Frame], random: Random) -> None:
    shuffled = list(frames)
    random.shuffle(shuffled)
    one, other = fused(frames), fused(shuffled)
    np.testing.assert_allclose(one.probe.embedding, other.probe.embedding, atol=1e-6)
    assert one.effective_frames == pytest.approx(other.effective_frames, rel=1e-6)


@given(tracks())
def test_effective_frames_are_between_one_and_the_frames(frames: list[Frame]) -> None:
    assert 1 - 1e-9 <= fused(frames).effective_frames <= len(frames) + 1e-6


@given(tracks(), st.integers(1, 10))
def test_the_same_frame_again_adds_nothing(frames: list[Frame], times: int) -> None:
    assert fused(frames[:1] * times).effective_frames == pytest.approx(1)


@given(tracks(), st.floats(0.1, 10))
def test_only_the_proportion_of_the_weights_matters(frames: list[Frame], scale: float) -> None:
    one, other = fused(frames), fused([(embedding, weight * scale) for embedding, weight in frames])
    np.testing.assert_allclose(one.probe.embedding, other.probe.embedding, atol=1e-6)
    assert one.effective_frames == pytest.approx(other.effective_frames, rel=1e-6)


def test_a_single_frame_is_itself() -> None:
    rng = np.random.default_rng(1)
    alone = probe(unit(rng.normal(size=32)), MaskState.WORN)
    fusion = Fusion().add(alone, 0.3, 1.5)
    np.testing.assert_allclose(fusion.probe.embedding, alone.embedding, atol=1e-6)
    assert (fusion.probe.mask, fusion.probe.pack_id) == (MaskState.WORN, "pack-1")
    assert fusion.effective_frames == 1


def test_independent_frames_count_in_full() -> None:
    rng = np.random.default_rng(1)
    face = rng.normal(size=20_000)
    # Noise of the strength at which two frames have a cosine of 0.6, that of two days.
    frames = [(unit(face + np.sqrt(2 / 3) * rng.normal(size=20_000)), 1.0) for _ in range(4)]
    assert fused(frames).effective_frames == pytest.approx(4, rel=0.05)


def test_a_poor_frame_hardly_moves_the_probe() -> None:
    one, other = np.eye(2, 8, dtype=np.float32)
    fusion = fused([(one, 1.0), (other, 0.05)])
    assert float(fusion.probe.embedding @ one) > 0.99


def test_faces_with_and_without_a_mask_together_are_of_no_known_state() -> None:
    face = np.eye(1, 8, dtype=np.float32)[0]
    worn = Fusion().add(probe(face, MaskState.WORN), 1, 0).add(probe(face, MaskState.WORN), 1, 1)
    assert worn.probe.mask is MaskState.WORN
    mixed = worn.add(probe(face, MaskState.NONE), 1, 2)
    assert mixed.probe.mask is MaskState.UNKNOWN
    assert mixed.add(probe(face, MaskState.NONE), 1, 3).probe.mask is MaskState.UNKNOWN


def test_time_is_remembered_whatever_the_order() -> None:
    face = probe(np.eye(1, 8, dtype=np.float32)[0])
    fusion = Fusion().add(face, 1, 3.0).add(face, 1, 2.0)
    assert (fusion.first_s, fusion.last_s, fusion.frames) == (2.0, 3.0, 2)


def test_another_packs_probe_is_refused() -> None:
    face = np.eye(1, 8, dtype=np.float32)[0]
    with pytest.raises(GateError) as refused:
        Fusion().add(probe(face), 1, 0).add(probe(face, pack_id="pack-2"), 1, 1)
    assert refused.value.code is Code.PACK_MISMATCH


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        Fusion().add(probe(np.eye(1, 8, dtype=np.float32)[0]), weight, 0)


def test_nothing_fused_makes_no_probe() -> None:
    with pytest.raises(ValueError, match="0 that make no direction"):
        _ = Fusion().probe
    face = np.eye(1, 8, dtype=np.float32)[0]
    with pytest.raises(ValueError, match="2 that make no direction"):
        _ = Fusion().add(probe(face), 1, 0).add(probe(-face), 1, 1).probe
    assert Fusion().effective_frames == 0
