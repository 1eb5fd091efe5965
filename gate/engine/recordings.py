"""Where recordings of passages are kept: sealed files in one folder, for hours, and never longer than their flights.

A recording opens with a key that follows from its own data key *and* the data keys of every flight in it. All of them
lie in the store. So a recording ends with its hours, and with the destruction of any of its flights, whether or not
the file itself is already gone.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from gate import __version__
from gate.engine.attempt import Attempt
from gate.engine.recording import Made, Recorder, Recording
from gate.errors import Code, NotFoundError, StorageFault
from gate.gallery.ledger import key_name
from gate.storage import files
from gate.storage.database import Database
from gate.storage.seal import Seal, derive

SUFFIX = ".passage"
LONGEST_HEADER_BYTES = 64 * 1024

_MAGIC = b"egate passage 1\n"
_KEYS = "recording/"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the seal, in the clear: who may open it, and until when.

    Attributes:
        passage_id: of the passage.
        until: UTC; its key is destroyed then.
        flights: whose data keys are needed, in their order.
    """

    passage_id: str
    until: datetime
    flights: tuple[str, ...]

    @property
    def key_name(self) -> str:
        """Of the recording's own data key in the store: says when it ends, and nothing of the traveller."""
        return f"{_KEYS}{self.until:%Y%m%dT%H%M%SZ}/{self.passage_id}"

    def line(self) -> bytes:
        """As it stands in the file."""
        said = {"passage": self.passage_id, "until": self.until.isoformat(), "flights": self.flights}
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"


