"""Whose photograph is it? Photographs come beside a manifest by name; people wait for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from gate.engine.roster import ABO, Key
from gate.manifest.records import Person


@dataclass(slots=True)
class Waiting:
    """A person who is expected, and may have a photograph.

    Attributes:
        message_index, person_index, line: who.
        keys: the travellers that they are, one a leg.
        consents: a face may be kept.
        named: the manifest names a photograph.
        came: one was received, or stood in the manifest.
    """

    message_index: int
    person_index: int
    line: int
    keys: tuple[Key, ...]
    consents: bool
    named: str
    came: bool = False


class PhotoBook:
    """Finds the people whom a photograph shows.

    By the name that the manifest gives, with or without its folder and extension; else by document number or
    carrier reference. A name that fits several people by document or reference fits nobody.
    """

    def __init__(self) -> None:
        self._waiting: dict[frozenset[Key], Waiting] = {}
        self._named: defaultdict[str, list[Waiting]] = defaultdict(list)
        self._known_by: defaultdict[str, list[Waiting]] = defaultdict(list)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._waiting.values())

    def add(self, waiting: Waiting, person: Person) -> Waiting:
        """Notes that a person waits. Somebody named again is the same one, wherever the photograph was named."""
        known = self._waiting.setdefault(frozenset(waiting.keys), waiting)
        known.consents, known.named = waiting.consents, waiting.named or known.named
        if person.photo:
            for name in _names(person.photo):
                _note(self._named[name], known)
        for name in (*(document.number for document in person.documents), person.reference(ABO)):
            if name:
                _note(self._known_by[name.casefold()], known)
        return known

    def whose(self, name: str) -> tuple[Waiting, ...]:
        """The people of a photograph; nobody, when none or no single one fits."""
        full, stem = _names(name)
        named = self._named.get(full) or _single(self._named.get(stem, ()))
        return tuple(named or _single(self._known_by.get(stem, ())))


def _names(name: str) -> tuple[str, str]:
    path = PurePosixPath(name.replace("\\", "/").casefold())
    return path.name, path.stem


def _note(people: list[Waiting], waiting: Waiting) -> None:
    if not any(known is waiting for known in people):
        people.append(waiting)


def _single(people: Iterable[Waiting]) -> list[Waiting]:
    several = list(people)
    return several if len(several) == 1 else []
