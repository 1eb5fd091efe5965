"""A single journey: one traveller from security to boarding by the face alone, and what stops whoever is not due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from gate.decision.journey import FlightPlan, Route, Window
from gate.decision.outcome import Outcome, Reason
from gate.demo.approach import Actor, Scene
from gate.demo.people import Person
from gate.demo.scenarios import Cast, Expected, Scenario
from gate.settings import LaneSettings

GATE, OTHER_GATE = "B12", "A1"

ROUTE = Route(apart_s=1.0)
"""The engine's own, but that the demo's lanes stand closer together than an airport's."""

LANES: Mapping[str, LaneSettings] = MappingProxyType(
    {
        "security": LaneSettings(profile="checkpoint", touchpoint="security"),
        "border": LaneSettings(profile="checkpoint", touchpoint="border"),
        "gate-b12": LaneSettings(profile="checkpoint", touchpoint="boarding", gate=GATE),
        "gate-a1": LaneSettings(profile="checkpoint", touchpoint="boarding", gate=OTHER_GATE),
    }
)


def plan(flight: str, now: datetime) -> FlightPlan:
    """The flight boards at gate B12, from now on for an hour."""
    return FlightPlan(flight, GATE, (Window("boarding", now, now + timedelta(hours=1)),))


def journey(cast: Cast) -> tuple[Scenario, ...]:
    """The passages, in the order in which they are played; the flight has its plan already."""
    goes, hurries = cast.travellers[0], cast.travellers[1]
    return (
        _stop("security", "at security", goes),
        _stop("security", "at security once more", goes, Reason.ALREADY_PASSED),
        _stop("border", "at the border without security", hurries, Reason.OUT_OF_ORDER),
        _stop("border", "at the border", goes),
        _stop("gate-a1", f"at gate {OTHER_GATE}, another flight's", goes, Reason.WRONG_GATE),
        _stop("gate-b12", f"at gate {GATE}: boards, and is forgotten", goes),
        _stop("gate-b12", f"at gate {GATE} once more: nobody knows them", goes, Reason.NO_MATCH),
    )


def _stop(lane: str, where: str, person: Person, reason: Reason = Reason.MATCHED) -> Scenario:
    opens = reason is Reason.MATCHED
    expected = Expected(Outcome.OPEN, reason, person.label) if opens else Expected(Outcome.OFFICER, reason)
    return Scenario(
        f"{lane}-{reason.value.replace('_', '-')}",
        f"Traveller {person.label} {where}",
        Scene((Actor(person.portrait, from_eye_px=36),), seconds=4.5, seed=101 + len(where)),
        expected,
        lane=lane,
    )
