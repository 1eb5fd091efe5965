"""LaneService: opens a passage, hands it to a session, and frees the lane in every case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import TypeVar, overload

import grpc

from gate.engine.engine import Engine
from gate.engine.trail import AtLane
from gate.errors import Code, NotFoundError, ProtocolError
from gate.service import convert, convert_watch
from gate.service.drain import Drain
from gate.service.frame_guard import FrameGuard, LaneMemory
from gate.service.passage_session import PassageSession
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.service.threads import in_thread
from gate.service.watch_session import WatchSession

DEADLINE_MARGIN_S = 0.15
"""The decision leaves this long before the controller's deadline, to arrive within it."""

START_WITHIN_S = 10.0
"""An opened stream that stays silent is closed after this long."""


T = TypeVar("T")
R = TypeVar("R", pb.PassageRequest, pb.WatchRequest)


class LaneService(lane_pb2_grpc.LaneServiceServicer):
    """The lanes' side of the engine.

    Args:
        engine: opens passages.
        executor: threads that look at frames.
        drain: knows whether new passages are taken on.
        warm: set once the models are loaded; a passage opened earlier is accepted when they are.
    """

    def __init__(self, engine: Engine, executor: Executor, drain: Drain, warm: asyncio.Event) -> None:
        self._engine = engine
        self._executor = executor
        self._drain = drain
        self._warm = warm
        self._frames = engine.settings.frames
        self._memories = {lane: LaneMemory(self._frames.remembered) for lane in engine.settings.lanes}

    # A coroutine that writes, where the stubs' types expect a generator: see interceptors.Guard.
    async def Passage(  # type: ignore[override]  # noqa: N802 -- the protocol's name
        self,
        request_iterator: AsyncIterator[pb.PassageRequest],
        context: grpc.aio.ServicerContext[pb.PassageRequest, pb.PassageResponse],
    ) -> None:
        """One traveller's attempt at one lane."""
        first = await _first(request_iterator)
        start = convert.start_request(first.start)
        with self._drain.passage(), ExitStack() as told, ExitStack() as lane:
            await self._warm.wait()
            attempt = await self._open("Passage", lambda: self._engine.open_passage(start), start.lane_id)
            told.callback(self._engine.log_passage, attempt)
            lane.callback(self._engine.close_passage, attempt)
            longest_s = _longest_s(attempt.longest_s, context.time_remaining())
            guard = FrameGuard(self._frames, self._memories[start.lane_id])
            lane.callback(self._report_alarms, attempt, guard)
            session = PassageSession(attempt, lane.close, guard, self._engine.clock, self._executor, self._drain)
            await context.write(convert.accepted(attempt, longest_s, guard.nonce))
            await session.run(request_iterator, context.write, longest_s)
        await in_thread(self._executor, self._engine.end_journeys)
        await in_thread(self._executor, self._engine.write_recordings)

    async def Watch(  # type: ignore[override]  # noqa: N802 -- the protocol's name
        self,
        request_iterator: AsyncIterator[pb.WatchRequest],
        context: grpc.aio.ServicerContext[pb.WatchRequest, pb.WatchResponse],
    ) -> None:
        """Several people at one lane, who walk through."""
        first = await _first(request_iterator)
        start = convert_watch.start_request(first.start)
        with self._drain.passage(), ExitStack() as lane:
            await self._warm.wait()
            watch = await self._open("Watch", lambda: self._engine.open_watch(start), start.lane_id)
            lane.callback(self._engine.close_watch, watch)
            guard = FrameGuard(self._frames, self._memories[start.lane_id])
            lane.callback(self._report_alarms, watch, guard)
            opened, clock = self._engine.end_journeys, self._engine.clock
            session = WatchSession(watch, opened, guard, clock, self._executor, self._drain)
            await context.write(convert_watch.accepted(watch, guard.nonce))
            await session.run(request_iterator, context.write, _longest_s(None, context.time_remaining()))

    async def _open(self, method: str, open_: Callable[[], T], lane_id: str) -> T:
        try:
            return open_()
        except NotFoundError as refused:
            await asyncio.to_thread(self._engine.trail.refused, method, refused.code.value, lane_id)
            raise

    def _report_alarms(self, attempt: AtLane, guard: FrameGuard) -> None:
        if guard.alarms:
            self._engine.frames_alarmed(attempt, guard.alarms, guard.refused)

    async def RecordOverride(  # noqa: N802 -- the protocol's name
        self,
        request: pb.RecordOverrideRequest,
        _context: grpc.aio.ServicerContext[pb.RecordOverrideRequest, pb.RecordOverrideResponse],
    ) -> pb.RecordOverrideResponse:
        """What an officer decided otherwise, into the journal."""
        told = convert.override(request)
        position = await in_thread(
            self._executor,
            lambda: self._engine.trail.override(told.passage_id, told.officer_id, told.outcome, told.reason),
        )
        return pb.RecordOverrideResponse(journal_position=position)


async def _first(requests: AsyncIterator[R]) -> R:
    """The first message, which is `start`."""
    try:
        return await asyncio.wait_for(_start(requests), START_WITHIN_S)
    except TimeoutError as error:
        raise ProtocolError(Code.START_MISSING, f"Expected `start` within {START_WITHIN_S:g} s.") from error


async def _start(requests: AsyncIterator[R]) -> R:
    async for request in requests:
        kind = request.WhichOneof("message")
        if kind == "start":
            return request
        if kind is None:
            raise ProtocolError(Code.MESSAGE_EMPTY, "Expected `start`; got a message without content.")
        raise ProtocolError(Code.START_MISSING, "Expected `start`; got a frame.")
    raise ProtocolError(Code.START_MISSING, "Expected `start`; the stream ended without a message.")


@overload
def _longest_s(engine_s: float, deadline_s: float | None) -> float: ...
@overload
def _longest_s(engine_s: None, deadline_s: float | None) -> float | None: ...
def _longest_s(engine_s: float | None, deadline_s: float | None) -> float | None:
    """The engine's time, or the controller's where that is shorter; None where neither has an end."""
    if deadline_s is None:
        return engine_s
    # A deadline shorter than the margin still leaves the engine most of its time.
    within_s = max(0.0, deadline_s - min(DEADLINE_MARGIN_S, deadline_s / 4))
    return within_s if engine_s is None else min(engine_s, within_s)