class Recordings:
    """Keeps and forgets recordings. Thread-safe.

    Args:
        folder: of the files; made where it is not there.
        database: the store, whose data keys they are sealed with.
        made: what makes the numbers here.
        max_h: for how long they are kept.
        max_mb: of frames in one of them, megabytes.
    """

    def __init__(self, folder: Path, database: Database, made: Made, max_h: float, max_mb: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _log.warning("passages_are_recorded", folder=str(folder), max_h=max_h)
        self._folder = folder
        self._database = database
        self._made = made
        self._life = timedelta(hours=max_h)
        self.max_bytes = max_mb * 1_000_000
        self._headers: dict[str, Header] = {}  # of files, so that a sweep need not read them
        self._ended: deque[tuple[Attempt, Recorder, datetime]] = deque()
        self._writing = threading.Lock()

    def ended(self, attempt: Attempt, recorder: Recorder, now: datetime) -> None:
        """Takes a passage that has ended; `write` writes it, once the gate was told."""
        self._ended.append((attempt, recorder, now))

    def write(self) -> None:
        """Writes what has ended (blocking). What cannot be written is lost, which hinders no passage."""
        with self._writing:
            while self._ended:
                attempt, recorder, now = self._ended.popleft()
                try:
                    self._keep(as_recording(attempt, recorder, self._made, now))
                except (StorageFault, OSError) as error:
                    _log.error("recording_lost", passage=attempt.passage_id, error=type(error).__name__)

    def expire(self, now: datetime) -> None:
        """Destroys what has lasted its hours, and the files of what does not open any more (blocking).

        Raises:
            StorageFault: a key could not be deleted; it is tried again with the next sweep.
        """
        with self._writing:  # a file is written after its key: between the two, it would look like a leftover
            keys = self._forget(now)
            for path in self._folder.glob(f"*{SUFFIX}"):
                if not self._needs(path) <= keys:
                    path.unlink(missing_ok=True)
                    self._headers.pop(path.name, None)

    def _forget(self, now: datetime) -> frozenset[str]:
        """Destroys the keys of those whose hours are over; names of the data keys that are left."""
        with self._database.read() as connection:
            keys = frozenset(str(row[0]) for row in connection.execute("SELECT name FROM data_keys"))
        old = {name for name in keys if name.startswith(_KEYS) and _until(name) <= now}
        if old:
            with self._database.transaction() as connection:
                for name in old:
                    self._database.forget_key(connection, name)
            self._database.erase_traces()
        return keys - old

    def _keep(self, recording: Recording) -> Path | None:
        header = Header(recording.passage_id, recording.closed_at + self._life, recording.flights)
        with self._database.transaction() as connection:
            own = self._database.data_key(connection, header.key_name, create=True)
            seal = _combined(self._database, connection, own, header)
            if seal is None:
                self._database.forget_key(connection, header.key_name)
                return None  # a flight in it was destroyed meanwhile, and the recording with it
        line = header.line()
        path = self._folder / f"{recording.passage_id}{SUFFIX}"
        files.write_new(path, [_MAGIC, line, seal.seal(recording.dumped(), _MAGIC + line)])
        return path

    def _needs(self, path: Path) -> frozenset[str]:
        """Names of the data keys that open a file; none for one that is no recording, which is not ours to remove."""
        header = self._headers.get(path.name)
        if header is None:
            try:
                header, _ = _read_header(path)
            except StorageFault:
                return frozenset()
            self._headers[path.name] = header
        return frozenset({header.key_name, *map(key_name, header.flights)})


def open_recording(path: Path, database: Database) -> Recording:
    """Reads a recording; `database` may be open to read only.

    Raises:
        NotFoundError: RECORDING_GONE, when a key that it needs is destroyed.
        StorageFault: SEAL_BROKEN, when it was changed, or is of another version.
        OSError: there is no such file.
    """
    header, bound_to = _read_header(path)
    with database.read() as connection:
        own = database.data_key(connection, header.key_name)
        seal = None if own is None else _combined(database, connection, own, header)
    if seal is None:
        raise NotFoundError(
            Code.RECORDING_GONE,
            f"The recording of passage {header.passage_id} cannot be opened any more: its time is over "
            f"({header.until:%FT%TZ}), or a flight in it was destroyed.",
        )
    return Recording.loaded(seal.open(path.read_bytes()[len(bound_to) :], bound_to))


def as_recording(attempt: Attempt, recorder: Recorder, made: Made, now: datetime) -> Recording:
    """A passage that has ended at `now`, UTC."""
    return Recording(
        version=__version__,
        passage_id=attempt.passage_id,
        lane_id=attempt.lane_id,
        profile=attempt.profile,
        closed_at=now.astimezone(UTC).replace(microsecond=0),
        made=made,
        rules=attempt.rules,
        policy_digest=attempt.policy_digest,
        events=recorder.events,
        looks=recorder.looks,
        references=recorder.references,
        decision=attempt.decision,
    )


def _combined(database: Database, connection: sqlite3.Connection, own: Seal, header: Header) -> Seal | None:
    """The seal of a recording's content; None where the data key of a flight is gone."""
    seals = [own]
    for flight in header.flights:
        seal = database.data_key(connection, key_name(flight))
        if seal is None:
            return None
        seals.append(seal)
    return Seal(derive(b"".join(seal.derived("recording") for seal in seals), "recording"))


def _read_header(path: Path) -> tuple[Header, bytes]:
    """The header, and the bytes that it stands in: what the seal is bound to.

    Raises:
        StorageFault: SEAL_BROKEN, for a file that is no recording.
    """
    with path.open("rb") as file:
        content = file.read(len(_MAGIC) + LONGEST_HEADER_BYTES)
    end = content.find(b"\n", len(_MAGIC)) + 1
    try:
        if not content.startswith(_MAGIC) or not end:
            raise ValueError("no header")
        said = json.loads(content[len(_MAGIC) : end])
        header = Header(str(said["passage"]), datetime.fromisoformat(said["until"]), tuple(map(str, said["flights"])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageFault(Code.SEAL_BROKEN, f"{path} is no recording of a passage.") from error
    return header, content[:end]


def _until(name: str) -> datetime:
    return datetime.strptime(name.split("/")[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
