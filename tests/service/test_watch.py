"""A watch over a real socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from gate.audit.event import EventKind
from gate.audit.journal import MemoryJournal
from gate.client import CrowdingAlarm, GateClient, PersonDecided, PersonLost, PersonSeen, WatchNews
from gate.client.watch import WatchStream
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.decision.watch_limits import WatchLimits
from gate.engine.engine import Engine
from gate.errors import Code, EngineFault, NotFoundError, ProtocolError
from gate.gallery.traveller import Traveller
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.service.server import GateServer
from gate.settings import FrameSettings, LaneSettings, ServerSettings, Settings
from gate.vision.frame import Frame
from gate.vision.probe import MaskState, Probe, Sighting
from tests.decision.makers import CALIBRATION
from tests.engine.crowds import CrowdVision, Somebody, crowd_frame
from tests.engine.fakes import PACK, embedding
from tests.service.running import reason_of

FPS = 30


class Camera(CrowdVision):
    """Breaks when told to, and can be held."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.held: threading.Event | None = None
        self.looked = 0

    def look(self, frame: Frame) -> Sighting:
        if self.held is not None:
            self.held.wait(10)
        if self.broken:
            raise EngineFault(Code.INFERENCE_FAILED, "the model broke")
        self.looked += 1
        return super().look(frame)


@dataclass(frozen=True, slots=True)
class Hall:
    camera: Camera
    engine: Engine
    journal: MemoryJournal
    server: GateServer
    client: GateClient
    lanes: lane_pb2_grpc.LaneServiceAsyncStub

    @property
    def decided(self) -> list[str]:
        return [
            e.facts.get("reason") or e.facts["outcome"] for e in self.journal.entries() if e.kind == EventKind.DECISION
        ]


@asynccontextmanager
async def hall(policy: Policy | None = None) -> AsyncIterator[Hall]:
    camera, journal = Camera(), MemoryJournal()
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.3),
        frames=FrameSettings(identical="allow"),
        lanes={"lane-1": LaneSettings()},
        profiles={"pedestrian": policy or Policy()},
    )
    engine = Engine(settings, camera, CALIBRATION, journal=journal)
    for person in (1, 2, 3):
        traveller = Traveller(f"T{person}", "CX1", datetime.now(UTC) + timedelta(hours=1))
        engine.gallery.enrol(traveller, Probe(embedding(person), MaskState.NONE, PACK, {}), b"")
    async with (
        GateServer(engine, engine.settings.server) as server,
        GateClient(server.address) as client,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        await client.wait_until_serving()
        yield Hall(camera, engine, journal, server, client, lane_pb2_grpc.LaneServiceStub(channel))


async def walk(
    watch: WatchStream, frames: int, scene: Callable[[int], Sequence[Somebody]], *, end: bool = True
) -> None:
    for number in range(frames):
        await watch.send_jpeg(crowd_frame(number, scene(number)).data)
        await asyncio.sleep(1 / FPS)
    if end:
        await watch.end()


async def rest(call: grpc.aio.StreamStreamCall) -> list[pb.WatchResponse]:
    """Everything up to the end of the stream."""
    found = []
    while isinstance(response := await call.read(), pb.WatchResponse):
        found.append(response)
    return found


async def watched(it: Hall, frames: int, scene: Callable[[int], Sequence[Somebody]]) -> list[WatchNews]:
    async with it.client.watch("lane-1") as watch:
        sender = asyncio.create_task(walk(watch, frames, scene))
        found = [news async for news in watch]
        await sender
    return found


async def test_several_people_walk_through_at_once() -> None:
    async with hall() as it:
        found = await watched(it, 40, lambda n: [Somebody(1, 120 + n), Somebody(7, 320), Somebody(2, 520 - n)])
    decided = [news for news in found if isinstance(news, PersonDecided)]
    assert {news.decision.traveller_reference or news.decision.reason for news in decided} == {
        "T1",
        "T2",
        Reason.NO_MATCH,
    }
    assert [news.track_id for news in found if isinstance(news, PersonSeen)] == [1, 2, 3]
    first = next(news for news in decided if news.decision.opens)
    assert first.decision.flight == "CX1"
    assert first.decision.frames.used >= 1
    assert first.box_xyxy[2] - first.box_xyxy[0] == pytest.approx(110)
    assert first.same_as_track_id is None
    assert sorted(it.decided) == ["matched", "matched", "no_match"]
    assert not any(news.decision.outcome is Outcome.FINGERPRINT for news in decided)


async def test_the_lane_is_free_again_and_was_not_before() -> None:
    async with hall() as it:
        async with it.client.watch("lane-1") as watch:
            with pytest.raises(ProtocolError) as busy:
                await it.client.passage("lane-1").__aenter__()
            assert busy.value.code is Code.LANE_BUSY
            await watch.end()
            assert [news async for news in watch] == []
        async with it.client.watch("lane-1"):
            pass


async def test_a_controller_that_vanishes_frees_the_lane_and_leaves_abandoned_passages() -> None:
    async with hall(Policy(quality={"min_sharpness": 50.0})) as it:
        async with it.client.watch("lane-1") as watch:
            await walk(watch, 12, lambda _: [Somebody(1, 300)], end=False)
        for _ in range(40):
            if it.decided:
                break
            await asyncio.sleep(0.05)
        assert it.decided == ["abandoned"]
        async with it.client.watch("lane-1"):
            pass


async def test_crowding_is_told() -> None:
    async with hall(Policy(watch=WatchLimits(max_people=1, crowding_hold_s=0.1))) as it:
        found = await watched(it, 20, lambda _: [Somebody(7, 150), Somebody(8, 480)])
    (alarm,) = [news for news in found if isinstance(news, CrowdingAlarm)]
    assert (alarm.on, alarm.people, alarm.too_many, alarm.close_track_ids) == (True, 2, True, ())


async def test_a_shut_down_refers_whoever_is_in_view() -> None:
    async with hall(Policy(quality={"min_sharpness": 50.0})) as it, it.client.watch("lane-1") as watch:
        await walk(watch, 12, lambda _: [Somebody(1, 300)], end=False)
        stopping = asyncio.create_task(it.server.drain())
        found = [news async for news in watch]
        await stopping
    assert [news.decision.reason for news in found if isinstance(news, PersonDecided)] == [Reason.SHUTTING_DOWN]


async def test_a_broken_engine_refers_whoever_is_in_view_and_ends_the_watch() -> None:
    async with hall(Policy(quality={"min_sharpness": 50.0})) as it, it.client.watch("lane-1") as watch:
        await walk(watch, 12, lambda _: [Somebody(1, 300)], end=False)
        it.camera.broken = True
        await watch.send_jpeg(crowd_frame(0, []).data)
        found: list[WatchNews] = []
        with pytest.raises(EngineFault):
            async for news in watch:
                found.append(news)
    (decided,) = [news for news in found if isinstance(news, PersonDecided)]
    assert (decided.decision.reason, decided.decision.outcome) == (Reason.ENGINE_FAULT, Outcome.OFFICER)
    assert decided.decision.incident_id


async def test_the_latest_frame_wins() -> None:
    """A slow engine must see what is, not what was."""
    async with hall() as it, it.client.watch("lane-1") as watch:
        it.camera.held = threading.Event()
        await walk(watch, 30, lambda _: [], end=False)
        it.camera.held.set()
        await watch.end()
        assert [news async for news in watch] == []
    assert it.camera.looked <= 3


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ([pb.WatchRequest(frame=pb.Frame())], Code.START_MISSING),
        ([pb.WatchRequest()], Code.MESSAGE_EMPTY),
        ([], Code.START_MISSING),
        ([pb.WatchRequest(start=pb.WatchStart())], Code.FIELD_INVALID),
        ([pb.WatchRequest(start=pb.WatchStart(lane_id="lane-1"))] * 2, Code.START_REPEATED),
        ([pb.WatchRequest(start=pb.WatchStart(lane_id="lane-1")), pb.WatchRequest()], Code.MESSAGE_EMPTY),
    ],
)
async def test_messages_out_of_turn_are_refused(requests: list[pb.WatchRequest], code: Code) -> None:
    async with hall() as it:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async for _ in it.lanes.Watch(iter(requests)):
                pass
        assert reason_of(refused.value) == code.value


