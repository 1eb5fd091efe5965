"""A bar that is passed over in silence guards nothing, and one that noise can break is soon ignored."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import compare, measured
from benchmarks.check import Bar, State, check, read_bars
from benchmarks.compare import Change
from benchmarks.figures import Figure
from benchmarks.measured import Insufficient, Measured, Plot, Series
from gate.cli.app import app

RUNNER = CliRunner()


def document(*figures: Figure, **run: object) -> Measured:
    return Measured(figures, run)


def figure(name: str, value: float, half: float = 0.0, unit: str = "ratio") -> Figure:
    return Figure(name, value, unit, 10, value - half, value + half)


def state(bar: Bar, found: Measured) -> State:
    return check(found, [bar])[0].state


def test_a_missed_bar_names_figure_bar_and_stage() -> None:
    bar = Bar(figure="latency.ratio_to_floor", at_most=1.2, noisy=True, stage="slowest")
    found = document(
        figure("latency.ratio_to_floor", 1.5, 0.1),
        figure("latency.stage.detect.p50_ms", 12.0, unit="ms"),
        figure("latency.floor.detect.p50_ms", 8.0, unit="ms"),
        figure("latency.stage.embed.p50_ms", 20.0, unit="ms"),
        figure("latency.floor.embed.p50_ms", 19.0, unit="ms"),
        figure("latency.grpc.added_ms", 2.0, unit="ms"),
    )
    (verdict,) = check(found, [bar])
    assert verdict.state is State.MISSED
    assert "latency.ratio_to_floor" in verdict.line
    assert "at most 1.2" in verdict.line
    assert "detect, 4.0 ms beyond its floor" in verdict.line


@pytest.mark.parametrize(
    ("value", "half", "noisy", "expected"),
    [
        (1.3, 0.2, True, State.HELD),  # the interval reaches the bar
        (1.3, 0.05, True, State.MISSED),
        (1.3, 0.2, False, State.MISSED),
        (1.2, 0.0, False, State.HELD),
    ],
)
def test_noise_is_allowed_for_where_the_bar_says_so(value: float, half: float, noisy: bool, expected: State) -> None:
    bar = Bar(figure="x", at_most=1.2, noisy=noisy, stage="s")
    assert state(bar, document(figure("x", value, half))) is expected


@pytest.mark.parametrize(("fta", "wrong", "blamed"), [(4.0, 0.0, "detect"), (0.1, 5.0, "mask"), (0.1, 0.1, "embed")])
def test_missed_travellers_are_traced_to_what_explains_most_of_them(fta: float, wrong: float, blamed: str) -> None:
    name = "flight420.unmasked.tpir@fpir0.003"
    found = document(figure(name, 94), figure("fta.unmasked", fta), figure("mask_state.unmasked.wrong", wrong))
    (verdict,) = check(found, [Bar(figure=name, at_least=98, stage="weakest")])
    assert verdict.stage.startswith(blamed)


def test_bars_of_other_runs_are_passed_over() -> None:
    """The default pack's accuracy is no bar for a data set that nobody has seen."""
    bar = Bar(figure="x", at_least=98, when={"dataset": "lfw"}, stage="embed")
    assert state(bar, document(figure("x", 50), dataset="others")) is State.OTHER_RUN
    assert state(bar, document(figure("x", 50), dataset="lfw")) is State.MISSED
    assert state(bar, document(figure("x", 50), accuracy={"dataset": "lfw"})) is State.MISSED


def test_a_busy_machine_is_not_taken_for_a_slow_engine() -> None:
    bar = Bar(figure="lanes.max_at_10fps", at_least=4, quiet=True, stage="s")
    found = figure("lanes.max_at_10fps", 1.0)
    for busy, expected in ((90.0, State.BUSY), (5.0, State.MISSED)):
        measured_then = Measured((found,), {}, machine={"busy_before_percent": busy})
        assert check(measured_then, [bar])[0].state is expected


def test_what_was_not_measured_is_told() -> None:
    bar = Bar(figure="x", at_least=1, stage="s")
    assert state(bar, document()) is State.ABSENT
    assert state(bar, Measured((), {}, (Insufficient("x", 3, 10, "people"),))) is State.INSUFFICIENT


def test_a_bar_has_one_side(tmp_path: Path) -> None:
    path = tmp_path / "bars.toml"
    path.write_text('[[bar]]\nfigure = "x"\nat_least = 1\nat_most = 2\nstage = "s"\n')
    with pytest.raises(OSError, match="at_least or at_most"):
        read_bars(path)


def test_the_bars_of_this_checkout_can_be_read() -> None:
    names = {bar.figure for bar in read_bars()}
    assert {"latency.ratio_to_floor", "flight420.unmasked.tpir@fpir0.003"} <= names


