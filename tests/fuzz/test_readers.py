"""Readers of what strangers send, under damage: a reader that falls over takes the load, or the engine, with it.

The short form of benchmarks/fuzz: the same seeds, mutations and verdicts, the same examples every time.
"""

from __future__ import annotations

import sys
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.mutation import mutate, repeated
from benchmarks.fuzz.targets import TARGETS, Target

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@EVERY
def test_every_seed_is_read(target: Target) -> None:
    """A seed that its reader refuses at once starts no journey into it."""
    for seed in target.seeds():
        target.run(seed)


@EVERY
@settings(max_examples=80, deadline=None, derandomize=True)
@given(random=st.randoms(use_true_random=False), times=st.integers(1, 4), data=st.data())
def test_damage_is_refused_or_reported(target: Target, random: Random, times: int, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(target.seeds()))
    target.run(mutate(seed, random, target.tokens, times))


@EVERY
@settings(max_examples=60, deadline=None, derandomize=True)
@given(noise=st.binary(max_size=300))
def test_noise_is_refused_or_reported(target: Target, noise: bytes) -> None:
    target.run(noise)


@EVERY
def test_twice_the_input_is_twice_the_work(target: Target) -> None:
    """Counted in calls, which are the same on every machine. A square would make four times as many of them."""
    for seed in target.seeds():
        middle = len(seed) // 2
        for start, end in ((0, len(seed)), (0, middle), (middle, len(seed))):
            once, twice = (calls(target, repeated(seed, start, end, times)) for times in (10, 20))
            assert twice < 2.5 * once + 200, f"{once} calls, then {twice}, for {seed[start:end]!r}"


def calls(target: Target, data: bytes) -> int:
    """How many calls, of Python and of C functions, it takes to read `data`."""
    number = 0

    def count(_frame: object, _event: str, _argument: object) -> None:
        nonlocal number
        number += 1

    sys.setprofile(count)
    try:
        target.run(data)
    finally:
        sys.setprofile(None)
    return number
