"""A figure whose direction is mistaken would have a worse engine called better, and let it pass `--strict`."""

from __future__ import annotations

import pytest

from benchmarks.compare import Change, difference, more_is_better
from benchmarks.figures import Figure


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("latency.gate.p50_ms", False),
        ("lanes.max_at_10fps", True),
        ("throughput.ratio_to_insightface", True),
        ("gallery.42000.ratio_to_flat", False),
        ("flight420.masked.tpir@fpir0.003", True),
        ("fpir.unmasked.all.420", False),
        ("decision.unmasked.p95_ms", False),
        ("decision.unmasked.within_goal", True),
        ("decision.masked.opened", True),
        ("decision.masked.opened.p95_ms", False),
        ("decision.mated.opened_wrongly", False),
        ("policy.pedestrian.expected.masked.opened", True),
        ("policy.pedestrian.stranger.masked.opened", False),
        ("policy.pedestrian.borrowed.unmasked.opened", False),
        ("policy.pedestrian.expected.unmasked.wrongly_opened", False),
        ("corridor.mota", True),
        ("corridor.expected_passed.bare", True),
        ("corridor.passed_wrongly", False),
        ("watchlist.found.bare.100", True),
        ("watchlist.referred.bare.100", False),
        ("fingerprint.FVC2002_DB1_B.default.eer", False),
        ("fingerprint.FVC2002_DB1_B.default.opens.alone.own", True),
        ("fingerprint.FVC2002_DB1_B.default.opens.alone.strangers", False),
        ("evidence.unmasked.one_photo.fused.fnir", False),
    ],
)
def test_which_way_is_better(name: str, more: bool) -> None:
    assert more_is_better(name) is more


def test_how_often_a_finger_is_asked_for_is_neither_better_nor_worse() -> None:
    before = Figure("policy.pedestrian.expected.masked.asked_for_finger", 10.0, "%", 100, 9.0, 11.0)
    after = Figure(before.name, 30.0, "%", 100, 29.0, 31.0)
    assert difference(before, after).change is Change.CHANGED
