"""Templates for tests: any that there can be, and plain ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gate.fingerprint.template import FingerPosition, FingerTemplate, Impression


@st.composite
def templates(
    draw: st.DrawFn, impressions: Sequence[Impression] = tuple(Impression), max_minutiae: int = 255
) -> FingerTemplate:
    """Any template that can be written."""
    n = draw(st.integers(0, max_minutiae))
    width, height = draw(st.integers(1, 0x3FFF)), draw(st.integers(1, 0x3FFF))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return FingerTemplate(
        x_px=(rng.random(n) * width * 0.99999).astype(np.float32),
        y_px=(rng.random(n) * height * 0.99999).astype(np.float32),
        angle_rad=(rng.random(n) * 6.2831).astype(np.float32),
        kind=draw(hnp.arrays(np.uint8, n, elements=st.integers(0, 2))),
        quality=draw(hnp.arrays(np.uint8, n, elements=st.integers(0, 100))),
        width_px=width,
        height_px=height,
        extractor="test",
        finger=draw(st.sampled_from(FingerPosition)),
        impression=draw(st.sampled_from(impressions)),
    )
