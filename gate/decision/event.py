"""What happens to a passage, and what a passage asks for: the words of its state machine.

Events carry their time; nothing in `gate.decision` looks at a clock.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from gate.decision.liveness import Live
from gate.decision.outcome import Decision, Guidance, Reason
from gate.fingerprint.position import FingerPosition
from gate.gallery.traveller import Candidates, Traveller
from gate.vision.probe import MaskState, Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A frame was looked at. `at_s` is monotonic."""

    at_s: float
    frame_sequence: int
    sighting: Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A frame's face was compared.

    Attributes:
        at_s: monotonic.
        now: wall clock in UTC, for expiry.
        frame_sequence, score: of the frame, and what it promised, [0, 1].
        mask: of the face.
        candidates: of the face fused of all frames so far.
        frames: how many independent frames that is worth, at least 1.
        weight: of its frames together.
        live: what this frame says of the traveller.
        watched: somebody of the watch list was recognised.
        elsewhere: the claimed traveller apart, the face matches somebody who is expected.
        bar: why the best candidate may not pass here and now, however well they match.
    """

    at_s: float
    now: datetime
    frame_sequence: int
    score: float
    mask: MaskState
    candidates: Candidates
    frames: float = 1.0
    weight: float = 0.0
    live: Live = Live.NOT_ASKED
    watched: bool = False
    elsewhere: bool = False
    bar: Reason | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """No face is compared any more, because of what the traveller presented, whom it names, or what was sent."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class FramesDone:
    """No more frames come; a finger still may."""


@dataclass(frozen=True, slots=True)
class FingersKnown:
    """The answer to `SeekFingers`.

    Attributes:
        travellers: of those sought, who has fingers enrolled.
        positions: of those fingers.
    """

    travellers: tuple[Traveller, ...]
    positions: tuple[FingerPosition, ...]


@dataclass(frozen=True, slots=True)
class FingerScore:
    """How a sample compares with the fingers of one traveller.

    Attributes:
        score: the best over their fingers, [0, 1].
        llr: natural log-likelihood ratio of the comparison with all of them.
        fmr: how often a stranger's finger does as well against all of them.
        extrapolated: nobody measured so small a rate.
        position: of the finger that was nearest.
    """

    traveller: Traveller
    score: float
    llr: float
    fmr: float
    extrapolated: bool
    position: FingerPosition


@dataclass(frozen=True, slots=True, eq=False)
class FingerCompared:
    """A usable sample was compared.

    Attributes:
        at_s: monotonic.
        now: wall clock in UTC.
        scores: of each traveller sought who is still expected.
        bar: as for `Compared`, of whoever matches.
    """

    at_s: float
    now: datetime
    scores: tuple[FingerScore, ...]
    bar: Reason | None = None


@dataclass(frozen=True, slots=True)
class FingerUnusable:
    """A sample came that cannot be compared."""


class Ended(enum.StrEnum):
    """The passage ends from outside. `BUDGET_SPENT` may end the face only, where a finger can be asked for."""

    BUDGET_SPENT = "budget_spent"
    FRAMES_ENDED = "frames_ended"
    SHUTTING_DOWN = "shutting_down"
    ENGINE_FAULT = "engine_fault"


Event = Looked | Compared | Refused | FramesDone | FingersKnown | FingerCompared | FingerUnusable | Ended


@dataclass(frozen=True, slots=True)
class Guide:
    """Effect: tell the traveller."""

    guidance: Guidance
    frame_sequence: int


@dataclass(frozen=True, slots=True)
class SeekFingers:
    """Effect: find out whose fingers are enrolled, and answer with `FingersKnown`.

    Attributes:
        references: whom the face suggests, the likeliest first; empty: whoever is claimed.
    """

    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestFinger:
    """Effect: ask for a finger.

    Attributes:
        reason: why the face was not enough.
        positions: fingers that may be used.
        attempts_left: comparisons that may still be made.
    """

    reason: Reason
    positions: tuple[FingerPosition, ...]
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Decide:
    """Effect: the final answer."""

    decision: Decision


Effect = Guide | SeekFingers | RequestFinger | Decide
