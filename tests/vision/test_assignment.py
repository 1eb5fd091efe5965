"""The assignment must be the cheapest: one that is only plausible swaps people who cross."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.vision.assignment import Costs, assign

cost = st.one_of(st.integers(0, 6).map(float), st.just(np.inf))


@st.composite
def matrices(draw: st.DrawFn) -> Costs:
    rows, columns = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    return np.array(draw(st.lists(cost, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)


def _total(costs: Costs, pairs: tuple[tuple[int, int], ...], alone: float) -> float:
    return sum(costs[pair] for pair in pairs) + alone * (costs.shape[0] - len(pairs))


def _cheapest(costs: Costs, alone: float) -> float:
    """By trying everything."""
    rows, columns = costs.shape
    best = alone * rows
    for count in range(1, min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), count):
            for partners in itertools.permutations(range(columns), count):
                best = min(best, _total(costs, tuple(zip(chosen, partners, strict=True)), alone))
    return best


@given(matrices(), st.integers(0, 8).map(float))
def test_no_other_assignment_is_cheaper(costs: Costs, alone: float) -> None:
    pairs = assign(costs, alone)
    assert len({row for row, _ in pairs}) == len(pairs) == len({column for _, column in pairs})
    assert _total(costs, pairs, alone) == pytest.approx(_cheapest(costs, alone))


def test_the_greedy_answer_is_not_the_cheapest() -> None:
    """Taking the nearest pair first would leave the other two far apart."""
    assert assign(np.array([[1.0, 2.0], [2.0, 9.0]]), 20.0) == ((0, 1), (1, 0))


def test_a_pair_out_of_the_question_is_never_made() -> None:
    assert assign(np.array([[np.inf, np.inf], [0.0, np.inf]]), 1e6) == ((1, 0),)


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_costs_that_are_none_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="costs"):
        assign(np.array([[wrong]]), 1.0)
