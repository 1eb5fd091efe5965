"""Any order of loads, destructions, rotations, failures and restarts: what lives opens; the destroyed is nowhere."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate.audit.event import Event, EventKind
from gate.audit.journal import SealedJournal
from gate.errors import StorageFault
from gate.storage.database import Database
from gate.storage.keys import KeySources, MasterKey, write_key_file
from gate.storage.rotation import rotate_key_file
from gate.storage.seal import Seal
from tests.storage.traces import forms, traces

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FLIGHTS = st.sampled_from([f"flight:{number}" for number in range(6)])


class LifeOfAStore(RuleBasedStateMachine):
    """A store against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.key_file = self.folder / "master.key"
        self.sealed: dict[str, bytes] = {}
        self.destroyed: list[tuple[str, bytes, bytes]] = []
        self.recorded = 0
        write_key_file(self.key_file, MasterKey.generate())
        self.open()

    def open(self) -> None:
        (self.folder / "store").mkdir(exist_ok=True)
        self.database = Database.open(self.folder / "store" / "egate.db", KeySources(self.key_file).settle)
        self.journal = SealedJournal(self.database)

    def wrapped(self, name: str) -> bytes:
        with self.database.read() as connection:
            row = connection.execute("SELECT wrapped FROM data_keys WHERE name = ?", (name,)).fetchone()
        return bytes(row[0])

    @rule(name=FLIGHTS, durable=st.booleans())
    def load(self, name: str, durable: bool) -> None:
        with self.database.transaction(durable=durable) as connection:
            seal = self.database.data_key(connection, name, create=True)
            if name not in self.sealed:
                self.sealed[name] = seal.seal(name.encode(), b"")
            self.journal.append(connection, Event(EventKind.LOAD, NOW, {"flight": name}))
        self.recorded += 1

    @rule(name=FLIGHTS)
    def destroy(self, name: str) -> None:
        known = name in self.sealed
        wrapped = self.wrapped(name) if known else b""
        with self.database.transaction() as connection:
            assert self.database.forget_key(connection, name) is known
            self.journal.append(connection, Event(EventKind.DESTRUCTION, NOW, {"flight": name}))
        self.recorded += 1
        assert self.database.erase_traces() == 0
        if known:
            self.destroyed.append((name, self.sealed.pop(name), wrapped))

    @rule(name=FLIGHTS)
    def fail_half_way(self, name: str) -> None:
        with pytest.raises(ZeroDivisionError), self.database.transaction() as connection:
            self.database.data_key(connection, name, create=True)
            self.database.forget_key(connection, name)
            self.journal.append(connection, Event(EventKind.LOAD, NOW, {"flight": name}))
            raise ZeroDivisionError

    @rule()
    def rotate(self) -> None:
        rotate_key_file(
            self.database,
            self.key_file,
            lambda connection, key: self.journal.append(
                connection, Event(EventKind.KEY, NOW, {"action": "rotated", "key_id": key.key_id})
            ),
        )
        self.recorded += 1

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.open()

    @rule()
    def rebuild(self) -> None:
        assert self.database.rebuild() == 0

    @invariant()
    def what_lives_opens(self) -> None:
        with self.database.read() as connection:
            for name, sealed in self.sealed.items():
                seal = self.database.data_key(connection, name)
                assert seal is not None
                assert seal.open(sealed, b"") == name.encode()

    @invariant()
    def what_was_destroyed_opens_with_no_key_that_is_left(self) -> None:
        with self.database.read() as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM data_keys")]
            seals: list[Seal | None] = [self.database.data_key(connection, name) for name in names]
        assert set(names) == {*self.sealed, "journal"}
        for _, sealed, _ in self.destroyed:
            for seal in seals:
                assert seal is not None
                with pytest.raises(StorageFault):
                    seal.open(sealed, b"")

    @invariant()
    def destroyed_keys_are_nowhere(self) -> None:
        assert traces(self.folder, forms(*(wrapped for _, _, wrapped in self.destroyed))) == []

    @invariant()
    def the_journal_is_whole(self) -> None:
        found = self.journal.verify()
        assert (found.whole, found.entries) == (True, self.recorded)

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.folder)


TestLifeOfAStore = LifeOfAStore.TestCase
TestLifeOfAStore.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
