"""A single journey over the wire: plans are set, touchpoints open to the face in order, and boarding destroys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from gate.audit.event import EventKind
from gate.client import FlightPlan, GateClient, PassageDecision, Window
from gate.decision.journey import Route
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.engine.engine import Engine
from gate.errors import Code, NotFoundError, ProtocolError
from gate.gallery.receipt import Why
from gate.service.server import GateServer
from gate.settings import LaneSettings, ServerSettings, Settings
from tests.decision.makers import CALIBRATION
from tests.service import fakes
from tests.service.fakes import FLIGHT

LANES = {
    "bags-1": LaneSettings(touchpoint="bag_drop"),
    "security-1": LaneSettings(touchpoint="security"),
    "security-2": LaneSettings(touchpoint="security"),
    "border-1": LaneSettings(touchpoint="border"),
    "gate-b12": LaneSettings(touchpoint="boarding", gate="B12"),
    "gate-a1": LaneSettings(touchpoint="boarding", gate="A1"),
    "crew": LaneSettings(),
}
NOW = datetime.now(UTC)
PLAN = FlightPlan(FLIGHT, "B12", (Window("boarding", NOW - timedelta(minutes=5), NOW + timedelta(hours=1)),))


@dataclass(frozen=True, slots=True)
class Place:
    """An engine with a lane at each touchpoint, served."""

    engine: Engine
    client: GateClient

    async def walk(self, lane: str, person: int) -> PassageDecision:
        return await self.client.verify(lane, [fakes.jpeg(person)] * 3)

    async def reasons(self, *lanes: str, person: int = 1) -> list[Reason]:
        return [(await self.walk(lane, person)).reason for lane in lanes]


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.5),
        lanes=LANES,
        frames=fakes.PLAYED,
        profiles={"pedestrian": Policy(budget_s=3.0)},
        journey=Route(apart_s=0.001),
    )
    engine = Engine(settings, fakes.ColourVision(), CALIBRATION)
    for person in (1, 2, 3):
        engine.enrol(fakes.traveller(person), fakes.jpeg(person))
    async with GateServer(engine, settings.server) as server, GateClient(server.address) as client:
        yield Place(engine, client)


def destructions(engine: Engine) -> list[str]:
    return [str(e.facts["why"]) for e in engine.trail.journal.entries() if e.kind == EventKind.DESTRUCTION]


async def until_gone(engine: Engine, travellers: int) -> None:
    """The record is destroyed right after the gate was told to open: soon, and not before."""
    deadline_s = time.monotonic() + 10
    while engine.describe(FLIGHT).travellers != travellers and time.monotonic() < deadline_s:
        await asyncio.sleep(0.02)
    assert engine.describe(FLIGHT).travellers == travellers


async def test_the_face_alone_from_bag_drop_to_boarding() -> None:
    async with place() as at:
        assert await at.client.set_flight_plan(PLAN)
        for lane in ("bags-1", "security-1", "border-1", "gate-b12"):
            decision = await at.walk(lane, 1)
            assert (decision.outcome, decision.reason) == (Outcome.OPEN, Reason.MATCHED), lane
            assert decision.traveller_reference == "traveller-1"
        await until_gone(at.engine, travellers=2)
        assert destructions(at.engine) == ["boarded"]
        decision = await at.walk("gate-b12", 1)
        assert (decision.outcome, decision.reason) == (Outcome.FINGERPRINT, Reason.NO_MATCH)


async def test_whoever_may_not_pass_is_sent_to_an_officer_and_named_to_nobody() -> None:
    async with place() as at:
        await at.client.set_flight_plan(PLAN)
        decision = await at.walk("border-1", 1)
        assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.OUT_OF_ORDER)
        assert decision.traveller_reference is decision.flight is None
        assert await at.reasons("gate-b12") == [Reason.OUT_OF_ORDER]
        assert await at.reasons("security-1", "security-2", "security-1") == [
            Reason.MATCHED, Reason.ALREADY_PASSED, Reason.ALREADY_PASSED,
        ]  # fmt: skip
        assert await at.reasons("border-1", "gate-a1") == [Reason.MATCHED, Reason.WRONG_GATE]
        assert destructions(at.engine) == []


async def test_a_flight_that_is_not_open_moves_and_closes() -> None:
    async with place() as at:
        assert await at.reasons("security-1", "border-1", "gate-b12") == [
            Reason.MATCHED, Reason.MATCHED, Reason.FLIGHT_NOT_OPEN,
        ]  # fmt: skip
        await at.client.set_flight_plan(FlightPlan(FLIGHT, "B12", (Window("boarding", NOW + timedelta(hours=1)),)))
        assert await at.reasons("gate-b12") == [Reason.FLIGHT_NOT_OPEN]
        await at.client.set_flight_plan(FlightPlan(FLIGHT, "a1", PLAN.windows))
        assert await at.reasons("gate-b12") == [Reason.WRONG_GATE]
        await at.client.set_flight_plan(FlightPlan(FLIGHT, "A1", (Window("boarding", None, datetime.now(UTC)),)))
        assert await at.reasons("gate-a1") == [Reason.FLIGHT_CLOSED]
        await at.client.set_flight_plan(FlightPlan(FLIGHT, "A1", PLAN.windows))
        assert await at.reasons("gate-a1") == [Reason.MATCHED]
        await until_gone(at.engine, travellers=2)


async def test_of_two_lanes_at_the_same_moment_one_opens() -> None:
    async with place() as at:
        decisions = await asyncio.gather(at.walk("security-1", 1), at.walk("security-2", 1))
        assert sorted(decision.reason for decision in decisions) == [Reason.ALREADY_PASSED, Reason.MATCHED]


async def test_a_lane_without_a_touchpoint_opens_as_before() -> None:
    async with place() as at:
        assert await at.reasons("crew", "crew", "crew") == [Reason.MATCHED] * 3


async def test_others_are_not_held_up_by_one_who_may_not_pass() -> None:
    async with place() as at:
        await at.walk("security-1", 1)
        assert await at.reasons("security-1", person=1) == [Reason.ALREADY_PASSED]
        assert await at.reasons("security-1", person=2) == [Reason.MATCHED]


async def test_a_face_that_failed_goes_on_after_an_officer() -> None:
    async with place() as at:
        await at.client.set_flight_plan(PLAN)
        assert await at.reasons("border-1") == [Reason.OUT_OF_ORDER]
        told = ("traveller-1", FLIGHT, "officer-7", "document_checked")
        done = await at.client.record_pass(*told, "security")
        assert (done.already, done.receipt) == (False, None)
        assert (await at.client.record_pass(*told, "security")).already
        assert await at.reasons("border-1") == [Reason.MATCHED]
        boarded = await at.client.record_pass(*told)
        assert boarded.receipt is not None
        assert (boarded.receipt.why, boarded.receipt.complete) == (Why.BOARDED, True)
        with pytest.raises(NotFoundError):
            await at.client.record_pass(*told)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (("", FLIGHT, "officer-7", "word", ""), "traveller_reference"),
        (("traveller-1", "", "officer-7", "word", ""), "flight"),
        (("traveller-1", FLIGHT, "Erika Mustermann", "word", ""), "officer_id"),
        (("traveller-1", FLIGHT, "officer-7", "because I know her", ""), "reason"),
        (("traveller-1", FLIGHT, "officer-7", "word", "lounge"), "touchpoint"),
    ],
)
async def test_a_pass_that_says_too_much_or_too_little_is_refused(
    told: tuple[str, str, str, str, str], field: str
) -> None:
    async with place() as at:
        with pytest.raises(ProtocolError) as refused:
            await at.client.record_pass(*told)
        assert [violation.field for violation in refused.value.violations] == [field]


async def test_a_plan_comes_back_as_it_was_set() -> None:
    async with place() as at:
        windows = (Window("security", None, NOW + timedelta(minutes=40)), *PLAN.windows)
        assert await at.client.set_flight_plan(FlightPlan(FLIGHT, "b12", windows))
        assert not await at.client.set_flight_plan(FlightPlan(FLIGHT, "B12", windows))
        assert await at.client.flight_plans(FLIGHT) == (FlightPlan(FLIGHT, "B12", windows),)
        await at.client.set_flight_plan(FlightPlan("CX1", "A1"))
        assert [plan.flight for plan in await at.client.flight_plans()] == [FLIGHT, "CX1"]
        assert await at.client.flight_plans("CX9") == ()


async def test_a_window_without_a_touchpoint_is_of_boarding() -> None:
    async with place() as at:
        await at.client.set_flight_plan(FlightPlan(FLIGHT, "B12", (Window("", None, NOW),)))
        (plan,) = await at.client.flight_plans(FLIGHT)
        assert plan.windows == (Window("boarding", None, NOW),)


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (FlightPlan("", "B12"), "plan.flight"),
        (FlightPlan("x" * 65, "B12"), "plan.flight"),
        (FlightPlan(FLIGHT, "B 12"), "plan.gate"),
        (FlightPlan(FLIGHT, "ß12"), "plan.gate"),
        (FlightPlan(FLIGHT, "x" * 17), "plan.gate"),
        (FlightPlan(FLIGHT, "B12", (Window("lounge", NOW),)), "plan.windows[0].touchpoint"),
        (FlightPlan(FLIGHT, "B12", (Window("boarding"),)), "plan.windows[0]"),
        (FlightPlan(FLIGHT, "B12", (Window("border", NOW), Window("border", NOW))), "plan.windows[1].touchpoint"),
        (FlightPlan(FLIGHT, "B12", (Window("border", NOW, NOW),)), "plan.windows[0].closes_at"),
        (FlightPlan(FLIGHT, "B12", (Window("border", NOW + timedelta(days=8)),)), "plan.windows[0].opens_at"),
        (FlightPlan(FLIGHT, "B12", (Window("border", NOW),) * 65), "plan.windows"),
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused_by_field(plan: FlightPlan, field: str) -> None:
    async with place() as at:
        with pytest.raises(ProtocolError) as refused:
            await at.client.set_flight_plan(plan)
        assert refused.value.code is Code.FIELD_INVALID
        assert field in [violation.field for violation in refused.value.violations]
        assert await at.client.flight_plans() == ()
