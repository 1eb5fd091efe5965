"""`gate key`: an operator who loses the key loses the day's travellers, and one who sees it printed has leaked it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gate.audit.journal import SealedJournal
from gate.cli.app import app
from gate.cli.exits import Exit
from gate.storage.database import Database
from gate.storage.keys import VARIABLE, KeySources, MasterKey, next_to, read_key_file, write_key_file


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder: settings that name a store and a key file, neither made yet."""
    monkeypatch.chdir(tmp_path)
    for name in (VARIABLE, "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gate.toml").write_text('[storage]\npath = "egate.db"\nmaster_key_file = "master.key"\n')
    return tmp_path


@pytest.fixture
def key(folder: Path) -> MasterKey:
    """The master key, in its file, with a store that is sealed with it."""
    made = MasterKey.generate()
    write_key_file(folder / "master.key", made)
    Database.open(folder / "egate.db", made).close()
    return made


def gate(*arguments: str, **environment: str) -> Result:
    result = CliRunner().invoke(app, ["key", *arguments], env=environment)
    # Whatever was asked for: no key is ever printed.
    for file in Path().glob("*.key*"):
        assert file.read_text().strip() not in result.output
    return result


@pytest.mark.parametrize("command", ["new", "show", "rotate"])
def test_each_command_teaches_by_its_help(command: str) -> None:
    result = gate(command, "--help")
    assert result.exit_code == 0
    assert "master key" in result.output


def test_a_new_key_is_in_its_file_and_nowhere_else(folder: Path) -> None:
    result = gate("new", "master.key")
    made = read_key_file(folder / "master.key")
    assert result.exit_code == 0
    assert made.key_id in result.output
    assert 'master_key_file = "master.key"' in result.output, "what to do next must be said"


def test_a_key_in_use_is_never_overwritten(key: MasterKey, folder: Path) -> None:
    result = gate("new", "master.key")
    assert result.exit_code == Exit.SETTINGS
    assert "rotate" in result.stderr
    assert read_key_file(folder / "master.key") == key


def test_show_says_where_the_key_is_and_that_it_is_the_stores(key: MasterKey) -> None:
    result = gate("show")
    assert result.exit_code == 0
    assert f"{key.key_id}, from master.key" in result.output
    assert "egate.db, sealed with this key" in result.output


def test_show_without_a_store_or_a_key(folder: Path) -> None:
    missing = gate("show")
    assert (missing.exit_code, "KEY_MISSING" in missing.stderr) == (Exit.SETTINGS, True)
    assert "gate key new" in missing.stderr
    gate("new", "master.key")
    assert "not made yet" in gate("show").output
    assert not (folder / "egate.db").exists(), "looking must make nothing"


def test_show_tells_a_key_that_is_not_the_stores(key: MasterKey, folder: Path) -> None:
    (folder / "master.key").unlink()
    gate("new", "master.key")
    result = gate("show")
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert f"sealed with another key: {key.key_id}" in result.output


def test_a_key_that_others_can_read_is_refused_with_the_command_that_repairs_it(key: MasterKey, folder: Path) -> None:
    (folder / "master.key").chmod(0o644)
    result = gate("show")
    assert result.exit_code == Exit.SETTINGS
    assert "chmod 600 master.key" in result.stderr
    assert key.secret.hex() not in result.output


def test_rotate_replaces_the_file_and_is_recorded(key: MasterKey, folder: Path) -> None:
    result = gate("rotate")
    new = read_key_file(folder / "master.key")
    assert result.exit_code == 0
    assert new != key
    assert key.key_id in result.output
    assert new.key_id in result.output
    with Database.open(folder / "egate.db", KeySources(folder / "master.key").settle) as database:
        (entry,) = SealedJournal(database).entries()
    assert (entry.kind, entry.facts["old_key_id"], entry.facts["key_id"]) == ("key", key.key_id, new.key_id)


def test_rotate_while_the_engine_runs_is_refused_and_changes_nothing(key: MasterKey, folder: Path) -> None:
    with Database.open(folder / "egate.db", key):
        result = gate("rotate")
    assert result.exit_code == Exit.SETTINGS
    assert "STORE_IN_USE" in result.stderr
    assert read_key_file(folder / "master.key") == key
    assert not next_to(folder / "master.key").exists()


def test_rotate_without_a_store_makes_none(folder: Path) -> None:
    gate("new", "master.key")
    result = gate("rotate")
    assert (result.exit_code, "STORE_MISSING" in result.stderr) == (Exit.SETTINGS, True)
    assert not (folder / "egate.db").exists()


def test_a_key_of_the_environment_is_rotated_with_old_and_new_given(key: MasterKey, folder: Path) -> None:
    (folder / "master.key").unlink()
    environment = {VARIABLE: key.secret.hex()}
    refused = gate("rotate", **environment)
    assert refused.exit_code == Exit.SETTINGS
    assert "gate key rotate --new" in refused.stderr, "this command cannot write the environment, and must say so"

    gate("new", "next.key")
    new = read_key_file(folder / "next.key")
    rotated = gate("rotate", "--new", "next.key", **environment)
    assert rotated.exit_code == 0, rotated.stderr
    assert "Give the engine the new key" in rotated.output
    assert gate("show", **{VARIABLE: new.secret.hex()}).exit_code == 0
    again = gate("rotate", "--new", "next.key", **environment)
    assert (again.exit_code, "already" in again.output) == (0, True)


def test_the_old_key_may_be_given_as_a_file(key: MasterKey, folder: Path) -> None:
    (folder / "master.key").rename(folder / "old.key")
    gate("new", "next.key")
    assert gate("rotate", "--old", "old.key", "--new", "next.key").exit_code == 0
    with Database.open(folder / "egate.db", read_key_file(folder / "next.key")) as database:
        assert database.key_id != key.key_id
    assert gate("rotate", "--old", "old.key").exit_code == Exit.USAGE


def test_a_rotation_that_was_cut_off_is_finished_by_the_next_command(key: MasterKey, folder: Path) -> None:
    coming = MasterKey.generate()
    write_key_file(next_to(folder / "master.key"), coming)
    with Database.open(folder / "egate.db", key) as database:
        database.rotate(coming)
    assert gate("show").exit_code == 0
    assert gate("rotate").exit_code == 0
    assert not next_to(folder / "master.key").exists()
