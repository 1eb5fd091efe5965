"""One passage on the wire: three tasks that never wait for each other.

::

    requests ─► reader ─► Mailbox ─► worker ─► Attempt      reader: always drains the stream, so memory stays flat
                  │                    │                    worker: one frame or finger at a time, in a thread
                  └──────► Outbox ◄────┘                    run(): writes, as fast as the controller reads
                              └─► write

The reader and the worker end with exactly one decision in the outbox, or with the error that the stream ends with. The
thread in which the decision falls also journals it, frees the lane and makes the message: no hop between threads then
stands between the decision and the controller.
"""

from __future__ import annotations

import asyncio
import enum
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from gate.clock import Clock
from gate.decision.event import Effect, Guide, RequestFinger
from gate.decision.outcome import Reason
from gate.decision.passage import Phase
from gate.engine.attempt import Attempt
from gate.errors import Code, FingerprintError, FrameError, GateError, ProtocolError
from gate.fingerprint.sample import FingerSample
from gate.service import convert, incident
from gate.service.convert_finger import finger_sample
from gate.service.drain import Drain
from gate.service.frame_guard import FrameGuard
from gate.service.mailbox import Mailbox
from gate.service.once import Once
from gate.service.outbox import Outbox
from gate.service.pb import lane_pb2 as pb
from gate.service.rejections import RejectionRate
from gate.service.threads import in_thread
from gate.vision.frame import Frame

GONE_WITHIN_S = 0.03
"""A controller that vanishes ends its frames too, and is known to be gone a moment later: that passage is abandoned and
not decided."""

Write = Callable[[pb.PassageResponse], Awaitable[None]]


