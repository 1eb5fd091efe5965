"""Guards against thresholds and evidence that move by a bit: recordings are decided again, and every bit must agree."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.interpolate import interpolated, interpolated_falling

PLACES = st.lists(st.floats(-12, 12, allow_subnormal=False), min_size=1, max_size=12, unique=True).map(sorted)


@given(st.data(), PLACES)
def test_says_what_numpy_says(data: st.DataObject, rising: list[float]) -> None:
    size = len(rising)
    values = data.draw(st.lists(st.floats(-30, 30, allow_subnormal=False), min_size=size, max_size=size))
    x = data.draw(st.one_of(st.sampled_from(rising), st.floats(-15, 15, allow_subnormal=False)))
    assert interpolated(x, rising, values) == float(np.interp(x, rising, values))
    falling = rising[::-1]
    assert interpolated_falling(x, falling, values) == float(np.interp(-x, -np.array(falling), values))
