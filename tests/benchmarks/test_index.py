"""A search that is faster because it finds somebody else is no gain: agreement is counted beside every time."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from rich.console import Console

from benchmarks import index
from gate.gallery.axes import Axes
from gate.vision.probe import MaskState, Probe


def test_invented_probes_are_as_near_to_their_own_as_they_are_said_to_be() -> None:
    rng = np.random.default_rng(1)
    rows = index.invented(500, rng)
    probes, own = index.probes_of(rows, 200, rng)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(500), abs=1e-5)
    assert own[1::2].tolist() == [-1] * 100
    assert (probes[::2] * rows[own[::2]]).sum(axis=1).mean() == pytest.approx(0.65, abs=0.05)
    assert (probes[1::2] @ rows.T).max() < 0.6


def test_the_engine_is_searched_with_everybody_in_it() -> None:
    rows = index.invented(1200, np.random.default_rng(1))
    for flight_of in (1200, 420):
        snapshot = index.snapshot_of(rows, flight_of, Axes.of(index.last_layer(), 512))
        found = snapshot.search(Probe(rows[1100], MaskState.NONE, "benchmark", {}), datetime.now(UTC))
        assert (found.gallery_size, found.ranked[0].traveller.reference) == (1200, "1100")


def test_every_index_is_timed_and_its_answers_are_held_against_the_flat_one() -> None:
    plan = index.Plan(sizes=(60, 1000), rounds=2, probes=5)
    found = index.measure(plan, Console(file=io.StringIO())).by_name()
    assert found["gallery.1000.engine.top1_agreement"].value == 1.0
    assert found["gallery.60.ratio_to_flat"].n == 10
    assert {"gallery.1000.hnsw.ratio_to_flat", "gallery.1000.ivf.top1_agreement"} <= set(found)
    assert "gallery.60.hnsw.p50_ms" not in found
