"""Segments whose codes are searched together: one call of FAISS for tens of thousands of templates.

A group holds the only codes of the people in its segments, and holds the segments: when the last of them has
gone from memory, so have all codes of its people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Turned
from gate.gallery.codes import BLOCK_ROWS, NO_BLOCKS, Blocks, CodeIndex, encode, padded
from gate.gallery.segment import Alive, Segment

MAX_ROWS = 65_536
"""Templates in one group: to copy their codes takes a change about a millisecond, and one search of more at a time
would be hardly faster."""

LARGE = 2048
"""Templates from which a flight has groups of its own, so that a search of that flight reads no other; of fewer, and
in galleries of fewer, every template is compared."""


class Group:
    """Never changes after construction, so any number of threads may search it.

    Attributes:
        flight: of everybody in it; None: of several small flights.
        segments: in the order of their codes.
        starts: at which row of the group each segment's begin; and where the last ones end.
        counts: templates of each segment.
        kept: rows of each segment; here so that a search need not go through the segments to them.
    """

    __slots__ = (
        "__weakref__",
        "_everybody",
        "_first_expiry_s",
        "_index",
        "counts",
        "flight",
        "kept",
        "segments",
        "starts",
    )

    def __init__(self, flight: str | None, parts: Sequence[tuple[Segment, Blocks]]) -> None:
        """
        Args:
            parts: segments with their codes, at least one; codes are copied.
        """
        self.flight = flight
        self.segments = tuple(segment for segment, _ in parts)
        self.kept = tuple(segment.held.kept for segment in self.segments)
        self.counts = np.array([segment.templates for segment in self.segments])
        self.starts = np.concatenate([[0], np.cumsum([BLOCK_ROWS * len(blocks) for _, blocks in parts])])
        filled = [(segment, blocks) for segment, blocks in parts if len(blocks)]
        self._index = CodeIndex([blocks for _, blocks in filled], filled[0][0].held.size) if filled else None
        self._first_expiry_s = min(segment.first_expiry_s for segment in self.segments)
        self._everybody = Alive.together(segment.everybody for segment in self.segments)

    def __len__(self) -> int:
        """Rows, with those that fill up blocks."""
        return int(self.starts[-1])

    def parts(self) -> Iterable[tuple[Segment, Blocks]]:
        """What it was built from; the codes are views that must not outlive it."""
        blocks = NO_BLOCKS if self._index is None else self._index.blocks
        starts = self.starts // BLOCK_ROWS
        return ((segment, blocks[starts[i] : starts[i + 1]]) for i, segment in enumerate(self.segments))

    def alive(self, now: datetime) -> Alive:
        """Of those unexpired at `now` (UTC)."""
        if self._first_expiry_s > now.timestamp():
            return self._everybody
        return Alive.together(segment.alive(now) for segment in self.segments)

    def search(self, probe: Turned, count: int) -> tuple[Turned, NDArray[np.int64]]:
        """The `count` rows that are most similar by their codes, or all: similarities, best first, and rows."""
        if self._index is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64)
        return self._index.search(probe, min(count, len(self)))


Groups = tuple[Group, ...]


def regroup(
    groups: Groups, gone: Collection[Segment], come: Iterable[tuple[str | None, Segment]], most: int = MAX_ROWS
) -> Groups:
    """The groups without the segments `gone` and with those that `come`; what does not change is kept.

    Args:
        come: segments with the `flight` of the group they belong to.
        most: rows in a group, at least those of a segment.
    """
    leaving = {id(segment) for segment in gone}
    newcomers: dict[str | None, list[tuple[Segment, Blocks]]] = {}
    for flight, segment in come:
        blocks = encode(segment.held.numbers()) if segment.templates else NO_BLOCKS
        newcomers.setdefault(flight, []).append((segment, blocks))
    torn = {id(group) for group in groups if not leaving.isdisjoint(map(id, group.segments))}
    # Whoever finds no group that is built anew anyway joins the small ones, which so become fewer.
    joining = newcomers.keys() - {group.flight for group in groups if id(group) in torn}
    kept: list[Group] = []
    for group in groups:
        if id(group) not in torn and not (group.flight in joining and len(group) < most // 2):
            kept.append(group)
            continue
        parts = [(segment, blocks) for segment, blocks in group.parts() if id(segment) not in leaving]
        newcomers.setdefault(group.flight, [])[:0] = parts
    return (*kept, *(group for flight, parts in newcomers.items() for group in _cut(flight, parts, most)))


def _cut(flight: str | None, parts: Sequence[tuple[Segment, Blocks]], most: int) -> Iterable[Group]:
    first = rows = 0
    for i, (segment, _) in enumerate(parts):
        size = padded(segment.templates)
        if i > first and rows + size > most:
            yield Group(flight, parts[first:i])
            first, rows = i, 0
        rows += size
    if len(parts) > first:
        yield Group(flight, parts[first:])
