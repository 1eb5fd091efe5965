"""A camera that is faster than the engine: memory stays flat, drops are counted, the decision is about now."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator

import numpy as np
import psutil

from gate.service.pb import lane_pb2 as pb
from tests.service import fakes
from tests.service.running import frame, rig, start

FPS = 100
SECONDS = 3.0
WIDTH, HEIGHT = 640, 480
FRAME_BYTES = WIDTH * HEIGHT * 3


async def test_memory_is_flat_drops_are_counted_and_a_fresh_frame_decides() -> None:
    nobody = bytes(FRAME_BYTES)
    person = fakes.picture(1, WIDTH, HEIGHT).tobytes()
    sent = 0

    def camera_frame(data: bytes) -> pb.PassageRequest:
        nonlocal sent
        sent += 1
        captured_us = time.monotonic_ns() // 1000
        return frame(sent, data, pb.FRAME_ENCODING_BGR24, width_px=WIDTH, height_px=HEIGHT, capture_time_us=captured_us)

    shown_from = 0

    async def camera() -> AsyncIterator[pb.PassageRequest]:
        nonlocal shown_from
        yield start()
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        while loop.time() - started_s < SECONDS:
            yield camera_frame(nobody)
            await asyncio.sleep(max(0.0, started_s + sent / FPS - loop.time()))
        shown_from = sent + 1
        while True:
            yield camera_frame(person)
            await asyncio.sleep(1 / FPS)

    # 0.2 s a look: 5 frames a second are looked at, 95 are overtaken.
    async with rig(fakes.ColourVision(look_s=0.2), budget_s=20.0) as it:
        before_bytes = psutil.Process().memory_info().rss
        tracemalloc.start()
        try:
            call = it.lanes.Passage(camera())
            # Up to the decision, as a controller reads: this camera goes on sending into a stream that is closed then,
            # and gRPC's Python client may call that an internal error of its own.
            response = await anext(aiter(call))
            while not response.HasField("decision"):
                response = await anext(aiter(call))
            call.cancel()
            _, peak_bytes = tracemalloc.get_traced_memory()
            # What protobuf and gRPC hold, on both sides of the socket, is in here only.
            grown_bytes = psutil.Process().memory_info().rss - before_bytes
        finally:
            tracemalloc.stop()

    decision = response.decision
    assert decision.outcome == pb.OUTCOME_OPEN
    # Some 300 frames arrive on a quiet machine; a busy one still makes enough of them to tell.
    assert decision.frames.seen > 50
    assert peak_bytes < 20 * FRAME_BYTES
    assert grown_bytes < 60 * FRAME_BYTES
    assert decision.frames.seen == decision.frames.dropped + len(it.vision.looked_at) + decision.frames.rejected
    assert decision.frames.dropped > 2 * len(it.vision.looked_at)
    # The person appears during a look; the next look already sees them, so no frame from before was left over.
    assert shown_from <= decision.frame_sequence < shown_from + 2 * 0.2 * FPS * 1.5
    assert it.vision.looked_at[-1] == decision.frame_sequence
    assert decision.frame_to_decision_ms < 1000
    assert np.diff(it.vision.looked_at).min() > 0