class Word(enum.Enum):
    """What the worker is told beside frames and fingers."""

    FRAMES_DONE = enum.auto()
    TAMPERED = enum.auto()


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame, a finger or a word; and when, seconds on the monotonic clock."""

    what: Frame | FingerSample | Word
    at_s: float


class PassageSession:
    """Runs one attempt between a stream of requests and a stream of responses.

    Args:
        attempt: the passage, just opened.
        release: journals the decision and frees the lane (blocking). Called once, in a thread, before the decision is
            written, so that a controller that has read it can open the next passage at once.
        guard: of the passage's frames.
        clock, executor, drain: the server's.
    """

    def __init__(
        self,
        attempt: Attempt,
        release: Callable[[], None],
        guard: FrameGuard,
        clock: Clock,
        executor: Executor,
        drain: Drain,
    ) -> None:
        self._attempt = attempt
        self._release = release
        self._clock = clock
        self._executor = executor
        self._drain = drain
        self._mailbox: Mailbox[Arrived] = Mailbox(self._overtaken)
        self._deadline_s = self._latest_s = math.inf
        self._asked = asyncio.Event()
        self._outbox: Outbox[pb.PassageResponse] = Outbox()
        self._last_word = Once(self._close)
        self._loop = asyncio.get_running_loop()
        self._guard = guard
        attempt.check_picture = guard.check_pixels
        self._rejections = RejectionRate()

    async def run(self, requests: AsyncIterator[pb.PassageRequest], write: Write, longest_s: float) -> None:
        """Runs the passage to its decision: within its budget, and at the latest `longest_s` from now.

        Raises:
            ProtocolError: a message out of turn.
        """
        now_s = self._clock.monotonic()
        self._latest_s = now_s + longest_s
        self._deadline_s = min(now_s + self._attempt.budget_s, self._latest_s)
        tasks = (asyncio.create_task(self._read(requests)), asyncio.create_task(self._decide_in_time()))
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
                self._put(request)
        except Exception as error:  # noqa: BLE001 -- whatever ends the stream is the worker's to raise
            self._mailbox.close(error)
        self._mailbox.close()

    def _put(self, request: pb.PassageRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "start":
            raise ProtocolError(Code.START_REPEATED, "`start` came a second time on this stream.")
        if kind is None:
            raise ProtocolError(Code.MESSAGE_EMPTY, "Expected a `frame` or a `fingerprint`; got an empty message.")
        try:
            arrived_s = self._clock.monotonic()
            self._mailbox.put(Arrived(self._content(kind, request, arrived_s), arrived_s), kind)
        except FrameError as error:
            self._attempt.reject()
            self._refuse(request.frame.sequence, error)
        except FingerprintError as error:
            self._outbox.offer(convert.finger_rejected(error))

    def _content(self, kind: str, request: pb.PassageRequest, arrived_s: float) -> Frame | FingerSample | Word:
        if kind == "frame":
            self._guard.check(request.frame, arrived_s)
            return convert.frame(request.frame)
        return finger_sample(request.fingerprint) if kind == "fingerprint" else Word.FRAMES_DONE

    def _overtaken(self, arrived: Arrived) -> None:
        if isinstance(arrived.what, Frame):
            self._attempt.drop()

    async def _decide_in_time(self) -> None:
        work = asyncio.create_task(self._work())
        cut = asyncio.create_task(self._drain.wait_cut())
        # The finger's time may end before the face's would have.
        asked = asyncio.create_task(self._asked.wait())
        try:
            while self._attempt.decision is None and not (work.done() or cut.done()):
                left_s = self._deadline_s - self._clock.monotonic()
                if left_s <= 0 and self._is_about_to_ask():
                    left_s = self._latest_s - self._clock.monotonic()
                if left_s > 0:
                    awaited = (work, cut) if asked.done() else (work, cut, asked)
                    await asyncio.wait(awaited, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                else:
                    # Decides, or asks for a finger, for which there may be time. A model that is still running finishes
                    # in its thread; nobody waits for it.
                    self._apply(self._attempt.budget_spent())
            if work.done():
                work.result()
            elif cut.done():
                self._apply(self._attempt.shut_down())
            await self._finish()
        except Exception as error:  # noqa: BLE001 -- run() raises it where the call's status is made
            self._outbox.finish(error)
        finally:
            for task in (work, cut, asked):
                task.cancel()

    def _is_about_to_ask(self) -> bool:
        """The face's time ended while the request of a finger was on its way from the worker's thread."""
        return self._attempt.state.phase is Phase.ASKING and not self._asked.is_set()

    async def _work(self) -> None:
        self._apply(await self._in_thread("arrive", self._attempt.arrive))
        while self._attempt.decision is None:
            arrived = await self._mailbox.get()
            if arrived is None:
                await asyncio.sleep(GONE_WITHIN_S)
                self._apply(self._attempt.frames_ended())
                return
            self._apply(await self._take(arrived))

    async def _take(self, arrived: Arrived) -> tuple[Effect, ...]:
        what = arrived.what
        try:
            if isinstance(what, Frame):
                return await self._in_thread("observe", lambda: self._attempt.observe(what, arrived.at_s))
            if isinstance(what, FingerSample):
                return await self._in_thread("finger", lambda: self._attempt.take_finger(what, arrived.at_s))
            if what is Word.TAMPERED:
                return self._attempt.refuse(Reason.TAMPERED_FRAMES)
            return self._attempt.frames_done()
        except FrameError as error:
            self._refuse(what.sequence if isinstance(what, Frame) else 0, error)
        except FingerprintError as error:
            self._outbox.offer(convert.finger_rejected(error))
        return ()

    async def _in_thread(self, stage: str, work: Callable[[], tuple[Effect, ...]]) -> tuple[Effect, ...]:
        try:
            return await in_thread(self._executor, lambda: self._to_the_end(work))
        except (FrameError, FingerprintError):
            raise
        except Exception as error:  # noqa: BLE001 -- a broken engine sends the traveller to an officer, in every case
            return self._attempt.fault(incident.record(error, stage))

    def _to_the_end(self, work: Callable[[], tuple[Effect, ...]]) -> tuple[Effect, ...]:
        """In the worker's thread: the work, and where it decides, all that the decision needs before it is told."""
        effects = work()
        if self._attempt.decision is None:
            return effects
        self._last_word.settle()
        self._loop.call_soon_threadsafe(self._tell_last)
        return ()  # advice on the frame that decides is for nobody, and would be written before the decision

    def _refuse(self, sequence: int, error: GateError) -> None:
        if self._guard.tampered:
            self._mailbox.put(Arrived(Word.TAMPERED, self._clock.monotonic()), "tampered")
        if self._rejections.allows(self._clock.monotonic()):
            self._outbox.offer(convert.frame_rejected(sequence, error))

    def _apply(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Guide):
                self._outbox.offer(convert.guidance(effect))
            elif isinstance(effect, RequestFinger):
                self._request(effect)

    def _request(self, effect: RequestFinger) -> None:
        now_s = self._clock.monotonic()
        if not self._asked.is_set():
            self._asked.set()
            self._deadline_s = min(now_s + self._attempt.rules.policy.finger_budget_s, self._latest_s)
        self._outbox.keep(convert.finger_request(effect, self._deadline_s - now_s))

    async def _finish(self) -> None:
        if self._attempt.decision is None:
            raise RuntimeError("the passage ended without a decision")
        if not self._last_word.done:
            await asyncio.to_thread(self._last_word.settle)
        self._tell_last()

    def _close(self) -> pb.PassageResponse:
        """The decision as a message, once it is journalled: in a thread, because the journal may be on a disk.

        Raises:
            StorageFault: it cannot be journalled, so it is not told: the controller gets an error, the gate stays shut.
        """
        decision = self._attempt.decision
        if decision is None:
            raise RuntimeError("the passage ended without a decision")
        self._mailbox.discard()
        message = convert.decision(decision, self._attempt.report(), self._attempt)
        self._release()
        return message

    def _tell_last(self) -> None:
        """Ends the stream; only the first call has an effect."""
        try:
            self._outbox.finish(self._last_word.result())
        except Exception as error:  # noqa: BLE001 -- run() raises it where the call's status is made
            self._outbox.finish(error)
