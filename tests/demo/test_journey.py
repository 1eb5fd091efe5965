"""`gate demo --journey`: one face from security to boarding, over real gRPC with real models and a sealed store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_one_traveller_boards_and_whoever_is_not_due_does_not(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--journey", "--out", str(tmp_path)])
    assert result.exit_code == Exit.OK, result.output
    assert "8 of 8 passages ended as expected" in result.output
    for reason in ("already_passed", "out_of_order", "wrong_gate", "no_match"):
        assert reason in result.output, reason
    assert "the chain is whole" in result.output
