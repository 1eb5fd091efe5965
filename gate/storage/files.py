"""Files for one user only: made, written and replaced so that a crash leaves the old or the new, never a part."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from gate.errors import Code, StoreError

OWNER_ONLY = 0o600


def create(path: Path) -> None:
    """Makes an empty file of mode 0600 whatever the umask; an existing one is left as it is.

    Root gives it to the owner of the folder: else an auditor's look would keep the engine's user out.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, OWNER_ONLY)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, OWNER_ONLY)
        _give_to_owner_of(path.parent, descriptor)
    finally:
        os.close(descriptor)


def tighten(path: Path) -> None:
    """Takes the rights of group and others away, where the file exists and has any."""
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return
    if mode & ~OWNER_ONLY:
        path.chmod(OWNER_ONLY)


def write_new(path: Path, content: Iterable[bytes]) -> None:
    """Writes a file that must not exist yet, 0600, and returns when it is on the disk. A part of one is never left.

    Args:
        path: of the new file.
        content: what it shall hold, part by part.

    Raises:
        FileExistsError: there is one already.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, OWNER_ONLY)
            file.writelines(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error
    except BaseException:
        path.unlink()
        raise
    sync_folder(path.parent)


def replace(new: Path, old: Path) -> None:
    """Puts `new` in the place of `old` in one step, and returns when that is on the disk."""
    new.replace(old)
    sync_folder(old.parent)


def remove(path: Path) -> None:
    """Removes a file, and returns when that is on the disk."""
    path.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Returns when the folder's entries are on the disk: a new name is not before that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """Keeps a second engine from a store. The operating system lets go of it when the process ends, however it ends.

    It lies on a file beside the store: closing any descriptor of the store itself would drop SQLite's own locks.

    Raises:
        StoreError: STORE_IN_USE.
    """

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + ".lock")
        create(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StoreError(Code.STORE_IN_USE, f"Another engine has {store} open.") from error

    def release(self) -> None:
        """Lets the next one in; may be called again. The file stays: removing it would let two in at once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _give_to_owner_of(other: Path, descriptor: int) -> None:
    owner = other.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
