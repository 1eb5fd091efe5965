"""Kills a gallery at random moments, and looks each time at what a restart finds: `python -m benchmarks.crash`.

A process loads messages, enrols faces and fingers, withdraws, closes flights and changes the master key, and
acknowledges each when the call has returned. It is killed (SIGKILL). Then the store is opened again as at a start, and
must hold:

* everything that was acknowledged, and nothing of what was destroyed: no row, no data key;
* of the call that was cut off: all or nothing;
* a journal whose chain is whole and in which every acknowledged position stands.

The next round goes on from there. The first round that finds anything else ends the run, with exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import numpy as np
from rich.progress import track

from benchmarks.machine import describe
from gate.audit.event import Event, EventKind
from gate.audit.journal import SealedJournal
from gate.fingerprint.packed import pack
from gate.fingerprint.template import FingerTemplate
from gate.gallery.gallery import Change
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import TravelDocument, Traveller
from gate.storage.database import Database
from gate.storage.keys import KeySources, MasterKey, write_key_file
from gate.storage.rotation import rotate_key_file
from gate.telemetry.logs import set_up_logs
from gate.vision.probe import MaskState, Probe

PACK = "crash-pack"
_FLIGHTS = tuple(f"XX{number:04d}/2026-11-22" for number in range(4))
_PEOPLE = 12
_TEMPLATES = 3
_FINGERS = 2
_DIMENSIONS = 64
_MINUTIAE = 12

Key = tuple[str, str]
"""(flight, reference)."""


@dataclass(frozen=True, slots=True)
class Person:
    """What must be found of one traveller: the version of their documents, and the seeds of templates and fingers."""

    version: int
    templates: tuple[int, ...] = ()
    fingers: tuple[int, ...] = ()


State = dict[Key, Person]


@dataclass(frozen=True, slots=True)
class Step:
    """One call, and what the gallery must hold after it."""

    what: str
    call: Callable[[Box], int] = field(repr=False)
    after: State = field(repr=False)


class Box:
    """An open store as the engine has it."""

    def __init__(self, folder: Path) -> None:
        self.key_file = folder / "master.key"
        if not self.key_file.exists():
            write_key_file(self.key_file, MasterKey.generate())
        self.database = Database.open(folder / "egate.db", KeySources(self.key_file).settle)
        self.journal = SealedJournal(self.database)
        self.gallery = SealedGallery(PACK, self.database, self.journal)
        self.gallery.restore()

    def state(self) -> State:
        """Who is served, with which templates and fingers."""
        found: State = {}
        snapshot = self.gallery.snapshot()
        for flight in snapshot.flights:
            for segment in snapshot.segments(flight):
                for entry in segment.entries():
                    reference = entry.traveller.reference
                    version = int(entry.traveller.documents[0].number)
                    seeds = tuple(_seed(row) for row in entry.templates)
                    fingers = tuple(_finger_seed(one) for one in snapshot.fingers(reference, flight))
                    found[flight, reference] = Person(version, seeds, fingers)
        return found

    def stored(self) -> Counter[str]:
        """Rows by table, flights with a data key, and flights named."""
        with self.database.read() as connection:
            tables = {name: _count(connection, name) for name in ("travellers", "templates", "fingers", "flights")}
            keys = connection.execute("SELECT count(*) FROM data_keys WHERE name LIKE '%/2026-11-22'").fetchone()[0]
        return Counter({**tables, "keys": keys})


def _count(connection: Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 -- names of ours


@contextmanager
def opened(folder: Path) -> Iterator[Box]:
    """A box, closed again."""
    box = Box(folder)
    try:
        yield box
    finally:
        box.database.close()


def template(seed: int) -> Probe:
    """An embedding that says its seed: see `_seed`."""
    vector = np.random.default_rng(seed).normal(size=_DIMENSIONS).astype(np.float32)
    vector[0] = 0
    vector /= np.linalg.norm(vector)
    return Probe(vector, MaskState.NONE, PACK, {})


def _seed(row: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
    """Which seed's template a row is; -1 when it is none."""
    return next((seed for seed in _known_seeds() if np.array_equal(template(seed).embedding, row)), -1)


def _known_seeds() -> range:
    return range(_PEOPLE * _TEMPLATES)


