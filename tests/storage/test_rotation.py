"""A key rotation that is cut off must never leave a store that no key opens."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.errors import Code, MasterKeyError, StorageFault
from gate.storage import rotation
from gate.storage.database import Database
from gate.storage.keys import KeySources, MasterKey, next_to, read_key_file, write_key_file
from gate.storage.rotation import rotate_key_file
from tests.storage.traces import files_of, forms, traces

ROUNDS = 30


@pytest.fixture
def file(tmp_path: Path, master: MasterKey) -> Path:
    path = tmp_path / "master.key"
    write_key_file(path, master)
    return path


@pytest.fixture
def sealed(database: Database) -> bytes:
    with database.transaction() as connection:
        return database.data_key(connection, "flight", create=True).seal(b"face", b"")


@pytest.fixture
def opens(store: Path, file: Path, sealed: bytes, database: Database) -> Iterator[None]:
    """After the test: the store opens with what the key file holds, and the flight with it."""
    yield
    database.close()
    with Database.open(store, KeySources(file).settle) as again, again.read() as connection:
        seal = again.data_key(connection, "flight")
        assert seal is not None
        assert seal.open(sealed, b"") == b"face"
        assert again.key_id == read_key_file(file).key_id
        assert not next_to(file).exists()


def nothing(_connection: object, _key: MasterKey) -> None:
    pass


@pytest.mark.usefixtures("opens")
def test_the_new_key_opens_and_the_old_one_opens_nothing(
    database: Database, store: Path, file: Path, master: MasterKey
) -> None:
    with database.read() as connection:
        wrapped = connection.execute("SELECT wrapped FROM data_keys").fetchone()[0]
    new = rotate_key_file(database, file, nothing)
    assert new != master
    assert read_key_file(file) == new
    assert file.stat().st_mode & 0o777 == 0o600
    # Whoever kept the old key finds nothing that it opens: not in free pages, not in the log.
    assert traces(store.parent, forms(wrapped)) == []
    database.close()
    with pytest.raises(MasterKeyError) as refused:
        Database.open(store, master)
    assert refused.value.code is Code.KEY_WRONG


@pytest.mark.usefixtures("opens")
def test_the_same_object_goes_on_with_the_new_key(database: Database, file: Path, sealed: bytes) -> None:
    new = rotate_key_file(database, file, nothing)
    assert database.key_id == new.key_id
    with database.transaction() as connection:
        seal = database.data_key(connection, "flight")
        assert seal is not None
        assert seal.open(sealed, b"") == b"face"
        database.data_key(connection, "another", create=True)
        assert {row[0] for row in connection.execute("SELECT key_id FROM data_keys")} == {new.key_id}


@pytest.mark.usefixtures("opens")
def test_a_rotation_that_cannot_be_recorded_does_not_happen(database: Database, file: Path, master: MasterKey) -> None:
    def fail(_connection: object, _key: MasterKey) -> None:
        raise StorageFault(Code.DISK_FULL, "full")

    with pytest.raises(StorageFault):
        rotate_key_file(database, file, fail)
    assert (read_key_file(file), database.key_id) == (master, master.key_id)


@pytest.mark.usefixtures("opens")
def test_a_new_key_that_cannot_be_written_leaves_no_part_of_it(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: what was begun must not stand in the way of the next attempt."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(rotation.files.os, "fsync", full)
        with pytest.raises(OSError, match=r"master\.key\.next"):
            rotate_key_file(database, file, nothing)
    assert not next_to(file).exists()
    rotate_key_file(database, file, nothing)


@pytest.mark.usefixtures("opens")
def test_a_rotation_whose_last_step_fails_is_finished_at_the_next_start(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_new: Path, old: Path) -> None:
        raise PermissionError(13, "denied", str(old))

    with monkeypatch.context() as patched:
        patched.setattr(rotation.files, "replace", fail)
        with pytest.raises(PermissionError):
            rotate_key_file(database, file, nothing)
    assert next_to(file).exists()


@pytest.mark.usefixtures("opens")
def test_a_broken_data_key_stops_the_rotation_before_anything_changes(
    database: Database, file: Path, master: MasterKey
) -> None:
    """Else the rotation would end with keys of two masters, and one master is thrown away."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO data_keys VALUES ('torn', x'00', ?)", (master.key_id,))
    with pytest.raises(StorageFault) as broken:
        rotate_key_file(database, file, nothing)
    assert broken.value.code is Code.SEAL_BROKEN
    assert database.key_id == master.key_id
    with database.transaction() as connection:
        connection.execute("DELETE FROM data_keys WHERE name = 'torn'")


def test_no_file_of_the_store_ever_holds_a_master_key(
    database: Database, store: Path, file: Path, master: MasterKey
) -> None:
    new = rotate_key_file(database, file, nothing)
    assert traces(store.parent, forms(master.secret, new.secret)) == []
    assert [f.name for f in files_of(file.parent) if f.parent == file.parent] == ["master.key"]


@pytest.mark.parametrize("work", ["rotate", "record"])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_half_done(tmp_path: Path, work: str) -> None:
    """Real SIGKILLs at random moments; see tests/storage/crash.py, which also runs by itself for longer."""
    command = [sys.executable, "-W", "error", "-m", "tests.storage.crash", work, str(tmp_path), str(ROUNDS), "20261122"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    states = json.loads(done.stdout)
    assert states["rounds"] == ROUNDS
    assert states["acknowledged"] > 0, "every round was killed before it had done anything"
    if work == "rotate":
        assert states.get("finished", 0) + states.get("undone", 0) > 0, "no kill met a rotation half way"
