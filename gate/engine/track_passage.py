"""The passage of one of several people: an ordinary passage whose camera shows nobody else.

So everything that holds for a passage (evidence, rates, watch list, journeys, the journal) holds for each of them.
"""

from __future__ import annotations

from dataclasses import replace

from gate.decision.outcome import Decision, Outcome
from gate.engine.attempt import Attempt
from gate.vision.frame import Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe, Sighting


class OneFace:
    """`Vision` that sees what it was last shown.

    Args:
        vision: the engine's.
    """

    def __init__(self, vision: Vision) -> None:
        self._vision = vision
        self._shown: Sighting | None = None
        self._probe: Probe | None = None

    @property
    def pack_id(self) -> str:
        """See `Vision.pack_id`."""
        return self._vision.pack_id

    def show(self, sighting: Sighting, probe: Probe | None = None) -> None:
        """What the next frame shows; with its probe, where there is one already."""
        self._shown, self._probe = sighting, probe

    def look(self, frame: Frame) -> Sighting:
        """See `Vision.look`.

        Raises:
            ValueError: nothing was shown.
        """
        del frame
        if self._shown is None:
            raise ValueError("expected a sighting to be shown first, found none")
        return self._shown

    def probe(self, sighting: Sighting) -> Probe:
        """See `Vision.probe`."""
        return self._probe if self._probe is not None and sighting is self._shown else self._vision.probe(sighting)

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        """See `Vision.reference`."""
        return self._vision.reference(sighting, probe)

    def with_liveness(self, sighting: Sighting) -> Sighting:
        """See `Vision.with_liveness`."""
        return self._vision.with_liveness(sighting)

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        """See `Vision.enrol_photo`."""
        return self._vision.enrol_photo(data)

    def warm(self) -> None:
        """See `Vision.warm`."""
        self._vision.warm()


class TrackPassage(Attempt):
    """As `Attempt`; who walks through stops at no reader, so an officer takes the place of the finger."""

    @property
    def decision(self) -> Decision | None:
        """The final answer, once there is one."""
        found = super().decision
        if found is not None and found.outcome is Outcome.FINGERPRINT:
            return replace(found, outcome=Outcome.OFFICER)
        return found
