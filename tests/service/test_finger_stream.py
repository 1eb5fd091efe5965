"""Fingers on the passage stream, over a real socket: asked for, refused, taken, or at the wrong moment."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import grpc

from gate.decision.policy import Policy
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader, FingerSample
from gate.errors import Code, EngineFault
from gate.fingerprint.template import FingerTemplate
from gate.gallery.gallery import Change
from gate.gallery.memory import MemoryGallery
from gate.gallery.snapshot import Snapshot
from gate.service.convert_finger import finger_message
from gate.service.pb import fingerprint_pb2 as finger_pb
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.service.server import GateServer
from gate.settings import FingerprintSettings, LaneSettings, ServerSettings, Settings
from gate.vision.probe import ImageBGR, Sighting
from tests.decision.makers import GOOD, WEIGHED
from tests.engine import prints
from tests.service import fakes
from tests.service.running import frame, start

MEBIBYTE = 1 << 20
WITHIN_S = 10.0
"""Nothing here takes long; what never comes fails the test and does not hang it."""


class FarVision(fakes.ColourVision):
    """Everybody is too far away."""

    def _sight(self, image: ImageBGR) -> Sighting:
        seen = super()._sight(image)
        return replace(seen, quality=replace(GOOD, eye_distance_px=20)) if seen.traveller else seen


class Reader(FingerReader):
    """The real one, which can be held up, and broken."""

    def __init__(self) -> None:
        super().__init__(settings=FingerprintSettings(records_of="leader-1"))
        self.go_on = threading.Event()
        self.go_on.set()
        self.reading = threading.Event()
        self.broken = False
        self.read_bytes: list[bytes] = []

    def read(self, sample: FingerSample) -> FingerTemplate:
        self.reading.set()
        assert self.go_on.wait(WITHIN_S)
        self.read_bytes.append(sample.data)
        if self.broken:
            raise EngineFault(Code.EXTRACTION_FAILED, "expected minutiae, the extractor's process has ended")
        return super().read(sample)


class SlowGallery(MemoryGallery):
    """Takes its time over the question whose fingers are enrolled: the second one of a claim."""

    def __init__(self) -> None:
        super().__init__("test-pack")
        self.go_on = threading.Event()
        self.asked_before_holding = -1

    def snapshot(self) -> Snapshot:
        if self.asked_before_holding == 0:
            assert self.go_on.wait(WITHIN_S)
        self.asked_before_holding -= 1
        return super().snapshot()


@dataclass(slots=True)
class Talk:
    """One passage, message by message."""

    call: Any

    async def send(self, *messages: pb.PassageRequest | FingerSample) -> None:
        for message in messages:
            await self.call.write(finger(message) if isinstance(message, FingerSample) else message)

    async def next(self, kind: str) -> Any:
        """The next message, which must be of that kind; advice is passed over."""
        while True:
            response = await asyncio.wait_for(self.call.read(), WITHIN_S)
            assert response is not grpc.aio.EOF, f"expected {kind}, the stream has ended"
            found = response.WhichOneof("message")
            if found != "guidance":
                assert found == kind, response
                return getattr(response, found)

    async def decision(self) -> pb.Decision:
        decided = await self.next("decision")
        assert await asyncio.wait_for(self.call.read(), WITHIN_S) is grpc.aio.EOF
        assert isinstance(decided, pb.Decision)
        return decided

    async def everything_has_come(self) -> None:
        """What was sent before this has reached the passage: a message that makes no sense is answered at once."""
        await self.send(pb.PassageRequest(fingerprint=finger_pb.FingerprintSample()))
        assert (await self.next("fingerprint_rejected")).code == "FIELD_INVALID"


@dataclass(slots=True)
class Place:
    """Somebody of whom there is a finger and no photograph, somebody with both, and whoever talks to the engine."""

    server: GateServer
    reader: Reader
    lanes: lane_pb2_grpc.LaneServiceAsyncStub

    @asynccontextmanager
    async def passage(
        self, person: int = 1, sensor: bool = True, timeout_s: float | None = None
    ) -> AsyncIterator[Talk]:
        """Of somebody who shows a document; accepted already."""
        claim = pb.Claim(document=pb.DocumentClaim(number=f"X{person:07d}"))
        talk = Talk(self.lanes.Passage(timeout=timeout_s))
        await talk.send(start(claim=claim, fingerprint_sensor=sensor))
        await talk.next("accepted")
        try:
            yield talk
        finally:
            talk.call.cancel()

    async def opens_for_the_next(self) -> None:
        """The lane is free, and works."""
        async with self.passage() as talk:
            await talk.next("fingerprint_request")
            await talk.send(prints.laid_down(1))
            assert (await talk.decision()).outcome == pb.OUTCOME_OPEN


@asynccontextmanager
async def place(
    vision: fakes.ColourVision | None = None, gallery: MemoryGallery | None = None, **policy: float
) -> AsyncIterator[Place]:
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.1),
        lanes={"lane-1": LaneSettings()},
        profiles={"pedestrian": Policy(**{"budget_s": 5.0} | policy)},  # type: ignore[arg-type]
        frames=fakes.PLAYED,
    )
    reader = Reader()
    engine = Engine(settings, vision or fakes.ColourVision(), WEIGHED, gallery, fingers=reader)
    engine.gallery.apply(Change(put=(fakes.traveller(1),)))
    engine.enrol(fakes.traveller(2), fakes.jpeg(2))
    for person in (1, 2):
        engine.enrol_finger(f"traveller-{person}", fakes.FLIGHT, prints.enrolled(person))
    reader.read_bytes.clear()
    async with GateServer(engine, settings.server) as server, grpc.aio.insecure_channel(server.address) as channel:
        yield Place(server, reader, lane_pb2_grpc.LaneServiceStub(channel))


def finger(sample: FingerSample) -> pb.PassageRequest:
    return pb.PassageRequest(fingerprint=finger_message(sample))


def ended(decision: pb.Decision) -> tuple[str, str]:
    return pb.Outcome.Name(decision.outcome), pb.Reason.Name(decision.reason)


OPEN = ("OUTCOME_OPEN", "REASON_FINGER_MATCHED")


async def test_a_request_a_refused_sample_a_good_one_and_the_gate_opens() -> None:
    async with place() as at, at.passage() as talk:
        asked = await talk.next("fingerprint_request")
        assert (pb.Reason.Name(asked.reason), asked.attempts_left) == ("REASON_NO_REFERENCE", 3)
        assert list(asked.fingers) == [finger_pb.FINGER_POSITION_RIGHT_INDEX]
        assert 0 < asked.budget_ms <= 20_000
        await talk.send(prints.wet(1))
        refused = await talk.next("fingerprint_rejected")
        assert refused.code == "FINGER_LOW_QUALITY"
        assert refused.message
        await talk.send(prints.laid_down(1))
        decision = await talk.decision()
        assert ended(decision) == OPEN
        assert decision.traveller_reference == "traveller-1"
        assert (decision.fingerprint.attempts, decision.fingerprint.rejected) == (1, 1)


async def test_a_wrong_finger_is_asked_for_again_and_the_attempts_run_out() -> None:
    async with place() as at, at.passage() as talk:
        for left, sample in zip((3, 2, 1), (prints.laid_down(n) for n in (2, 5, 6)), strict=True):
            assert (await talk.next("fingerprint_request")).attempts_left == left
            await talk.send(sample)
        decision = await talk.decision()
        assert ended(decision) == ("OUTCOME_OFFICER", "REASON_FINGER_NO_MATCH")
        assert not decision.traveller_reference


async def test_a_finger_before_it_was_asked_for_counts_for_nothing() -> None:
    async with place(FarVision()) as at, at.passage(2) as talk:
        await talk.send(prints.laid_down(2), frame(1, fakes.jpeg(2)), pb.PassageRequest(frames_done=pb.FramesDone()))
        asked = await talk.next("fingerprint_request")
        assert (pb.Reason.Name(asked.reason), asked.attempts_left) == ("REASON_LOW_QUALITY", 3)
        assert at.reader.read_bytes == []
        await talk.send(prints.laid_down(2))
        decision = await talk.decision()
        assert ended(decision) == OPEN
        assert decision.fingerprint.attempts == 1


async def test_a_finger_that_nobody_asks_for_changes_nothing() -> None:
    async with place() as at, at.passage(2) as talk:
        await talk.send(prints.laid_down(5), frame(1, fakes.jpeg(2)))
        decision = await talk.decision()
        assert ended(decision) == ("OUTCOME_OPEN", "REASON_MATCHED")
        assert not decision.HasField("fingerprint")


async def test_of_fingers_that_come_while_one_is_read_the_newest_is_taken() -> None:
    first, overtaken, newest = prints.laid_down(5), prints.laid_down(6), prints.laid_down(1)
    async with place() as at, at.passage() as talk:
        await talk.next("fingerprint_request")
        at.reader.go_on.clear()
        await talk.send(first)
        assert await asyncio.to_thread(at.reader.reading.wait, WITHIN_S)
        await talk.send(overtaken, newest)
        await talk.everything_has_come()
        at.reader.go_on.set()
        assert (await talk.next("fingerprint_request")).attempts_left == 2
        decision = await talk.decision()
        assert ended(decision) == OPEN
        assert decision.fingerprint.attempts == 2
        assert at.reader.read_bytes == [first.data, newest.data]


async def test_a_controller_that_half_closes_while_asked_gets_its_answer() -> None:
    async with place() as at:
        async with at.passage() as talk:
            await talk.next("fingerprint_request")
            await talk.call.done_writing()
            assert ended(await talk.decision()) == ("OUTCOME_OFFICER", "REASON_FINGER_UNUSABLE")
        await at.opens_for_the_next()


async def test_a_finger_sent_with_the_half_close_still_counts() -> None:
    async with place() as at, at.passage() as talk:
        await talk.next("fingerprint_request")
        await talk.send(prints.laid_down(1))
        await talk.call.done_writing()
        assert ended(await talk.decision()) == OPEN


async def test_no_finger_within_its_time_is_an_officers() -> None:
    """Also where the face would have had more time."""
    async with place(finger_budget_s=0.2, budget_s=60.0) as at, at.passage() as talk:
        assert (await talk.next("fingerprint_request")).budget_ms <= 200
        assert ended(await talk.decision()) == ("OUTCOME_OFFICER", "REASON_FINGER_UNUSABLE")


async def test_the_controllers_deadline_is_kept_while_asking() -> None:
    """The answer comes before the call is broken off, however long a finger might take."""
    async with place() as at, at.passage(timeout_s=1.5) as talk:
        assert (await talk.next("fingerprint_request")).budget_ms < 1500
        assert ended(await talk.decision()) == ("OUTCOME_OFFICER", "REASON_FINGER_UNUSABLE")


async def test_the_faces_time_ends_in_a_request_and_the_finger_has_its_own() -> None:
    async with place(FarVision(), budget_s=0.3) as at, at.passage(2) as talk:
        await talk.send(frame(1, fakes.jpeg(2)))
        asked = await talk.next("fingerprint_request")
        assert pb.Reason.Name(asked.reason) == "REASON_LOW_QUALITY"
        assert asked.budget_ms > 10_000
        await talk.send(prints.laid_down(2))
        assert ended(await talk.decision()) == OPEN


async def test_a_request_that_is_on_its_way_when_the_faces_time_ends_still_asks() -> None:
    gallery = SlowGallery()
    async with place(gallery=gallery, budget_s=0.2) as at:
        gallery.asked_before_holding = 1
        async with at.passage() as talk:
            await asyncio.sleep(0.4)
            gallery.go_on.set()
            assert (await talk.next("fingerprint_request")).budget_ms > 10_000
            await talk.send(prints.laid_down(1))
            assert ended(await talk.decision()) == OPEN


async def test_a_reader_that_breaks_sends_the_traveller_to_an_officer() -> None:
    async with place() as at:
        at.reader.broken = True
        async with at.passage() as talk:
            await talk.next("fingerprint_request")
            await talk.send(prints.laid_down(1))
            decision = await talk.decision()
            assert ended(decision) == ("OUTCOME_OFFICER", "REASON_ENGINE_FAULT")
            assert decision.incident_id
        at.reader.broken = False
        await at.opens_for_the_next()


async def test_a_controller_without_a_sensor_is_told_to_take_a_finger_itself() -> None:
    async with place() as at, at.passage(sensor=False) as talk:
        assert ended(await talk.decision()) == ("OUTCOME_FINGERPRINT", "REASON_NO_REFERENCE")


async def test_shutting_down_while_asking_answers_at_once() -> None:
    async with place() as at, at.passage() as talk:
        await talk.next("fingerprint_request")
        draining = asyncio.create_task(at.server.drain())
        assert ended(await talk.decision()) == ("OUTCOME_OFFICER", "REASON_SHUTTING_DOWN")
        await draining


async def test_memory_is_flat_however_many_large_samples_come() -> None:
    """A hundred of them while one is read: one waits, the others are let go of."""
    large = replace(prints.laid_down(5), data=bytes(MEBIBYTE))
    async with place() as at, at.passage() as talk:
        await talk.next("fingerprint_request")
        at.reader.go_on.clear()
        await talk.send(prints.laid_down(6))
        assert await asyncio.to_thread(at.reader.reading.wait, WITHIN_S)
        tracemalloc.start()
        try:
            for _ in range(100):
                await talk.send(large)
            await talk.everything_has_come()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            at.reader.go_on.set()
        assert peak_bytes < 20 * MEBIBYTE
        assert (await talk.next("fingerprint_request")).attempts_left == 2
        assert (await talk.next("fingerprint_rejected")).code == "FINGER_RECORD_INVALID"
        await talk.send(prints.laid_down(1))
        assert ended(await talk.decision()) == OPEN
        assert len(at.reader.read_bytes) == 3
