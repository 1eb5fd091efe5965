"""How well a traveller fits a boarding pass: it narrows a search to a few, and never decides anything.

Exact keys come first: seat, booking, check-in sequence. A name only excludes or, where nothing better is known, keeps a
few; it opens nothing. The face is compared whatever fits.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gate.claims.boarding_pass import TITLES, BoardingPass, PassLeg
from gate.gallery.traveller import Particulars, Traveller

FEW = 8
"""More travellers than this is no narrowing: a boarding pass that fits so many says nothing."""

_SPELT_OUT = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA", "Ø": "OE", "Æ": "AE", "ẞ": "SS", "ß": "SS"})
_BARE = str.maketrans({"Ø": "O", "Æ": "AE", "ẞ": "SS", "ß": "SS"})


class Grade(enum.IntEnum):
    """How good a fit is; higher is better."""

    CONTRADICTED = 0
    """Something exact differs, or the surname does."""
    UNKNOWN = 1
    """Nothing is known on both sides."""
    NAME = 2
    """The name agrees, and nothing exact is known on both sides."""
    KEY = 3
    """Something exact agrees; the name is not known on both sides."""
    KEY_AND_NAME = 4
    """Something exact agrees, and the name."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The answer.

    Attributes:
        agree, differ: of ``seat``, ``record_locator``, ``sequence``, ``surname``, ``given_names``: those known on
            both sides.
    """

    grade: Grade
    agree: frozenset[str] = frozenset()
    differ: frozenset[str] = frozenset()


_EXACT = frozenset({"seat", "record_locator", "sequence"})


def fit(boarding_pass: BoardingPass, leg: PassLeg, known: Particulars) -> Fit:
    """How well somebody expected on the flight of `leg` fits a boarding pass. Pure.

    A seat that differs is no contradiction where another key agrees: seats are changed after check-in.

    Args:
        boarding_pass: for the name. leg: one of its legs, on the flight that `known` is expected on.
        known: what the manifest said.
    """
    pairs = {
        "seat": (leg.seat if leg.seat[:1].isdigit() else "", known.seat.upper().lstrip("0")),
        "record_locator": (leg.record_locator, known.record_locator.upper()),
        "sequence": (leg.sequence, known.sequence.upper().lstrip("0")),
    }
    found = {name: ours == theirs for name, (ours, theirs) in pairs.items() if ours and theirs}
    if boarding_pass.surname and known.surname:
        found["surname"] = _surnames_agree(boarding_pass, known.surname)
    if boarding_pass.given_names and known.given_names.strip():
        found["given_names"] = _given_names_agree(boarding_pass, known.given_names)
    agree = frozenset(name for name, same in found.items() if same)
    differ = frozenset(name for name, same in found.items() if not same)
    return Fit(_grade(agree, differ), agree, differ)


def narrow(boarding_pass: BoardingPass, expected: Iterable[Traveller], few: int = FEW) -> tuple[Traveller, ...]:
    """The travellers whom a boarding pass may mean: those of the best grade, which is at least `Grade.NAME`.

    Args:
        boarding_pass: one that is readable.
        expected: travellers, on any flight; those of flights that the pass does not name are passed over.
        few: more people of one grade than this are none.

    Returns:
        In the order given, one entry a flight; empty when nobody fits, or too many do.
    """
    legs = {leg.flight: leg for leg in boarding_pass.legs if leg.flight}
    graded: defaultdict[Grade, list[Traveller]] = defaultdict(list)
    for traveller in expected:
        if leg := legs.get(traveller.flight):
            grade = fit(boarding_pass, leg, traveller.particulars or Particulars()).grade
            graded[grade].append(traveller)
    best = max(graded, default=Grade.CONTRADICTED)
    found = graded[best] if best >= Grade.NAME else []
    return tuple(found) if len({traveller.reference for traveller in found}) <= few else ()


def _grade(agree: frozenset[str], differ: frozenset[str]) -> Grade:
    exact, against = agree & _EXACT, differ & _EXACT
    if "surname" in differ or against - {"seat"} or (against and not exact):
        return Grade.CONTRADICTED
    if "given_names" in differ and not exact:
        return Grade.CONTRADICTED
    if exact:
        return Grade.KEY_AND_NAME if "surname" in agree and "given_names" not in differ else Grade.KEY
    return Grade.NAME if "surname" in agree else Grade.UNKNOWN


def _surnames_agree(boarding_pass: BoardingPass, expected: str) -> bool:
    printed = _letters(boarding_pass.surname)
    cut = boarding_pass.name_truncated and not boarding_pass.given_names
    return any(name == printed or (cut and name.startswith(printed)) for name in _spellings(expected))


def _given_names_agree(boarding_pass: BoardingPass, expected: str) -> bool:
    """One begins with the other, with or without a title that stands right behind the name."""
    printed = _letters(boarding_pass.given_names)
    meant = {printed, *(printed.removesuffix(title) for title in TITLES)} - {""}
    # Where the pass says more: up to the end of one of its words, so that ANNALENA does not begin with ANNA.
    words = boarding_pass.given_names.split()
    beginnings = {_letters("".join(words[: count + 1])) for count in range(len(words))}
    return any(name in beginnings or any(name.startswith(mine) for mine in meant) for name in _spellings(expected))


def _spellings(name: str) -> frozenset[str]:
    """A name as a boarding pass may write it: diacritics dropped, or spelt out."""
    upper = name.upper()
    return frozenset({_letters(upper.translate(_BARE)), _letters(upper.translate(_SPELT_OUT))})


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.upper())
    return re.sub("[^A-Z]", "", plain)
