"""`gate key`: make, look at and change the master key. No command ever prints a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

if TYPE_CHECKING:
    from sqlite3 import Connection

    from gate.settings import Settings
    from gate.storage.database import Database
    from gate.storage.keys import KeySources, MasterKey
    from gate.storage.rotation import AlsoRecord

app = typer.Typer(no_args_is_help=True, help="The master key that the store is sealed with: make, look at, change.")

_CONFIG = typer.Option(None, "--config", "-c", help="Settings; by default gate.toml, where there is one.")


@app.command()
def new(file: Path = typer.Argument(..., help="The file to make; it must not exist yet.")) -> None:
    """Make a master key: 32 random bytes in a file for this user alone (mode 0600).

    Whoever has this file and the store can read every traveller in it; without it nobody can, not even you. Keep it on
    another medium than backups of the store.

    Example: `gate key new /etc/egate/master.key`
    """
    with explained():
        from gate.storage.keys import MasterKey, write_key_file

        key = MasterKey.generate()
        try:
            write_key_file(file, key)
        except FileExistsError:
            fail(f"{file} exists already.", "Name another file; `gate key rotate` changes a key in use.", Exit.SETTINGS)
        print(f"{file}: a new master key, id {key.key_id}")
        print(f'  → In gate.toml, under [storage]: master_key_file = "{file}"')


@app.command()
def show(config: Path | None = _CONFIG) -> None:
    """Show where the master key was found, its id, and whether the store is sealed with it. Never the key.

    Exit code 3 when the store is sealed with another one.
    """
    with explained():
        settings, sources = _found(config)
        store = settings.storage.path
        stored_id = _stored_id(store)
        key = sources.find(stored_id)
        print(f"key    {key.key_id}, from {key.source}")
        if store is None or stored_id is None:
            print(f"store  {store or 'none: [storage] path is not set'}{', not made yet' if store else ''}")
        elif stored_id == key.key_id:
            print(f"store  {store}, sealed with this key")
        else:
            print(f"store  {store}, sealed with another key: {stored_id}")
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


@app.command()
def rotate(
    config: Path | None = _CONFIG,
    new_file: Path | None = typer.Option(
        None, "--new", help="File of the new key, where the key is not in [storage] master_key_file."
    ),
    old_file: Path | None = typer.Option(
        None, "--old", help="File of the old key, with --new; by default the key that the engine would find."
    ),
) -> None:
    """Change the master key. The engine must be stopped; a crash at any moment leaves a store that opens.

    Only the flights' data keys are wrapped anew, so it takes no time however many travellers there are. The old key
    opens nothing afterwards.

    Examples:

    - `gate key rotate`: the key is in [storage] master_key_file; a new one takes its place

    - `gate key new next.key && gate key rotate --new next.key`: the key comes from the environment or from systemd;
      give the new one to the engine before it starts again
    """
    if old_file is not None and new_file is None:
        raise typer.BadParameter("needs --new beside it", param_hint="--old")
    with explained():
        settings, sources = _found(config)
        if settings.storage.path is None:
            fail("[storage] path is not set.", "There is no store whose key could be changed.", Exit.SETTINGS)
        if new_file is None:
            _rotate_file(settings.storage.path, sources)
        else:
            _rotate_to(settings.storage.path, sources, old_file, new_file)


def _rotate_file(store: Path, sources: KeySources) -> None:
    from gate.storage.database import Database
    from gate.storage.rotation import rotate_key_file

    with Database.open(store, sources.settle, create=False) as database:
        found = sources.find(database.key_id)
        if sources.file is None or found.source != str(sources.file):
            fail(
                f"The master key comes from {found.source}, which this command cannot write.",
                "Make the new one with `gate key new FILE`, then `gate key rotate --new FILE`.",
                Exit.SETTINGS,
            )
        key = rotate_key_file(database, sources.file, _recorder(database, found.key_id))
    print(f"{sources.file}: master key {found.key_id} is replaced by {key.key_id}.")


def _rotate_to(store: Path, sources: KeySources, old_file: Path | None, new_file: Path) -> None:
    from gate.storage.database import Database
    from gate.storage.keys import read_key_file

    coming = read_key_file(new_file)

    def old_or_new(stored_id: str | None) -> MasterKey:
        if stored_id == coming.key_id:
            return coming
        return read_key_file(old_file) if old_file else sources.find(stored_id)

    with Database.open(store, old_or_new, create=False) as database:
        old_id = database.key_id
        if old_id == coming.key_id:
            print(f"The store is sealed with {coming.key_id} already.")
            return
        record = _recorder(database, old_id)
        database.rotate(coming, lambda connection: record(connection, coming))
    print(f"The store was sealed with {old_id} and is now sealed with {coming.key_id}.")
    print("  → Give the engine the new key before it starts again.")


def _recorder(database: Database, old_id: str) -> AlsoRecord:
    from datetime import UTC, datetime

    from gate.audit.event import Event, EventKind
    from gate.audit.journal import SealedJournal

    journal = SealedJournal(database)

    def record(connection: Connection, key: MasterKey) -> None:
        facts = {"action": "rotated", "key_id": key.key_id, "old_key_id": old_id}
        journal.append(connection, Event(EventKind.KEY, datetime.now(UTC), facts))

    return record


def _found(config: Path | None) -> tuple[Settings, KeySources]:
    import os

    from gate.settings import load_settings
    from gate.storage.keys import KeySources

    settings = load_settings(config)
    return settings, KeySources(settings.storage.master_key_file, os.environ)


def _stored_id(store: Path | None) -> str | None:
    from gate.storage.database import Database

    if store is None or not store.exists():
        return None
    with Database.open_to_read(store) as database:
        return database.key_id
