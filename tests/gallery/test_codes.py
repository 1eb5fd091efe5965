"""Codes that lead a search astray make the engine miss the very traveller who stands there."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.gallery.codes import BLOCK_ROWS, CodeIndex, doubt, encode, padded
from tests.gallery.packs import unit


@given(st.integers(1, 70), st.integers(8, 40), st.integers(0, 1000))
def test_blocks_are_laid_out_as_fast_scan_reads_them(count: int, size: int, seed: int) -> None:
    """The layout is FAISS's own affair: another version of it may read our blocks as somebody else's."""
    rng = np.random.default_rng(seed)
    numbers = unit(rng.normal(size=(count, size)))
    probe = unit(rng.normal(size=(1, size)))[0]
    index = CodeIndex([encode(numbers)], size)
    assert len(index) == padded(count) == BLOCK_ROWS * len(index.blocks)
    similarities, rows = index.search(probe, len(index))
    limit, levels = 0.9816 / size**0.5, np.array([-1.5104, -0.4528, 0.4528, 1.5104]) / size**0.5 / (1 - 0.1175)
    expected = levels[np.digitize(numbers, [-limit, 0, limit], right=True)] @ probe
    told = np.empty(len(index))
    told[rows] = similarities
    # FAISS rounds each of `size` / 2 numbers that it looks up to a 255th of the widest range, here some 2.
    assert told[:count] == pytest.approx(expected, abs=0.004 * size)
    assert np.array_equal(told[count:], told[np.arange(count, len(index)) % count])


def test_parts_put_together_are_searched_as_one() -> None:
    rng = np.random.default_rng(1)
    numbers = unit(rng.normal(size=(200, 17)))
    one = CodeIndex([encode(numbers[:96]), encode(numbers[96:])], 17)
    other = CodeIndex([encode(numbers)], 17)
    assert np.array_equal(one.blocks[:3], other.blocks[:3])
    assert np.array_equal(one.blocks[3:], CodeIndex([encode(numbers[96:])], 17).blocks)


def test_codes_are_in_doubt_as_much_as_they_say_and_right_on_average() -> None:
    rng = np.random.default_rng(2)
    size = 193
    numbers, probes = unit(rng.normal(size=(4000, size))), unit(rng.normal(size=(20, size)))
    probes[:10] = unit(numbers[:10] + 1.2 * probes[:10])
    index = CodeIndex([encode(numbers)], size)
    errors = []
    for probe in probes:
        similarities, rows = index.search(probe, len(index))
        errors.append(similarities[rows < 4000] - numbers[rows[rows < 4000]] @ probe)
    assert np.std(errors) == pytest.approx(doubt(size), rel=0.03)
    assert np.mean(errors) == pytest.approx(0, abs=3e-4)


def test_fast_scan_is_there() -> None:
    """On a processor without AVX2 or NEON it would be emulated, and slower than comparing everybody."""
    assert any(found in faiss.get_compile_options() for found in ("AVX2", "AVX512", "NEON", "SVE"))
