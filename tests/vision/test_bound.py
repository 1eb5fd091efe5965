"""Bound tensors are written over by every run: an answer that is a view of them would become another face's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from gate.vision import bound as bound_module
from gate.vision.bound import BoundRuns
from tests.vision.tiny import tiny_model


@pytest.fixture
def session() -> Iterator[ort.InferenceSession]:
    yield ort.InferenceSession(tiny_model(), providers=["CPUExecutionProvider"])


def crops(seed: int, count: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 3, 112, 112)).astype(np.float32)


def test_bound_runs_answer_as_plain_ones_do(session: ort.InferenceSession) -> None:
    """The first run of a shape, those after it, and another shape between them."""
    name, bound = session.get_inputs()[0].name, BoundRuns(session, "cpu")
    for feed in (crops(1), crops(2), crops(3, 4), crops(4), crops(5, 4)):
        (plain,) = session.run(None, {name: feed})
        (found,) = bound.run({name: feed})
        np.testing.assert_array_equal(found, plain)


def test_an_answer_stays_when_the_next_run_comes(session: ort.InferenceSession) -> None:
    name, bound = session.get_inputs()[0].name, BoundRuns(session, "cpu")
    feed = crops(1)
    bound.run({name: feed})
    (kept,) = bound.run({name: feed})
    before, given = kept.copy(), feed.copy()
    bound.run({name: crops(2)})
    np.testing.assert_array_equal(kept, before)
    np.testing.assert_array_equal(feed, given, "the caller's own array was written over")


def test_threads_get_their_own_answers(session: ort.InferenceSession) -> None:
    name, bound = session.get_inputs()[0].name, BoundRuns(session, "cpu")
    feeds = [crops(seed) for seed in range(24)]
    expected = [session.run(None, {name: feed})[0] for feed in feeds]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda feed: bound.run({name: feed})[0], feeds))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_shapes_than_are_kept_still_run(session: ort.InferenceSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's memory would fill with graphs that come once."""
    monkeypatch.setattr(bound_module, "MOST_SHAPES", 2)
    name, bound = session.get_inputs()[0].name, BoundRuns(session, "cpu")
    for count in (1, 2, 3, 3, 4, 1):
        (found,) = bound.run({name: crops(count, count)})
        np.testing.assert_array_equal(found, session.run(None, {name: crops(count, count)})[0])
    assert len(bound._kept) == 2