def finger(seed: int) -> FingerTemplate:
    """A finger that says its seed: see `_finger_seed`."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 300, (2, _MINUTIAE)).astype(np.float32)
    return FingerTemplate(
        places[0],
        places[1],
        rng.uniform(0, 6, _MINUTIAE).astype(np.float32),
        np.ones(_MINUTIAE, np.uint8),
        np.full(_MINUTIAE, 80, np.uint8),
        width_px=300,
        height_px=300,
        extractor="crash-1",
    )


def _finger_seed(found: FingerTemplate) -> int:
    """Which seed's finger it is; -1 when it is none."""
    return next((seed for seed in range(_PEOPLE * _FINGERS) if pack(finger(seed)) == pack(found)), -1)


def traveller(key: Key, version: int) -> Traveller:
    """The traveller, with the version for a document number."""
    flight, reference = key
    expires = datetime.now(UTC) + timedelta(hours=3)
    return Traveller(reference, flight, expires, (TravelDocument(str(version)),))


def next_step(state: State, chance: random.Random, version: int) -> Step:
    """A random call that makes sense in `state`."""
    known = sorted(state)
    without_full = [key for key in known if len(state[key].templates) < _TEMPLATES]
    with_fingers_free = [key for key in known if len(state[key].fingers) < _FINGERS]
    kinds = ["load", "load", "rotate"]
    kinds += ["enrol"] * (4 * bool(without_full)) + ["finger"] * (3 * bool(with_fingers_free))
    kinds += ["withdraw", "close"] * bool(known)
    match chance.choice(kinds):
        case "enrol":
            return _enrol(state, chance.choice(without_full))
        case "finger":
            return _enrol_finger(state, chance.choice(with_fingers_free))
        case "withdraw":
            return _withdraw(state, chance.choice(known))
        case "close":
            return _close(state, chance.choice(known)[0])
        case "rotate":
            return Step("rotate", _rotate, state)
        case _:
            return _load(state, chance, version)


def _load(state: State, chance: random.Random, version: int) -> Step:
    flight = chance.choice(_FLIGHTS)
    people = [(flight, f"t{number}") for number in chance.sample(range(_PEOPLE), 6)]
    put, remove = people[:4], [key for key in people[4:] if key in state]
    after = {key: person for key, person in state.items() if key not in remove}
    after |= {key: replace(state[key], version=version) if key in state else Person(version) for key in put}
    change = Change(
        put=tuple(traveller(key, version) for key in put), remove=tuple((ref, flight) for flight, ref in remove)
    )
    return Step("load", lambda box: box.gallery.apply(change).journal_position, after)


def _enrol(state: State, key: Key) -> Step:
    person = state[key]
    seed = int(key[1][1:]) * _TEMPLATES + len(person.templates)
    after = {**state, key: replace(person, templates=(*person.templates, seed))}

    def call(box: Box) -> int:
        box.gallery.enrol(traveller(key, person.version), template(seed))
        return 0

    return Step("enrol", call, after)


def _enrol_finger(state: State, key: Key) -> Step:
    person = state[key]
    seed = int(key[1][1:]) * _FINGERS + len(person.fingers)
    after = {**state, key: replace(person, fingers=(*person.fingers, seed))}

    def call(box: Box) -> int:
        box.gallery.enrol_finger(key[1], key[0], finger(seed))
        return 0

    return Step("finger", call, after)


def _withdraw(state: State, key: Key) -> Step:
    after = {other: person for other, person in state.items() if other != key}
    return Step("withdraw", lambda box: box.gallery.withdraw(key[1], key[0]).journal_position, after)


def _close(state: State, flight: str) -> Step:
    after = {key: person for key, person in state.items() if key[0] != flight}
    return Step("close", lambda box: box.gallery.close_flight(flight).journal_position, after)


def _rotate(box: Box) -> int:
    positions: list[int] = []

    def also(connection: Connection, key: MasterKey) -> None:
        event = Event(EventKind.KEY, datetime.now(UTC), {"action": "rotated", "key_id": key.key_id})
        positions.append(box.journal.append(connection, event))

    rotate_key_file(box.database, box.key_file, also)
    return positions[0]


