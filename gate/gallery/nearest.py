"""Who among many is most similar to a probe: first by short codes, then exactly.

Codes tell a similarity but for an error that is about normally distributed. The templates that look most similar by
their codes are compared exactly; what they reach says from which similarity by codes on a template may still belong
among the best, and these are compared exactly too. Where codes were asked for too few to tell, they are asked for four
times as many, and in the end every template is compared. So it does not matter how many of those who look similar have
expired, or are the same picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Turned
from gate.gallery.codes import doubt
from gate.gallery.group import Groups
from gate.gallery.segment import MAX_ROWS, Segment
from gate.gallery.templates import Kept, Templates, chunks

FIRST = 32
"""Templates compared exactly at first."""

ASKED, ASKED_LEAST = 2048, 192
"""Templates that codes are asked for at first: at most of all groups together, at least of each. FAISS sorts more of
them slowly."""

SURE, SURE_OF_MANY = 4.5, 2.0
"""Standard deviations of what codes tell, in galleries of up to and of more than `MANY` templates. Of a million
templates that are just the `k`-th best 3 are missed, and 23,000; one that is as far above it as a traveller at the gate
is above strangers, never."""

MANY = 131_072

_ROWS_AT_ONCE = 3
"""Of a segment, from which on to fetch them together is faster than one by one."""

Numbers = NDArray[np.int64]


class Found(NamedTuple):
    """Where a traveller stands, and the best similarity over their templates."""

    segment: Segment
    position: int
    similarity: float


class Spots(NamedTuple):
    """Some templates.

    Attributes:
        similarities: exact.
        segments: numbers in `of`.
        rows: in these segments.
        of: the segments.
    """

    similarities: Turned
    segments: Numbers
    rows: Numbers
    of: Sequence[Segment]


class Layout(NamedTuple):
    """Where the rows of groups lie, one group after the other.

    Attributes:
        of: their segments.
        kept: their templates.
        starts: at which row those of each segment begin.
        counts: templates of each.
    """

    of: Sequence[Segment]
    kept: Sequence[Kept]
    starts: Numbers
    counts: Numbers

    @classmethod
    def over(cls, groups: Groups) -> Layout:
        """Of these groups, at least one."""
        offsets = accumulate(map(len, groups), initial=0)
        return cls(
            list(chain.from_iterable(group.segments for group in groups)),
            list(chain.from_iterable(group.kept for group in groups)),
            np.concatenate([group.starts[:-1] + offset for group, offset in zip(groups, offsets, strict=False)]),
            np.concatenate([group.counts for group in groups]),
        )

    def compared(self, places: Numbers, probe: Turned) -> Spots:
        """Rows, which may also be those that fill up blocks, with exact similarities, in the order of the segments."""
        places = np.sort(places)
        segments = np.searchsorted(self.starts, places, "right") - 1
        rows = (places - self.starts[segments]) % self.counts[segments]
        filled = next(kept for kept in self.kept if len(kept))
        into = np.empty((len(rows), filled.shape[1]), filled.dtype)
        starts = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), len(rows)]
        if len(rows) < _ROWS_AT_ONCE * len(starts):
            for place, (number, row) in enumerate(zip(segments.tolist(), rows.tolist(), strict=True)):
                into[place] = self.kept[number][row]
        else:
            for number, (start, end) in zip(segments[starts[:-1]].tolist(), pairwise(starts), strict=True):
                self.kept[number].take(rows[start:end], axis=0, out=into[start:end], mode="clip")
        return Spots(Templates(into, self.of[0].held.axes).similarities(probe), segments, rows, self.of)


def nearest(segments: Sequence[Segment], groups: Groups, probe: Turned, k: int, now: datetime) -> list[Found]:
    """The `k` most similar travellers who have not expired at `now` (UTC), most similar first.

    Args:
        segments: whose travellers are searched, every template of them; none where there are groups.
        groups: of whose segments the travellers are searched.
        probe: (M,), on the axes of the templates.
    """
    margin = (SURE if sum(map(len, groups)) <= MANY else SURE_OF_MANY) * doubt(len(probe))
    if groups:
        layout = Layout.over(groups)
        for told, rows, left in _asked(groups, probe):
            found = _best(_among(layout, told, rows, probe, k, now, margin), k, now)
            if len(found) == k and found[-1].similarity >= left + margin:
                return found
        segments = layout.of
    return _best(_all(segments, probe), k, now)


def closer_than(segments: Sequence[Segment], groups: Groups, probe: Turned, similarity: float) -> set[tuple[str, str]]:
    """(Reference, flight) of everybody, expired or not, who has a template at least that similar; see `nearest`."""
    margin = SURE * doubt(len(probe))
    for told, rows, left in _asked(groups, probe):
        if left + margin < similarity:
            exact = Layout.over(groups).compared(rows[told >= similarity - margin], probe)
            break
    else:
        exact = _all(Layout.over(groups).of if groups else segments, probe)
    close = np.flatnonzero(exact.similarities >= similarity)
    found = ((exact.of[exact.segments[i]], int(exact.rows[i])) for i in close)
    return {(segment.travellers[segment.owner(row)].reference, segment.flight) for segment, row in found}


def _asked(groups: Groups, probe: Turned) -> Iterator[tuple[Turned, Numbers, float]]:
    """More and more similarities as codes tell them, their rows, and the most that codes tell of any other row."""
    sizes = [len(group) for group in groups]
    count = max(ASKED_LEAST, min(ASKED, sum(sizes) // 8) // max(1, len(groups)))
    while count < max(sizes, default=0):
        parts = [group.search(probe, count) for group in groups]
        rows = [found + offset for (_, found), offset in zip(parts, accumulate(sizes, initial=0), strict=False)]
        left = max(told[-1] for (told, _), size in zip(parts, sizes, strict=True) if count < size)
        yield np.concatenate([told for told, _ in parts]), np.concatenate(rows), float(left)
        count *= 4


def _among(layout: Layout, told: Turned, rows: Numbers, probe: Turned, k: int, now: datetime, margin: float) -> Spots:
    """Compared exactly, all that may be among the `k` best of these rows."""
    first = min(FIRST, len(rows) - 1)
    limit = np.partition(told, -first)[-first]
    chosen = told >= limit
    exact = layout.compared(rows[chosen], probe)
    found = _best(exact, k, now)
    low = found[-1].similarity - margin if len(found) == k else -np.inf
    rest = ~chosen & (told >= low)
    if not rest.any():
        return exact
    more = layout.compared(rows[rest], probe)
    return Spots(
        np.concatenate([exact.similarities, more.similarities]),
        np.concatenate([exact.segments, more.segments]),
        np.concatenate([exact.rows, more.rows]),
        layout.of,
    )


def _all(segments: Sequence[Segment], probe: Turned) -> Spots:
    counts = np.array([segment.templates for segment in segments], np.int64)
    parts = [part.similarities(probe) for part in chunks((s.held for s in segments if s.templates), MAX_ROWS)]
    similarities = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    rows = np.arange(len(similarities)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Spots(similarities, np.repeat(np.arange(len(counts)), counts), rows, segments)


def _best(exact: Spots, k: int, now: datetime) -> list[Found]:
    best: dict[tuple[int, int], Found] = {}
    for i in _descending(exact.similarities, 4 * k):
        number, row = int(exact.segments[i]), int(exact.rows[i])
        segment = exact.of[number]
        position = segment.owner(row)
        if (number, position) not in best and segment.is_alive(position, now):
            best[number, position] = Found(segment, position, float(exact.similarities[i]))
            if len(best) == k:
                break
    return list(best.values())


def _descending(similarities: Turned, first: int) -> Iterator[int]:
    """Indices, the highest similarity first; the first few without sorting them all."""
    if first < len(similarities):
        top = np.argpartition(-similarities, first)[:first]
        yield from top[np.argsort(-similarities[top], kind="stable")].tolist()
    # Where these were not enough, they come once more, and are known.
    yield from np.argsort(-similarities, kind="stable").tolist()
