"""Several people at once: which face of this frame is which of the frames before.

::

    face that nobody has ──► young ── seen often enough ──► followed ◄─────┐ seen again: by motion, when soon;
                               │                              │            │ by looks, when later
                               │ not seen at once again       ▼            │
                               └──► forgotten              out of sight ───┘
                                                              │ for too long, or gone out of the picture
                                                              ▼
                                                            ended, its id never used again

Pure: a state, the faces of a frame and its time go in, a new state comes out, the same for the same faces in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Self

import numpy as np

from gate.vision.assignment import assign
from gate.vision.associate import Look, associate
from gate.vision.motion import Motion
from gate.vision.probe import Embedding, Face


@dataclass(frozen=True, slots=True)
class TrackRules:
    """When tracks begin and end.

    Attributes:
        min_hits: frames a face is seen in before it is followed: what a detector sees once is often nothing.
        young_s: a face not yet followed is forgotten when it is out of sight for longer.
        coast_s: a track out of sight is taken up again where it should be by now, for so long.
        remember_s: after that by its looks, for so long; then it ends.
        verify_after_s: out of sight for longer, its looks must agree with its place, where both are known.
        same: similarity, above 0, from which two looks of a track are of one person; at 0 they are certainly not. Looks
            some frames apart, in one place and light: of one person 0.4 and more, for the packs here.
        same_again: the same, where only the looks speak: somebody comes back whose place is not known any more.
    """

    min_hits: int = 3
    young_s: float = 0.3
    coast_s: float = 0.7
    remember_s: float = 2.0
    verify_after_s: float = 0.35
    same: float = 0.35
    same_again: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person's way through the picture.

    Attributes:
        id: from 1, in the order in which they are followed; 0 while young.
        motion: as last seen.
        face: as last seen.
        hits: frames in which it was seen.
        born_at_s, seen_at_s: first and last seen, monotonic.
        appearance: mean of its looks, a unit vector (D,); None while there is none.
        looks: how many those are.
    """

    id: int
    motion: Motion
    face: Face
    hits: int
    born_at_s: float
    seen_at_s: float
    appearance: Embedding | None = None
    looks: int = 0

    def likeness(self, embedding: Embedding) -> float | None:
        """Similarity of a look to those before, [-1, 1]; None before the first."""
        return None if self.appearance is None else float(self.appearance @ embedding)

    def looking(self, embedding: Embedding) -> Self:
        """With one more look, (D,), L2-normalised. The last ones weigh most: light and distance change on the way."""
        if self.appearance is None:
            return replace(self, appearance=embedding, looks=1)
        weight = min(self.looks, _LOOKS_THAT_COUNT)
        mean = self.appearance * weight + embedding
        return replace(self, appearance=_unit(mean), looks=self.looks + 1)

    def seen(self, face: Face, at_s: float) -> Self:
        """With one more sighting."""
        motion = self.motion.after(at_s).corrected(face)
        return replace(self, motion=motion, face=face, hits=self.hits + 1, seen_at_s=at_s)


_LOOKS_THAT_COUNT = 4


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Everything a tracker remembers.

    Attributes:
        followed: tracks with an id, by id, in sight or not.
        young: faces not yet followed.
        next_id: of the next track.
        at_s: of the last frame, monotonic.
    """

    followed: tuple[Track, ...] = ()
    young: tuple[Track, ...] = ()
    next_id: int = 1
    at_s: float = -np.inf

    @property
    def in_sight(self) -> tuple[Track, ...]:
        """Tracks that the last frame showed."""
        return tuple(track for track in self.followed if track.seen_at_s == self.at_s)

    def find(self, track_id: int) -> Track | None:
        """The track of that id; None when it has ended or never was."""
        return next((track for track in self.followed if track.id == track_id), None)

    def look(self, track_id: int, embedding: Embedding) -> Self:
        """With a look at one of the tracks, (D,), L2-normalised."""
        return replace(self, followed=tuple(t.looking(embedding) if t.id == track_id else t for t in self.followed))

    def part(self, track_id: int, embedding: Embedding) -> Self:
        """The track has jumped to somebody else: it ends, and that somebody is followed under a new id."""
        parted = [t for t in self.followed if t.id == track_id]
        fresh = [replace(t, id=self.next_id, born_at_s=t.seen_at_s, appearance=None, looks=0) for t in parted]
        kept = [t for t in self.followed if t.id != track_id]
        return replace(
            self,
            followed=(*kept, *(t.looking(embedding) for t in fresh)),
            next_id=self.next_id + len(fresh),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What a frame brought.

    Attributes:
        tracks: the new state.
        seen: track id -> index of its face in the frame.
        started: ids that are new.
        ended: tracks that will not come back.
    """

    tracks: Tracks
    seen: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    started: tuple[int, ...] = ()
    ended: tuple[Track, ...] = ()


