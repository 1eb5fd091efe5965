"""Frames that a recording would send, over real gRPC: refused by name, written down, and never compared."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from gate.audit.event import EventKind
from gate.client import FrameRejection
from gate.decision.outcome import Outcome
from gate.errors import Code
from gate.service.pb import lane_pb2 as pb
from gate.settings import FrameSettings
from tests.service import fakes
from tests.service.running import Rig, frame, next_passage_works, rig, slowly, start


def noisy(person: int | None, seed: int) -> bytes:
    """A picture of one colour as a camera takes it: no two are alike."""
    grain = np.random.default_rng(seed).integers(0, 3, (160, 160, 3), np.uint8)
    done, data = cv2.imencode(".jpg", fakes.picture(person) + grain, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return data.tobytes()


def codes_of(responses: list[pb.PassageResponse]) -> list[str]:
    return [response.frame_rejected.code for response in responses if response.HasField("frame_rejected")]


async def played(it: Rig, frames: list[pb.PassageRequest]) -> list[pb.PassageResponse]:
    return [response async for response in it.lanes.Passage(slowly([start(), *frames]))]


async def test_the_passage_before_played_again_opens_nothing() -> None:
    """Guards against the simplest injection: what went over the wire yesterday, sent again today."""
    recorded = [frame(n, noisy(None if n < 4 else 1, n)) for n in range(1, 5)]
    async with rig(frames=FrameSettings(identical="lane")) as it:
        first = await played(it, recorded)
        assert (first[-1].decision.outcome, codes_of(first)) == (pb.OUTCOME_OPEN, [])
        second = await played(it, recorded)
        told = second[-1].decision
        assert (told.outcome, told.reason) == (pb.OUTCOME_OFFICER, pb.REASON_TAMPERED_FRAMES)
        assert not told.HasField("similarity"), "a recorded frame was compared"
        assert codes_of(second)[:3] == [Code.FRAME_REPLAYED] * 3
        alarms = [e.facts for e in it.engine.trail.journal.entries() if e.kind == EventKind.FRAMES_ALARM]
        assert [(fact["lane"], fact["count"]) for fact in alarms] == [("lane-1", 3)]
        assert "FRAME_REPLAYED" in str(alarms[0]["codes"])


async def test_a_camera_that_stands_still_opens_by_its_first_picture_and_alarms_nobody() -> None:
    seen: list[object] = []
    async with rig(frames=FrameSettings(identical="lane")) as it:
        decision = await it.client.verify("lane-1", [noisy(9, 1)] * 8, on_event=seen.append)
        assert decision.outcome is Outcome.FINGERPRINT
        refused = [event.code for event in seen if isinstance(event, FrameRejection)]
        assert refused == [Code.FRAME_IDENTICAL] * 7
        assert not [e for e in it.engine.trail.journal.entries() if e.kind == EventKind.FRAMES_ALARM]


async def test_our_client_brings_the_nonce_where_it_is_required() -> None:
    frames = (noisy(1, seed) for seed in itertools.count())
    async with rig(frames=FrameSettings(nonce="required")) as it:
        assert (await it.client.verify("lane-1", frames)).opens
        without = await played(it, [frame(n, noisy(1, 100 + n)) for n in range(1, 3)])
        assert codes_of(without) == [Code.FRAME_NONCE] * 2
        assert without[-1].decision.outcome == pb.OUTCOME_OFFICER


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), float("inf")])
async def test_a_sensor_score_that_is_none_is_refused(score: float) -> None:
    """A score of 255 from a sensor that counts in bytes must not make everybody live."""
    async with rig() as it:
        responses = await played(it, [frame(1, fakes.jpeg(1), sensor_liveness=score), frame(2, fakes.jpeg(1))])
        (refused,) = [r.frame_rejected for r in responses if r.HasField("frame_rejected")]
        assert (refused.code, "sensor_liveness" in refused.message) == (Code.FIELD_INVALID, True)
        assert responses[-1].decision.outcome == pb.OUTCOME_OPEN
        await next_passage_works(it)


async def test_a_sensor_score_reaches_the_engine() -> None:
    seen: list[float | None] = []

    class Asked(fakes.ColourVision):
        def look(self, frame: object) -> object:  # type: ignore[override]  -- only to listen
            seen.append(getattr(frame, "sensor_liveness", "missing"))
            return super().look(frame)  # type: ignore[arg-type]

    async with rig(Asked()) as it, it.client.passage("lane-1") as passage:
        await passage.send_jpeg(fakes.jpeg(1), sensor_liveness=0.25)
        assert (await passage.decision()).opens
    assert seen[0] == 0.25
