"""A figure that hides its noise, or compares rounds that never ran side by side, proves nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import figures, machine
from benchmarks.latency import figures as latency_figures
from benchmarks.latency import tables
from benchmarks.turns import FLOOR, GATE, SUBJECTS, Times


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_one_bad_round_moves_neither_the_value_nor_hides_from_the_interval() -> None:
    samples = np.full((5, 20), 10.0)
    samples[2] = 90.0
    figure = figures.summarise("x", "ms", samples, figures.percentile(50), rng())
    assert figure.value == 10.0
    assert figure.ci_low == 10.0
    assert figure.ci_high > 10.0
    assert figure.n == 100


def test_a_ratio_is_taken_within_a_round() -> None:
    # The machine slows down threefold, and both sides with it: the ratio does not.
    floor = np.repeat([[10.0], [20.0], [30.0]], 8, axis=1)
    figure = figures.compare("ratio", "ratio", floor * 1.5, floor, np.divide, rng())
    assert (figure.value, figure.ci_low, figure.ci_high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_interval_of_a_median_holds_the_true_one() -> None:
    held = 0
    for seed in range(20):
        samples = np.random.default_rng(seed).exponential(1.0, (9, 60))
        figure = figures.summarise("x", "ms", samples, figures.percentile(50), rng())
        held += figure.ci_low <= np.log(2) <= figure.ci_high
    assert held >= 16


def test_sides_with_different_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[3, 2\]"):
        figures.compare("x", "ms", np.ones((3, 4)), np.ones((2, 4)), np.subtract, rng())


def test_the_stable_names_are_there_and_fit_into_json() -> None:
    samples = {name: np.full((5, 4), 2.0 if name == GATE else 1.0) for name in SUBJECTS}
    parts = {"detect": np.ones((5, 4))}
    found = latency_figures(Times(samples, parts, parts), seed=1)
    document = json.loads(json.dumps(figures.document(found, {"machine": machine.describe()})))
    by_name = {figure["name"]: figure for figure in document["figures"]}
    assert set(by_name) >= {
        "latency.gate.p50_ms",
        "latency.gate.p95_ms",
        "latency.gate.p99_ms",
        "latency.floor.p50_ms",
        "latency.ratio_to_floor",
        "latency.insightface.p50_ms",
        "latency.ratio_to_insightface",
        "latency.stage.detect.p50_ms",
    }
    assert by_name["latency.ratio_to_floor"]["value"] == 2.0
    assert set(by_name["latency.ratio_to_floor"]) == {"name", "value", "unit", "n", "ci_low", "ci_high"}
    assert tables(found)
    assert FLOOR in samples


def test_the_machine_is_described_without_its_name() -> None:
    facts = machine.describe()
    assert facts["cores"]
    assert facts["processor"]
    assert "onnxruntime" in str(facts["versions"])
    assert not set(facts) & {"host", "hostname", "node"}
