"""The box's master key: it wraps the data keys, and is found in a file, the environment or a systemd credential.

All three sources are looked at: ``[storage] master_key_file``, the variable ``EGATE_MASTER_KEY``, and the credential
``egate-master-key`` of the systemd unit. One of them has to hold the key. Several may, when it is the same one;
different keys are refused, because sealing with the one that was not meant is found out too late.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate.errors import Code, MasterKeyError
from gate.storage import files
from gate.storage.seal import KEY_BYTES, derive, new_key

VARIABLE = "EGATE_MASTER_KEY"
CREDENTIAL = "egate-master-key"

_LARGEST_FILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key.

    Attributes:
        secret: 32 bytes; never shown.
        source: where it was found, for the operator.
    """

    secret: bytes = field(repr=False)
    source: str = field(default="made here", compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise MasterKeyError(
                Code.KEY_INVALID, f"{self.source}: expected {KEY_BYTES} bytes, found {len(self.secret)}."
            )
        if len(set(self.secret)) == 1:
            raise MasterKeyError(Code.KEY_INVALID, f"{self.source}: expected random bytes, found one byte repeated.")

    @property
    def key_id(self) -> str:
        """12 hexadecimal characters that tell keys apart and say nothing about them."""
        return derive(self.secret, "key id")[:6].hex()

    @classmethod
    def generate(cls) -> MasterKey:
        """A new one."""
        return cls(new_key())


@dataclass(frozen=True, slots=True)
class KeySources:
    """Where to look for the master key.

    Attributes:
        file: ``[storage] master_key_file``.
        environment: the process's, for `VARIABLE` and systemd's ``CREDENTIALS_DIRECTORY``.
    """

    file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def find(self, stored_id: str | None = None) -> MasterKey:
        """The master key; nothing is changed.

        Args:
            stored_id: the id of the key that the store is sealed with. During a rotation it may be that of the new
                key, which still lies beside the old one.

        Raises:
            MasterKeyError: KEY_MISSING, KEY_UNSAFE, KEY_INVALID.
        """
        if self.file is not None and stored_id is not None:
            coming = next_to(self.file)
            if coming.exists() and (key := _readable(coming)) and key.key_id == stored_id:
                return key
        found = list(self._found())
        if not found:
            named = f"{self.file} is not there" if self.file else "[storage] master_key_file is not set"
            raise MasterKeyError(
                Code.KEY_MISSING,
                f"No master key: {named}, {VARIABLE} is empty, and no credential {CREDENTIAL} is given.",
            )
        if len({key.secret for key in found}) > 1:
            sources = " and ".join(f"{key.source} (id {key.key_id})" for key in found)
            raise MasterKeyError(Code.KEY_INVALID, f"Different master keys in {sources}.")
        return found[0]

    def settle(self, stored_id: str | None) -> MasterKey:
        """Finishes or undoes a rotation that was cut off, then finds the master key.

        Only for who holds the store's lock: a rotation that still runs looks just like one that was cut off.

        Raises:
            MasterKeyError: as `find`.
        """
        if self.file is not None and stored_id is not None and next_to(self.file).exists():
            _settle(self.file, stored_id)
        return self.find(stored_id)

    def _found(self) -> Iterator[MasterKey]:
        if self.file is not None and self.file.exists():
            yield read_key_file(self.file)
        if value := self.environment.get(VARIABLE, "").strip():
            yield MasterKey(_decoded(value.encode(), VARIABLE), VARIABLE)
        if folder := self.environment.get("CREDENTIALS_DIRECTORY"):
            credential = Path(folder) / CREDENTIAL
            if credential.exists():
                # systemd gives a unit's user access by an ACL, whose mask shows as the group's right to read.
                yield read_key_file(credential, allowed=0o640, source=f"systemd credential {CREDENTIAL}")


def read_key_file(path: Path, *, allowed: int = files.OWNER_ONLY, source: str | None = None) -> MasterKey:
    """Reads a key file: 64 hexadecimal characters, base64, or 32 raw bytes.

    Raises:
        MasterKeyError: KEY_UNSAFE when others than its owner may read or replace it, or the owner is neither root nor
            this user; KEY_INVALID when it holds no key.
        OSError: it cannot be read.
    """
    # Not blocking: a pipe in the key's place must not hang the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_safe(path, os.fstat(descriptor), allowed)
        content = os.read(descriptor, _LARGEST_FILE_BYTES)
    finally:
        os.close(descriptor)
    return MasterKey(_decoded(content, str(path)), source or str(path))


def write_key_file(path: Path, key: MasterKey) -> None:
    """Writes a key to a new file of mode 0600; on the disk when this returns.

    Raises:
        FileExistsError: a key that may still be needed is never overwritten.
    """
    files.write_new(path, [key.secret.hex().encode(), b"\n"])


def next_to(file: Path) -> Path:
    """Where a rotation keeps the coming key."""
    return file.with_name(file.name + ".next")


def _settle(file: Path, stored_id: str) -> None:
    coming = next_to(file)
    if (key := _readable(coming)) and key.key_id == stored_id:
        files.replace(coming, file)
    elif file.exists() and read_key_file(file).key_id == stored_id:
        files.remove(coming)


def _readable(path: Path) -> MasterKey | None:
    """The key of a file, or None for one that was cut off while it was written."""
    try:
        return read_key_file(path)
    except MasterKeyError as error:
        if error.code is Code.KEY_INVALID:
            return None
        raise


def _check_safe(path: Path, status: os.stat_result, allowed: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise MasterKeyError(Code.KEY_UNSAFE, f"{path}: expected a regular file.")
    if status.st_uid not in {0, os.geteuid()}:
        raise MasterKeyError(
            Code.KEY_UNSAFE,
            f"{path} belongs to user {status.st_uid}, expected {os.geteuid()} or root:"
            " chown it, or run this as that user.",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & ~allowed:
        raise MasterKeyError(
            Code.KEY_UNSAFE, f"{path} has mode {mode:04o}, expected at most {allowed:04o}: chmod 600 {path}"
        )


def _decoded(content: bytes, source: str) -> bytes:
    if len(content) == KEY_BYTES and not content.isascii():
        return content  # Text of this length is a passphrase or half a key.
    text = content.strip()
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text.decode("ascii"))
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise MasterKeyError(
            Code.KEY_INVALID, f"{source}: expected {KEY_BYTES} bytes as hexadecimal or base64, found something else."
        ) from error
