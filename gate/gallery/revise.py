"""A flight's segments after a change: only those touched are built anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from gate.gallery.segment import MAX_ROWS, Entry, Rows, Segment
from gate.gallery.traveller import Traveller

Segments = tuple[Segment, ...]


def revise(flight: str, segments: Segments, remove: Set[str], put: Mapping[str, Entry]) -> Segments:
    """The segments without those to `remove` and with those to `put` (reference -> entry); nobody may be in both.

    Who is known keeps their place; who is new comes last, so a search's order does not depend on the cuts.
    """
    revised: list[Segment] = []
    new = dict(put)
    for segment in segments:
        if segment.positions.keys() <= remove:
            continue
        dropped = {segment.positions[reference] for reference in segment.positions.keys() & remove}
        replaced = {
            segment.positions[reference]: new.pop(reference) for reference in segment.positions.keys() & put.keys()
        }
        if dropped or replaced:
            revised += _rebuilt(segment, dropped, replaced)
        else:
            revised.append(segment)
    return _appended(flight, tuple(revised), list(new.values()))


def built(flight: str, travellers: Sequence[Traveller], counts: Sequence[int], rows: Rows) -> Segments:
    """Segments of at most `MAX_ROWS` travellers and templates; fewer where the two together would exceed it."""
    segments: list[Segment] = []
    first = first_row = rows_here = 0
    for position, count in enumerate([*counts, MAX_ROWS + 1]):
        if position > first and (rows_here + count > MAX_ROWS or position - first == MAX_ROWS):
            part = rows[first_row : first_row + rows_here]
            segments.append(Segment(flight, travellers[first:position], counts[first:position], part))
            first, first_row, rows_here = position, first_row + rows_here, 0
        rows_here += count
    return tuple(segments)


def _rebuilt(segment: Segment, dropped: set[int], replaced: Mapping[int, Entry]) -> Segments:
    travellers: list[Traveller] = []
    counts: list[int] = []
    rows: list[Rows] = []
    start = 0
    size = len(segment.travellers)
    for position in [*sorted(dropped | replaced.keys()), size]:
        # The unchanged run before it, as whole slices.
        travellers += segment.travellers[start:position]
        counts += segment.counts[start:position]
        rows.append(segment.rows(start, position))
        if position in replaced:
            entry = replaced[position]
            travellers.append(entry.traveller)
            counts.append(len(entry.templates))
            rows.append(entry.templates)
        start = position + 1
    return _cut(segment.flight, travellers, counts, rows)


def _appended(flight: str, segments: Segments, entries: Sequence[Entry]) -> Segments:
    if not entries:
        return segments
    travellers = [entry.traveller for entry in entries]
    counts = [len(entry.templates) for entry in entries]
    rows = [entry.templates for entry in entries]
    if segments and _has_room(segments[-1], travellers, counts):
        last, segments = segments[-1], segments[:-1]
        travellers = [*last.travellers, *travellers]
        rows = [last.rows(0, len(last.travellers)), *rows]
        counts = [*last.counts, *counts]
    return segments + _cut(flight, travellers, counts, rows)


def _has_room(segment: Segment, travellers: Sequence[Traveller], counts: Sequence[int]) -> bool:
    """Whether at least the first of the newcomers fits."""
    return len(segment.travellers) + 1 <= MAX_ROWS and segment.templates + counts[0] <= MAX_ROWS and bool(travellers)


def _cut(flight: str, travellers: Sequence[Traveller], counts: Sequence[int], rows: Sequence[Rows]) -> Segments:
    filled = [part for part in rows if len(part)]
    return built(flight, travellers, counts, np.concatenate(filled) if filled else np.zeros((0, 0), np.float32))
