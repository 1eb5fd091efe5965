"""The watch list's index against a plain dictionary: everybody stands there with their own templates, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.gallery.watch_index import WatchIndex
from gate.gallery.watched import Watched

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WIDTH = 8

steps = st.one_of(
    st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 3)),
    st.tuples(st.just("remove"), st.frozensets(st.integers(0, 5)), st.just(0)),
)


@given(st.lists(steps, max_size=12))
def test_any_order_of_changes_leaves_everybody_with_their_own(changes: list[tuple[str, object, int]]) -> None:
    rng = np.random.default_rng(1)
    index, expected = WatchIndex.of([]), dict[str, np.ndarray]()
    for what, whom, count in changes:
        if what == "put":
            new = rng.normal(size=(count, WIDTH)).astype(np.float32)
            index = index.putting(Watched(f"w{whom}", "list", NOW + timedelta(hours=1)), new)
            known = expected.get(f"w{whom}", np.zeros((0, WIDTH), np.float32))
            expected[f"w{whom}"] = np.concatenate([known, new])
        else:
            gone = frozenset(f"w{each}" for each in whom)  # type: ignore[attr-defined]  # a set, by its strategy
            index = index.without(gone)
            expected = {name: rows for name, rows in expected.items() if name not in gone}
    assert [person.reference for person in index.people] == list(expected)
    assert index.templates == sum(map(len, expected.values()))
    assert {person.reference for person in index.without_template()} == {n for n, r in expected.items() if not len(r)}
    for name, rows in expected.items():
        assert np.array_equal(index.rows(name).reshape(-1, WIDTH), rows)
        if len(rows):
            unit = rows[0] / np.linalg.norm(rows[0])
            everything = np.concatenate([r for r in expected.values() if len(r)])
            found = index.nearest(unit, NOW)
            assert found is not None
            assert found[1] == pytest.approx(float((everything @ unit).max()), abs=1e-5)
            assert found[2] == len(everything)
