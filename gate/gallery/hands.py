"""The fingers of those who are expected. They hang beside the segments, so that a finger rebuilds no index."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from gate.errors import Code, EnrolmentError
from gate.fingerprint.packed import pack, unpack
from gate.fingerprint.template import FingerTemplate

MAX_FINGERS = 10
"""Templates of one extractor that a traveller may have: each is another chance of a false match."""

MAX_VIEWS = 3
"""Of them, of one finger."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Kept:
    """One finger as it is kept: packed, and unpacked when it is compared.

    Unpacked, the fingers of a whole airport would take several times the memory, and seconds at every start.
    """

    packed: bytes = field(repr=False)

    @property
    def template(self) -> FingerTemplate:
        """The finger, unpacked; it takes some 80 µs."""
        return unpack(self.packed)


Hand = tuple[Kept, ...]
"""A traveller's fingers, in the order in which they were enrolled."""

Hands = Mapping[str, Mapping[str, Hand]]
"""Flight -> reference -> fingers, of those who have any."""

NO_HANDS: Hands = MappingProxyType({})


def grown(hand: Hand, finger: FingerTemplate) -> Hand:
    """The hand with one more finger; the same hand when it has this very template.

    Raises:
        EnrolmentError: TEMPLATES_FULL.
    """
    new = Kept(pack(finger))
    if any(known.packed == new.packed for known in hand):
        return hand
    like = [known for known in (kept.template for kept in hand) if known.extractor == finger.extractor]
    views = sum(known.finger == finger.finger for known in like)
    for found, most, of in ((len(like), MAX_FINGERS, "fingers"), (views, MAX_VIEWS, "views of this finger")):
        if found >= most:
            raise EnrolmentError(Code.TEMPLATES_FULL, f"The traveller already has {found} {of}, the most allowed.")
    return (*hand, new)


def with_hand(hands: Hands, flight: str, reference: str, hand: Hand) -> Hands:
    """The hands with this one for the traveller."""
    return MappingProxyType({**hands, flight: MappingProxyType({**hands.get(flight, {}), reference: hand})})


def without(hands: Hands, doomed: Mapping[str, Set[str]]) -> Hands:
    """The hands without those of the doomed (flight -> references)."""
    left = dict(hands)
    for flight, references in doomed.items():
        of = left.pop(flight, {})
        staying = {reference: hand for reference, hand in of.items() if reference not in references}
        if staying:
            left[flight] = MappingProxyType(staying)
    return MappingProxyType(left)


def count(hands: Hands, flight: str, references: Set[str]) -> int:
    """How many fingers these travellers of a flight have."""
    of = hands.get(flight, {})
    return sum(len(of[reference]) for reference in references & of.keys())


def watched(hands: Hands, doomed: Mapping[str, Set[str]]) -> dict[str, tuple[weakref.ref[Kept], ...]]:
    """The fingers of the doomed, by flight, in a way that holds none of them."""
    return {
        flight: tuple(
            weakref.ref(finger)
            for reference, hand in hands.get(flight, {}).items()
            if reference in references
            for finger in hand
        )
        for flight, references in doomed.items()
    }
