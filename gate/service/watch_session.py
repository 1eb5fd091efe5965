"""A watch over several people on the wire: as a passage (see `passage_session`), but with many decisions and no end.

::

    requests ─► reader ─► Mailbox ─► worker ─► Watch       worker: one frame at a time, and none while much is unread
                  │                    │
                  └──────► Outbox ◄────┘
                              └─► write
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from gate.clock import Clock
from gate.decision.outcome import Reason
from gate.engine.track_passage import TrackPassage
from gate.engine.watch import Finish, Watch
from gate.engine.watch_events import WatchEvent
from gate.errors import Code, FrameError, GateError, ProtocolError, StorageFault
from gate.service import convert, convert_watch, incident
from gate.service.drain import Drain
from gate.service.frame_guard import FrameGuard
from gate.service.mailbox import Mailbox
from gate.service.outbox import Outbox
from gate.service.passage_session import GONE_WITHIN_S
from gate.service.pb import lane_pb2 as pb
from gate.service.rejections import RejectionRate
from gate.service.threads import in_thread
from gate.vision.frame import Frame

Write = Callable[[pb.WatchResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame, and when it came, seconds on the monotonic clock."""

    frame: Frame
    at_s: float


class WatchSession:
    """Runs one watch between a stream of requests and a stream of responses.

    Args:
        watch: just opened.
        opened: called in a thread when somebody was told to pass.
        guard: of the frames.
        clock, executor, drain: the server's.
    """

    def __init__(
        self,
        watch: Watch,
        opened: Callable[[], None],
        guard: FrameGuard,
        clock: Clock,
        executor: Executor,
        drain: Drain,
    ) -> None:
        self._watch = watch
        self._opened = opened
        self._clock = clock
        self._executor = executor
        self._drain = drain
        self._guard = guard
        self._mailbox: Mailbox[Arrived] = Mailbox(lambda _: watch.drop())
        self._outbox: Outbox[pb.WatchResponse] = Outbox()
        self._rejections = RejectionRate()
        watch.check_picture = guard.check_pixels

    async def run(self, requests: AsyncIterator[pb.WatchRequest], write: Write, longest_s: float | None) -> None:
        """Runs the watch until the controller ends its frames, at the latest `longest_s` from now.

        Raises:
            ProtocolError: a message out of turn.
            EngineFault, StorageFault: the engine broke; everybody in view was referred before, where that can be kept.
        """
        tasks = (asyncio.create_task(self._read(requests)), asyncio.create_task(self._watch_for(longest_s)))
        try:
            async for response in self._outbox:
                await write(response)
                if response.track_decided.decision.outcome == pb.OUTCOME_OPEN:
                    await in_thread(self._executor, self._opened)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[pb.WatchRequest]) -> None:
        try:
            async for request in requests:
                self._put(request)
        except Exception as error:  # noqa: BLE001 -- whatever ends the stream is the worker's to raise
            self._mailbox.close(error)
        self._mailbox.close()

    def _put(self, request: pb.WatchRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "start":
            raise ProtocolError(Code.START_REPEATED, "`start` came a second time on this stream.")
        if kind is None:
            raise ProtocolError(Code.MESSAGE_EMPTY, "Expected a `frame`; got an empty message.")
        try:
            arrived_s = self._clock.monotonic()
            self._guard.check(request.frame, arrived_s)
            self._mailbox.put(Arrived(convert.frame(request.frame), arrived_s))
        except FrameError as error:
            self._watch.reject()
            self._refuse(request.frame.sequence, error)

    async def _watch_for(self, longest_s: float | None) -> None:
        work = asyncio.create_task(self._work())
        cut = asyncio.create_task(self._drain.wait_cut())
        try:
            await asyncio.wait((work, cut), timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            else:
                await self._end(TrackPassage.shut_down if cut.done() else TrackPassage.budget_spent)
            self._outbox.finish(None)
        except Exception as error:  # noqa: BLE001 -- run() raises it where the call's status is made
            self._outbox.finish(error)
        finally:
            work.cancel()
            cut.cancel()

    async def _work(self) -> None:
        while not self._guard.tampered:
            await self._outbox.until_room()
            arrived = await self._mailbox.get()
            if arrived is None:
                break
            await self._observe(arrived)
        if self._guard.tampered:
            await self._end(lambda passage: passage.refuse(Reason.TAMPERED_FRAMES))
        else:
            await asyncio.sleep(GONE_WITHIN_S)
            await self._end(TrackPassage.frames_ended)

    async def _observe(self, arrived: Arrived) -> None:
        try:
            self._tell(await in_thread(self._executor, lambda: self._watch.observe(arrived.frame, arrived.at_s)))
        except FrameError as error:
            self._refuse(arrived.frame.sequence, error)
        except StorageFault:
            raise  # what cannot be journalled cannot be told
        except Exception as error:
            # A broken engine sends everybody to an officer, in every case.
            known = incident.record(error, "observe")
            await self._end(lambda passage: passage.fault(known))
            raise

    async def _end(self, finish: Finish) -> None:
        self._tell(await in_thread(self._executor, lambda: self._watch.end(finish)))

    def _tell(self, events: tuple[WatchEvent, ...]) -> None:
        for event in events:
            self._outbox.keep(convert_watch.happened(event))

    def _refuse(self, sequence: int, error: GateError) -> None:
        if self._guard.tampered:
            self._mailbox.close()  # wakes the worker, who may wait for a frame that never comes
        if self._rejections.allows(self._clock.monotonic()):
            self._outbox.offer(convert_watch.frame_rejected(sequence, error))
