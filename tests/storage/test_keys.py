"""A master key that others can read seals nothing; one that is mistaken for another loses a day's travellers."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from gate.errors import Code, MasterKeyError
from gate.storage.keys import CREDENTIAL, VARIABLE, KeySources, MasterKey, next_to, read_key_file, write_key_file

KEY = MasterKey.generate()
OTHER = MasterKey.generate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    write_key_file(path, KEY)
    return path


def refused(sources: KeySources, stored_id: str | None = None) -> MasterKeyError:
    with pytest.raises(MasterKeyError) as error:
        sources.settle(stored_id)
    return error.value


def credential(folder: Path, content: bytes, mode: int = 0o440) -> dict[str, str]:
    (folder / CREDENTIAL).write_bytes(content)
    (folder / CREDENTIAL).chmod(mode)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_key_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_key_file(tmp_path / "k", KEY)
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o7777 == 0o600
    assert read_key_file(tmp_path / "k") == KEY


def test_a_key_file_is_never_overwritten(file: Path) -> None:
    with pytest.raises(FileExistsError):
        write_key_file(file, OTHER)
    assert read_key_file(file) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o700, 0o4600])
def test_a_key_that_others_may_read_or_change_is_refused_with_the_repair(file: Path, mode: int) -> None:
    file.chmod(mode)
    error = refused(KeySources(file))
    assert error.code is Code.KEY_UNSAFE
    assert f"chmod 600 {file}" in error.message


def test_a_key_that_is_read_only_is_fine(file: Path) -> None:
    file.chmod(0o400)
    assert KeySources(file).find() == KEY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_key_is_refused(file: Path) -> None:
    os.chown(file, 4242, 4242)
    assert refused(KeySources(file)).code is Code.KEY_UNSAFE


def test_a_pipe_in_the_keys_place_is_refused_and_does_not_hang_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refused(KeySources(tmp_path / "pipe")).code is Code.KEY_UNSAFE
    assert refused(KeySources(tmp_path)).code is Code.KEY_UNSAFE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"secret\n", id="a password"),
        pytest.param(KEY.secret[:16].hex().encode(), id="128 bits"),
        pytest.param(KEY.secret.hex().encode()[:-2], id="cut off"),
        pytest.param(b"zz" * 32, id="no hexadecimal"),
        pytest.param(bytes(32), id="zeros"),
        pytest.param(b"00" * 32, id="zeros as text"),
        pytest.param(b"x" * 5000, id="another file"),
    ],
)
def test_what_is_no_key_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "k"
    path.touch(0o600)
    path.write_bytes(content)
    error = refused(KeySources(path))
    assert error.code is Code.KEY_INVALID
    assert "secret" not in error.message
    assert KEY.secret.hex()[:16] not in error.message


@pytest.mark.parametrize(
    "text",
    [KEY.secret.hex(), KEY.secret.hex().upper(), base64.b64encode(KEY.secret).decode(), f" {KEY.secret.hex()}\n"],
)
def test_the_environment_holds_it_as_hexadecimal_or_base64(text: str) -> None:
    found = KeySources(None, {VARIABLE: text}).find()
    assert (found, found.source) == (KEY, VARIABLE)


@pytest.mark.parametrize("content", [KEY.secret, KEY.secret.hex().encode()])
def test_a_systemd_credential_is_found_as_systemd_leaves_it(tmp_path: Path, content: bytes) -> None:
    """systemd shows a unit's credential as mode 0440: the user's access is an ACL."""
    found = KeySources(None, credential(tmp_path, content)).find()
    assert (found, "credential" in found.source) == (KEY, True)


def test_a_credential_for_everybody_is_refused(tmp_path: Path) -> None:
    assert refused(KeySources(None, credential(tmp_path, KEY.secret, 0o444))).code is Code.KEY_UNSAFE


def test_no_key_anywhere_says_how_to_make_one(tmp_path: Path) -> None:
    error = refused(KeySources(tmp_path / "none.key", {VARIABLE: "", "CREDENTIALS_DIRECTORY": str(tmp_path)}))
    assert error.code is Code.KEY_MISSING
    assert "none.key" in error.message
    assert "gate key new" in error.entry.remedy


def test_two_sources_with_the_same_key_are_one_key(file: Path) -> None:
    assert KeySources(file, {VARIABLE: KEY.secret.hex()}).find() == KEY


def test_two_sources_with_different_keys_are_refused_and_named(file: Path) -> None:
    error = refused(KeySources(file, {VARIABLE: OTHER.secret.hex()}))
    assert error.code is Code.KEY_INVALID
    assert str(file) in error.message
    assert VARIABLE in error.message


def test_nothing_shows_the_key(file: Path) -> None:
    sources = KeySources(file, {VARIABLE: KEY.secret.hex()})
    shown = repr(KEY) + repr(sources) + KEY.key_id + str(KEY.secret != OTHER.secret)
    assert KEY.secret.hex() not in shown
    assert repr(KEY.secret)[2:-1] not in shown
    assert KEY.key_id not in KEY.secret.hex()


# A rotation that was cut off: the id in the store says which of the two files is right.


def test_a_rotation_cut_off_before_the_store_changed_is_undone(file: Path) -> None:
    write_key_file(next_to(file), OTHER)
    assert KeySources(file).settle(KEY.key_id) == KEY
    assert not next_to(file).exists()


def test_a_rotation_cut_off_after_the_store_changed_is_finished(file: Path) -> None:
    write_key_file(next_to(file), OTHER)
    assert KeySources(file).settle(OTHER.key_id) == OTHER
    assert read_key_file(file) == OTHER
    assert not next_to(file).exists()


@pytest.mark.parametrize("written", [0, 10, 63])
def test_a_key_cut_off_while_it_was_written_is_undone(file: Path, written: int) -> None:
    next_to(file).touch(0o600)
    next_to(file).write_bytes(OTHER.secret.hex().encode()[:written])
    assert KeySources(file).settle(KEY.key_id) == KEY
    assert not next_to(file).exists()


def test_with_a_store_of_a_third_key_both_files_stay(file: Path) -> None:
    write_key_file(next_to(file), OTHER)
    assert KeySources(file).settle("0123456789ab") == KEY
    assert read_key_file(next_to(file)) == OTHER


def test_looking_finds_the_coming_key_and_settles_nothing(file: Path) -> None:
    """`gate audit verify` beside a rotation that still runs must not rename the file under it."""
    write_key_file(next_to(file), OTHER)
    assert KeySources(file).find(OTHER.key_id) == OTHER
    assert KeySources(file).find(KEY.key_id) == KEY
    assert next_to(file).exists()
