"""How well people were followed, by the two usual measures.

CLEAR MOT (Bernardin and Stiefelhagen 2008) counts frame by frame: misses, false alarms, switches of identity; MOTA is
one less their share. IDF1 (Ristani et al. 2016) asks over the whole video how much of each person's way one track
covers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from gate.vision.assignment import assign

Box = tuple[float, float, float, float]

OVERLAP = 0.5
"""Intersection over union from which a box is the person's."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame.

    Attributes:
        truth: person -> box, of those who can be seen.
        hidden: boxes of those who can hardly be seen: neither to be found nor a false alarm.
        found: track -> box.
    """

    truth: Mapping[int, Box]
    hidden: tuple[Box, ...]
    found: Mapping[int, Box]


@dataclass(frozen=True, slots=True)
class Following:
    """The counts of a video.

    Attributes:
        faces: boxes of truth, over all frames.
        found: boxes of tracks that are somebody's or a false alarm.
        misses, false_alarms, switches: see CLEAR MOT.
        id_matches: boxes that agree with the best one-to-one assignment of tracks to people.
        owners: track -> the person it was on for most of its frames.
        tracks_of: person -> tracks that were on them for most of their frames.
    """

    faces: int
    found: int
    misses: int
    false_alarms: int
    switches: int
    id_matches: int
    owners: Mapping[int, int] = field(default_factory=dict)

    @property
    def mota(self) -> float:
        """At most 1; may be negative."""
        return 1 - (self.misses + self.false_alarms + self.switches) / max(1, self.faces)

    @property
    def idf1(self) -> float:
        """In [0, 1]."""
        return 2 * self.id_matches / max(1, self.faces + self.found)

    def tracks_of(self, person: int) -> tuple[int, ...]:
        """The tracks that were that person's."""
        return tuple(sorted(track for track, owner in self.owners.items() if owner == person))


def follow(shots: Iterable[Shot]) -> Following:
    """Counts a video."""
    before: dict[int, int] = {}  # person -> track, when last matched
    together: Counter[tuple[int, int]] = Counter()
    faces = found = misses = false_alarms = switches = 0
    for shot in shots:
        pairs = _pairs(shot, before)
        spare = [box for track, box in shot.found.items() if track not in pairs.values()]
        wrong = sum(1 for box in spare if not any(iou(box, hidden) >= OVERLAP / 2 for hidden in shot.hidden))
        faces += len(shot.truth)
        found += len(pairs) + wrong
        misses += len(shot.truth) - len(pairs)
        false_alarms += wrong
        switches += sum(1 for person, track in pairs.items() if before.get(person, track) != track)
        before |= pairs
        together.update(pairs.items())
    owners = {
        track: max((pair for pair in together if pair[1] == track), key=lambda pair: together[pair])[0]
        for track in {track for _, track in together}
    }
    return Following(faces, found, misses, false_alarms, switches, _id_matches(together), owners)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, [0, 1]."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / max(area - shared, 1e-9)


def _pairs(shot: Shot, before: Mapping[int, int]) -> dict[int, int]:
    """Person -> track. A pair of before stays one as long as it overlaps: another may overlap more by chance."""
    kept = {
        person: before[person]
        for person, box in shot.truth.items()
        if before.get(person) in shot.found and iou(box, shot.found[before[person]]) >= OVERLAP
    }
    # Where a track has gone over to another person, both may lay claim to it: the one it overlaps more keeps it.
    for track in [track for track, count in Counter(kept.values()).items() if count > 1]:
        rivals = [person for person in kept if kept[person] == track]
        best = max(rivals, key=lambda person: iou(shot.truth[person], shot.found[track]))
        for person in rivals:
            if person != best:
                del kept[person]
    people = [person for person in shot.truth if person not in kept]
    tracks = [track for track in shot.found if track not in kept.values()]
    costs = np.array([[1 - iou(shot.truth[p], shot.found[t]) for t in tracks] for p in people], np.float64)
    costs = costs.reshape(len(people), len(tracks))
    near = np.where(costs <= 1 - OVERLAP, np.maximum(costs, 0), np.inf)
    return kept | {people[row]: tracks[column] for row, column in assign(near, 1.0)}


def _id_matches(together: Counter[tuple[int, int]]) -> int:
    people, tracks = sorted({pair[0] for pair in together}), sorted({pair[1] for pair in together})
    shared = np.array([[together[person, track] for track in tracks] for person in people], np.float64)
    most = float(shared.max(initial=0))
    pairs = assign(most - shared.reshape(len(people), len(tracks)), most + 1)
    return int(sum(shared[pair] for pair in pairs))
