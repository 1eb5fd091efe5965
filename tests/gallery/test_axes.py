"""A template that changes on its way into the gallery and back compares with somebody else's face."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import EngineFault
from gate.gallery.axes import AS_THEY_ARE, Axes
from gate.gallery.revise import revise
from gate.gallery.segment import Entry
from gate.gallery.templates import Templates, chunks
from gate.gallery.traveller import Traveller
from tests.gallery.packs import AXES, NARROW, WIDE, faces, unit

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 12))
def test_inner_products_stay_what_they_are(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    rows, probes = (
        faces(count, rng),
        unit(rng.normal(size=(5, WIDE))),
    )  # probes may lie anywhere: a mask-aware head's do
    held = Templates.of(rows, AXES)
    for probe in probes:
        assert held.similarities(AXES.turn(probe)) == pytest.approx(rows @ probe, abs=2e-6)
    assert held.rows() == pytest.approx(rows, abs=1e-6)


def test_whoever_is_updated_is_kept_bit_for_bit() -> None:
    """A manifest that comes a hundred times takes templates out and puts them back: roundings must not add up."""
    axes, rng = AXES, np.random.default_rng(1)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    who = Traveller("t", "CX1", now)
    segments = revise("CX1", (), frozenset(), {"t": Entry(who, faces(3, rng))}, axes)
    first = segments[0].held.kept.copy()
    for hour in range(100):
        entry = segments[0].entry(0)
        changed = replace(entry, traveller=replace(who, expires_at=now + timedelta(hours=hour)))
        segments = revise("CX1", segments, frozenset(), {"t": changed}, axes)
    assert np.array_equal(segments[0].held.kept, first)
    entry = segments[0].entry(0)
    grown = replace(entry, templates=np.concatenate([entry.templates, faces(1, rng)]))
    (segment,) = revise("CX1", segments, frozenset(), {"t": grown}, axes)
    assert np.array_equal(segment.held.kept[:3], first)
    assert segment.templates == 4


def test_a_template_comes_out_the_same_whatever_stands_beside_it() -> None:
    """Recordings compare similarities bit for bit, in a gallery of the candidates alone."""
    held = Templates.of(faces(300, np.random.default_rng(1)), AXES)
    alone = [held[i : i + 1].rows()[0] for i in range(300)]
    assert np.array_equal(held.rows(), np.stack(alone))


def test_templates_of_another_pack_are_refused_and_not_cut_short() -> None:
    """Half of a stranger's template would still resemble somebody."""
    with pytest.raises(EngineFault, match=f"on the {NARROW + 1} axes"):
        Templates.of(unit(np.random.default_rng(1).normal(size=(3, WIDE))), AXES)


def test_a_pack_that_fills_all_dimensions_is_only_mixed() -> None:
    rng = np.random.default_rng(3)
    axes, rows = Axes.of(None, WIDE), unit(rng.normal(size=(40, WIDE)))
    assert axes.basis is not None and axes.basis.shape == (WIDE, WIDE)
    held = Templates.of(rows, axes)
    assert held.similarities(axes.turn(rows[7])) == pytest.approx(rows @ rows[7], abs=2e-6)


def test_axes_are_orthonormal_though_the_layer_is_nearly_dependent() -> None:
    """After one pass of Gram and Schmidt the last axes would lean on the first."""
    rng = np.random.default_rng(4)
    layer = rng.normal(size=(30, WIDE)).astype(np.float32)
    layer[1:] = layer[0] + 1e-3 * layer[1:]
    basis = Axes.of(layer, WIDE).basis
    assert basis is not None
    assert basis @ basis.T == pytest.approx(np.eye(30), abs=1e-5)


def test_without_axes_embeddings_are_kept_as_they_are() -> None:
    rows = unit(np.random.default_rng(2).normal(size=(9, WIDE)))
    held = Templates.of(rows)
    assert held.axes is AS_THEY_ARE
    assert np.array_equal(held.rows(), rows)
    assert held.rows().base is None


def test_a_template_takes_less_than_a_third_of_what_it_was() -> None:
    """At the default pack's sizes: 193 numbers of 24 bits, and codes of 2 bits, instead of 512 of 32 bits."""
    layer = np.random.default_rng(6).normal(size=(193, 512)).astype(np.float32)
    axes = Axes.of(layer, 512)
    held = Templates.of(unit(np.random.default_rng(7).normal(size=(10, 193)) @ layer), axes)
    assert held.kept.nbytes / 10 + 49 < 512 * 4 / 3


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_chunks_are_the_same_templates_in_the_same_order(sizes: list[int]) -> None:
    everything = Templates.of(faces(sum(sizes) + 1, np.random.default_rng(1)), AXES)
    parts = [everything[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]
    together = list(chunks((part for part in parts if len(part)), 10))
    assert all(len(chunk) <= 10 for chunk in together)
    joined = np.concatenate([chunk.kept for chunk in together] or [everything.kept[:0]])
    assert np.array_equal(joined, everything.kept[: sum(sizes)])
