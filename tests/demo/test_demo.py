"""`gate demo` from end to end, and that it notices when something is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.client import FrameCounts, PassageDecision
from gate.decision.outcome import Guidance, Outcome, Reason
from gate.demo import show
from gate.demo.scenarios import Cast, Expected, Scenario, script
from gate.demo.stage import compare
from gate.vision.probe import MaskState

runner = CliRunner()

OPENED = PassageDecision(
    Outcome.OPEN, Reason.MATCHED, "A", "F", 0.7, 0.4, 0.003, False, 0.1, MaskState.NONE, 3, 5,
    FrameCounts(9, 1, 0, 0), (), 900.0, 20.0, "p", "pack", "",
)  # fmt: skip
A_OPENS = Expected(Outcome.OPEN, Reason.MATCHED, "A", Guidance.COME_CLOSER)


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_every_passage_ends_as_it_must(tmp_path: Path) -> None:
    """The demo is the promise of the README; this is the whole of it, over real gRPC."""
    result = runner.invoke(app, ["demo", "--out", str(tmp_path / "out")])
    assert result.exit_code == Exit.OK, result.output
    assert "18 of 18 passages ended as expected" in result.output
    assert "PAXLST manifest of 5 people, 5 enrolled" in result.output
    assert "Counted again in every place: nothing is left." in result.output
    assert "the chain is whole" in result.output
    assert "research only" in result.output, "third-party models must be called what they are"
    assert "shot again" in result.output, "played photographs are the enrolled ones, and the demo must say so"
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 18
    assert (tmp_path / "out" / "contact-sheet.png").stat().st_size > 100_000


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_a_wrong_outcome_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a demo that is green whatever happens."""

    def empty_lane_must_open(cast: Cast, **_told: bool) -> tuple[Scenario, ...]:
        empty = next(scenario for scenario in script(cast) if scenario.key == "empty")
        return (replace(empty, expected=A_OPENS),)

    monkeypatch.setattr(show, "script", empty_lane_must_open)
    result = runner.invoke(app, ["demo", "--out", str(tmp_path)])
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "expected open (matched), found officer (no_face)" in result.output


def test_without_third_party_models_the_demo_plays_with_our_own_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh clone has nothing else."""
    monkeypatch.setattr("gate.vision.pack.model_folders", lambda _: (tmp_path,))
    result = runner.invoke(app, ["demo", "--out", str(tmp_path / "out")])
    assert "our own pack egate-s" in result.output
    assert result.exit_code == Exit.OK, result.output
    assert "16 of 16 passages ended as expected" in result.output


def test_a_pack_that_was_named_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.vision.pack.model_folders", lambda _: (tmp_path,))
    result = runner.invoke(app, ["demo", "--pack", "w600k-mbf"])
    assert result.exit_code == Exit.MODELS
    assert "MODEL_MISSING" in result.stderr


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_a_camera_that_is_not_there_is_said() -> None:
    result = runner.invoke(app, ["demo", "--camera", "97"])
    assert result.exit_code == Exit.SOURCE
    assert "Camera 97" in result.stderr


@pytest.mark.parametrize(
    ("expected", "guidance", "fault"),
    [
        (A_OPENS, [Guidance.COME_CLOSER], ""),
        (A_OPENS, [Guidance.WAIT], "guidance come_closer"),
        (replace(A_OPENS, traveller="B"), [Guidance.COME_CLOSER], "expected traveller B, found A"),
        (replace(A_OPENS, masked=True), [Guidance.COME_CLOSER], "expected a mask to be seen, found none"),
        (Expected(Outcome.FINGERPRINT, Reason.NO_MATCH), [], "expected fingerprint (no_match), found open (matched)"),
    ],
)
def test_what_is_not_as_expected_is_said(expected: Expected, guidance: list[Guidance], fault: str) -> None:
    faults = "; ".join(compare(expected, OPENED, guidance))
    assert fault in faults
    assert bool(faults) == bool(fault)
