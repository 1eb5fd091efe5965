"""What a passage tells somebody who looks on: every frame looked at, every face compared, every event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gate.decision.event import Event
from gate.vision.frame import Frame
from gate.vision.probe import Probe, Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A frame was looked at. `arrived_s` is monotonic."""

    frame: Frame
    arrived_s: float
    sighting: Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A frame's face was made a probe, to be fused with those before.

    Attributes:
        score: the frame's quality, [0, 1].
        liveness: what the liveness model said; None where it was not asked.
    """

    frame_sequence: int
    arrived_s: float
    score: float
    probe: Probe
    liveness: float | None


Observer = Callable[[Seen | Embedded | Event], None]
"""Called in the order of things, from the threads of the passage; must neither wait nor raise."""


def nobody(_observed: Seen | Embedded | Event) -> None:
    """Looks on without a word."""
