"""What a watch over several people tells."""

from __future__ import annotations

from dataclasses import dataclass

from gate.decision.crowding import Crowd
from gate.decision.outcome import Decision
from gate.engine.track_passage import TrackPassage
from gate.vision.probe import Face


@dataclass(frozen=True, slots=True, eq=False)
class TrackStarted:
    """Somebody is followed."""

    track_id: int
    face: Face
    frame_sequence: int


@dataclass(frozen=True, slots=True, eq=False)
class TrackDecided:
    """What becomes of somebody. At most once a track.

    Attributes:
        passage: theirs; what was compared, and what became of its frames.
        decision: as journalled.
        face: where they were last seen.
        same_as: the track that the same traveller passed on already; None for a traveller who is new.
    """

    track_id: int
    passage: TrackPassage
    decision: Decision
    face: Face
    frame_sequence: int
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class TrackLost:
    """Somebody is out of sight for good. `decided`: a decision was told before."""

    track_id: int
    decided: bool


@dataclass(frozen=True, slots=True)
class CrowdingChanged:
    """The alarm was raised or lowered."""

    on: bool
    crowd: Crowd
    frame_sequence: int


WatchEvent = TrackStarted | TrackDecided | TrackLost | CrowdingChanged
