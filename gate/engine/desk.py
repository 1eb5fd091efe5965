"""What an officer's desk does for a traveller whom no gate let through: the way goes on where the officer says so."""

from __future__ import annotations

from gate.clock import Clock
from gate.engine.journeys import Journeys
from gate.engine.recorded import Recorded
from gate.engine.trail import Trail
from gate.errors import Code, FieldViolation, NotFoundError, ProtocolError
from gate.gallery.gallery import Gallery


class Desk:
    """Officers' side of journeys. Safe for threads."""

    def __init__(self, journeys: Journeys, gallery: Gallery, trail: Trail, clock: Clock) -> None:
        self._journeys = journeys
        self._gallery = gallery
        self._trail = trail
        self._clock = clock

    def record_pass(self, reference: str, flight: str, touchpoint: str, officer_id: str, reason: str) -> Recorded:
        """A traveller has passed a touchpoint by an officer's decision, whatever the rules say. Idempotent.

        Without it, who was let through by hand would be out of order at every gate that follows. Journalled before it
        counts. At the last touchpoint the traveller's record is destroyed.

        Args:
            reference, flight: the traveller.
            touchpoint: of the route; empty: the last one.
            officer_id, reason: as for an override: opaque, one word each.

        Raises:
            ProtocolError: FIELD_INVALID, for a touchpoint that is none.
            NotFoundError: TRAVELLER_UNKNOWN.
            StorageFault: the pass does not count.
        """
        route = self._journeys.route
        touchpoint = touchpoint or route.last
        if touchpoint not in route.touchpoints:
            expected = FieldViolation("touchpoint", f"empty, or one of: {', '.join(route.touchpoints)}")
            raise ProtocolError(Code.FIELD_INVALID, "There is no such touchpoint here.", expected)
        now = self._clock.utc()
        if not self._gallery.snapshot().find_reference(reference, now, flight):
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "No traveller of that reference is enrolled there.")
        if self._journeys.has_passed(reference, flight, touchpoint, now):
            return Recorded(already=True)
        traveller = self._gallery.pseudonym(reference, flight)
        position = self._trail.passed(flight, traveller, touchpoint, officer_id, reason)
        self._journeys.admit(reference, flight, touchpoint, now)
        return Recorded(False, position, self._journeys.passed(reference, flight, touchpoint))
