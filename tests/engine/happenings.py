"""What may happen in a passage, as steps of a situation: frames, fingers, time, and what others do meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gate.claims.claim import Presented, PresentedKind
from gate.decision.event import Decide
from gate.decision.journey import FlightPlan, Window
from gate.decision.outcome import Outcome, Reason
from gate.engine.attempt import StartRequest
from gate.engine.fingers import FingerSample
from gate.errors import Code, EngineFault, FingerprintError, FrameError, ProtocolError
from tests.claims.makers import FLIGHT
from tests.engine import prints
from tests.engine.fakes import frame
from tests.engine.stage import Expected, Stage, name

Step = Callable[[Stage], None]
NOTHING = Presented.nothing()


def shows(person: int | None, times: int = 1, **sees: Any) -> Step:
    """The camera sees `person`, half a second later each time, as long as nothing is decided.

    `sees` as for `fakes.frame`; `live` is what the gate's own sensor says of the face.
    """
    live = sees.pop("live", None)

    def step(stage: Stage) -> None:
        for _ in range(times):
            if stage.decided:
                return
            stage.clock.wait(0.5)
            stage.sequence += 1
            shown = replace(frame(person, stage.sequence, **sees), sensor_liveness=live)
            try:
                stage.effects += stage.attempt.observe(shown, stage.engine.clock.monotonic())
            except FrameError as error:
                stage.errors.append(error)
            except EngineFault:
                stage.effects += stage.attempt.fault("incident-7")

    return step


def nobody(times: int = 1) -> Step:
    return shows(None, times)


def lays(sample: FingerSample) -> Step:
    """Somebody lays a finger down, asked or not."""

    def step(stage: Stage) -> None:
        stage.clock.wait(1.0)
        try:
            stage.effects += stage.attempt.take_finger(sample, stage.engine.clock.monotonic())
        except FingerprintError as error:
            stage.errors.append(error)
            if stage.attempt.decision is not None:  # the last sample: what it led to is not returned beside the error
                stage.effects.append(Decide(stage.attempt.decision))
        except EngineFault:
            stage.effects += stage.attempt.fault("incident-8")

    return step


def finger(person: int, attempt: int = 1) -> Step:
    return lays(prints.laid_down(person, attempt))


def wet_finger(person: int, times: int = 1) -> Step:
    def step(stage: Stage) -> None:
        for _ in range(times):
            lays(prints.wet(person))(stage)

    return step


def waits(seconds: float) -> Step:
    return lambda stage: stage.clock.wait(seconds)


def clock_steps(seconds: float) -> Step:
    """The wall clock is set otherwise; time goes on as before."""

    def step(stage: Stage) -> None:
        stage.clock.now += timedelta(seconds=seconds)

    return step


def time_is_up(stage: Stage) -> None:
    """Of the face, or of the finger where one was asked for."""
    asking = stage.attempt.state.asking is not None
    policy = stage.attempt.rules.policy
    stage.clock.wait(policy.finger_budget_s if asking else policy.budget_s)
    stage.effects += stage.attempt.budget_spent()


def leaves(stage: Stage) -> None:
    """The controller says no more."""
    stage.effects += stage.attempt.frames_ended()


def frames_done(stage: Stage) -> None:
    stage.effects += stage.attempt.frames_done()


def shuts_down(stage: Stage) -> None:
    stage.effects += stage.attempt.shut_down()


def tampers(stage: Stage) -> None:
    """As the frame guard says it, once there were too many alarms."""
    stage.effects += stage.attempt.refuse(Reason.TAMPERED_FRAMES)


def withdraws(person: int) -> Step:
    return lambda stage: stage.receipts.append(stage.engine.withdraw(name(person), None))


def flight_closes(flight: str = FLIGHT) -> Step:
    return lambda stage: stage.receipts.append(stage.engine.close_flight(flight))


def sweeps(stage: Stage) -> None:
    stage.receipts += stage.engine.sweep()


def consent_withdrawn(person: int) -> Step:
    return lambda stage: stage.update(person, face_consent=False)


def enrols(who: Expected) -> Step:
    return lambda stage: stage.expect(who)


def while_looking(*what: Step) -> Step:
    """In another thread, while the detector runs on the next frame."""

    def step(stage: Stage) -> None:
        stage.vision.while_looking = lambda: _all(stage, what)

    return step


def while_embedding(*what: Step) -> Step:
    """In another thread, between the look at the next face and its search."""

    def step(stage: Stage) -> None:
        stage.vision.while_embedding = lambda: _all(stage, what)

    return step


def after_search(*what: Step) -> Step:
    """In another thread, when the next face was found and nothing has followed from it."""

    def step(stage: Stage) -> None:
        stage.watch_list.after_search = lambda: _all(stage, what)

    return step


def called(flight: str = FLIGHT, gate: str = "B12", opens_h: float = -1.0, closes_h: float = 2.0) -> Step:
    """The airport's plan of the flight, hours from now."""

    def step(stage: Stage) -> None:
        now = stage.engine.clock.utc()
        window = Window("boarding", now + timedelta(hours=opens_h), now + timedelta(hours=closes_h))
        stage.engine.plans.set(FlightPlan(flight, gate, (window,)))

    return step


def passed(lane: str, person: int, claim: Presented = NOTHING, wait_s: float = 60) -> Step:
    """A whole passage at another lane, that opens; then some time passes."""

    def step(stage: Stage) -> None:
        assert elsewhere(stage, lane, person, claim) is Outcome.OPEN
        stage.clock.wait(wait_s)

    return step


def refused(lane: str, person: int, claim: Presented = NOTHING) -> Step:
    """The same, and it stays shut."""

    def step(stage: Stage) -> None:
        assert elsewhere(stage, lane, person, claim) is not Outcome.OPEN
        stage.clock.wait(60)

    return step


def elsewhere(stage: Stage, lane: str, person: int, claim: Presented) -> Outcome:
    """A whole passage beside the one that is watched."""
    watched, effects = stage.attempt, stage.effects
    stage.passed_elsewhere += 1
    stage.opens(lane, claim)
    shows(person, 4)(stage)
    stage.closes()
    assert stage.attempt.decision is not None
    outcome = stage.attempt.decision.outcome
    stage.attempt, stage.effects = watched, effects
    return outcome


def by_document(person: int) -> Presented:
    return Presented(PresentedKind.DOCUMENT, f"XK{person:07d}", "UTO")


def by_reference(person: int) -> Presented:
    return Presented(PresentedKind.REFERENCE, name(person))


def tries_the_busy_lane(stage: Stage) -> None:
    """A second passage at the lane that is watched."""
    with pytest.raises(ProtocolError) as busy:
        stage.engine.open_passage(StartRequest(stage.attempt.lane_id))
    assert busy.value.code is Code.LANE_BUSY


def _all(stage: Stage, what: tuple[Step, ...]) -> None:
    for each in what:
        each(stage)
