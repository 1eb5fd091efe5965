"""Who is expected already: recognises the people of a manifest among them.

A person of a message is the traveller of the same flight who has, in this order, the carrier's own reference
(RFF+ABO), a document, or name and birth date in common, where nothing else contradicts it. On another flight only
a document, or the same carrier's reference, makes them the same person.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator

from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.manifest.records import Document, Person

ABO = "ABO"
"""DE 1153: originator's reference, the carrier's own name for one person."""

AVF = "AVF"
"""DE 1153: the booking's record locator (PNR)."""

MAX_DOCUMENTS = 8

_NUMBER = re.compile(r"[0-9A-Z]{1,32}")
_STATE = re.compile(r"[A-Z]{1,3}")
_LOCATOR = re.compile(r"[0-9A-Z]{5,7}")
_CARRIER = re.compile(r"([A-Z0-9]{2,3}?)\d{4}[A-Z]?/")

Key = tuple[str, str]
"""Reference and flight of a traveller."""


class Roster:
    """Travellers by what a manifest may know them by. For one thread."""

    def __init__(self, travellers: Iterable[Traveller]) -> None:
        self._known: dict[Key, Traveller] = {}
        self._by_trait: defaultdict[tuple[str, ...], dict[Key, None]] = defaultdict(dict)
        for traveller in travellers:
            self.put(traveller)

    def put(self, traveller: Traveller) -> None:
        """Adds a traveller, or brings one up to date."""
        key = (traveller.reference, traveller.flight)
        self.remove(key)
        self._known[key] = traveller
        for trait in _traits(traveller):
            self._by_trait[trait][key] = None

    def remove(self, key: Key) -> None:
        """Forgets a traveller, if there is one."""
        traveller = self._known.pop(key, None)
        if traveller is not None:
            for trait in _traits(traveller):
                self._by_trait[trait].pop(key, None)

    def get(self, key: Key) -> Traveller | None:
        """The traveller of that reference and flight."""
        return self._known.get(key)

    def on(self, flight: str) -> list[Traveller]:
        """Everybody expected on a flight."""
        return list(self._having("on", flight))

    def find(self, person: Person, flight: str) -> Traveller | None:
        """The traveller of `flight` who is this person."""
        documents = claimable(person.documents)
        if abo := person.reference(ABO):
            for known in self._having("abo-on", flight, abo):
                if _same_name(person, known) or _renamed(person, documents, known):
                    return known
        for document in documents:
            for known in self._having("document", document.number):
                if known.flight == flight and _fits(document, known.documents) and not _somebody_else(person, known):
                    return known
        name = _name_key(person.surname, person.given_names, person.birth_date)
        for known in self._having("name-on", flight, *name):
            if not _contradict(documents, known.documents):
                return known
        return None

    def reference_elsewhere(self, person: Person, carrier: str) -> str | None:
        """The reference under which this person is expected on any other flight."""
        for document in claimable(person.documents):
            for known in self._having("document", document.number):
                if _fits(document, known.documents) and not _somebody_else(person, known):
                    return known.reference
        if abo := person.reference(ABO):
            for known in self._having("abo-of", carrier, abo):
                if _same_name(person, known):
                    return known.reference
        return None

    def _having(self, *trait: str) -> Iterator[Traveller]:
        keys = self._by_trait.get(trait)
        yield from (self._known[key] for key in keys) if keys else ()


def claimable(documents: tuple[Document, ...]) -> tuple[TravelDocument, ...]:
    """The documents by which somebody can be claimed at a lane: each number and state once, at most 8."""
    kept = {
        (document.number, state): TravelDocument(document.number, state, document.expires)
        for document in documents
        if _NUMBER.fullmatch(document.number)
        for state in [document.issuing_state if _STATE.fullmatch(document.issuing_state) else ""]
    }
    return tuple(list(kept.values())[:MAX_DOCUMENTS])


def record_locator(person: Person) -> str:
    """The booking's record locator; empty where none is stated that a boarding pass could have."""
    stated = person.reference(AVF).upper()
    return stated if _LOCATOR.fullmatch(stated) else ""


def new_reference() -> str:
    """An opaque reference by chance: says nothing about whom it names."""
    return secrets.token_hex(12)


def _traits(traveller: Traveller) -> list[tuple[str, ...]]:
    flight, particulars = traveller.flight, traveller.particulars or Particulars()
    traits: list[tuple[str, ...]] = [("on", flight)]
    traits += [("document", document.number) for document in traveller.documents]
    if abo := particulars.carrier_reference:
        carrier = _CARRIER.match(flight)
        traits += [("abo-on", flight, abo), ("abo-of", carrier[1] if carrier else flight, abo)]
    if particulars.surname:
        name = _name_key(particulars.surname, particulars.given_names, particulars.birth_date)
        traits.append(("name-on", flight, *name))
    return traits


def _name_key(surname: str, given_names: str, birth_date: object) -> tuple[str, str, str]:
    return " ".join(surname.casefold().split()), " ".join(given_names.casefold().split()), str(birth_date or "")


def _same_name(person: Person, known: Traveller) -> bool:
    particulars = known.particulars or Particulars()
    return _name_key(person.surname, person.given_names, None) == _name_key(
        particulars.surname, particulars.given_names, None
    )


def _somebody_else(person: Person, known: Traveller) -> bool:
    """Two people on one document, such as a child in a parent's passport: other given names, another birth date."""
    particulars = known.particulars
    if particulars is None or person.birth_date is None or particulars.birth_date is None:
        return False
    return not _same_name(person, known) and person.birth_date != particulars.birth_date


def _renamed(person: Person, documents: tuple[TravelDocument, ...], known: Traveller) -> bool:
    """A name put right by the carrier: the birth date is the same, and the documents do not say otherwise.

    A carrier that puts one reference on a whole family must not make it one person.
    """
    birth_date = (known.particulars or Particulars()).birth_date
    same_birth = person.birth_date is not None and person.birth_date == birth_date
    return same_birth and not _contradict(documents, known.documents)


def _contradict(documents: tuple[TravelDocument, ...], known: tuple[TravelDocument, ...]) -> bool:
    """Both sides have documents, and none in common."""
    return bool(documents and known) and not any(_fits(document, known) for document in documents)


def _fits(document: TravelDocument, known: tuple[TravelDocument, ...]) -> bool:
    return any(
        other.number == document.number
        and (not other.issuing_state or not document.issuing_state or other.issuing_state == document.issuing_state)
        for other in known
    )
