"""A flight's segments after a change: only those touched are built anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from gate.gallery.axes import AS_THEY_ARE, Axes, Rows
from gate.gallery.segment import MAX_ROWS, Entry, Segment
from gate.gallery.templates import Templates
from gate.gallery.traveller import Traveller

Segments = tuple[Segment, ...]


def revise(
    flight: str, segments: Segments, remove: Set[str], put: Mapping[str, Entry], axes: Axes = AS_THEY_ARE
) -> Segments:
    """The segments without those to `remove` and with those to `put` (reference -> entry); nobody may be in both.

    Who is known keeps their place; who is new comes last, so a search's order does not depend on the cuts.

    Args:
        axes: on which the segments' templates are.

    Raises:
        EngineFault: INFERENCE_FAILED, see `Axes.turn_rows`.
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
            revised += _rebuilt(segment, dropped, replaced, axes)
        else:
            revised.append(segment)
    return _appended(flight, tuple(revised), list(new.values()), axes)


def built(flight: str, travellers: Sequence[Traveller], counts: Sequence[int], held: Templates) -> Segments:
    """Segments of at most `MAX_ROWS` travellers and templates; fewer where the two together would exceed it."""
    segments: list[Segment] = []
    first = first_row = rows_here = 0
    for position, count in enumerate([*counts, MAX_ROWS + 1]):
        if position > first and (rows_here + count > MAX_ROWS or position - first == MAX_ROWS):
            part = held[first_row : first_row + rows_here]
            segments.append(Segment(flight, travellers[first:position], counts[first:position], part))
            first, first_row, rows_here = position, first_row + rows_here, 0
        rows_here += count
    return tuple(segments)


def _rebuilt(segment: Segment, dropped: set[int], replaced: Mapping[int, Entry], axes: Axes) -> Segments:
    travellers: list[Traveller] = []
    counts: list[int] = []
    held: list[Templates] = []
    start = 0
    size = len(segment.travellers)
    for position in [*sorted(dropped | replaced.keys()), size]:
        # The unchanged run before it, as whole slices.
        travellers += segment.travellers[start:position]
        counts += segment.counts[start:position]
        held.append(segment.part(start, position))
        if position in replaced:
            entry = replaced[position]
            travellers.append(entry.traveller)
            counts.append(len(entry.templates))
            held += _renewed(segment.part(position, position + 1), entry.templates)
        start = position + 1
    return built(segment.flight, travellers, counts, Templates.joined(held, axes))


def _renewed(known: Templates, rows: Rows) -> tuple[Templates, Templates]:
    """A traveller's templates anew: those that are kept already stay what they are to the last bit."""
    same = len(known) if np.array_equal(known.rows(), rows[: len(known)]) else 0
    return known[:same], Templates.of(rows[same:], known.axes)


def _appended(flight: str, segments: Segments, entries: Sequence[Entry], axes: Axes) -> Segments:
    if not entries:
        return segments
    travellers = [entry.traveller for entry in entries]
    counts = [len(entry.templates) for entry in entries]
    held = [Templates.of(entry.templates, axes) for entry in entries]
    if segments and _has_room(segments[-1], travellers, counts):
        last, segments = segments[-1], segments[:-1]
        travellers = [*last.travellers, *travellers]
        held = [last.held, *held]
        counts = [*last.counts, *counts]
    return segments + built(flight, travellers, counts, Templates.joined(held, axes))


def _has_room(segment: Segment, travellers: Sequence[Traveller], counts: Sequence[int]) -> bool:
    """Whether at least the first of the newcomers fits."""
    return len(segment.travellers) + 1 <= MAX_ROWS and segment.templates + counts[0] <= MAX_ROWS and bool(travellers)
