"""The rules of a single journey: who gets through a touchpoint twice, early, late or at another gate is a hole."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import ValidationError

from gate.decision.journey import FlightPlan, Journey, Route, Window, counting, judge
from gate.decision.outcome import Reason
from gate.gallery.journey import Pass
from tests.decision.happened import LANES, Happened

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FLIGHT = "CX0830/2026-11-22"
ROUTE = Route()
BOARDING = Window("boarding", NOON, NOON + timedelta(minutes=30))
PLAN = FlightPlan(FLIGHT, "B12", (BOARDING, Window("security", None, NOON + timedelta(minutes=10))))


def minutes(after_noon: float) -> datetime:
    return NOON + timedelta(minutes=after_noon)


def journey(*passes: tuple[str, float]) -> Journey:
    return Journey(tuple(Pass(touchpoint, minutes(at)) for touchpoint, at in passes))


THROUGH = (("security", -60), ("border", -40))


@dataclass(frozen=True)
class Situation:
    """Somebody stands at `touchpoint`, `at` minutes after noon, with `passes` behind them."""

    touchpoint: str
    at: float
    expected: Reason | None
    passes: tuple[tuple[str, float], ...] = ()
    gate: str = ""
    plan: FlightPlan | None = PLAN
    route: Route = field(default_factory=Route)


OPEN = None
SITUATIONS = {
    "the first touchpoint, nothing passed yet": Situation("bag_drop", -90, OPEN),
    "hand luggage only: bag drop is not required": Situation("security", -60, OPEN),
    "bag drop, then security": Situation("security", -60, OPEN, (("bag_drop", -90),)),
    "border without security": Situation("border", -40, Reason.OUT_OF_ORDER),
    "border after bag drop alone": Situation("border", -40, Reason.OUT_OF_ORDER, (("bag_drop", -90),)),
    "border after security": Situation("border", -40, OPEN, (("security", -60),)),
    "boarding after everything": Situation("boarding", 5, OPEN, THROUGH, "B12"),
    "boarding without border": Situation("boarding", 5, Reason.OUT_OF_ORDER, (("security", -60),), "B12"),
    "boarding with nothing passed": Situation("boarding", 5, Reason.OUT_OF_ORDER, (), "B12"),
    "boarding before it opens": Situation("boarding", -1, Reason.FLIGHT_NOT_OPEN, THROUGH, "B12"),
    "boarding at the very second it opens": Situation("boarding", 0, OPEN, THROUGH, "B12"),
    "boarding at the very second it closes": Situation("boarding", 30, Reason.FLIGHT_CLOSED, THROUGH, "B12"),
    "boarding just before it closes": Situation("boarding", 29.99, OPEN, THROUGH, "B12"),
    "another flight's gate": Situation("boarding", 5, Reason.WRONG_GATE, THROUGH, "A1"),
    "another flight's gate, before boarding opens": Situation("boarding", -5, Reason.WRONG_GATE, THROUGH, "A1"),
    "another flight's gate, after the close": Situation("boarding", 31, Reason.FLIGHT_CLOSED, THROUGH, "A1"),
    "a place with one gate for all": Situation("boarding", 5, OPEN, THROUGH, ""),
    "the gate has changed: the old one": Situation(
        "boarding", 5, Reason.WRONG_GATE, THROUGH, "B12", FlightPlan(FLIGHT, "C3", (BOARDING,))
    ),
    "the gate has changed: the new one": Situation(
        "boarding", 5, OPEN, THROUGH, "C3", FlightPlan(FLIGHT, "C3", (BOARDING,))
    ),
    "the gate is not known yet": Situation(
        "boarding", 5, Reason.FLIGHT_NOT_OPEN, THROUGH, "B12", FlightPlan(FLIGHT, "", (BOARDING,))
    ),
    "no plan at all, at boarding": Situation("boarding", 5, Reason.FLIGHT_NOT_OPEN, THROUGH, "", None),
    "no plan at all, at security": Situation("security", 5, OPEN, (), "", None),
    "no plan at all, at a gate that is not planned": Situation(
        "boarding", 5, Reason.FLIGHT_NOT_OPEN, THROUGH, "B12", None, Route(planned=())
    ),
    "a plan without a time for boarding": Situation(
        "boarding", 5, Reason.FLIGHT_NOT_OPEN, THROUGH, "B12", FlightPlan(FLIGHT, "B12")
    ),
    "the same, where the place asks for no plan": Situation(
        "boarding", 5, OPEN, THROUGH, "B12", FlightPlan(FLIGHT, "B12"), Route(planned=())
    ),
    "security closes earlier than the gate": Situation("security", 10, Reason.FLIGHT_CLOSED),
    "a plan that only closes has no beginning": Situation("security", -600, OPEN),
    "a plan that only opens has no end": Situation(
        "boarding", 6000, OPEN, THROUGH, "", FlightPlan(FLIGHT, "", (Window("boarding", NOON),))
    ),
    "security again a moment later": Situation("security", -59, Reason.ALREADY_PASSED, (("security", -60),)),
    "security again just within the window": Situation("security", -45.01, Reason.ALREADY_PASSED, (("security", -60),)),
    "security again when the window has passed": Situation("security", -45, OPEN, (("security", -60),)),
    "the clock was set back behind the pass": Situation("security", -90, Reason.ALREADY_PASSED, (("security", -60),)),
    "a window of its own: the second bag": Situation(
        "bag_drop", -89, OPEN, (("bag_drop", -90),), route=Route(again_after_s_at={"bag_drop": 30})
    ),
    "a window of its own is not the others'": Situation(
        "security", -59, Reason.ALREADY_PASSED, (("security", -60),), route=Route(again_after_s_at={"bag_drop": 30})
    ),
    "already boarded, at boarding": Situation("boarding", 6, Reason.ALREADY_PASSED, (*THROUGH, ("boarding", 5)), "B12"),
    "already boarded, long ago": Situation(
        "boarding", 29, Reason.ALREADY_PASSED, (*THROUGH, ("boarding", 1)), "B12", route=Route(again_after_s=60)
    ),
    "already boarded, at security": Situation("security", 9, Reason.ALREADY_PASSED, (*THROUGH, ("boarding", 5))),
    "back at security makes border void": Situation(
        "boarding", 5, Reason.OUT_OF_ORDER, (("security", -60), ("border", -40), ("security", -20)), "B12"
    ),
    "back at security, and through border again": Situation(
        "boarding", 5, OPEN, (("security", -60), ("border", -40), ("security", -20), ("border", -10)), "B12"
    ),
    "back at bag drop makes security void": Situation("border", 5, Reason.OUT_OF_ORDER, (*THROUGH, ("bag_drop", -5))),
    "two places at the same moment": Situation("border", -60, Reason.OUT_OF_ORDER, (("security", -60),)),
    "faster than anybody walks": Situation("border", -59.96, Reason.OUT_OF_ORDER, (("security", -60),)),
    "as fast as somebody may walk": Situation("border", -59.95, OPEN, (("security", -60),)),
    "a lane without a touchpoint has no rules": Situation("", 5, OPEN, (*THROUGH, ("boarding", 5))),
    "a touchpoint that is not on the route": Situation("lounge", 5, Reason.OUT_OF_ORDER, THROUGH),
    "a touchpoint that has left the settings since": Situation(
        "boarding", 5, OPEN, (("lounge", -70), *THROUGH, ("lounge", -20)), "B12"
    ),
    "a place that only boards": Situation(
        "boarding", 5, OPEN, (), "B12", route=Route(touchpoints=("boarding",), required=())
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_by_name(name: str) -> None:
    s = SITUATIONS[name]
    assert judge(s.route, s.touchpoint, s.gate, s.plan, journey(*s.passes), minutes(s.at)) is s.expected


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"touchpoints": ()}, "touchpoints"),
        ({"touchpoints": ("security", "security", "border", "boarding")}, "each of them once"),
        ({"touchpoints": ("security", "boarding")}, "required"),
        ({"touchpoints": ("security", "border")}, "planned"),
        ({"again_after_s_at": {"lounge": 5}}, "again_after_s_at"),
        ({"again_after_s": 0}, "again_after_s"),
        ({"apart_s": 0}, "apart_s"),
        ({"touchpoints": ("Bag Drop", "security", "border", "boarding")}, "touchpoints"),
    ],
)
def test_a_route_that_makes_no_sense_is_refused_and_named(values: dict[str, object], names: str) -> None:
    with pytest.raises(ValidationError, match=names):
        Route(**values)


def test_a_pass_that_is_given_back_leaves_the_one_before_it() -> None:
    """Else a gate that failed to open would take the window away, or lock the traveller out."""
    before = journey(("security", -60), ("border", -40))
    after = before.passing("security", minutes(-10)).without("security", minutes(-10))
    assert after == before
    assert before.without("security", minutes(-10)) == before


def test_a_journey_does_not_grow_with_every_pass() -> None:
    made = Journey()
    for at in range(50):
        made = made.passing("security", minutes(at)).passing("bag_drop", minutes(at + 0.5))
    assert [one.touchpoint for one in made.passes] == ["security", "bag_drop"] * 2


times = st.integers(-1500, 1500).map(lambda after: NOON + timedelta(minutes=after))
names = st.sampled_from(["", "bag_drop", "security", "border", "boarding", "lounge", "crew_gate"])
windows = st.lists(st.builds(Window, names, st.none() | times, st.none() | times), max_size=4).map(tuple)


@given(
    touchpoint=names,
    gate=st.sampled_from(["", "A1", "B12"]),
    plan=st.none() | st.builds(FlightPlan, st.just(FLIGHT), st.sampled_from(["", "A1", "B12"]), windows),
    made=st.lists(st.builds(Pass, names, times), max_size=8).map(lambda passes: Journey(tuple(passes))),
    now=times,
)
def test_there_is_an_answer_to_everything(
    touchpoint: str, gate: str, plan: FlightPlan | None, made: Journey, now: datetime
) -> None:
    answer = judge(ROUTE, touchpoint, gate, plan, made, now)
    assert answer in {
        None, Reason.FLIGHT_NOT_OPEN, Reason.FLIGHT_CLOSED, Reason.WRONG_GATE, Reason.ALREADY_PASSED,
        Reason.OUT_OF_ORDER,
    }  # fmt: skip
    assert counting(ROUTE, made) <= set(ROUTE.touchpoints)


class Place(RuleBasedStateMachine):
    """One traveller wanders about; plans change; gates that were to open sometimes do not."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.made = Journey()
        self.plan: FlightPlan | None = None

    @initialize(again_s=st.sampled_from([60.0, 900.0]), required=st.sampled_from([("security", "border"), ("border",)]))
    def place(self, again_s: float, required: tuple[str, ...]) -> None:
        self.route = Route(again_after_s=again_s, required=required, apart_s=3)
        self.happened = Happened(self.route)

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0, 59.0, 60.0, 300.0, 900.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(gate=st.sampled_from(["", "B12", "C3"]), opens=st.integers(-60, 60), minutes=st.integers(1, 120))
    def plan_changes(self, gate: str, opens: int, minutes: int) -> None:
        opens_at = self.now + timedelta(minutes=opens)
        self.plan = FlightPlan(FLIGHT, gate, (Window("boarding", opens_at, opens_at + timedelta(minutes=minutes)),))

    @rule(lane=st.sampled_from(LANES), opens=st.booleans())
    def arrive(self, lane: tuple[str, str], opens: bool) -> None:
        touchpoint, gate = lane
        if judge(self.route, touchpoint, gate, self.plan, self.made, self.now) is not None:
            return
        before = self.made
        self.made = self.made.passing(touchpoint, self.now)
        if opens:
            self.happened.add(touchpoint, gate, self.plan, self.now)
            event(f"passed {touchpoint}")
        else:
            self.made = self.made.without(touchpoint, self.now)
            assert counting(self.route, self.made) == counting(self.route, before)

    @rule(gate=st.sampled_from(["", "B12"]))
    def hurry_through(self, gate: str) -> None:
        """The way that a traveller usually goes, so that boarding is reached often."""
        for lane in (("security", ""), ("border", ""), ("boarding", gate)):
            self.now += timedelta(minutes=16)
            self.arrive(lane, opens=True)

    @precondition(lambda self: self.happened.passes)
    @rule()
    def the_same_touchpoint_at_once_is_shut(self) -> None:
        touchpoint, at = self.happened.passes[-1]
        if at == self.now:
            assert judge(self.route, touchpoint, "", self.plan, self.made, self.now) is Reason.ALREADY_PASSED

    @invariant()
    def what_is_kept_is_what_happened(self) -> None:
        for touchpoint in ("bag_drop", "security", "border", "boarding"):
            assert self.made.last(touchpoint) == self.happened.last(touchpoint)


TestPlace = Place.TestCase
TestPlace.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
