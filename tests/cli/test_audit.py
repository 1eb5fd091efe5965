"""`gate audit`: what an auditor sees, and what a script can rely on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gate.audit.event import Event, EventKind
from gate.audit.journal import SealedJournal
from gate.cli.app import app
from gate.cli.exits import Exit
from gate.storage.database import Database
from gate.storage.keys import VARIABLE, MasterKey, write_key_file

NOW = datetime.now(UTC)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SealedJournal]:
    """The journal of an engine that runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name in (VARIABLE, "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gate.toml").write_text('[storage]\npath = "egate.db"\nmaster_key_file = "master.key"\n')
    key = MasterKey.generate()
    write_key_file(tmp_path / "master.key", key)
    with Database.open(tmp_path / "egate.db", key) as database:
        made = SealedJournal(database)
        made.record(Event(EventKind.STARTED, NOW - timedelta(days=2), {"pack": "edgeface-xs"}))
        made.record(Event(EventKind.LOAD, NOW - timedelta(hours=3), {"flight": "XX1/today", "added": 180}))
        decision = {"lane": "lane-1", "outcome": "open", "similarity": 0.51234567, "mask": False, "incident": None}
        made.record(Event(EventKind.DECISION, NOW - timedelta(minutes=5), decision))
        made.record(Event(EventKind.ACCESS_REFUSED, NOW, {"method": "Enrol"}))
        yield made


def gate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def positions(*arguments: str) -> list[int]:
    result = gate("show", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line)["position"] for line in result.output.splitlines()]


def attack(statement: str) -> None:
    with closing(sqlite3.connect("egate.db", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER journal_no_update")
        connection.execute("DROP TRIGGER journal_no_delete")
        connection.execute(statement)


@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_each_command_teaches_by_its_help(command: str) -> None:
    result = gate(command, "--help")
    assert result.exit_code == 0
    assert "--store" in result.output
    assert "gate audit" in result.output


@pytest.mark.usefixtures("journal")
def test_show_reads_well_while_the_engine_runs() -> None:
    output = gate("show").output
    for text in ("started", "access refused", "flight XX1/today", "added 180", "similarity 0.5123", "mask no"):
        assert text in output
    assert "{" not in output


@pytest.mark.usefixtures("journal")
def test_show_needs_no_key(tmp_path: Path) -> None:
    (tmp_path / "master.key").unlink()
    assert gate("show").exit_code == 0
    assert "KEY_MISSING" in gate("verify").stderr


@pytest.mark.usefixtures("journal")
def test_filters() -> None:
    assert positions() == [1, 2, 3, 4]
    assert positions("--last", "2") == [3, 4]
    assert positions("--kind", "load") == [2]
    assert positions("--kind", "load", "-k", "decision", "-n", "1") == [3]
    assert positions("--since", "1h") == [3, 4]
    assert positions("--since", "1d", "--kind", "started") == []
    assert positions("--since", (NOW - timedelta(hours=4)).isoformat()) == [2, 3, 4]
    assert positions("--since", f"{NOW - timedelta(hours=4):%Y-%m-%dT%H:%M}") == [2, 3, 4]
    assert positions("--since", f"{NOW - timedelta(days=3):%Y-%m-%d}") == [1, 2, 3, 4]
    assert "Nothing recorded that fits" in gate("show", "--kind", "override").output


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("arguments", [["--since", "yesterday"], ["--last", "0"], ["--kind", "gossip"]])
def test_a_filter_that_makes_no_sense_is_wrong_usage(arguments: list[str]) -> None:
    assert gate("show", *arguments).exit_code == Exit.USAGE


def test_verify_says_whole_and_gives_the_head_to_note(journal: SealedJournal) -> None:
    result = gate("verify")
    head = journal.verify().head
    assert result.exit_code == 0
    assert "4 entries, whole" in result.output
    assert result.output.splitlines()[-1] == f"head: {head}"
    journal.record(Event(EventKind.STOPPED, NOW))
    assert gate("verify", "--head", str(head)).exit_code == 0


@pytest.mark.usefixtures("journal")
def test_verify_ends_with_3_and_says_what_and_where() -> None:
    attack("DELETE FROM journal WHERE position = 3")
    result = gate("verify")
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "entry 3: removed" in result.output
    machine = gate("verify", "--json")
    assert machine.exit_code == Exit.NOT_AS_EXPECTED
    answer = json.loads(machine.output)
    assert answer["whole"] is False
    assert answer["problems"] == [{"position": 3, "last": 3, "what": "removed"}]


def test_verify_finds_that_a_noted_head_is_not_there(journal: SealedJournal) -> None:
    head = journal.verify().head
    assert head is not None
    result = gate("verify", "--head", f"4:{'0' * 64}")
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "entry 4: not the one that was noted" in result.output
    assert gate("verify", "--head", "4:00").exit_code == Exit.USAGE


@pytest.mark.usefixtures("journal")
def test_a_copy_is_verified_with_its_own_key(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("egate.db", "egate.db-wal", "master.key"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    (copy / "master.key").chmod(0o600)
    (tmp_path / "gate.toml").unlink()
    store = ["--store", str(copy / "egate.db")]
    assert gate("verify", *store, "--key-file", str(copy / "master.key")).exit_code == 0
    assert positions(*store) == [1, 2, 3, 4]


@pytest.mark.usefixtures("journal")
def test_an_entry_that_somebody_changed_does_not_command_the_terminal() -> None:
    attack('UPDATE journal SET facts = \'{"lane": "\\u001b[2J[red]"}\' WHERE position = 3')
    output = gate("show").output
    assert "\x1b[2J" not in output
    assert "[2J[red]" in output, "what stands there is shown, as text"


def test_export_holds_every_entry_and_the_head(journal: SealedJournal, tmp_path: Path) -> None:
    result = gate("export", "journal.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert result.exit_code == 0
    assert [line["position"] for line in lines[:-1]] == [1, 2, 3, 4]
    assert lines[1]["facts"] == {"flight": "XX1/today", "added": 180}
    assert lines[-1] == {"whole": True, "entries": 4, "head": str(journal.verify().head), "problems": []}
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600
    assert gate("export", "journal.jsonl").exit_code == Exit.SETTINGS, "an export is never overwritten"


@pytest.mark.usefixtures("journal")
def test_a_journal_that_was_changed_is_exported_all_the_same(tmp_path: Path) -> None:
    """It is evidence."""
    attack("UPDATE journal SET facts = '[' WHERE position = 2")
    assert gate("export", "journal.jsonl").exit_code == Exit.NOT_AS_EXPECTED
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert lines[1]["facts"] == {"unreadable": "["}
    assert lines[-1]["problems"][0]["position"] == 2


@pytest.mark.parametrize("command", ["show", "verify"])
def test_without_a_store_it_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = gate(command)
    assert result.exit_code == Exit.SETTINGS
    assert "[storage] path" in result.stderr
    assert gate(command, "--store", "none.db").exit_code == Exit.SETTINGS
    assert not (tmp_path / "none.db").exists()
