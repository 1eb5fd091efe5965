"""Guards the figures: a metric that flatters would send every later decision astray."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tqdm", reason="training needs its extra: pip install .[train]")
pytest.importorskip("onnx")

from models.training import evaluate
from models.training.devset import DevSet


def people(count: int, photos: int, noise: float, seed: int = 0) -> tuple[evaluate.Array, DevSet]:
    """Embeddings of `count` people with `photos` each, scattered by `noise` around random centres."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count, 512))
    person = np.repeat(np.arange(count), photos)
    vectors = centres[person] + noise * rng.standard_normal((len(person), 512))
    first = np.arange(0, len(person), photos)
    pairs = np.concatenate([np.stack([first, first + 1], 1), np.stack([first, np.roll(first, 1)], 1)])
    empty = np.zeros((len(person), 1, 1, 3), dtype=np.uint8)
    mated = np.arange(len(pairs)) < count
    dev = DevSet(empty, empty, np.array([""] * len(person)), person, pairs, mated, np.empty((0, 2), dtype=np.int64))
    return evaluate.normalise(vectors), dev


def test_perfect_embeddings_score_one_hundred() -> None:
    vectors, dev = people(600, 3, 0.1)
    assert evaluate.pairs_accuracy(vectors, dev) > 99.9
    assert evaluate.tar(vectors, vectors, dev) == pytest.approx(100)
    assert evaluate.tpir(vectors, vectors, dev)["unmasked"] == pytest.approx(100)


def test_meaningless_embeddings_score_chance() -> None:
    vectors, dev = people(600, 3, 1e6)
    assert 40 < evaluate.pairs_accuracy(vectors, dev) < 60
    assert evaluate.tar(vectors, vectors, dev) < 0.5
    assert evaluate.tpir(vectors, vectors, dev)["unmasked"] < 1


def test_masked_probes_at_the_unmasked_threshold_can_only_lose_when_similarities_shrink() -> None:
    vectors, dev = people(600, 3, 1.5)
    worse, _ = people(600, 3, 2.5)
    rates = evaluate.tpir(vectors, worse, dev)
    assert rates["masked"] < rates["unmasked"]


def test_lookalikes_are_no_impostors() -> None:
    _, dev = people(3, 2, 0.1)
    alike = DevSet(dev.clean, dev.masked, dev.name, dev.person, dev.pairs, dev.mated, np.array([[0, 2]]))
    impostors = alike.impostors()
    assert not impostors[0, 4]
    assert not impostors[4, 0]
    assert impostors[0, 2]