def work(folder: Path, state: State, seed: int, tell: Callable[[str], None]) -> None:
    """The engine's part: until killed, says ``begin`` before each call and ``done POSITION`` after it."""
    chance, version = random.Random(seed), seed * 1_000  # noqa: S311 -- a choice to be repeated, not a secret
    with opened(folder) as box:
        while True:
            version += 1
            step = next_step(state, chance, version)
            tell("begin")
            position = step.call(box)
            tell(f"done {position}")
            state = step.after


def replay(state: State, seed: int, told: list[str]) -> tuple[list[Step], list[int]]:
    """The steps that were begun, as the process took them, and the journal positions of those acknowledged."""
    chance, version = random.Random(seed), seed * 1_000  # noqa: S311 -- as in `work`
    steps: list[Step] = []
    for line in told:
        if line == "begin":
            version += 1
            steps.append(next_step(steps[-1].after if steps else state, chance, version))
    return steps, [int(line.split()[1]) for line in told if line.startswith("done")]


def kill_once(folder: Path, state: State, seed: int, after_s: float) -> list[str]:
    """Forks a process that works on the store, kills it, and gives the lines it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            work(folder, state, seed, lambda line: _say(writing, line))
        finally:
            os._exit(70)
    os.close(writing)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    told = _everything(reading)
    if os.waitpid(child, 0)[1] != signal.SIGKILL:
        raise AssertionError("the work ended by itself")
    return told.decode().splitlines()


def _say(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())  # so few bytes go in one piece


def _everything(pipe: int) -> bytes:
    with os.fdopen(pipe, "rb") as stream:
        return stream.read()


def check(folder: Path, state: State, steps: list[Step], positions: list[int]) -> tuple[State, str]:
    """What a restart finds, and how the call that was cut off ended.

    Raises:
        AssertionError: anything that must not be.
    """
    before = steps[len(positions) - 1].after if positions else state
    cut_off = steps[len(positions)] if len(steps) > len(positions) else None
    with opened(folder) as box:
        found = box.state()
        _hold(
            found == before or (cut_off is not None and found == cut_off.after), f"half done: {cut_off}", before, found
        )
        rows = box.stored()
        flights = len({flight for flight, _ in found})
        templates = sum(len(person.templates) for person in found.values())
        fingers = sum(len(person.fingers) for person in found.values())
        expected = Counter(travellers=len(found), templates=templates, fingers=fingers, flights=flights, keys=flights)
        _hold(rows == expected, "rows of the store", expected, rows)
        journal = box.journal.verify()
        _hold(journal.whole, "journal", (), journal.problems)
        last = max(positions, default=0)
        _hold(journal.entries >= last, "acknowledged entries of the journal", last, journal.entries)
    if cut_off is None:
        return found, "between calls"
    if cut_off.after == before:
        return found, f"{cut_off.what} cut off"
    return found, f"{cut_off.what} {'undone' if found == before else 'done'}"


def _hold(right: bool, what: str, expected: object, found: object) -> None:
    if not right:
        raise AssertionError(f"{what}: expected {expected}, found {found}")


def run(folder: Path, rounds: int, seed: int, *, quiet: bool = False) -> dict[str, object]:
    """All rounds on one store.

    Returns:
        rounds, calls acknowledged, and how often a kill fell where.
    """
    chance = random.Random(seed)  # noqa: S311 -- moments to be repeated
    ends: Counter[str] = Counter()
    state: State = {}
    acknowledged = 0
    for number in track(range(rounds), "killing", disable=quiet):
        told = kill_once(folder, state, seed + number, chance.uniform(0.005, 0.25))
        steps, positions = replay(state, seed + number, told)
        state, end = check(folder, state, steps, positions)
        ends[end] += 1
        acknowledged += len(positions)
    return {"rounds": rounds, "acknowledged": acknowledged, "killed_during": dict(sorted(ends.items()))}


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the store is made (default: a temporary folder)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    arguments = parser.parse_args()
    set_up_logs("console", "warning")  # to standard error: standard output is the result's
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        try:
            result = run(Path(folder), arguments.rounds, arguments.seed, quiet=arguments.quiet)
        except AssertionError as error:
            print(f"crash: {error}", file=sys.stderr)
            return 1
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": describe(), **result}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
