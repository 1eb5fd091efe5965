"""`gate bench`: figures for whoever has a checkout, a clear line for whoever has not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import fingerprint
from benchmarks.figures import Figure
from benchmarks.measured import Measured
from gate.cli.app import app
from gate.cli.exits import Exit

runner = CliRunner()


def test_what_is_asked_for_is_measured_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(plan: fingerprint.Plan, console: object) -> Measured:
        del console
        asked.append(plan)
        figure = Figure("fingerprint.SET_B.default.eer", 1.25, "%", 3160, 0.5, 2.5)
        return Measured((figure,), {"seed": plan.seed})

    monkeypatch.setattr(fingerprint, "measure", measure)
    out, page = tmp_path / "new" / "figures.json", tmp_path / "new" / "figures.html"
    arguments = ["bench", "fingerprint", "--dataset", str(tmp_path), "--json", str(out), "--html", str(page)]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert asked == [fingerprint.Plan(dataset=tmp_path)]
    written = json.loads(out.read_text())
    assert written["schema_version"] == 1
    assert written["figures"] == [
        {
            "name": "fingerprint.SET_B.default.eer",
            "value": 1.25,
            "unit": "%",
            "n": 3160,
            "ci_low": 0.5,
            "ci_high": 2.5,
        }
    ]
    assert written["run"] == {"seed": 7}
    assert written["machine"]["cores"]
    assert "fingerprint.SET_B.default.eer" in page.read_text()


def test_a_folder_without_prints_is_one_line(tmp_path: Path) -> None:
    result = runner.invoke(app, ["bench", "fingerprint", "--dataset", str(tmp_path)])
    assert result.exit_code == Exit.SETTINGS
    assert f"{tmp_path}: holds no <set>/<finger>_<impression>.png" in result.stderr
    assert "Traceback" not in result.output


def test_an_installed_engine_without_benchmarks_says_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no part of the wheel: an import error would look like a broken installation."""
    monkeypatch.setitem(sys.modules, "benchmarks", None)  # as Python marks what cannot be imported
    result = runner.invoke(app, ["bench", "fingerprint"])
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "checkout" in result.stderr
