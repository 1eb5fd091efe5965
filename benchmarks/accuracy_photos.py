"""Which photographs a data set holds, of whom, and which of its files are none. Reads folders, opens no picture."""

from __future__ import annotations

import csv
import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".jp2", ".j2k", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)
_LEFT_BY_SYSTEMS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN"})
_YES, _NO = (
    frozenset({"1", "true", "yes", "same", "mated"}),
    frozenset({"0", "-1", "false", "no", "different", "nonmated"}),
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph, and whose it is."""

    path: Path
    person: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes:
        photos: sorted by person and file.
        ignored: files that are taken for no photographs, by suffix.
        outside: photographs that lie in no person's folder.
        empty: folders without a photograph.
    """

    photos: tuple[Photo, ...]
    ignored: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    empty: int = 0

    def notes(self, name: str) -> list[str]:
        """What somebody should know who reads the figures."""
        found = []
        if self.ignored:
            kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in sorted(self.ignored.items()))
            found.append(f"{name}: files that are no photographs, ignored: {kinds}")
        if self.outside:
            found.append(f"{name}: {self.outside} photographs lie in no person's folder, ignored")
        if self.empty:
            found.append(f"{name}: {self.empty} folders hold no photograph, ignored")
        return found


@dataclass(frozen=True, slots=True)
class Pair:
    """One line of a pairs file."""

    one: Path
    other: Path
    mated: bool


def list_people(folder: Path) -> Listing:
    """``FOLDER/<person>/**/<photo>``; folders below a person's are that person's too.

    Raises:
        OSError: no such folder, no person in it, or one folder that looks like the whole data set.
    """
    photos: list[Photo] = []
    ignored: Counter[str] = Counter()
    outside = empty = 0
    for path in _entries(folder):
        if path.is_dir():
            before = len(photos)
            for file in _files(path):
                if file.suffix.lower() in SUFFIXES:
                    photos.append(Photo(file, path.name))
                else:
                    ignored[file.suffix.lower()] += 1
            empty += len(photos) == before
        elif path.suffix.lower() in SUFFIXES:
            outside += 1
        else:
            ignored[path.suffix.lower()] += 1
    if not photos:
        raise OSError(errno.ENOENT, "expected <person>/<photo> in it, found no photograph", str(folder))
    people = {photo.person for photo in photos}
    if len(people) == 1 and len({photo.path.parent for photo in photos}) > 2:
        only = folder / people.pop()
        raise OSError(
            errno.EINVAL, f"expected folders of people, found one folder of folders; name {only}", str(folder)
        )
    return Listing(tuple(photos), ignored, outside, empty)


def list_distractors(folder: Path) -> Listing:
    """People who are nobody of the data set, one photograph each.

    ``FOLDER/<person>.jpg`` or ``FOLDER/<person>/<photo>``. Of a person with several the first is taken.

    Raises:
        OSError: no such folder, or no photograph in it.
    """
    first: dict[str, Photo] = {}
    ignored: Counter[str] = Counter()
    for path in _entries(folder):
        files = _files(path) if path.is_dir() else iter((path,))
        for file in files:
            if file.suffix.lower() in SUFFIXES:
                person = path.name if path.is_dir() else path.stem
                first.setdefault(person, Photo(file, person))
            else:
                ignored[file.suffix.lower()] += 1
    if not first:
        raise OSError(errno.ENOENT, "expected <person>/<photo> or <person>.jpg in it, found no photograph", str(folder))
    return Listing(tuple(first.values()), ignored)


def read_pairs(path: Path, roots: Sequence[Path]) -> tuple[list[Pair], int]:
    """The pairs of a CSV file with the columns ``image_a,image_b,mated``, and how many name a file that is not there.

    Args:
        path: of the file.
        roots: folders that its paths may be relative to; the first that fits wins.

    Raises:
        OSError: it cannot be read, or is no such file.
    """
    pairs: list[Pair] = []
    missing = 0
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"image_a", "image_b", "mated"} <= set(rows.fieldnames or ()):
            raise OSError(errno.EINVAL, "expected the columns image_a, image_b, mated", str(path))
        for row in rows:
            said = (row["mated"] or "").strip().lower()
            if said not in _YES | _NO:
                raise OSError(errno.EINVAL, f"line {rows.line_num}: mated: expected 1 or 0, found {said!r}", str(path))
            one, other = (_found(row[column] or "", roots) for column in ("image_a", "image_b"))
            if one is None or other is None:
                missing += 1
            else:
                pairs.append(Pair(one, other, said in _YES))
    return pairs, missing


def read_lookalikes(path: Path) -> list[tuple[str, str]]:
    """Pairs of people who may be one person or look like it: columns ``identity_a,identity_b``, with or without a set's
    name before a slash.

    Raises:
        OSError: it cannot be read, or is no such file.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"identity_a", "identity_b"} <= set(rows.fieldnames or ()):
            raise OSError(errno.EINVAL, "expected the columns identity_a, identity_b", str(path))
        return [(_person(row["identity_a"]), _person(row["identity_b"])) for row in rows]


def _person(identity: str) -> str:
    return identity.strip().rpartition("/")[2]


def _found(name: str, roots: Sequence[Path]) -> Path | None:
    wanted = Path(name.strip().replace("\\", "/"))
    return next((root / wanted for root in roots if name.strip() and (root / wanted).is_file()), None)


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise OSError(errno.ENOTDIR, "expected a folder", str(folder))
    return [path for path in sorted(folder.iterdir()) if not _hidden(path.name)]


def _files(folder: Path) -> Iterator[Path]:
    """Everything below, links followed, each folder once."""
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not _hidden(name))
        yield from (Path(root) / name for name in sorted(files) if not _hidden(name))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_BY_SYSTEMS
