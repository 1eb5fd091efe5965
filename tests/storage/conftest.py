"""A store with its master key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.storage.database import Database
from gate.storage.keys import MasterKey


@pytest.fixture
def master() -> MasterKey:
    return MasterKey.generate()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "egate.db"


@pytest.fixture
def database(store: Path, master: MasterKey) -> Iterator[Database]:
    with Database.open(store, master) as opened:
        yield opened