async def test_an_unknown_lane_is_refused_and_journalled() -> None:
    async with hall() as it:
        with pytest.raises(NotFoundError):
            await it.client.watch("lane-9").__aenter__()
        refused = [e.facts for e in it.journal.entries() if e.kind == EventKind.ACCESS_REFUSED]
    assert refused == [{"method": "Watch", "code": Code.LANE_UNKNOWN.value, "lane": "lane-9"}]


async def test_frames_that_cannot_be_used_are_refused_and_the_watch_goes_on() -> None:
    async with hall() as it:
        call = it.lanes.Watch()
        await call.write(pb.WatchRequest(start=pb.WatchStart(lane_id="lane-1")))
        nonce = (await call.read()).accepted.nonce
        wrong = pb.Frame(sequence=1, capture_time_us=1, data=b"x", nonce=nonce)
        await call.write(pb.WatchRequest(frame=wrong))
        response = await call.read()
        await call.done_writing()
        assert await rest(call) == []
    assert response.frame_rejected.code == Code.FIELD_INVALID.value


async def test_frames_that_no_honest_camera_sends_end_the_watch() -> None:
    async with hall(Policy(quality={"min_sharpness": 50.0})) as it:
        call = it.lanes.Watch()
        await call.write(pb.WatchRequest(start=pb.WatchStart(lane_id="lane-1")))
        nonce = (await call.read()).accepted.nonce
        for number in range(1, 13):
            sent = pb.Frame(
                sequence=number,
                capture_time_us=number * 33_000,
                encoding=pb.FRAME_ENCODING_JPEG,
                data=crowd_frame(number, [Somebody(1, 300)]).data,
                nonce=nonce,
            )
            await call.write(pb.WatchRequest(frame=sent))
            await asyncio.sleep(1 / FPS)
        for _ in range(6):
            await call.write(pb.WatchRequest(frame=sent))
        responses = await rest(call)
        reasons = [r.track_decided.decision.reason for r in responses if r.HasField("track_decided")]
        assert reasons == [pb.REASON_TAMPERED_FRAMES]
        assert EventKind.FRAMES_ALARM in {entry.kind for entry in it.journal.entries()}


async def test_who_leaves_is_lost_after_the_decision() -> None:
    async with hall() as it:
        found = await watched(it, 110, lambda n: [Somebody(1, 300)] if n < 15 else [])
    kinds = [type(news) for news in found]
    assert kinds == [PersonSeen, PersonDecided, PersonLost]
