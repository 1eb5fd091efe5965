"""One passage, from the controller's side."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from gate.client.connection import ENVELOPE_BYTES, MAX_MESSAGE_BYTES, opened
from gate.client.errors import GateUnavailableError, rebuilt
from gate.client.records import PassageDecision, PassageEvent, event
from gate.errors import Code, FingerprintError, FrameError
from gate.fingerprint.sample import FingerSample
from gate.service.convert_finger import finger_message
from gate.service.enums import ENCODING_TO_WIRE
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.vision.frame import Encoding, Frame

UNREAD_EVENTS = 256
"""Events kept for a controller that does not read them; the oldest go first."""


class PassageStream:
    """A passage: send frames, read events, get the decision. Made by `GateClient.passage`.

    Leaving the ``async with`` before the decision abandons the passage.
    """

    def __init__(
        self, stub: lane_pb2_grpc.LaneServiceAsyncStub, start: pb.PassageStart, address: str, timeout_s: float | None
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
        self._events: deque[PassageEvent] = deque(maxlen=UNREAD_EVENTS)
        self._news = asyncio.Condition()
        self._decision: PassageDecision | None = None
        self._error: Exception | None = None
        self._reader: asyncio.Task[None] | None = None
        self._call: grpc.aio.StreamStreamCall[Any, Any]
        self.passage_id = ""
        self.pack_id = ""
        self.budget_s = 0.0

    async def __aenter__(self) -> Self:
        """Opens the passage.

        Raises:
            GateError: the engine does not take it on; NotFoundError for an unknown lane, ProtocolError for a busy one.
            GateUnavailableError: nobody answers.
        """
        self._call = self._stub.Passage(timeout=self._timeout_s)
        first = await opened(self._call, pb.PassageRequest(start=self._start), self._address)
        if not isinstance(first, pb.PassageResponse) or first.WhichOneof("message") != "accepted":
            self._call.cancel()
            raise GateUnavailableError(f"The engine at {self._address} ended the passage without accepting it.")
        self.passage_id, self.pack_id = first.accepted.passage_id, first.accepted.pack_id
        self.budget_s = first.accepted.budget_ms / 1000
        self._nonce = first.accepted.nonce
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sending = False
        if self._decision is None:
            self._call.cancel()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    @property
    def decided(self) -> bool:
        """Whether the engine has decided, or the passage broke: further frames are for nothing."""
        return self._decision is not None or self._error is not None

    async def send_jpeg(
        self,
        data: bytes,
        *,
        capture_time_us: int | None = None,
        camera_id: str = "",
        sensor_liveness: float | None = None,
    ) -> bool:
        """Sends a JPEG file. See `send_frame`; `capture_time_us` is now by default."""
        captured_us = self._or_now(capture_time_us)
        return await self.send_frame(
            Frame(self._next(), captured_us, Encoding.JPEG, 0, 0, data, camera_id, sensor_liveness)
        )

    async def send(
        self,
        image: NDArray[np.uint8],
        *,
        capture_time_us: int | None = None,
        camera_id: str = "",
        sensor_liveness: float | None = None,
    ) -> bool:
        """Sends pixels: (H, W, 3) uint8 BGR or (H, W) uint8 grey. See `send_frame`.

        Raises:
            FrameError: FRAME_UNSUPPORTED for another shape or type; FRAME_TOO_LARGE above 4 MiB: send a JPEG instead.
        """
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
            raise FrameError(
                Code.FRAME_UNSUPPORTED,
                f"expected (H, W, 3) BGR or (H, W) grey, uint8; got {image.shape}, {image.dtype}",
            )
        encoding = Encoding.BGR24 if image.ndim == 3 else Encoding.GREY8
        height_px, width_px = image.shape[:2]
        captured_us, data = self._or_now(capture_time_us), image.tobytes()
        return await self.send_frame(
            Frame(self._next(), captured_us, encoding, width_px, height_px, data, camera_id, sensor_liveness)
        )

    async def send_frame(self, frame: Frame) -> bool:
        """Sends one frame; waits only where the network does. False: the passage is decided, send no more.

        Raises:
            FrameError: FRAME_TOO_LARGE, above the engine's limit for a message. The passage goes on.
        """
        if len(frame.data) > MAX_MESSAGE_BYTES - ENVELOPE_BYTES:
            raise FrameError(
                Code.FRAME_TOO_LARGE,
                f"expected at most {MAX_MESSAGE_BYTES - ENVELOPE_BYTES} bytes; got {len(frame.data)}. Send a JPEG.",
            )
        self._sequence = max(self._sequence, frame.sequence)
        self._captured_us = max(self._captured_us, frame.capture_time_us)
        return await self._write(pb.PassageRequest(frame=_message(frame, self._nonce)))

    async def _write(self, message: pb.PassageRequest) -> bool:
        # One at a time: gRPC breaks off a stream that two tasks write to, such as a camera and a fingerprint sensor.
        async with self._writing:
            if self.decided or not self._sending:
                return False
            try:
                await self._call.write(message)
            except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
                # The stream ended while writing, with a decision or an error: reading says which.
                self._sending = False
            return not self.decided

    async def send_finger(self, sample: FingerSample) -> bool:
        """Sends one finger, after `FingerRequested`. False: the passage is decided, send no more.

        Raises:
            FingerprintError: FINGER_IMAGE_INVALID, above the engine's limit for a message. The passage goes on.
        """
        if len(sample.data) > MAX_MESSAGE_BYTES - ENVELOPE_BYTES:
            raise FingerprintError(
                Code.FINGER_IMAGE_INVALID,
                f"expected at most {MAX_MESSAGE_BYTES - ENVELOPE_BYTES} bytes; got {len(sample.data)}. Send a PNG.",
            )
        return await self._write(pb.PassageRequest(fingerprint=finger_message(sample)))

    async def frames_done(self) -> None:
        """Says that no more frames come, a finger may: the engine decides by those it has, or asks for a finger."""
        await self._write(pb.PassageRequest(frames_done=pb.FramesDone()))

    async def end(self) -> None:
        """Says that nothing more comes: the engine decides by what it has."""
        async with self._writing:
            if self._sending and not self.decided:
                self._sending = False
                with suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
                    await self._call.done_writing()

    async def __aiter__(self) -> AsyncIterator[PassageEvent]:
        """Events as they come, the decision last. Each event is delivered once.

        Raises:
            GateError, GateUnavailableError: the passage broke.
        """
        while True:
            async with self._news:
                await self._news.wait_for(lambda: self._events or self.decided)
            while self._events:
                yield self._events.popleft()
            if self.decided and not self._events:
                if self._error is not None:
                    raise self._error
                return

    async def decision(self) -> PassageDecision:
        """Waits for the final answer; does not end the frames, see `end`.

        Raises:
            GateError: a message out of turn.
            GateUnavailableError: the connection broke. The lane fails safe.
        """
        async with self._news:
            await self._news.wait_for(lambda: self.decided)
        if self._decision is None:
            raise self._error or GateUnavailableError(f"The engine at {self._address} ended without a decision.")
        return self._decision

    async def _read(self) -> None:
        try:
            while isinstance(message := await self._call.read(), pb.PassageResponse):
                await self._note(event(message))
        except grpc.aio.AioRpcError as broken:
            self._error = rebuilt(broken, self._address)
        except asyncio.CancelledError:
            self._error = GateUnavailableError("The passage was abandoned before the decision.")
        finally:
            await self._ended()

    async def _ended(self) -> None:
        async with self._news:
            if self._decision is not None:
                self._error = None  # what breaks after the decision changes nothing
            elif self._error is None:
                self._error = GateUnavailableError(f"The engine at {self._address} ended without a decision.")
            self._news.notify_all()

    async def _note(self, news: PassageEvent | None) -> None:
        if news is None:
            return
        async with self._news:
            self._events.append(news)
            if isinstance(news, PassageDecision):
                self._decision = news
            self._news.notify_all()

    def _next(self) -> int:
        return self._sequence + 1

    def _or_now(self, capture_time_us: int | None) -> int:
        # Capture times rise strictly; two frames within one tick of the clock are a microsecond apart.
        return max(time.monotonic_ns() // 1000, self._captured_us + 1) if capture_time_us is None else capture_time_us


def _message(frame: Frame, nonce: bytes) -> pb.Frame:
    return pb.Frame(
        sequence=frame.sequence,
        capture_time_us=frame.capture_time_us,
        encoding=ENCODING_TO_WIRE[frame.encoding],
        width_px=frame.width_px,
        height_px=frame.height_px,
        data=frame.data,
        camera_id=frame.camera_id,
        nonce=nonce,
        sensor_liveness=frame.sensor_liveness,
    )
