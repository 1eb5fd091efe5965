"""A single journey through one place: who may pass which touchpoint, in what order, and when. Pure.

::

    bag_drop ──► security ──► border ──► boarding
    (optional)   (required)   (required)  at the flight's gate, in its time; ends the journey

A traveller's document and face are joined once; from then on the face opens each touchpoint, and these rules say
whether it may. They come after the comparison: nobody gets in by them, and they keep somebody out who matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gate.decision.outcome import Reason
from gate.gallery.journey import Journey as Journey  # noqa: PLC0414 -- the gallery keeps it, these rules read it

Touchpoint = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""The name of a touchpoint."""

GATE = r"^([A-Z0-9][A-Z0-9._-]{0,15})?$"
"""The name of a departure gate, or nothing."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a touchpoint is open to a flight, UTC: from `opens_at` until just before `closes_at`; None: without end."""

    touchpoint: str
    opens_at: datetime | None = None
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FlightPlan:
    """What the airport says about a flight.

    Attributes:
        flight: the carriage leg, as in the gallery.
        gate: where it boards; empty while that is not known.
        windows: one a touchpoint at most; a touchpoint without one is open at any time.
    """

    flight: str
    gate: str = ""
    windows: tuple[Window, ...] = ()

    def window(self, touchpoint: str) -> Window | None:
        """When that touchpoint is open; None where nothing is said."""
        return next((window for window in self.windows if window.touchpoint == touchpoint), None)


class Route(BaseModel):
    """The touchpoints of a place, and the rules between them.

    Passing an earlier touchpoint again makes the later ones void: who is back before security has to go through it
    once more. Passing the last one ends the journey: nothing opens afterwards, and the engine destroys the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    touchpoints: tuple[Touchpoint, ...] = Field(
        ("bag_drop", "security", "border", "boarding"), min_length=1, description="in order; the last ends the journey"
    )
    required: tuple[Touchpoint, ...] = Field(
        ("security", "border"), description="must have been passed before any later one"
    )
    planned: tuple[Touchpoint, ...] = Field(
        ("boarding",), description="closed to a flight as long as its plan does not say when they are open"
    )
    again_after_s: float = Field(900.0, gt=0, le=86400, description="one touchpoint may be passed again after this")
    again_after_s_at: Mapping[Touchpoint, Annotated[float, Field(gt=0, le=86400)]] = Field(
        default_factory=dict, description="the same, for touchpoints where it differs"
    )
    apart_s: float = Field(
        3.0, gt=0, le=600, description="nobody walks from one touchpoint to another in less than this"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.touchpoints)) < len(self.touchpoints):
            raise ValueError("touchpoints: expected each of them once")
        for setting in ("required", "planned", "again_after_s_at"):
            if unknown := sorted(set(getattr(self, setting)) - set(self.touchpoints)):
                raise ValueError(f"{setting}: expected some of the touchpoints, found {', '.join(unknown)}")
        return self

    @property
    def last(self) -> str:
        """The touchpoint that ends the journey."""
        return self.touchpoints[-1]

    def before(self, touchpoint: str) -> tuple[str, ...]:
        """Every touchpoint that comes earlier; the touchpoint must be on the route."""
        return self.touchpoints[: self.touchpoints.index(touchpoint)]

    def again_after(self, touchpoint: str) -> timedelta:
        """How long nobody may pass the touchpoint again."""
        return timedelta(seconds=self.again_after_s_at.get(touchpoint, self.again_after_s))


def judge(
    route: Route, touchpoint: str, gate: str, plan: FlightPlan | None, journey: Journey, now: datetime
) -> Reason | None:
    """What bars a traveller from passing; None when nothing does. Total: there is an answer to everything.

    Reasons that concern the traveller come first, then the flight's.

    Args:
        route: of the place.
        touchpoint: where the lane stands; empty: none of them, no rules apply.
        gate: the departure gate that the lane stands at; empty: none, or all.
        plan: of the traveller's flight; None when there is none.
        journey: of the traveller on that flight.
        now: UTC.
    """
    if not touchpoint:
        return None
    if touchpoint not in route.touchpoints:
        return Reason.OUT_OF_ORDER
    return _judge_journey(route, touchpoint, journey, now) or _judge_flight(route, touchpoint, gate, plan, now)


def together(route: Route, own: Journey, others: Iterable[Journey]) -> Journey:
    """A traveller's journey on one flight with what they passed on others, of which only the end is each flight's own.

    Who changes flights here is one person, who goes through security once: on which of the two they were recognised
    does not matter.
    """
    elsewhere = {made for other in others for made in other.passes if made.touchpoint != route.last}
    if elsewhere <= set(own.passes):
        return own
    return Journey(tuple(sorted({*own.passes, *elsewhere}, key=lambda made: made.at)))


def counting(route: Route, journey: Journey) -> frozenset[str]:
    """The touchpoints whose last pass still counts: no earlier one on the route was passed after it."""
    order = {touchpoint: place for place, touchpoint in enumerate(route.touchpoints)}
    counts: list[str] = []
    for made in journey.passes:
        # A touchpoint that has left the settings since is passed over.
        if made.touchpoint in order:
            counts = [*(one for one in counts if order[one] < order[made.touchpoint]), made.touchpoint]
    return frozenset(counts)


def _judge_journey(route: Route, touchpoint: str, journey: Journey, now: datetime) -> Reason | None:
    # Compared as sums: a clock that was set back does not open what time has not opened.
    if journey.last(route.last) is not None:
        return Reason.ALREADY_PASSED
    here = journey.last(touchpoint)
    if here is not None and now < here + route.again_after(touchpoint):
        return Reason.ALREADY_PASSED
    if journey.latest is not None and now < journey.latest + timedelta(seconds=route.apart_s):
        return Reason.OUT_OF_ORDER
    required = set(route.required) & set(route.before(touchpoint))
    return None if required <= counting(route, journey) else Reason.OUT_OF_ORDER


def _judge_flight(route: Route, touchpoint: str, gate: str, plan: FlightPlan | None, now: datetime) -> Reason | None:
    window = plan.window(touchpoint) if plan else None
    if window is None and touchpoint in route.planned:
        return Reason.FLIGHT_NOT_OPEN
    if window is not None and window.closes_at is not None and now >= window.closes_at:
        return Reason.FLIGHT_CLOSED
    if gate:
        called_at = plan.gate if plan else ""
        if gate != called_at:
            return Reason.WRONG_GATE if called_at else Reason.FLIGHT_NOT_OPEN
    if window is not None and window.opens_at is not None and now < window.opens_at:
        return Reason.FLIGHT_NOT_OPEN
    return None
