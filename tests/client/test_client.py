"""The client: what a gate controller's programmer runs into."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from gate.client import (
    BlockingGateClient,
    FrameRejection,
    GateClient,
    GateTimeoutError,
    GateUnavailableError,
    GuidanceGiven,
    PassageDecision,
    Why,
)
from gate.client.gallery import receipt
from gate.client.manifest import news
from gate.client.records import event
from gate.decision.outcome import Outcome, Reason
from gate.engine.loading import PersonState
from gate.errors import Code, FrameError, NotFoundError, ProtocolError
from gate.manifest.findings import Severity
from gate.service.pb import gallery_pb2 as gallery_pb
from gate.service.pb import lane_pb2 as pb
from gate.service.server import GateServer
from tests.service import fakes
from tests.service.manifests import FLIGHT, rows
from tests.service.running import rig


async def test_an_unknown_lane_is_said_when_the_passage_is_opened() -> None:
    async with rig() as it:
        with pytest.raises(NotFoundError) as caught:
            async with it.client.passage("lane-99"):
                pytest.fail("opened")
    assert caught.value.code is Code.LANE_UNKNOWN
    assert caught.value.violations[0].field == "start.lane_id"


async def test_a_busy_lane_is_said_when_the_passage_is_opened() -> None:
    async with rig() as it, it.client.passage("lane-1"):
        with pytest.raises(ProtocolError) as caught:
            await it.client.verify("lane-1", [])
    assert caught.value.code is Code.LANE_BUSY


async def test_nobody_there_is_a_connection_error() -> None:
    async with GateClient("127.0.0.1:9") as client:
        with pytest.raises(GateUnavailableError, match=r"127\.0\.0\.1:9"):
            await client.verify("lane-1", [fakes.jpeg(1)])
        with pytest.raises(ConnectionError):
            await client.describe()
        with pytest.raises(GateTimeoutError):
            await client.wait_until_serving(0.3)


async def test_an_engine_that_dies_in_mid_passage_is_a_connection_error() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        await it.server._server.stop(0)
        with pytest.raises(GateUnavailableError):
            await passage.decision()
        assert passage.decided
        assert not await passage.send_jpeg(fakes.jpeg(1))
        with pytest.raises(GateUnavailableError):
            _ = [event async for event in passage]


async def test_a_picture_above_the_limit_is_refused_before_it_is_sent_and_the_passage_goes_on() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        with pytest.raises(FrameError) as caught:
            await passage.send(np.zeros((1080, 1920, 3), np.uint8))
        assert caught.value.code is Code.FRAME_TOO_LARGE
        await passage.send(fakes.picture(1))
        assert (await passage.decision()).opens


@pytest.mark.parametrize("image", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
async def test_pixels_of_another_shape_or_type_are_refused(image: np.ndarray) -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        with pytest.raises(FrameError, match="uint8; got"):
            await passage.send(image)


async def test_two_claims_at_once_are_a_programming_error() -> None:
    async with GateClient("127.0.0.1:9") as client:
        with pytest.raises(ValueError, match="expected one of"):
            client.passage("lane-1", document="L8", traveller_reference="r")


async def test_a_client_that_was_not_opened_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        GateClient().passage("lane-1")


async def test_a_camera_that_breaks_is_raised_after_the_passage_has_ended() -> None:
    async def camera() -> AsyncIterator[bytes]:
        yield fakes.jpeg(None)
        raise OSError("cable")

    async with rig() as it:
        with pytest.raises(OSError, match="cable"):
            await it.client.verify("lane-1", camera())
        assert (await it.client.verify("lane-1", [fakes.jpeg(1)])).opens


async def test_an_endless_camera_stops_at_the_decision() -> None:
    async def camera() -> AsyncIterator[np.ndarray]:
        while True:
            yield fakes.picture(3)
            await asyncio.sleep(0.01)

    async with rig() as it:
        assert (await it.client.verify("lane-1", camera())).traveller_reference == "traveller-3"


async def test_events_come_in_order_and_once() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        await passage.send_jpeg(fakes.jpeg(None))
        await asyncio.sleep(0.1)
        await passage.send_jpeg(b"junk")
        await asyncio.sleep(0.1)
        await passage.send_jpeg(fakes.jpeg(1))
        events = [event async for event in passage]
        assert [type(event) for event in events if not isinstance(event, GuidanceGiven)] == [
            FrameRejection,
            PassageDecision,
        ]
        assert isinstance(events[0], GuidanceGiven)
        assert [event async for event in passage] == []
        assert await passage.decision() == events[-1]


def test_an_answer_that_this_client_does_not_know_never_opens() -> None:
    newer = pb.Decision(outcome=77, reason=78, mask_state=79)  # type: ignore[arg-type]
    decision = event(pb.PassageResponse(decision=newer))
    assert isinstance(decision, PassageDecision)
    assert (decision.outcome, decision.reason, decision.opens) == (Outcome.OFFICER, Reason.ENGINE_FAULT, False)
    assert event(pb.PassageResponse()) is None


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    engine = fakes.engine(fakes.ColourVision())
    async with GateServer(engine, engine.settings.server) as server:
        yield server.address


@pytest.fixture
def address() -> Iterator[str]:
    """A server in a loop and thread of its own, as for a blocking caller."""
    found: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        async with _server() as where:
            found.append(where)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert up.wait(10)
    yield found[0]
    down.set()
    thread.join(10)


def test_the_blocking_client_does_the_same(address: str) -> None:
    with BlockingGateClient(address) as client:
        client.wait_until_serving(5)
        assert client.enrol([(fakes.traveller(5), fakes.jpeg(5))]).enrolled == 1
        assert client.describe().travellers == 4
        assert client.verify("lane-1", [fakes.jpeg(5)] * 2).traveller_reference == "traveller-5"
        with client.passage("lane-1") as passage:
            assert passage.passage_id
            assert passage.send(fakes.picture(None))
            assert passage.send_jpeg(fakes.jpeg(1))
            events = list(passage)
            assert passage.decided
        assert isinstance(events[-1], PassageDecision)
        assert events[-1].traveller_reference == "traveller-1"
        report = client.load_manifest(rows(6), [("6.jpg", fakes.jpeg(6))])
        assert (report.summary.added, report.summary.enrolled) == (1, 1)
        assert client.close_flight(FLIGHT).complete
        assert client.record_override(passage.passage_id, "officer-7", Outcome.OFFICER, "seen") > 0
        assert client.withdraw("traveller-5", why=Why.BOARDED).templates == 1
        assert client.close_flight(fakes.FLIGHT).travellers == 3
        with pytest.raises(NotFoundError), client.passage("lane-99"):
            pytest.fail("opened")
    with pytest.raises(RuntimeError, match="closed"):
        client.describe()


async def test_several_tasks_may_send_on_one_passage() -> None:
    """gRPC breaks off a stream that two tasks write to at once: a camera's frame and a finger would end the passage."""
    async with rig() as it, it.client.passage("lane-1") as passage:

        async def camera(name: str) -> int:
            return sum([await passage.send_jpeg(fakes.jpeg(None), camera_id=name) for _ in range(40)])

        assert await asyncio.gather(camera("a"), camera("b"), camera("c")) == [40, 40, 40]
        await passage.end()
        decided = await passage.decision()
    assert (decided.reason, decided.frames.seen) == (Reason.NO_FACE, 120)


def test_a_receipt_from_a_newer_engine_hides_nothing() -> None:
    """A place that this client does not know must not make an incomplete destruction look complete."""
    left = gallery_pb.PlaceCount(place="replica", after=gallery_pb.Counts(templates=1))
    newer = gallery_pb.Receipt(why=99, places=[left])  # type: ignore[arg-type]
    read = receipt(newer)
    assert not read.complete
    assert read.remaining == 1


def test_news_from_a_newer_engine_is_taken_gravely() -> None:
    message = gallery_pb.LoadManifestResponse(
        findings=[gallery_pb.ManifestFinding(severity=99, code="NEW")],  # type: ignore[arg-type]
        people=[gallery_pb.PersonResult(state=99)],  # type: ignore[arg-type]
    )
    given = news(message)
    assert given.findings[0].severity is Severity.ERROR
    assert given.people[0].state is PersonState.NOT_LOADED
    assert given.summary is None
