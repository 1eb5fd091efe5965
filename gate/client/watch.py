"""A watch over several people, from the controller's side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc

from gate.client.connection import ENVELOPE_BYTES, MAX_MESSAGE_BYTES, opened
from gate.client.errors import GateUnavailableError, known_code, rebuilt
from gate.client.records import FrameRejection, PassageDecision, event
from gate.errors import Code, FrameError
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc

Box = tuple[float, float, float, float]
"""Left, top, right, bottom of a face, pixels of the frame."""


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """Somebody is followed."""

    track_id: int
    box_xyxy: Box
    frame_sequence: int


@dataclass(frozen=True, slots=True)
class PersonDecided:
    """What becomes of somebody. At most once a track.

    Attributes:
        decision: as that of a passage.
        box_xyxy: where their face was last seen.
        frame_sequence: the last frame that was looked at.
        same_as_track_id: the track on which the same traveller has passed already; None for somebody new.
    """

    track_id: int
    decision: PassageDecision
    box_xyxy: Box
    frame_sequence: int
    same_as_track_id: int | None = None


@dataclass(frozen=True, slots=True)
class PersonLost:
    """Somebody is out of sight for good. `decided`: a decision about them came before."""

    track_id: int
    decided: bool


@dataclass(frozen=True, slots=True)
class CrowdingAlarm:
    """The crowding alarm was raised or lowered.

    Attributes:
        on: raised.
        people: in view.
        too_many: more than the profile allows.
        close_track_ids: whose heads are too near to another's.
    """

    on: bool
    people: int
    too_many: bool
    close_track_ids: tuple[int, ...]
    frame_sequence: int


WatchNews = PersonSeen | PersonDecided | PersonLost | CrowdingAlarm | FrameRejection


class WatchStream:
    """A watch: send frames, read what happens. Made by `GateClient.watch`.

    Read all the time: an engine whose answers nobody reads stops looking. Leaving the ``async with`` without `end`
    abandons whoever is not decided about.
    """

    def __init__(
        self, stub: lane_pb2_grpc.LaneServiceAsyncStub, start: pb.WatchStart, address: str, timeout_s: float | None
    ) -> None:
        self._stub = stub
        self._start = start
        self._address = address
        self._timeout_s = timeout_s
        self._sequence = 0
        self._captured_us = 0
        self._nonce = b""
        self._sending = True
        self._writing = asyncio.Lock()
        self._call: grpc.aio.StreamStreamCall[Any, Any]
        self.watch_id = ""
        self.pack_id = ""
        self.max_people = 0

    async def __aenter__(self) -> Self:
        """Opens the watch.

        Raises:
            GateError: the engine does not take it on; NotFoundError for an unknown lane, ProtocolError for a busy one.
            GateUnavailableError: nobody answers.
        """
        self._call = self._stub.Watch(timeout=self._timeout_s)
        first = await opened(self._call, pb.WatchRequest(start=self._start), self._address)
        if not isinstance(first, pb.WatchResponse) or first.WhichOneof("message") != "accepted":
            self._call.cancel()
            raise GateUnavailableError(f"The engine at {self._address} ended the watch without accepting it.")
        self.watch_id, self.pack_id = first.accepted.watch_id, first.accepted.pack_id
        self.max_people, self._nonce = first.accepted.max_people, first.accepted.nonce
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending = False
        if not self._call.done():
            self._call.cancel()

    async def send_jpeg(self, data: bytes, *, capture_time_us: int | None = None) -> bool:
        """Sends a JPEG file; waits only where the network does. False: the watch is over, send no more.

        Args:
            data: the file.
            capture_time_us: when the shutter opened, on any clock that rises; by default now.

        Raises:
            FrameError: FRAME_TOO_LARGE, above the engine's limit for a message. The watch goes on.
        """
        if len(data) > MAX_MESSAGE_BYTES - ENVELOPE_BYTES:
            raise FrameError(
                Code.FRAME_TOO_LARGE, f"expected at most {MAX_MESSAGE_BYTES - ENVELOPE_BYTES} bytes; got {len(data)}."
            )
        now_us = time.monotonic_ns() // 1000
        self._sequence += 1
        self._captured_us = max(now_us, self._captured_us + 1) if capture_time_us is None else capture_time_us
        frame = pb.Frame(
            sequence=self._sequence,
            capture_time_us=self._captured_us,
            encoding=pb.FRAME_ENCODING_JPEG,
            data=data,
            nonce=self._nonce,
        )
        async with self._writing:
            if not self._sending:
                return False
            try:
                await self._call.write(pb.WatchRequest(frame=frame))
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                self._sending = False  # the stream ended while writing: reading says how
            return self._sending

    async def end(self) -> None:
        """Says that no more frames come: whoever is not decided about is now."""
        async with self._writing:
            if self._sending:
                self._sending = False
                with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                    await self._call.done_writing()

    async def __aiter__(self) -> AsyncIterator[WatchNews]:
        """What happens, as it happens, until the watch is over.

        Raises:
            GateError, GateUnavailableError: the watch broke. The lane fails safe.
        """
        try:
            while isinstance(message := await self._call.read(), pb.WatchResponse):
                if (found := news(message)) is not None:
                    yield found
        except grpc.aio.AioRpcError as broken:
            raise rebuilt(broken, self._address) from broken
        finally:
            self._sending = False


async def follow(watch: WatchStream, pictures: AsyncIterable[bytes], on_news: Callable[[WatchNews], None]) -> None:
    """Sends JPEG files at the source's own pace, and reads until the watch is over.

    Raises:
        GateError, GateUnavailableError: the watch broke.
    """
    feeder = asyncio.create_task(_feed(watch, pictures))
    try:
        async for found in watch:
            on_news(found)
    finally:
        feeder.cancel()
        with suppress(asyncio.CancelledError):
            await feeder


async def _feed(watch: WatchStream, pictures: AsyncIterable[bytes]) -> None:
    try:
        async for picture in pictures:
            if not await watch.send_jpeg(picture):
                return
    finally:
        await watch.end()


def news(message: pb.WatchResponse) -> WatchNews | None:
    """What a response says; None for a kind that this client does not know."""
    match message.WhichOneof("message"):
        case "track_started":
            started = message.track_started
            return PersonSeen(started.track_id, _box(started.box), started.frame_sequence)
        case "track_decided":
            return _decided(message.track_decided)
        case "track_lost":
            return PersonLost(message.track_lost.track_id, message.track_lost.decided)
        case "crowding":
            found = message.crowding
            close = tuple(found.close_track_ids)
            return CrowdingAlarm(found.alarm, found.people, found.too_many, close, found.frame_sequence)
        case "frame_rejected":
            refused = message.frame_rejected
            return FrameRejection(refused.sequence, known_code(refused.code), refused.message)
        case _:
            return None


def _decided(message: pb.TrackDecided) -> PersonDecided | None:
    decision = event(pb.PassageResponse(decision=message.decision))
    if not isinstance(decision, PassageDecision):
        return None
    same_as = message.same_as_track_id if message.HasField("same_as_track_id") else None
    return PersonDecided(message.track_id, decision, _box(message.box), message.frame_sequence, same_as)


def _box(box: pb.Box) -> Box:
    return box.left, box.top, box.right, box.bottom
