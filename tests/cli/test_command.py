"""The command itself: what an operator sees when something is wrong, and what a script can rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate import __version__
from gate.cli.app import app
from gate.cli.exits import Exit, exit_of
from gate.client.errors import error_class
from gate.errors import Code, GateError

runner = CliRunner()


@pytest.fixture(autouse=True)
def _quiet_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    # `--debug` sets it for the process; a test must not set it for the next.
    monkeypatch.setenv("EGATE_DEBUG", "")


def test_the_version_is_the_packages() -> None:
    assert runner.invoke(app, ["--version"]).output == f"gate {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "demo", "play", "doctor", "models"])
def test_every_command_teaches_by_its_help(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert command == "models" or "gate " + command in result.output


def test_help_imports_nothing_heavy() -> None:
    """Guards the half second: one stray import at the top of a command file costs a whole one."""
    heavy = {"cv2", "onnxruntime", "insightface", "grpc", "faiss", "numpy"}
    code = f"import sys; import gate.cli.app; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_wrong_setting_is_one_line_with_its_repair(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[server]\nadress = '127.0.0.1:1'\n")
    result = runner.invoke(app, ["serve", "--config", str(config)])
    assert result.exit_code == Exit.SETTINGS
    lines = result.stderr.splitlines()
    assert lines[0].startswith("gate: SETTINGS_INVALID: server.adress")
    assert lines[1] == "  → Correct gate.toml or the environment."
    assert "Traceback" not in result.output


def test_debug_shows_where_it_went_wrong(tmp_path: Path) -> None:
    result = runner.invoke(app, ["--debug", "serve", "--config", str(tmp_path / "none.toml")])
    assert isinstance(result.exception, GateError)


def test_an_unknown_pack_ends_with_the_models_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["serve", "--pack", "nobody-knows"])
    assert result.exit_code == Exit.MODELS
    assert "edgeface-xs" in result.stderr, "the packs there are must be named"


@pytest.mark.usefixtures("shared")
def test_faces_never_leave_loopback_in_the_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, ["serve", "--address", "0.0.0.0:0"])
    assert result.exit_code == Exit.SETTINGS
    assert "ADDRESS_REFUSED" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--document", "X1", "--reference", "ref-1"],
        ["--issuing-state", "UTO"],
        ["--cert", "c.pem"],
        ["--fps", "0"],
    ],
)
def test_contradictions_are_wrong_usage(arguments: list[str]) -> None:
    assert runner.invoke(app, ["play", "frames", *arguments]).exit_code == Exit.USAGE


def test_a_file_that_cannot_be_read_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    result = runner.invoke(app, ["play", str(tmp_path), "--ca", str(tmp_path / "none.pem")])
    assert result.exit_code == Exit.SETTINGS
    assert "none.pem: No such file" in result.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    """Guards `gate doctor | head -1`."""
    command = f"{sys.executable} -m gate models list | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert "gate serve" not in done.stderr


@pytest.mark.parametrize("code", list(Code))
def test_every_error_has_an_exit_code_of_its_kind(code: Code) -> None:
    """Guards scripts that tell a wrong setting from a missing model by the number."""
    assert exit_of(error_class(code)(code, "")) in {
        Exit.SETTINGS, Exit.MODELS, Exit.PROVIDER, Exit.REFUSED, Exit.FAULT,
    }  # fmt: skip


def test_the_exit_codes_are_the_documented_ones() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operate.md").read_text()
    for code in Exit:
        assert f"| {code.value} |" in text, f"docs/operate.md lacks exit code {code.value}"
