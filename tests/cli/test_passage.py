"""`gate passage`: a real passage, recorded by a real engine, decided again by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.demo.approach import Actor, Scene, render
from gate.demo.people import built_in
from gate.engine.attempt import StartRequest
from gate.engine.build import build_engine
from gate.gallery.traveller import Traveller
from gate.settings import load_settings
from gate.storage.keys import MasterKey, write_key_file
from gate.vision.frame import Encoding, Frame
from gate.vision.load import load_pipeline

runner = CliRunner()


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a recorded passage lies, and the settings of the engine that recorded it."""

    config: Path
    file: Path


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    del shared  # only to skip without it
    with recorded_with("edgeface-xs", tmp_path_factory.mktemp("recorded")) as made:
        yield made


@contextmanager
def recorded_with(pack: str, folder: Path) -> Iterator[Recorded]:
    """A passage that opens, while its engine still runs: the engine has the store, and the command only looks."""
    write_key_file(folder / "master.key", MasterKey.generate())
    config = folder / "gate.toml"
    config.write_text(
        f'[storage]\npath = "{folder}/egate.db"\nmaster_key_file = "{folder}/master.key"\n'
        f'[recording]\nfolder = "{folder}/recordings"\n'
        f'[models]\npack = "{pack}"\nliveness = "minifasnet"\n[profiles.pedestrian.liveness]\nmode = "observe"\n'
    )
    person = built_in(load_pipeline("edgeface-xs"))[0]
    expires = datetime.now(UTC) + timedelta(hours=1)
    with build_engine(load_settings(config)) as built:
        built.engine.enrol(Traveller("ref-1", "XX1/today", expires), person.photo)
        attempt = built.engine.open_passage(StartRequest("lane-1"))
        for sequence, jpeg in enumerate(render(Scene((Actor(person.portrait),)))):
            taken = Frame(sequence, sequence * 83_000, Encoding.JPEG, 0, 0, jpeg)
            attempt.observe(taken, built.engine.clock.monotonic())
            if attempt.decision is not None:
                break
        built.engine.close_passage(attempt)
        built.engine.write_recordings()
        (file,) = (folder / "recordings").iterdir()
        yield Recorded(config, file)


def run(*arguments: str, config: Path) -> tuple[int, str]:
    result = runner.invoke(app, ["passage", *arguments, "--config", str(config)])
    return result.exit_code, result.stdout


def test_a_real_passage_agrees_in_every_bit(recorded: Recorded) -> None:
    code, out = run("replay", str(recorded.file), "--json", config=recorded.config)
    said = json.loads(out)
    assert (code, said["differences"], said["made_by"]) == (Exit.OK, [], [])
    assert (said["agrees"], said["outcome"], said["reason"]) == (True, "open", "matched")
    assert said["checked"] > 10


def test_the_decision_alone_needs_no_model(recorded: Recorded) -> None:
    code, out = run("replay", str(recorded.file), "--no-models", config=recorded.config)
    assert code == Exit.OK
    assert "every bit agrees" in out


def test_a_recording_shows_what_was_compared_and_names_nobody(recorded: Recorded) -> None:
    code, out = run("show", str(recorded.file), config=recorded.config)
    assert code == Exit.OK
    assert "compared   T1" in out
    assert "matched" in out
    assert "ref-1" not in out


def test_a_file_that_is_no_recording_is_said_so(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "other.passage"
    file.write_bytes(b"something else\n")
    result = runner.invoke(app, ["passage", "show", str(file), "--config", str(recorded.config)])
    assert result.exit_code == Exit.FAULT
    assert "no recording" in result.output


def test_without_a_store_there_is_no_key(recorded: Recorded, tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("")
    result = runner.invoke(app, ["passage", "show", str(recorded.file), "--config", str(config)])
    assert result.exit_code == Exit.SETTINGS
    assert "[storage] path" in result.output


def test_a_pack_that_does_not_say_where_it_looks_is_said_so(recorded: Recorded, tmp_path: Path) -> None:
    arguments = ["passage", "attention", str(recorded.file), "--out", str(tmp_path / "out")]
    result = runner.invoke(app, [*arguments, "--config", str(recorded.config)])
    assert result.exit_code == Exit.MODELS
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_wrong_usage(recorded: Recorded, tmp_path: Path) -> None:
    result = runner.invoke(app, ["passage", "show", str(tmp_path / "none"), "--config", str(recorded.config)])
    assert result.exit_code == Exit.USAGE


@pytest.mark.usefixtures("shared")
def test_where_a_mask_aware_pack_looked_is_drawn(tmp_path: Path) -> None:
    with recorded_with("w600k-mbf-head", tmp_path) as made:
        assert run("replay", str(made.file), config=made.config)[0] == Exit.OK
        code, out = run("attention", str(made.file), "--out", str(tmp_path / "out"), config=made.config)
    assert (code, "on the rows of the eyes" in out) == (Exit.OK, True)
    assert len(list((tmp_path / "out").glob("*.png"))) == out.count("\n")
