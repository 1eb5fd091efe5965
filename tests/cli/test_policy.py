"""A policy that is shown is the policy that decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.decision.profiles import PROFILES
from gate.settings import load_settings


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_what_is_shown_is_taken_as_settings_and_decides_the_same(name: str, tmp_path: Path) -> None:
    """An authority edits what it was shown; a value left out there would silently be another one."""
    shown = CliRunner().invoke(app, ["policy", "show", name])
    assert shown.exit_code == 0
    file = tmp_path / "gate.toml"
    file.write_text(shown.output)
    policy = load_settings(file).profiles[name]
    assert policy.digest == PROFILES[name].digest
    assert policy.digest in shown.output


def test_every_reason_has_its_outcome_in_json() -> None:
    shown = json.loads(CliRunner().invoke(app, ["policy", "show", "vehicle", "--json"]).output)
    assert shown["needs_both"] is True
    assert shown["outcomes"]["watch_listed"] == "officer"


def test_an_unknown_profile_is_said() -> None:
    shown = CliRunner().invoke(app, ["policy", "show", "nobody"])
    assert shown.exit_code == 10
    assert "gate policy list" in shown.output


def test_the_list_names_the_lanes_of_a_profile() -> None:
    assert "lane-1" in CliRunner().invoke(app, ["policy", "list"]).output
