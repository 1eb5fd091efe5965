"""The rule over two cues: what is not known is never taken for a living traveller."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.decision.liveness import Live, LivenessLimits, LivenessMode, LivenessNeeds, judge_liveness, may_open

OFF, OBSERVE, REQUIRED = LivenessMode.OFF, LivenessMode.OBSERVE, LivenessMode.REQUIRED
ANY, SENSOR, MODEL, BOTH = LivenessNeeds.ANY, LivenessNeeds.SENSOR, LivenessNeeds.MODEL, LivenessNeeds.BOTH
YES, NO = 0.9, 0.1

# needs, sensor, model -> what a frame says, where anything is asked.
TABLE = [
    (ANY, None, None, Live.UNAVAILABLE),
    (ANY, YES, None, Live.LIVE),
    (ANY, None, YES, Live.LIVE),
    (ANY, YES, YES, Live.LIVE),
    (ANY, NO, None, Live.NOT_LIVE),
    (ANY, None, NO, Live.NOT_LIVE),
    (ANY, YES, NO, Live.NOT_LIVE),
    (ANY, NO, YES, Live.NOT_LIVE),
    (SENSOR, None, None, Live.UNAVAILABLE),
    (SENSOR, None, YES, Live.UNAVAILABLE),
    (SENSOR, None, NO, Live.NOT_LIVE),
    (SENSOR, YES, None, Live.LIVE),
    (SENSOR, YES, NO, Live.NOT_LIVE),
    (SENSOR, NO, None, Live.NOT_LIVE),
    (MODEL, None, None, Live.UNAVAILABLE),
    (MODEL, YES, None, Live.UNAVAILABLE),
    (MODEL, NO, None, Live.NOT_LIVE),
    (MODEL, None, YES, Live.LIVE),
    (MODEL, NO, YES, Live.NOT_LIVE),
    (MODEL, None, NO, Live.NOT_LIVE),
    (BOTH, None, None, Live.UNAVAILABLE),
    (BOTH, YES, None, Live.UNAVAILABLE),
    (BOTH, None, YES, Live.UNAVAILABLE),
    (BOTH, NO, None, Live.NOT_LIVE),
    (BOTH, YES, YES, Live.LIVE),
    (BOTH, YES, NO, Live.NOT_LIVE),
    (ANY, math.nan, None, Live.NOT_LIVE),
    (ANY, YES, math.nan, Live.NOT_LIVE),
    (ANY, 0.5, 0.5, Live.LIVE),
]


@pytest.mark.parametrize("mode", [OBSERVE, REQUIRED])
@pytest.mark.parametrize(("needs", "sensor", "model", "live"), TABLE)
def test_two_cues_make_one_verdict(
    mode: LivenessMode, needs: LivenessNeeds, sensor: float | None, model: float | None, live: Live
) -> None:
    limits = LivenessLimits(mode=mode, needs=needs)
    assert judge_liveness(limits, sensor, model) is live
    assert may_open(limits, live) == (mode is OBSERVE or live is Live.LIVE)


@pytest.mark.parametrize(("needs", "sensor", "model"), list(itertools.product(LivenessNeeds, (None, NO), (None, NO))))
def test_off_asks_nothing_and_hinders_nobody(needs: LivenessNeeds, sensor: float | None, model: float | None) -> None:
    limits = LivenessLimits(mode=OFF, needs=needs)
    assert judge_liveness(limits, sensor, model) is Live.NOT_ASKED
    assert may_open(limits, Live.NOT_ASKED)
    assert not limits.asks_model


scores = st.none() | st.floats(0, 1)


@given(sensor=scores, model=scores, needs=st.sampled_from(LivenessNeeds))
def test_required_never_opens_without_a_cue_above_its_threshold(
    sensor: float | None, model: float | None, needs: LivenessNeeds
) -> None:
    limits = LivenessLimits(mode=REQUIRED, needs=needs, min_sensor=0.7, min_model=0.6)
    if may_open(limits, judge_liveness(limits, sensor, model)):
        assert sensor is not None or model is not None
        assert sensor is None or sensor >= 0.7
        assert model is None or model >= 0.6


@pytest.mark.parametrize("field", ["min_sensor", "min_model"])
def test_a_threshold_that_everybody_passes_is_refused(field: str) -> None:
    """`required` with a threshold of nought reads as protection and is none."""
    with pytest.raises(ValidationError):
        LivenessLimits.model_validate({"mode": "required", field: 0})
