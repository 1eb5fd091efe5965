"""One passage on the wire: three tasks that never wait for each other.

::

    requests ─► reader ─► Mailbox ─► worker ─► Attempt      reader: always drains the stream, so memory stays flat
                  │                    │                    worker: one frame at a time, in a thread
                  └──────► Outbox ◄────┘                    run(): writes, as fast as the controller reads
                              └─► write

The reader and the worker end with exactly one decision in the outbox, or with the error that the stream ends with.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from gate.clock import Clock
from gate.decision.passage import Effect, Guide
from gate.engine.attempt import Attempt
from gate.errors import Code, FrameError, GateError, ProtocolError
from gate.service import convert, incident
from gate.service.drain import Drain
from gate.service.frame_order import FrameOrder
from gate.service.mailbox import Mailbox
from gate.service.outbox import Outbox
from gate.service.pb import lane_pb2 as pb
from gate.service.rejections import RejectionRate
from gate.service.threads import in_thread
from gate.vision.frame import Frame

GONE_WITHIN_S = 0.03
"""A controller that vanishes ends its frames too, and is known to be gone a moment later: that passage is abandoned and
not decided."""

Write = Callable[[pb.PassageResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame, and when it came, seconds on the monotonic clock."""

    frame: Frame
    at_s: float


class PassageSession:
    """Runs one attempt between a stream of requests and a stream of responses.

    Args:
        attempt: the passage, just opened.
        release: frees the lane. Called once, before the decision is written, so that a controller that has read it
            can open the next passage at once.
        clock, executor, drain: the server's.
    """

    def __init__(
        self, attempt: Attempt, release: Callable[[], None], clock: Clock, executor: Executor, drain: Drain
    ) -> None:
        self._attempt = attempt
        self._release = release
        self._clock = clock
        self._executor = executor
        self._drain = drain
        self._mailbox: Mailbox[Arrived] = Mailbox(overtaken=attempt.drop)
        self._outbox = Outbox()
        self._order = FrameOrder()
        self._rejections = RejectionRate()

    async def run(self, requests: AsyncIterator[pb.PassageRequest], write: Write, budget_s: float) -> None:
        """Runs the passage to its decision, at the latest `budget_s` from now.

        Raises:
            ProtocolError: a message out of turn.
        """
        tasks = (asyncio.create_task(self._read(requests)), asyncio.create_task(self._decide_within(budget_s)))
        try:
            async for response in self._outbox:
                await write(response)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.PassageRequest]) -> None:
        try:
            async for request in requests:
                self._take(request)
        except Exception as error:  # noqa: BLE001 -- whatever ends the stream is the worker's to raise
            self._mailbox.close(error)
        self._mailbox.close()

    def _take(self, request: pb.PassageRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "start":
            raise ProtocolError(Code.START_REPEATED, "`start` came a second time on this stream.")
        if kind is None:
            raise ProtocolError(Code.MESSAGE_EMPTY, "Expected a `frame`; got a message without content.")
        try:
            self._order.check(request.frame)
            self._mailbox.put(Arrived(convert.frame(request.frame), self._clock.monotonic()))
        except FrameError as error:
            self._attempt.reject()
            self._refuse(request.frame.sequence, error)

    async def _decide_within(self, budget_s: float) -> None:
        work = asyncio.create_task(self._work())
        cut = asyncio.create_task(self._drain.wait_cut())
        try:
            await asyncio.wait((work, cut), timeout=budget_s, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            else:
                # A model that is still running finishes in its thread; nobody waits for it.
                self._apply(self._attempt.shut_down() if cut.done() else self._attempt.budget_spent())
            await self._finish()
        except Exception as error:  # noqa: BLE001 -- run() raises it where the call's status is made
            self._outbox.finish(error)
        finally:
            work.cancel()
            cut.cancel()

    async def _work(self) -> None:
        self._apply(await self._arrive())
        while self._attempt.decision is None:
            arrived = await self._mailbox.get()
            if arrived is None:
                await asyncio.sleep(GONE_WITHIN_S)
                self._apply(self._attempt.frames_ended())
                return
            self._apply(await self._observe(arrived))

    async def _arrive(self) -> tuple[Effect, ...]:
        try:
            return await in_thread(self._executor, self._attempt.arrive)
        except Exception as error:  # noqa: BLE001 -- as below
            return self._attempt.fault(incident.record(error, "arrive"))

    async def _observe(self, arrived: Arrived) -> tuple[Effect, ...]:
        try:
            return await in_thread(self._executor, lambda: self._attempt.observe(arrived.frame, arrived.at_s))
        except FrameError as error:
            self._refuse(arrived.frame.sequence, error)
            return ()
        except Exception as error:  # noqa: BLE001 -- a broken engine sends the traveller to an officer, in every case
            return self._attempt.fault(incident.record(error, "observe"))

    def _refuse(self, sequence: int, error: GateError) -> None:
        if self._rejections.allows(self._clock.monotonic()):
            self._outbox.offer(convert.frame_rejected(sequence, error))

    def _apply(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Guide):
                self._outbox.offer(convert.guidance(effect))

    async def _finish(self) -> None:
        decision = self._attempt.decision
        if decision is None:
            raise RuntimeError("the passage ended without a decision")
        self._mailbox.discard()
        message = convert.decision(decision, self._attempt.report(), self._attempt)
        # Journalled before it is told, in a thread because the journal may be on a disk. A decision that cannot be
        # journalled is not told: the controller gets an error, and the gate stays closed.
        await asyncio.to_thread(self._release)
        self._outbox.finish(message)
