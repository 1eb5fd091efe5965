"""A store that half does something, lets a second engine in, or keeps what was destroyed."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from gate.errors import Code, GateError, MasterKeyError, StorageFault, StoreError
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.storage.layout import APPLICATION_ID, VERSION
from tests.storage.traces import files_of, forms, traces


def fill(database: Database, *values: bytes | str) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS things(value BLOB)")
        connection.executemany("INSERT INTO things VALUES (?)", [(value,) for value in values])


def things(database: Database) -> list[object]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT value FROM things ORDER BY rowid")]


OPENED = """
import os, pathlib, sys
from gate.storage.database import Database
from gate.storage.keys import MasterKey
database = Database.open(pathlib.Path(sys.argv[1]), MasterKey(bytes.fromhex(sys.stdin.readline())))
"""


def in_another_process(store: Path, master: MasterKey, code: str) -> subprocess.CompletedProcess[str]:
    """Runs `code` where `database` is the opened store."""
    command = [sys.executable, "-c", OPENED + code, str(store)]
    return subprocess.run(command, input=f"{master.secret.hex()}\n", text=True, capture_output=True, check=False)


def refusal(path: Path, master: MasterKey) -> GateError:
    with pytest.raises(GateError) as error:
        Database.open(path, master)
    return error.value


# Opening


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_every_file_of_the_store_is_for_its_owner_alone(store: Path, master: MasterKey, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Database.open(store, master) as database:
            fill(database, b"x")
            modes = {file.name: file.stat().st_mode & 0o777 for file in files_of(store.parent)}
    finally:
        os.umask(before)
    assert set(modes) >= {"egate.db", "egate.db-wal", "egate.db-shm"}
    assert set(modes.values()) == {0o600}


def test_a_store_that_was_opened_to_others_is_closed_to_them_again(store: Path, master: MasterKey) -> None:
    Database.open(store, master).close()
    store.chmod(0o644)
    Database.open(store, master).close()
    assert store.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_look_by_root_does_not_keep_the_engines_user_out(store: Path, master: MasterKey) -> None:
    Database.open(store, master).close()
    for path in (store.parent, *files_of(store.parent)):
        os.chown(path, 4242, 4242)
    store.with_name("egate.db.lock").unlink()
    with Database.open(store, master) as database:
        fill(database, b"x")
        assert {file.stat().st_uid for file in files_of(store.parent)} == {4242}
    with Database.open_to_read(store) as looking:
        assert things(looking) == [b"x"]
        assert {file.stat().st_uid for file in files_of(store.parent)} == {4242}


def test_the_settings_that_safety_rests_on_are_in_force(database: Database) -> None:
    with database.transaction() as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "temp_store", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "temp_store": 2, "foreign_keys": 1}


def test_a_second_engine_is_refused_and_gets_in_once_the_first_is_gone(store: Path, master: MasterKey) -> None:
    first = Database.open(store, master)
    assert refusal(store, master).code is Code.STORE_IN_USE
    first.close()
    Database.open(store, master).close()


def test_an_engine_of_another_process_is_refused_until_it_is_killed(store: Path, master: MasterKey) -> None:
    code = OPENED + "print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        other.stdin.write(master.secret.hex() + "\n")
        other.stdin.flush()
        assert other.stdout.readline() == "open\n"
        assert refusal(store, master).code is Code.STORE_IN_USE
        other.kill()
    Database.open(store, master).close()


def test_another_key_is_refused_and_changes_nothing(store: Path, master: MasterKey) -> None:
    Database.open(store, master).close()
    error = refusal(store, MasterKey.generate())
    assert isinstance(error, MasterKeyError)
    assert error.code is Code.KEY_WRONG
    assert master.key_id in error.message
    Database.open(store, master).close()


def test_a_failed_opening_lets_the_next_one_in(store: Path, master: MasterKey) -> None:
    """A lock that a refused start forgot would keep the engine out until a restart of the machine."""
    Database.open(store, master).close()
    refusal(store, MasterKey.generate())
    Database.open(store, master).close()


def test_a_file_of_something_else_is_refused_and_untouched(store: Path, master: MasterKey) -> None:
    store.write_bytes(b"a letter, not a database. " * 100)
    assert refusal(store, master).code is Code.STORE_FOREIGN
    assert store.read_bytes() == b"a letter, not a database. " * 100


def test_another_programs_database_is_refused_and_untouched(store: Path, master: MasterKey) -> None:
    other = sqlite3.connect(store)
    other.execute("CREATE TABLE recipes(name)")
    other.close()
    before = store.read_bytes()
    assert refusal(store, master).code is Code.STORE_FOREIGN
    assert store.read_bytes() == before


def test_a_newer_layout_is_refused(store: Path, master: MasterKey) -> None:
    with Database.open(store, master) as database, database.transaction() as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert refusal(store, master).code is Code.STORE_NEWER


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, master: MasterKey) -> None:
    assert "nowhere" in refusal(tmp_path / "nowhere" / "egate.db", master).message
    assert refusal(tmp_path, master).code is Code.STORE_FOREIGN


def test_a_store_without_its_key_id_is_broken_and_not_new(store: Path, master: MasterKey) -> None:
    with Database.open(store, master) as database, database.transaction() as connection:
        connection.execute("DELETE FROM meta WHERE name = 'master_key_id'")
    assert refusal(store, master).code is Code.SEAL_BROKEN


def test_a_start_cut_off_before_the_first_table_is_taken_up_again(store: Path, master: MasterKey) -> None:
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    Database.open(store, master).close()


# Reading beside an engine


def test_whoever_looks_sees_what_is_committed_while_the_engine_writes(database: Database, store: Path) -> None:
    fill(database, b"1")
    with Database.open_to_read(store) as looking:
        assert things(looking) == [b"1"]
        with database.transaction() as connection:
            connection.execute("INSERT INTO things VALUES (2)")
            assert things(looking) == things(database) == [b"1"]
        assert things(looking) == [b"1", 2]


def test_whoever_looks_can_change_nothing(database: Database, store: Path, master: MasterKey) -> None:
    fill(database, b"1")
    with Database.open_to_read(store, master) as looking:
        with pytest.raises(RuntimeError), looking.transaction():
            pass
        with pytest.raises(StorageFault), looking.read() as connection:
            connection.execute("DELETE FROM things")
    assert things(database) == [b"1"]


def test_looking_makes_no_store(store: Path) -> None:
    with pytest.raises(StoreError) as missing:
        Database.open_to_read(store)
    assert missing.value.code is Code.STORE_MISSING
    assert not list(files_of(store.parent))


# Transactions


def test_an_exception_undoes_everything(database: Database) -> None:
    fill(database, b"1")
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute("DELETE FROM things")
        raise ZeroDivisionError
    assert things(database) == [b"1"]
    fill(database, b"2")
    assert things(database) == [b"1", b"2"]


def test_a_transaction_in_a_transaction_is_refused_instead_of_waiting_for_ever(database: Database) -> None:
    with pytest.raises(RuntimeError, match="inside"), database.transaction(), database.transaction():
        pass
    fill(database, b"1")


def test_emptying_the_log_inside_a_transaction_is_refused_too(database: Database) -> None:
    for work in (database.erase_traces, database.rebuild, database.close):
        with pytest.raises(RuntimeError, match="inside"), database.transaction():
            work()
    fill(database, b"1")


def test_a_look_in_a_look_is_refused_instead_of_waiting_for_ever(database: Database) -> None:
    with pytest.raises(RuntimeError, match="inside"), database.read(), database.read():
        pass
    with database.read():
        pass


def test_a_slip_in_a_statement_stays_a_slip(database: Database) -> None:
    """A bug that passed for a broken disk would send an operator to change the disk."""
    with pytest.raises(sqlite3.OperationalError), database.transaction() as connection:
        connection.execute("SELEKT")


@pytest.mark.parametrize("durable", [True, False])
def test_what_was_committed_survives_a_kill(store: Path, master: MasterKey, durable: bool) -> None:
    code = (
        f"with database.transaction(durable={durable}) as c: c.execute('CREATE TABLE things AS SELECT 1 AS value')\n"
        "os.kill(os.getpid(), 9)"
    )
    assert in_another_process(store, master, code).returncode == -9
    with Database.open(store, master) as database:
        assert things(database) == [1]


def test_a_full_disk_is_a_fault_and_nothing_is_half_done(database: Database) -> None:
    fill(database, b"1")
    with database.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageFault) as full:
        fill(database, b"2", bytes(50_000))
    assert full.value.code is Code.DISK_FULL
    assert things(database) == [b"1"]
    fill(database, b"3")
    assert things(database) == [b"1", b"3"]


def test_a_disk_that_refuses_to_write_is_a_fault_and_nothing_is_half_done(store: Path, master: MasterKey) -> None:
    """A real error of the operating system: the process may write no file larger than 150 kB."""
    code = (
        "import resource, signal; from gate.errors import StorageFault\n"
        "with database.transaction() as connection: connection.execute('CREATE TABLE things(value)')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        "try:\n"
        "    with database.transaction() as connection:\n"
        "        connection.execute('INSERT INTO things VALUES (?)', (bytes(400_000),))\n"
        "except StorageFault as fault: print(fault.code)\n"
        "with database.transaction() as connection: connection.execute('INSERT INTO things VALUES (7)')\n"
        "with database.read() as connection: print(connection.execute('SELECT * FROM things').fetchall())\n"
    )
    done = in_another_process(store, master, code)
    assert done.stdout.splitlines() in (["DISK_FAILED", "[(7,)]"], ["DISK_FULL", "[(7,)]"])


def test_writers_and_readers_of_many_threads_never_see_a_half(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("CREATE TABLE pairs(name, value)")
        connection.executemany("INSERT INTO pairs VALUES (?, 0)", ["a", "b"])
    torn: list[object] = []

    def write() -> None:
        for _ in range(25):
            with database.transaction(durable=False) as connection:
                connection.execute("UPDATE pairs SET value = value + 1 WHERE name = 'a'")
                connection.execute("UPDATE pairs SET value = value + 1 WHERE name = 'b'")

    def read() -> None:
        for _ in range(100):
            with database.read() as connection:
                values = {row[0] for row in connection.execute("SELECT value FROM pairs")}
            if len(values) != 1:
                torn.append(values)

    threads = [threading.Thread(target=work) for work in (write, write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
    with database.read() as connection:
        assert set(connection.execute("SELECT value FROM pairs")) == {(75,)}


# Data keys


def test_a_data_key_opens_after_a_restart_and_a_forgotten_one_never_again(store: Path, master: MasterKey) -> None:
    with Database.open(store, master) as database:
        with database.transaction() as connection:
            sealed = database.data_key(connection, "flight", create=True).seal(b"face", b"")
        with database.read() as connection:
            again = database.data_key(connection, "flight")
            assert again is not None
            assert again.open(sealed, b"") == b"face"
        with database.transaction() as connection:
            assert database.forget_key(connection, "flight")
            assert not database.forget_key(connection, "flight")
        with database.transaction() as connection:
            assert database.data_key(connection, "flight") is None
            anew = database.data_key(connection, "flight", create=True)
    with pytest.raises(StorageFault):
        anew.open(sealed, b"")


def test_a_destruction_that_fails_leaves_the_key(database: Database) -> None:
    with database.transaction() as connection:
        database.data_key(connection, "flight", create=True)
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        database.forget_key(connection, "flight")
        raise ZeroDivisionError
    with database.read() as connection:
        assert database.data_key(connection, "flight") is not None


def test_a_data_key_moved_to_another_flight_does_not_open(database: Database) -> None:
    with database.transaction() as connection:
        database.data_key(connection, "a", create=True)
        connection.execute("UPDATE data_keys SET name = 'b'")
    with pytest.raises(StorageFault) as broken, database.read() as connection:
        database.data_key(connection, "b")
    assert broken.value.code is Code.SEAL_BROKEN


# What is left on the disk


def test_what_is_deleted_is_nowhere_afterwards(database: Database, store: Path) -> None:
    """Deleted rows stay in free pages and in the log, unless the one is overwritten and the other emptied."""
    rows = np.random.default_rng(1).normal(size=(20, 512)).astype(np.float32)
    needles = forms("MUSTERMANN", rows)
    fill(database, *("MUSTERMANN" * 10, *(row.tobytes() for row in rows)))
    assert traces(store.parent, needles), "the test must be able to find something"
    with database.transaction() as connection:
        connection.execute("DELETE FROM things")
    assert traces(store.parent, needles), "the log still has it: else erase_traces would be for nothing"
    assert database.erase_traces() == 0
    assert traces(store.parent, needles) == []


def test_a_forgotten_keys_bytes_are_nowhere_afterwards(database: Database, store: Path) -> None:
    with database.transaction() as connection:
        database.data_key(connection, "flight", create=True)
        wrapped = connection.execute("SELECT wrapped FROM data_keys").fetchone()[0]
    assert traces(store.parent, forms(wrapped))
    with database.transaction() as connection:
        database.forget_key(connection, "flight")
    database.erase_traces()
    assert traces(store.parent, forms(wrapped)) == []


def test_forgotten_keys_leave_nothing_in_the_slack_of_pages(database: Database, store: Path) -> None:
    """secure_delete overwrites a row where it stands, not where SQLite had moved it from. Plain deletes fail here."""
    chance = random.Random(10)
    kept: dict[str, bytes] = {}
    forgotten: list[bytes] = []
    for _ in range(60):
        with database.transaction(durable=False) as connection:
            for name in (f"{chance.random()}" for _ in range(chance.randint(1, 25))):
                database.data_key(connection, name, create=True)
                found = connection.execute("SELECT wrapped FROM data_keys WHERE name = ?", (name,)).fetchone()
                kept[name] = found[0][:16]
            for name in chance.sample(sorted(kept), min(len(kept), chance.randint(0, 12))):
                assert database.forget_key(connection, name)
                forgotten.append(kept.pop(name))
    assert database.erase_traces() == 0
    assert len(forgotten) > 200
    assert traces(store.parent, forms(*forgotten)) == []
    assert len(traces(store.parent, forms(*kept.values()))) == len(kept)


def test_a_rebuilt_store_holds_nothing_deleted_and_everything_else(database: Database, store: Path) -> None:
    chance = random.Random(5)
    gone: list[bytes] = []
    kept: dict[bytes, bytes] = {}
    with database.transaction() as connection:
        connection.execute("CREATE TABLE things(name BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
    for _ in range(60):
        with database.transaction(durable=False) as connection:
            for _ in range(chance.randint(1, 40)):
                name, mark = chance.randbytes(16), chance.randbytes(16)
                value = mark * chance.choice([1, 20, 400])
                connection.execute("INSERT INTO things VALUES (?, ?)", (name, value))
                kept[name] = mark
            for name in chance.sample(sorted(kept), chance.randint(0, len(kept) // 2)):
                connection.execute("DELETE FROM things WHERE name = ?", (name,))
                gone += [name, kept.pop(name)]
    assert database.rebuild() == 0
    assert traces(store.parent, forms(*gone)) == []
    with database.read() as connection:
        assert {name: value[:16] for name, value in connection.execute("SELECT * FROM things")} == kept


def test_sealed_content_is_readable_nowhere(database: Database, store: Path, master: MasterKey) -> None:
    rows = np.random.default_rng(2).normal(size=(8, 512)).astype(np.float32)
    with database.transaction() as connection:
        seal = database.data_key(connection, "flight", create=True)
        connection.execute("CREATE TABLE things(value BLOB)")
        for plain in ("ÖZTÜRK ANNA".encode(), "ÖZTÜRK ANNA".encode("utf-16-le"), *(row.tobytes() for row in rows)):
            connection.execute("INSERT INTO things VALUES (?)", (seal.seal(plain, b"flight"),))
        assert traces(store.parent, forms("ÖZTÜRK", master.secret, rows)) == []
    assert traces(store.parent, forms("ÖZTÜRK", master.secret, rows)) == []
    database.erase_traces()
    assert traces(store.parent, forms("ÖZTÜRK", master.secret, rows)) == []


def test_a_reader_that_stays_is_reported_and_no_failure(database: Database, store: Path) -> None:
    fill(database, b"1")
    with Database.open_to_read(store) as looking, looking.read() as connection:
        assert connection.execute("SELECT count(*) FROM things").fetchone()
        fill(database, b"2" * 5000)
        assert database.erase_traces(patience_s=0.05) > 0
    assert database.erase_traces() == 0


def test_erasing_waits_for_a_reader_that_soon_goes(database: Database, store: Path) -> None:
    fill(database, b"1")
    reading, go = threading.Event(), threading.Event()

    def look() -> None:
        with Database.open_to_read(store) as looking, looking.read() as connection:
            connection.execute("SELECT count(*) FROM things").fetchone()
            reading.set()
            go.wait()

    thread = threading.Thread(target=look)
    thread.start()
    reading.wait()
    threading.Timer(0.1, go.set).start()
    fill(database, b"2")
    assert database.erase_traces(patience_s=30) == 0
    thread.join()


def test_a_kill_right_after_a_destruction_leaves_no_traces_after_the_next_start(store: Path, master: MasterKey) -> None:
    code = (
        "with database.transaction() as c: c.execute('CREATE TABLE things(value)')\n"
        "with database.transaction() as c: c.execute('INSERT INTO things VALUES (?)', ('MUSTERMANN',))\n"
        "with database.transaction() as c: c.execute('DELETE FROM things')\n"
        "os.kill(os.getpid(), 9)"
    )
    assert in_another_process(store, master, code).returncode == -9
    assert traces(store.parent, forms("MUSTERMANN"))
    with Database.open(store, master):
        assert traces(store.parent, forms("MUSTERMANN")) == []