def test_the_command_fails_on_a_missed_bar_only(tmp_path: Path) -> None:
    path, bars = tmp_path / "a.json", tmp_path / "bars.toml"
    document(figure("x", 2.0)).write(path)
    bars.write_text('[[bar]]\nfigure = "x"\nat_most = 1.5\nstage = "detect"\n')
    missed = RUNNER.invoke(app, ["bench", "check", str(path), "--bars", str(bars)])
    assert missed.exit_code == 3
    assert "look at: detect" in missed.output
    bars.write_text(
        '[[bar]]\nfigure = "x"\nat_most = 2.5\nstage = "detect"\n[[bar]]\nfigure="y"\nat_most=1\nstage="s"\n'
    )
    assert RUNNER.invoke(app, ["bench", "check", str(path), "--bars", str(bars)]).exit_code == 0
    assert RUNNER.invoke(app, ["bench", "check", str(path), "--bars", str(bars), "--complete"]).exit_code == 3


def test_a_file_that_is_no_document_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[1, 2]")
    result = RUNNER.invoke(app, ["bench", "check", str(path)])
    assert result.exit_code == 10
    assert "expected a document of gate bench" in result.stderr


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    plot = Plot("t", "x", "y", (Series("a", (1.0, 2.0), (3.0, 4.0), steps=True),), "log", marks={"m": 1.5})
    whole = Measured(
        (figure("x", 1.5, 0.1),), {"seed": 7}, (Insufficient("z", 1, 2, "people"),), ("n",), (plot,), {"c": 2}
    )
    whole.write(tmp_path / "a.json")
    assert measured.read(tmp_path / "a.json") == whole


def test_a_number_that_json_cannot_say_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        document(figure("x", math.nan)).write(tmp_path / "a.json")


def test_of_several_documents_the_last_one_counts(tmp_path: Path) -> None:
    document(figure("x", 1.0), figure("y", 1.0)).write(tmp_path / "a.json")
    document(figure("x", 2.0)).write(tmp_path / "b.json")
    both = measured.read_all([tmp_path / "a.json", tmp_path / "b.json"]).by_name()
    assert (both["x"].value, both["y"].value) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("name", "before", "after", "half", "change"),
    [
        ("latency.gate.p50_ms", 20.0, 30.0, 1.0, Change.WORSE),
        ("latency.gate.p50_ms", 20.0, 15.0, 1.0, Change.BETTER),
        ("flight420.unmasked.tpir@fpir0.003", 98.0, 95.0, 0.5, Change.WORSE),
        ("throughput.ratio_to_insightface", 2.0, 3.0, 0.1, Change.BETTER),
        ("lanes.max_at_10fps", 4.0, 12.0, 1.0, Change.BETTER),
        ("verification.unmasked.fnmr@fmr1e-3", 1.0, 2.0, 0.1, Change.WORSE),
        ("latency.gate.p50_ms", 20.0, 21.0, 1.0, Change.NOISE),
    ],
)
def test_changes_have_a_direction(name: str, before: float, after: float, half: float, change: Change) -> None:
    assert compare.difference(figure(name, before, half), figure(name, after, half)).change is change


def test_the_interval_of_a_difference_by_hand() -> None:
    """Both sides 3 and 4 wide towards each other: 5."""
    before, after = Figure("x", 10, "ms", 1, 8, 13), Figure("x", 20, "ms", 1, 16, 29)
    found = compare.difference(before, after)
    assert (found.low, found.high) == (pytest.approx(5.0), pytest.approx(10 + math.hypot(9, 2)))


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 50), st.floats(0, 50))
def test_turning_a_comparison_round_turns_its_sign(a: float, b: float, one: float, other: float) -> None:
    there = compare.difference(figure("x", a, one), figure("x", b, other))
    back = compare.difference(figure("x", b, other), figure("x", a, one))
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))


def test_noise_alone_is_seldom_called_a_change() -> None:
    rng = np.random.default_rng(1)
    called = 0
    for _ in range(400):
        one, other = rng.normal(10, 1, 2)
        called += compare.difference(figure("x", one, 1.96), figure("x", other, 1.96)).change is not Change.NOISE
    assert called < 40


def test_other_circumstances_are_named() -> None:
    one = Measured((), {"accuracy": {"pack": "a", "quick": True}}, machine={"cores": 2})
    other = Measured((), {"pack": "b", "quick": True}, machine={"cores": 2})
    assert compare.other_circumstances(one, other) == ["pack: a before, b after"]


def test_the_compare_command_tells_what_became_worse(tmp_path: Path) -> None:
    document(figure("latency.gate.p50_ms", 20.0, 1.0, "ms"), figure("same.p50_ms", 5.0, 1.0, "ms")).write(
        tmp_path / "a.json"
    )
    document(figure("latency.gate.p50_ms", 30.0, 1.0, "ms"), figure("same.p50_ms", 5.1, 1.0, "ms")).write(
        tmp_path / "b.json"
    )
    arguments = ["bench", "compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    result = RUNNER.invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 0
    assert "latency.gate.p50_ms" in result.output
    assert "same.p50_ms" not in result.output
    assert "1 worse" in result.output
    assert RUNNER.invoke(app, [*arguments, "--strict"]).exit_code == 3
