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
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Turned
from gate.gallery.codes import doubt
from gate.gallery.group import Groups
from gate.gallery.segment import MAX_ROWS, Segment
from gate.gallery.templates import Templates, chunks

FIRST = 64
"""Templates compared exactly at first."""

ASKED, ASKED_LEAST = 2048, 512
"""Templates that codes are asked for, of all groups together, and of each: FAISS sorts more of them slowly."""

SURE = 4.5
"""Standard deviations of what codes tell: 3 of a million templates that belong among the best are missed."""

Numbers = NDArray[np.int64]


class Found(NamedTuple):
    """Where a traveller stands, and the best similarity over their templates."""

    segment: Segment
    position: int
    similarity: float


class Spots(NamedTuple):
    """Some templates.

    Attributes:
        similarities: exact, or as codes tell them.
        segments: numbers in `of`.
        rows: in these segments.
        of: the segments.
    """

    similarities: Turned
    segments: Numbers
    rows: Numbers
    of: Sequence[Segment]


def nearest(segments: Sequence[Segment], groups: Groups, probe: Turned, k: int, now: datetime) -> list[Found]:
    """The `k` most similar travellers who have not expired at `now` (UTC), most similar first.

    Args:
        segments: whose travellers are searched.
        groups: of the same segments; none where every template is to be compared.
        probe: (M,), on the axes of the templates.
    """
    margin = SURE * doubt(len(probe))
    for spots, left in _asked(groups, probe):
        found = _best(_among(spots, probe, k, now, margin), k, now)
        if len(found) == k and found[-1].similarity >= left + margin:
            return found
    return _best(_all(segments, probe), k, now)


def closer_than(segments: Sequence[Segment], groups: Groups, probe: Turned, similarity: float) -> set[tuple[str, str]]:
    """(Reference, flight) of everybody, expired or not, who has a template at least that similar."""
    margin = SURE * doubt(len(probe))
    for spots, left in _asked(groups, probe):
        if left + margin < similarity:
            exact = _compared(_only(spots, spots.similarities >= similarity - margin), probe)
            break
    else:
        exact = _all(segments, probe)
    close = np.flatnonzero(exact.similarities >= similarity)
    found = ((exact.of[exact.segments[i]], int(exact.rows[i])) for i in close)
    return {(segment.travellers[segment.owner(row)].reference, segment.flight) for segment, row in found}


def _asked(groups: Groups, probe: Turned) -> Iterator[tuple[Spots, float]]:
    """More and more templates as codes tell them, and the most that codes tell of any other."""
    most = max(map(len, groups), default=0)
    of = [segment for group in groups for segment in group.segments]
    starts = np.cumsum([0, *(len(group.segments) for group in groups)])
    count = max(ASKED_LEAST, ASKED // max(1, len(groups)))
    while count < most:
        places = [group.search(probe, count) for group in groups]
        spots = Spots(
            np.concatenate([place.similarities for place in places]),
            np.concatenate([place.segments + start for place, start in zip(places, starts[:-1], strict=True)]),
            np.concatenate([place.rows for place in places]),
            of,
        )
        cut = (place.similarities[-1] for group, place in zip(groups, places, strict=True) if count < len(group))
        yield spots, float(max(cut))
        count *= 4


def _among(spots: Spots, probe: Turned, k: int, now: datetime, margin: float) -> Spots:
    """Compared exactly, all that may be among the `k` best of them."""
    first = min(FIRST, len(spots.rows) - 1)
    told = spots.similarities
    limit = np.partition(told, -first)[-first]
    exact = _compared(_only(spots, told >= limit), probe)
    found = _best(exact, k, now)
    low = found[-1].similarity - margin if len(found) == k else -np.inf
    rest = (told < limit) & (told >= low)
    if not rest.any():
        return exact
    more = _compared(_only(spots, rest), probe)
    return Spots(
        np.concatenate([exact.similarities, more.similarities]),
        np.concatenate([exact.segments, more.segments]),
        np.concatenate([exact.rows, more.rows]),
        spots.of,
    )


def _only(spots: Spots, chosen: NDArray[np.bool_]) -> Spots:
    return Spots(spots.similarities[chosen], spots.segments[chosen], spots.rows[chosen], spots.of)


def _compared(spots: Spots, probe: Turned) -> Spots:
    """The same with exact similarities, in the order of the segments."""
    order = np.argsort(spots.segments, kind="stable")
    segments, rows = spots.segments[order], spots.rows[order]
    if not len(rows):
        return spots
    first = spots.of[segments[0]].held
    into = np.empty((len(rows), first.kept.shape[1]), first.kept.dtype)
    starts = [0, *(np.flatnonzero(np.diff(segments)) + 1).tolist(), len(rows)]
    for start, end in pairwise(starts):
        spots.of[segments[start]].held.take(rows[start:end], into[start:end])
    return Spots(Templates(into, first.axes).similarities(probe), segments, rows, spots.of)


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
