"""What a change makes of a snapshot: functions of their arguments alone, without store, clock or lock."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import numpy as np

from gate.errors import Code, EnrolmentError
from gate.gallery.destruction import Doomed
from gate.gallery.gallery import MAX_TEMPLATES, GalleryDescription
from gate.gallery.group import LARGE, Groups, regroup
from gate.gallery.hands import Hand, without
from gate.gallery.revise import Segments, revise
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import FlightDescription, Traveller
from gate.vision.probe import Probe

_SAME_TEMPLATE = 0.9999
"""Similarity from which two templates come from the same photograph: float rounding stays above, re-encoding below."""


def known_entry(snapshot: Snapshot, reference: str, flight: str) -> Entry | None:
    """The traveller of a flight, expired or not."""
    return next((segment.entry(position) for segment, position in snapshot.places(reference, flight)), None)


def who(snapshot: Snapshot, wanted: Iterable[tuple[str, str]]) -> Doomed:
    """Those of the (reference, flight) wanted who are known."""
    doomed: dict[str, set[str]] = {}
    for reference, flight in wanted:
        for segment, _ in snapshot.places(reference, flight):
            doomed.setdefault(segment.flight, set()).add(reference)
    return {flight: frozenset(references) for flight, references in doomed.items()}


def expired(snapshot: Snapshot, now: datetime) -> Doomed:
    """Whose time is up at `now` (UTC)."""
    # In a function of its own: a variable left over in the caller would keep the last segment in memory.
    doomed: dict[str, frozenset[str]] = {}
    for segment in snapshot.segments(None):
        gone = frozenset(segment.travellers[position].reference for position in segment.expired(now))
        if gone:
            doomed[segment.flight] = doomed.get(segment.flight, frozenset()) | gone
    return doomed


def differing(
    snapshot: Snapshot, travellers: Iterable[Traveller], doomed: Doomed
) -> tuple[dict[str, dict[str, Entry]], int]:
    """Entries by flight and reference for those who are new or have changed; how many are new."""
    put: dict[str, dict[str, Entry]] = {}
    added = 0
    for traveller in {(t.flight, t.reference): t for t in travellers}.values():
        goes = traveller.reference in doomed.get(traveller.flight, frozenset())
        known = None if goes else known_entry(snapshot, traveller.reference, traveller.flight)
        added += known is None
        if known is None or known.traveller != traveller:
            entry = replace(known, traveller=traveller) if known else Entry(traveller)
            put.setdefault(traveller.flight, {})[traveller.reference] = entry
    return put, added


def with_template(known: Entry | None, traveller: Traveller, template: Probe) -> Entry:
    """The traveller with one more template, or with the same ones where this is one of them.

    Raises:
        EnrolmentError: TEMPLATES_FULL.
    """
    row = template.embedding[np.newaxis].astype(np.float32)
    if known is None:
        return Entry(traveller, row)
    if traveller.particulars is None:
        traveller = replace(traveller, particulars=known.traveller.particulars)
    if not len(known.templates):
        return Entry(traveller, row)
    if float((known.templates @ template.embedding).max()) >= _SAME_TEMPLATE:
        return Entry(traveller, known.templates)
    if len(known.templates) >= MAX_TEMPLATES:
        raise EnrolmentError(
            Code.TEMPLATES_FULL, f"The traveller already has {MAX_TEMPLATES} templates, the most allowed."
        )
    return Entry(traveller, np.concatenate([known.templates, row]))


def successor(
    snapshot: Snapshot, remove: Doomed, put: Mapping[str, Mapping[str, Entry]]
) -> tuple[Snapshot, tuple[weakref.ref[Segment], ...]]:
    """The next snapshot, of which only the segments that change are built, and the segments that are in it no more."""
    flights = dict(snapshot.flights)
    retired: list[weakref.ref[Segment]] = []
    gone: list[Segment] = []
    come: list[tuple[str | None, Segment]] = []
    for flight in [*remove, *(flight for flight in put if flight not in remove)]:
        before = flights.get(flight, ())
        after = revise(flight, before, remove.get(flight, frozenset()), put.get(flight, {}), snapshot.axes)
        kept = set(map(id, after))
        retired += [weakref.ref(segment) for segment in before if id(segment) not in kept]
        out, into = regrouped(flight, before, after)
        gone += out
        come += into
        if after:
            flights[flight] = after
        else:
            del flights[flight]
    after_all = replace(
        snapshot,
        generation=snapshot.generation + 1,
        flights=MappingProxyType(flights),
        groups=regroup(snapshot.groups, gone, come) if snapshot.axes.mixed else (),
        hands=without(snapshot.hands, remove),
    )
    return after_all, tuple(retired)


def regrouped(flight: str, before: Segments, after: Segments) -> tuple[list[Segment], list[tuple[str | None, Segment]]]:
    """Which of a flight's segments leave their group, and which come into one, and which."""
    group = _group_of(flight, after)
    if before and group == _group_of(flight, before):
        old, new = set(map(id, before)), set(map(id, after))
        return [s for s in before if id(s) not in new], [(group, s) for s in after if id(s) not in old]
    return list(before), [(group, segment) for segment in after]


def _group_of(flight: str, segments: Segments) -> str | None:
    """The flight of the groups that its segments belong in: its own where it is large, else None, those of many."""
    return flight if sum(segment.templates for segment in segments) >= LARGE else None


def grouped(flights: Mapping[str, Segments]) -> Groups:
    """Groups of everybody, made at once."""
    return regroup(
        (), (), [each for flight, segments in flights.items() for each in regrouped(flight, (), segments)[1]]
    )


def described(snapshot: Snapshot, now: datetime, flight: str | None) -> GalleryDescription:
    """Everybody unexpired at `now` (UTC), on a flight that is known or on all, in numbers."""
    names = snapshot.flights if flight is None else [flight]
    found = (_describe(name, snapshot.flights[name], snapshot.hands.get(name, {}), now) for name in names)
    return GalleryDescription(tuple(filter(None, found)), snapshot.generation, snapshot.pack_id)


def _describe(flight: str, segments: Segments, hands: Mapping[str, Hand], now: datetime) -> FlightDescription | None:
    spans = [span for segment in segments if (span := segment.lifespan(now)) is not None]
    if not spans:
        return None
    alive = [segment.alive(now) for segment in segments]
    without_template = sum(part.without_template for part in alive)
    return FlightDescription(
        flight,
        travellers=sum(part.travellers for part in alive) + without_template,
        templates=sum(part.templates for part in alive),
        first_expiry=min(first for first, _ in spans),
        last_expiry=max(last for _, last in spans),
        without_template=without_template,
        fingers=sum(len(hands[reference]) for part in segments for reference in part.unexpired(hands.keys(), now)),
    )
