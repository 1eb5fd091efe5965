"""Figures of a gallery that nobody can fill with real people are worth what the people in it are worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import million
from benchmarks.index import invented
from benchmarks.million_templates import Known, divided
from gate.gallery.axes import Axes, Rows
from gate.vision.axes import spanning_vectors
from gate.vision.load import find_pack


def templates(count: int, rng: np.random.Generator) -> Rows:
    """Of nobody, as the default pack might make them."""
    basis = Axes.of(spanning_vectors(find_pack("edgeface-xs")), 512).basis
    assert basis is not None
    rows = rng.normal(size=(count, len(basis))) @ basis
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def known(rng: np.random.Generator) -> Known:
    enrolled = templates(40, rng)
    probes = enrolled + 1.0 * templates(40, rng)
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    own = np.concatenate([np.arange(40), np.full(60, -1)])
    return Known(enrolled, templates(300, rng), np.concatenate([probes, templates(60, rng)]), own, 2)


@pytest.mark.usefixtures("shared")
def test_every_figure_is_there_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    some = known(np.random.default_rng(1))
    monkeypatch.setattr(million, "read_known", lambda *_: some)
    plan = million.Plan(size=3000, rounds=2, probes=6, folder=Path("nowhere"))
    found, facts = million.measure(plan, lambda _: None)
    values = {figure.name: figure.value for figure in found}
    assert values["gallery.3000.tpir_loss"] == 0
    assert values["gallery.3000.tpir"] == values["gallery.3000.flat.tpir"] > 80
    assert values["gallery.3000.top1_agreement"] == 1
    assert values["gallery.3000.memory_ratio"] < 1 / 3
    assert {"gallery.3000.ratio_to_flat", "gallery.3000.ivf_8.ratio_to_flat"} <= values.keys()
    assert facts["probes"] == "40 of those expected, 60 of strangers"


def test_whoever_is_expected_is_enrolled_once_and_lookalikes_never_come() -> None:
    """A traveller's own photograph in the gallery twice, or as a crop, would be found whatever the index does."""
    rng = np.random.default_rng(2)
    rows = invented(9, rng)
    people = np.array(["a", "a", "b", "b", "b", "c", "c", "", ""])
    crops = np.concatenate([invented(5, rng), rows[3:4]])
    some = divided(crops, rows, people)
    assert (len(some.enrolled), len(some.crops), some.left_out) == (2, 5, 1)  # 0.6 of three people
    assert some.own.tolist() == [0, 1, 1, -1, -1, -1, -1]
    assert np.array_equal(some.enrolled, rows[[0, 2]])
    assert np.array_equal(some.probes, rows[[1, 3, 4, 5, 6, 7, 8]])


def test_the_gallery_is_as_large_as_it_says_and_always_the_same() -> None:
    rng = np.random.default_rng(3)
    some = Known(invented(10, rng), invented(20, rng), invented(1, rng), np.array([-1]), 0)
    for size in (25, 5000):
        once, again = (np.concatenate(list(million.rows_of(some, size, np.random.default_rng(1)))) for _ in range(2))
        assert len(once) == size
        assert np.array_equal(once, again)
        assert np.linalg.norm(once, axis=1) == pytest.approx(np.ones(size), abs=1e-5)


def test_a_loss_is_counted_at_the_searchs_own_threshold() -> None:
    own = np.concatenate([np.arange(10), np.full(1000, -1)])
    question = million.Question(np.zeros((1010, 4), np.float32), own)
    similarities = np.concatenate([np.linspace(0.1, 1, 10), np.linspace(0, 0.5, 1000)]).astype(np.float32)
    answers = million.Answers(np.where(own >= 0, own, 77), similarities)
    assert answers.threshold(question) == pytest.approx(0.4985, abs=1e-3)
    assert answers.hits(question).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
