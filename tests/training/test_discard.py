"""Error versus discard, where the answer is known: a curve that always falls would praise any word."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.training.discard import draw, kept_errors

SHARES = (0.0, 0.1, 0.2, 0.5)


def test_a_perfect_word_leaves_out_the_refused_and_a_contrary_one_the_others() -> None:
    refused = np.arange(100) < 20
    word = np.arange(100, dtype=np.float32)
    assert kept_errors(refused, word, SHARES) == [20.0, 11.11, 0.0, 0.0]
    assert kept_errors(refused, -word, SHARES) == [20.0, 22.22, 25.0, 40.0]


@given(st.lists(st.booleans(), min_size=10, max_size=200), st.integers(0, 2**31))
def test_no_word_does_better_than_leaving_out_every_refused_one_first(refused: list[bool], seed: int) -> None:
    errors = np.array(refused)
    word = np.random.default_rng(seed).random(len(errors), dtype=np.float32)
    best = kept_errors(errors, (~errors).astype(np.float32), SHARES)
    assert all(ours >= ideal for ours, ideal in zip(kept_errors(errors, word, SHARES), best, strict=True))


def test_it_is_drawn() -> None:
    row = {"by_recognisability": [9.0, 8.0, 7.0, 5.0, 4.0], "at_best": [9.0, 4.0, 0.0, 0.0, 0.0]}
    assert (draw({"bare": row}) != 255).any()
