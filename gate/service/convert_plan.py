"""Flight plans, and passes by an officer, as messages, checked, and back; for the service and the client alike."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from google.protobuf import timestamp_pb2

from gate.decision.journey import GATE, FlightPlan, Window
from gate.errors import Code, ProtocolError
from gate.service.checks import Checks
from gate.service.pb import gallery_pb2 as pb

MAX_WINDOWS = 64
"""Windows in one plan: more than any route has touchpoints."""


def plan(message: pb.FlightPlan, last_touchpoint: str) -> FlightPlan:
    """A plan as the engine takes it. Whether its windows make sense is for `FlightPlans.set` to say.

    Args:
        last_touchpoint: what a window without a touchpoint means.

    Raises:
        ProtocolError: FIELD_INVALID, with every field at fault.
    """
    checks = Checks("plan.")
    flight = checks.name("flight", message.flight, required=True)
    gate = message.gate.upper()
    if not message.gate.isascii() or not re.fullmatch(GATE, gate):
        checks.fault("gate", "at most 16 letters, digits, '.', '_' or '-', or nothing")
    if len(message.windows) > MAX_WINDOWS:
        checks.fault("windows", f"at most {MAX_WINDOWS}; got {len(message.windows)}")
    windows = tuple(
        Window(
            checks.name(f"windows[{index}].touchpoint", window.touchpoint) or last_touchpoint,
            _moment(checks, f"windows[{index}].opens_at", window.opens_at if window.HasField("opens_at") else None),
            _moment(checks, f"windows[{index}].closes_at", window.closes_at if window.HasField("closes_at") else None),
        )
        for index, window in enumerate(message.windows[:MAX_WINDOWS])
    )
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The flight plan is not as the protocol says.", *checks.violations)
    return FlightPlan(flight, gate, windows)


def message(plan: FlightPlan) -> pb.FlightPlan:
    """A plan on the wire. Its times must have a time zone."""
    return pb.FlightPlan(flight=plan.flight, gate=plan.gate, windows=[_window(window) for window in plan.windows])


def unpacked(message: pb.FlightPlan) -> FlightPlan:
    """A plan that an engine sent."""
    return FlightPlan(
        message.flight,
        message.gate,
        tuple(
            Window(
                window.touchpoint,
                window.opens_at.ToDatetime(tzinfo=UTC) if window.HasField("opens_at") else None,
                window.closes_at.ToDatetime(tzinfo=UTC) if window.HasField("closes_at") else None,
            )
            for window in message.windows
        ),
    )


def officers_pass(message: pb.RecordPassRequest) -> tuple[str, str, str, str, str]:
    """Reference, flight, touchpoint, officer and reason of a pass by an officer's decision.

    Raises:
        ProtocolError: FIELD_INVALID, with every field at fault.
    """
    checks = Checks()
    told = (
        checks.reference("traveller_reference", message.traveller_reference),
        checks.name("flight", message.flight, required=True),
        checks.name("touchpoint", message.touchpoint),
        checks.word("officer_id", message.officer_id),
        checks.word("reason", message.reason),
    )
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The request is not as the protocol says.", *checks.violations)
    return told


def _window(window: Window) -> pb.TouchpointWindow:
    message = pb.TouchpointWindow(touchpoint=window.touchpoint)
    if window.opens_at is not None:
        message.opens_at.FromDatetime(window.opens_at)
    if window.closes_at is not None:
        message.closes_at.FromDatetime(window.closes_at)
    return message


def _moment(checks: Checks, field: str, stamp: timestamp_pb2.Timestamp | None) -> datetime | None:
    if stamp is None:
        return None
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        checks.fault(field, "a UTC time of the years 1 to 9999")
        return None