def advance(
    tracks: Tracks,
    faces: Sequence[Face],
    at_s: float,
    size_px: tuple[int, int],
    rules: TrackRules,
    look: Look = lambda _: None,
) -> Step:
    """One frame.

    Args:
        tracks: after the frame before.
        faces: of this frame, in any order.
        at_s: when it was taken, monotonic; later than the one before.
        size_px: of the picture, width and height.
        rules: when tracks begin and end.
        look: embedding of the face of that index, for faces whose motion leaves a doubt; called once a face at most.

    Raises:
        ValueError: the time did not go on.
    """
    if at_s <= tracks.at_s:
        raise ValueError(f"expected a time after {tracks.at_s}, found {at_s}")
    order = sorted(range(len(faces)), key=lambda index: _place(faces[index]))
    ordered, look_once = [faces[index] for index in order], cache(lambda index: look(order[index]))
    near = [t for t in tracks.followed if at_s - t.seen_at_s <= rules.coast_s]
    remembered = [t for t in tracks.followed if at_s - t.seen_at_s > rules.coast_s]
    followed, young = _moved(near, tracks.young, ordered, at_s, rules, look_once)
    grown = [s for s in young if s.track.hits >= rules.min_hits]
    back = _recognised(grown, remembered, rules, look_once)
    fresh = [s for s in grown if s not in back]
    started = [_Sighted(replace(s.track, id=tracks.next_id + n), s.face) for n, s in enumerate(fresh)]
    returned = [_Sighted(_again(old, s.track), s.face) for s, old in back.items()]
    away = [_Sighted(track) for track in remembered if track not in back.values()]
    everybody = sorted((*followed, *returned, *away, *started), key=lambda s: s.track.id)
    gone = [s.track for s in everybody if _is_gone(s.track, at_s, size_px, rules)]
    state = Tracks(
        tuple(s.track for s in everybody if s.track not in gone),
        tuple(s.track for s in young if s not in grown and at_s - s.track.seen_at_s <= rules.young_s),
        tracks.next_id + len(started),
        at_s,
    )
    seen = {s.track.id: order[s.face] for s in everybody if s.face is not None}
    return Step(state, MappingProxyType(seen), tuple(s.track.id for s in started), tuple(gone))


@dataclass(frozen=True, slots=True, eq=False)
class _Sighted:
    """A track and the index of its face in this frame; None where it is out of sight."""

    track: Track
    face: int | None = None


def _moved(
    near: Sequence[Track], young: Sequence[Track], faces: Sequence[Face], at_s: float, rules: TrackRules, look: Look
) -> tuple[list[_Sighted], list[_Sighted]]:
    """Tracks and young ones with the faces that are theirs; and a young one for each face that is nobody's."""
    pool = (*near, *young)
    pairs = associate(pool, faces, at_s, rules.verify_after_s, rules.same, look)
    moved = [
        _Sighted(track.seen(faces[pairs[row]], at_s), pairs[row]) if row in pairs else _Sighted(track)
        for row, track in enumerate(pool)
    ]
    claimed = set(pairs.values())
    new = [_Sighted(_first(face, at_s), index) for index, face in enumerate(faces) if index not in claimed]
    return moved[: len(near)], moved[len(near) :] + new


def _first(face: Face, at_s: float) -> Track:
    return Track(0, Motion.first(face, at_s), face, 1, at_s, at_s)


def _recognised(
    grown: Sequence[_Sighted], remembered: Sequence[Track], rules: TrackRules, look: Look
) -> dict[_Sighted, Track]:
    """Those of the grown who are somebody out of sight for long."""
    known = [track for track in remembered if track.appearance is not None]
    if not known or not grown:
        return {}
    seen = [look(s.face) if s.face is not None else None for s in grown]
    likeness = [[track.likeness(face) if face is not None else None for track in known] for face in seen]
    costs = np.array([[np.inf if x is None else max(0.0, 1 - x) for x in row] for row in likeness], np.float64)
    return {grown[row]: known[column] for row, column in assign(costs, 1 - rules.same_again)}


def _again(old: Track, now: Track) -> Track:
    """The old track, where the new one is."""
    return replace(old, motion=now.motion, face=now.face, hits=old.hits + now.hits, seen_at_s=now.seen_at_s)


def _is_gone(track: Track, at_s: float, size_px: tuple[int, int], rules: TrackRules) -> bool:
    unseen_s = at_s - track.seen_at_s
    if unseen_s <= rules.young_s:
        return False
    x, y, _ = track.motion.after(at_s).value
    outside = not (0 <= x < size_px[0] and 0 <= y < size_px[1])
    return outside or unseen_s > rules.remember_s


def _unit(vector: Embedding) -> Embedding:
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)


def _place(face: Face) -> tuple[float, ...]:
    """Sorts faces by where they are, whatever order the detector has found them in."""
    return (*face.box_xyxy, face.confidence, *face.landmarks.ravel().tolist())
