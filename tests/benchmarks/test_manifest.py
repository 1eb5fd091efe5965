"""The manifest benchmark: a clean manifest goes in, and its figures keep their names."""

from __future__ import annotations

import numpy as np

from benchmarks import manifest
from gate.manifest.paxlst import read_paxlst
from gate.manifest.reading import Reading


def test_the_manifest_has_everybody_and_nothing_odd() -> None:
    found = read_paxlst(manifest.manifest(450, 7), Reading(manifest._NOW))
    assert [len(message.people) for message in found.messages] == [200, 200, 50]
    assert not found.all_findings


def test_names_of_figures() -> None:
    data = manifest.manifest(20, 7)
    rng = np.random.default_rng(7)
    found = manifest.figures(manifest.measure(data, 2, rng), 20, len(data), rng)
    assert [figure.name for figure in found] == [
        "manifest.read.p50_ms",
        "manifest.read.people_per_s",
        "manifest.read.mb_per_s",
        "manifest.floor.p50_ms",
        "manifest.floor.people_per_s",
        "manifest.floor.mb_per_s",
        "manifest.ratio_to_floor",
    ]
