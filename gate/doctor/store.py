"""The sealed store: its master key, and that it is the store's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gate.doctor.finding import Finding, fail, ok, warn
from gate.errors import GateError
from gate.settings import StorageSettings
from gate.storage.database import Database
from gate.storage.keys import KeySources


def check_store(storage: StorageSettings, environment: Mapping[str, str] = os.environ) -> Finding:
    """The master key is there and safe, and opens the store where there is one already. Changes nothing."""
    path = storage.path
    if path is None:
        repair = "Set [storage] path and master_key_file (docs/storage.md)."
        return warn("store", "none: travellers and the audit journal end with the process", repair)
    keys = KeySources(storage.master_key_file, environment)
    try:
        if not path.exists():
            key = keys.find(None)
            return _folder(path) or ok("store", f"{path} is made at the first start, with master key {key.key_id}")
        with Database.open_to_read(path, keys.find) as database:
            return ok("store", f"{path} opens with master key {database.key_id}")
    except GateError as error:
        return fail("store", error.message, error.entry.remedy)
    except OSError as error:
        return fail("store", f"{error.filename}: {error.strerror}", "Correct the path, or its permissions.")


def _folder(path: Path) -> Finding | None:
    if path.parent.is_dir() and os.access(path.parent, os.W_OK):
        return None
    return fail(
        "store", f"{path.parent} is not there, or not writable", "Make the folder, for the engine's user alone."
    )
