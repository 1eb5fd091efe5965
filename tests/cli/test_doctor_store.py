"""`gate doctor` on the sealed store: what would stop the engine at the next start is said before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.doctor.finding import Health
from gate.doctor.store import check_store
from gate.settings import StorageSettings
from gate.storage.database import Database
from gate.storage.keys import MasterKey, read_key_file, write_key_file


@pytest.fixture
def storage(tmp_path: Path) -> StorageSettings:
    key = tmp_path / "master.key"
    write_key_file(key, MasterKey.generate())
    return StorageSettings(path=tmp_path / "egate.db", master_key_file=key)


def test_no_store_is_said_with_what_it_means() -> None:
    finding = check_store(StorageSettings(), {})
    assert finding.health is Health.WARN
    assert "end with the process" in finding.found


def test_a_new_store_needs_its_key(storage: StorageSettings) -> None:
    assert check_store(storage, {}).health is Health.OK
    assert storage.path is not None
    assert not storage.path.exists(), "looking must not make a store"
    missing = check_store(storage.model_copy(update={"master_key_file": None}), {})
    assert missing.health is Health.FAIL
    assert "gate key new" in missing.repair


def test_another_key_than_the_stores_is_found(storage: StorageSettings) -> None:
    assert storage.path is not None
    Database.open(storage.path, MasterKey.generate()).close()
    finding = check_store(storage, {})
    assert finding.health is Health.FAIL
    assert "sealed with master key" in finding.found


def test_the_stores_own_key_opens_it(storage: StorageSettings) -> None:
    assert storage.path is not None
    assert storage.master_key_file is not None
    Database.open(storage.path, read_key_file(storage.master_key_file)).close()
    assert check_store(storage, {}).health is Health.OK


def test_a_key_that_others_may_read_is_found(storage: StorageSettings) -> None:
    assert storage.master_key_file is not None
    storage.master_key_file.chmod(0o644)
    assert "chmod 600" in check_store(storage, {}).found


def test_a_folder_that_is_not_there_is_found(storage: StorageSettings, tmp_path: Path) -> None:
    moved = storage.model_copy(update={"path": tmp_path / "none" / "egate.db"})
    assert check_store(moved, {}).health is Health.FAIL
