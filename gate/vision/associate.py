"""Which of the faces in a frame are those of before: by their motion, and where that is not enough, by their looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from gate.vision.assignment import Costs, assign
from gate.vision.motion import Motion
from gate.vision.probe import Embedding, Face

GATE = 16.3
"""Squared distance beyond which a face is not where it should be: 0.1 % of those that are (chi-squared, 3 degrees)."""

_ALONE = 2 * GATE
"""What it costs a track to be out of sight: as much as the looks of somebody else."""

_CLEAR_LEAD = 9.0
"""A pair is plain when every other for the same face or the same track costs so much more: odds of about 1 to 100."""

Look = Callable[[int], Embedding | None]
"""Embedding of the frame's face of that number; None where it is seen too poorly. Asked for where it matters only."""


class Followed(Protocol):
    """What association needs to know of a track."""

    @property
    def motion(self) -> Motion:
        """Where it was last seen."""
        ...

    @property
    def appearance(self) -> Embedding | None:
        """What it looks like; None while that is not known."""
        ...

    @property
    def seen_at_s(self) -> float:
        """When it was last seen."""
        ...


def associate(
    tracks: Sequence[Followed], faces: Sequence[Face], at_s: float, verify_after_s: float, same: float, look: Look
) -> dict[int, int]:
    """Index of a track -> index of its face. Each face goes to one track at most.

    Args:
        tracks: as last seen.
        faces: of a frame.
        at_s: when the frame was taken, monotonic.
        verify_after_s: a track that was out of sight for so long must look the same too.
        same: similarity from which two looks are of one person; at 0 they are certainly not.
        look: see `Look`.
    """
    costs = _motion_costs(tracks, faces, at_s)
    doubtful = _doubtful(costs) | (
        np.isfinite(costs) & np.array([at_s - t.seen_at_s > verify_after_s for t in tracks], np.bool_)[:, None]
    )
    for column in np.flatnonzero(doubtful.any(axis=0)):
        rows = np.flatnonzero(doubtful[:, column])
        known = [tracks[int(row)].appearance for row in rows]
        costs[rows, column] += _ALONE * _strangeness(known, look, int(column), same)
    return dict(assign(np.where(costs < _ALONE, costs, np.inf), _ALONE))


def _motion_costs(tracks: Sequence[Followed], faces: Sequence[Face], at_s: float) -> Costs:
    expected = [track.motion.after(at_s) for track in tracks]
    found = [[motion.distance(face) for face in faces] for motion in expected]
    distances = np.array(found, np.float64).reshape(len(tracks), len(faces))
    vague = np.array([min(motion.vagueness, GATE) for motion in expected], np.float64)
    return np.where(distances < GATE, distances + vague[:, None], np.inf)


def _doubtful(costs: Costs) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The possible pairs that have a rival: another track for the face, or another face for the track."""
    doubtful = np.zeros(costs.shape, np.bool_)
    for row, column in np.argwhere(np.isfinite(costs)):
        rivals = np.concatenate((np.delete(costs[:, column], row), np.delete(costs[row], column)))
        doubtful[row, column] = bool((rivals < costs[row, column] + _CLEAR_LEAD).any())
    return doubtful


def _strangeness(known: Sequence[Embedding | None], look: Look, index: int, same: float) -> Costs:
    """0 for who looks the same, 1 for somebody else; 0 where that cannot be told: (tracks,)."""
    seen = look(index) if any(one is not None for one in known) else None
    if seen is None:
        return np.zeros(len(known))
    likeness = np.array([np.nan if one is None else float(one @ seen) for one in known])
    strange = np.clip((same - likeness) / same, 0.0, 1.0)
    # Where the face is plainly one person's, it is not that of another whose looks nobody knows yet.
    taken = _TAKEN if np.nanmax(likeness) >= same else 0.0
    return np.where(np.isnan(likeness), taken, strange)


_TAKEN = 0.5
