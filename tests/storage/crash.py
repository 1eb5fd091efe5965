"""Kills a process that works on a store, again and again, and looks each time at what is left.

    python -m tests.storage.crash rotate|record FOLDER ROUNDS SEED

Imports once and forks for each round, so that a round takes milliseconds. Prints one JSON object: how many rounds ended
in which state. Ends with an AssertionError at the first round that left something half done.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from sqlite3 import Connection

from gate.audit.event import Event, EventKind
from gate.audit.journal import SealedJournal
from gate.storage.database import Database
from gate.storage.keys import KeySources, MasterKey, next_to, read_key_file, write_key_file
from gate.storage.rotation import rotate_key_file

FLIGHTS = [f"flight:{number}" for number in range(20)]


class Box:
    """A folder with a master key and a store with twenty flights."""

    def __init__(self, folder: Path) -> None:
        self.key_file = folder / "master.key"
        self.store = folder / "egate.db"
        write_key_file(self.key_file, MasterKey.generate())
        with self.open() as database, database.transaction() as connection:
            seals = {name: database.data_key(connection, name, create=True) for name in FLIGHTS}
        self.sealed = {name: seal.seal(name.encode(), b"") for name, seal in seals.items()}

    def open(self) -> Database:
        return Database.open(self.store, KeySources(self.key_file).settle)

    def rotate(self, tell: Callable[[int], None]) -> None:
        """Until killed. `tell` acknowledges each rotation by the position of its journal entry."""
        with self.open() as database:
            journal = SealedJournal(database)
            positions: list[int] = []

            def also(connection: Connection, key: MasterKey) -> None:
                event = Event(EventKind.KEY, datetime.now(UTC), {"action": "rotated", "key_id": key.key_id})
                positions.append(journal.append(connection, event))

            while True:
                rotate_key_file(database, self.key_file, also)
                tell(positions[-1])

    def record(self, tell: Callable[[int], None]) -> None:
        """Until killed: decisions that cost no flush, and now and then something that does."""
        with self.open() as database:
            journal = SealedJournal(database)
            for number in count():
                event = Event(EventKind.DECISION, datetime.now(UTC), {"passage": str(number)})
                tell(journal.record(event, durable=number % 20 == 0))

    def look(self, acknowledged: int) -> str:
        """Opens what is left, and checks that it is whole; how the kill had left it."""
        coming = next_to(self.key_file)
        with Database.open_to_read(self.store) as database:
            stored_id = database.key_id
        state = "whole"
        if coming.exists():
            state = "finished" if _key_id(coming) == stored_id else "undone"
        with self.open() as database:
            assert not coming.exists()
            assert read_key_file(self.key_file).key_id == database.key_id
            with database.read() as connection:
                for name, sealed in self.sealed.items():
                    seal = database.data_key(connection, name)
                    assert seal is not None, f"{name} has lost its key"
                    assert seal.open(sealed, b"") == name.encode()
            found = SealedJournal(database).verify()
            assert found.whole, found.problems
            assert found.entries >= acknowledged, f"{acknowledged} were acknowledged, {found.entries} are there"
        return state


def _key_id(path: Path) -> str | None:
    try:
        return read_key_file(path).key_id
    except Exception:  # noqa: BLE001 -- cut off while it was written
        return None


def kill_once(work: Callable[[Callable[[int], None]], None], after_s: float) -> int:
    """Runs `work` in a fork, kills it, and gives the last number it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            work(lambda number: acknowledge(writing, number))
        finally:
            os._exit(70)
    os.close(writing)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "the work ended by itself"
    told = b""
    while select.select([reading], [], [], 0)[0] and (part := os.read(reading, 1 << 16)):
        told += part
    os.close(reading)
    return int.from_bytes(told[-8:], "big")


def acknowledge(pipe: int, number: int) -> None:
    """Writes it whole: a pipe takes so few bytes in one piece."""
    assert os.write(pipe, number.to_bytes(8, "big")) == 8


def main(what: str, folder: str, rounds: int, seed: int) -> None:
    box, chance = Box(Path(folder)), random.Random(seed)
    states: Counter[str] = Counter()
    acknowledged, span_s = 0, 0.05
    for _ in range(rounds):
        told = kill_once(getattr(box, what), chance.uniform(0.05, 1) * span_s)
        # Half of the kills before the first thing is done and half after it, however fast or busy the machine is.
        span_s *= 0.9 if told else 1.2
        acknowledged = max(acknowledged, told)
        states[box.look(acknowledged)] += 1
    print(json.dumps({"rounds": rounds, "acknowledged": acknowledged, **states}))  # noqa: T201 -- the answer


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
