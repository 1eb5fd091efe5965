"""`gate models use`: a checked choice, and nothing else in the settings changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.settings import load_settings

runner = CliRunner()


@pytest.mark.usefixtures("shared")
def test_the_choice_is_written_and_comments_stay(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text('# lane two is closed\n[models]\npack = "edgeface-xs"  # default\nthreads = 1\n')
    result = runner.invoke(app, ["models", "use", "edgeface-xxs", "--config", str(config)])
    assert result.exit_code == 0
    assert "enrol again" in result.output
    assert load_settings(config).models.pack == "edgeface-xxs"
    assert config.read_text().startswith("# lane two is closed\n[models]\npack =")
    assert "threads = 1" in config.read_text()


@pytest.mark.usefixtures("shared")
def test_settings_are_made_where_there_are_none(tmp_path: Path) -> None:
    config = tmp_path / "new.toml"
    assert runner.invoke(app, ["models", "use", "edgeface-xxs", "--config", str(config)]).exit_code == 0
    assert load_settings(config).models.pack == "edgeface-xxs"


def test_a_pack_that_cannot_run_changes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text('[models]\npack = "edgeface-xs"\n')
    result = runner.invoke(app, ["models", "use", "no-such-pack", "--config", str(config)])
    assert result.exit_code == Exit.MODELS
    assert config.read_text() == '[models]\npack = "edgeface-xs"\n'
