"""`gate watch` against a running engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from tests.cli.conftest import Lane
from tests.cli.test_play import folder_of

pytestmark = pytest.mark.shared
runner = CliRunner()


def test_a_traveller_walks_through(lane: Lane, tmp_path: Path) -> None:
    result = runner.invoke(app, ["watch", folder_of(lane.traveller, tmp_path), "--server", lane.served.address])
    assert result.exit_code == Exit.OK, result.output
    assert "open" in result.output
    assert "matched" in result.output


def test_a_stranger_is_reported_and_the_exit_code_says_so(lane: Lane, tmp_path: Path) -> None:
    arguments = ["watch", folder_of(lane.stranger, tmp_path), "--server", lane.served.address, "--json"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == Exit.OFFICER, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events][:2] == ["track_started", "track_decided"]
    (decided,) = [event for event in events if event["event"] == "track_decided"]
    assert decided["decision"]["outcome"] == "officer"
    assert decided["decision"]["traveller_reference"] is None


def test_an_unknown_lane_is_one_line(lane: Lane, tmp_path: Path) -> None:
    arguments = ["watch", folder_of(lane.traveller, tmp_path), "--server", lane.served.address, "--lane", "nowhere"]
    result = runner.invoke(app, arguments)
    assert result.exit_code not in {Exit.OK, Exit.OFFICER}
    assert "nowhere" in result.output
