"""A traveller's way through the place, from one lane to the next: who may pass here now, and who has.

::

    face matched ─► claim_pass ─► None: reserved ─► gate opened ─► passed      at the last touchpoint: destroyed
                        │                       └─► gate stays shut ─► give_back
                        └─► a reason: an officer

A pass is reserved before the gate opens and in one step with the question whether it may, so of two lanes that see one
traveller at the same moment one opens. When the process dies between the two, the pass stays: that sends the traveller
to an officer, and opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

import structlog

from gate.decision.journey import FlightPlan, Journey, Route, counting, judge, together
from gate.decision.outcome import Reason
from gate.errors import NotFoundError
from gate.gallery.journeys import JourneyBook, Page, Pages
from gate.gallery.receipt import Receipt, Why
from gate.gallery.traveller import Candidates

_log = structlog.get_logger(__name__)


class Journeys:
    """The journeys of all who are expected. Safe for threads; every call may wait for the disk, where there is a store.

    At a lane that stands at no touchpoint (an empty name) no rules apply and nothing is kept. What somebody passes on
    one flight they have passed on every flight that they are on; only the last touchpoint is of one flight alone.

    Args:
        route: of the place.
        book: of the gallery.
        flights_of: the flights on which a reference is expected.
        plan_of: the plan of a flight; None when there is none.
        withdraw: destroys a traveller on a flight: `Engine.withdraw`.
    """

    def __init__(
        self,
        route: Route,
        book: JourneyBook,
        flights_of: Callable[[str], Iterable[str]],
        plan_of: Callable[[str], FlightPlan | None],
        withdraw: Callable[[str, str, Why], Receipt],
    ) -> None:
        self.route = route
        self._book = book
        self._flights_of = flights_of
        self._plan_of = plan_of
        self._withdraw = withdraw

    def bar(self, reference: str, flight: str, touchpoint: str, lane_gate: str, now: datetime) -> Reason | None:
        """What bars the traveller from passing now; None when nothing does. Changes nothing.

        Args:
            reference, flight: the traveller.
            touchpoint, lane_gate: where the lane stands, as its settings say.
            now: UTC.

        Raises:
            StorageFault: the store cannot be read; nobody may pass.
        """
        if not touchpoint:
            return None
        return judge(self.route, touchpoint, lane_gate, self._plan_of(flight), self._read(reference, flight), now)

    def claim_pass(self, reference: str, flight: str, touchpoint: str, lane_gate: str, now: datetime) -> Reason | None:
        """Reserves the pass, if nothing bars it; else says what does. In one step: of two lanes at once, one gets it.

        Where the gate does not open in the end, call `give_back` with the same `now`; where it has, `passed`.

        Args:
            reference, flight, touchpoint, lane_gate, now: as for `bar`.

        Returns:
            None when the pass is reserved. EXPIRED for somebody who is not expected (any more).

        Raises:
            StorageFault: nothing is reserved; nobody may pass.
        """
        if not touchpoint:
            return None
        with self._opened(reference, flight) as pages:
            if flight not in pages:
                return Reason.EXPIRED
            journey = self._whole(flight, pages)
            barred = judge(self.route, touchpoint, lane_gate, self._plan_of(flight), journey, now)
            if barred is None:
                self._note(flight, pages, touchpoint, now)
            return barred

    def give_back(self, reference: str, flight: str, touchpoint: str, now: datetime) -> None:
        """The gate did not open after all: the pass that was reserved at `now` is not one.

        Does nothing for somebody who is not expected any more.

        Raises:
            StorageFault: the pass stays, which keeps the traveller out.
        """
        if not touchpoint:
            return
        with self._opened(reference, flight) as pages:
            for page in pages.values():
                page.journey = page.journey.without(touchpoint, now)

    def has_passed(self, reference: str, flight: str, touchpoint: str, now: datetime) -> bool:
        """Whether the traveller passed there so lately that nobody may again, and nothing has made that void.

        Raises:
            StorageFault: as `bar`.
        """
        journey = self._read(reference, flight)
        last = journey.last(touchpoint)
        lately = last is not None and now < last + self.route.again_after(touchpoint)
        return lately and touchpoint in counting(self.route, journey)

    def admit(self, reference: str, flight: str, touchpoint: str, now: datetime) -> None:
        """The traveller passes, whatever the rules say. Does nothing for somebody who is not expected any more.

        Raises:
            StorageFault: they have not passed.
        """
        with self._opened(reference, flight) as pages:
            if flight in pages:
                self._note(flight, pages, touchpoint, now)

    def passed(self, reference: str, flight: str, touchpoint: str) -> Receipt | None:
        """The gate has opened. At the last touchpoint the traveller's record is destroyed; the receipt of that.

        Raises:
            StorageFault: the record is not found any more, and will be destroyed with the next change or sweep.
        """
        return self.end(reference, flight) if touchpoint == self.route.last else None

    def end(self, reference: str, flight: str) -> Receipt | None:
        """Destroys the traveller's record on that flight, because they have boarded; None when it is gone already.

        Raises:
            StorageFault: as `passed`.
        """
        try:
            return self._withdraw(reference, flight, Why.BOARDED)
        except NotFoundError:  # expired or withdrawn meanwhile
            return None

    def finish(self) -> int:
        """Ends the journeys of those whose last pass an earlier process could not; how many there were.

        Nothing opens for them any more, so nobody needs their record.

        Raises:
            StorageFault: as `passed`.
        """
        left_over = self._book.having_passed(self.route.last)
        for reference, flight in left_over:
            self.end(reference, flight)
        if left_over:
            _log.warning("journeys_ended_late", travellers=len(left_over))
        return len(left_over)

    def prefer(self, candidates: Candidates, touchpoint: str, lane_gate: str, now: datetime) -> Candidates:
        """Puts first, of the flights that the best candidate is on (a transfer), the one on which they may pass now.

        It takes the best similarity of them all: the templates are one person's, whatever flight they came with.

        Args:
            candidates: of a search or comparison.
            touchpoint, lane_gate, now: as for `bar`.

        Raises:
            StorageFault: as `bar`.
        """
        best = next(iter(candidates.ranked), None)
        same = [one for one in candidates.ranked if best and one.traveller.reference == best.traveller.reference]
        if not touchpoint or len(same) < 2:
            return candidates
        free = (
            one
            for one in same
            if self.bar(one.traveller.reference, one.traveller.flight, touchpoint, lane_gate, now) is None
        )
        first = next(free, same[0])
        rest = tuple(one for one in candidates.ranked if one is not first)
        return replace(candidates, ranked=(replace(first, similarity=same[0].similarity), *rest))

    def _opened(self, reference: str, flight: str) -> AbstractContextManager[Pages]:
        return self._book.opened(reference, self._flights(reference, flight))

    def _read(self, reference: str, flight: str) -> Journey:
        flights = self._flights(reference, flight)
        return self._whole(flight, {each: Page(self._book.read(reference, each)) for each in flights})

    def _flights(self, reference: str, flight: str) -> list[str]:
        return list(dict.fromkeys([flight, *self._flights_of(reference)]))

    def _whole(self, flight: str, pages: Pages) -> Journey:
        """The journey on a flight, with what was passed on the others."""
        others = (page.journey for other, page in pages.items() if other != flight)
        return together(self.route, pages[flight].journey, others)

    def _note(self, flight: str, pages: Pages, touchpoint: str, now: datetime) -> None:
        """One more pass: on every flight, so that it outlives any of them; the last touchpoint's on that one alone."""
        whole = {each: self._whole(each, pages) for each in pages}
        for each in [flight] if touchpoint == self.route.last else pages:
            pages[each].journey = whole[each].passing(touchpoint, now)
