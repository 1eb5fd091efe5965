"""What a broken or hostile controller may do: each a typed error or outcome, and the next passage works."""

from __future__ import annotations

import asyncio
import struct
import zlib

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gate.client import FrameRejection
from gate.decision.outcome import Outcome, Reason
from gate.errors import Code, EngineFault
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.settings import FrameSettings
from tests.service import fakes
from tests.service.running import Rig, frame, next_passage_works, reason_of, rig, slowly, start, talk


def png_header(width: int, height: int) -> bytes:
    """A whole PNG that promises more than it holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    picture = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + picture


def jpeg_header(width: int, height: int) -> bytes:
    """A small JPEG whose frame header claims another size."""
    data = bytearray(fakes.jpeg(1))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BAD_FRAMES = [
    pytest.param(fakes.jpeg(1)[:200], pb.FRAME_ENCODING_JPEG, Code.FRAME_TRUNCATED, id="truncated JPEG"),
    pytest.param(jpeg_header(30_000, 30_000), pb.FRAME_ENCODING_JPEG, Code.FRAME_TOO_LARGE, id="30,000 px JPEG"),
    pytest.param(png_header(30_000, 30_000), pb.FRAME_ENCODING_PNG, Code.FRAME_TOO_LARGE, id="30,000 px PNG"),
    pytest.param(b"", pb.FRAME_ENCODING_JPEG, Code.FRAME_EMPTY, id="zero bytes"),
    pytest.param(fakes.jpeg(1), pb.FRAME_ENCODING_PNG, Code.FRAME_ENCODING_MISMATCH, id="JPEG called PNG"),
    pytest.param(fakes.jpeg(1), pb.FRAME_ENCODING_UNSPECIFIED, Code.FIELD_INVALID, id="no encoding stated"),
    pytest.param(fakes.jpeg(1), 99, Code.FIELD_INVALID, id="unknown encoding"),
]


@pytest.mark.parametrize(("data", "encoding", "code"), BAD_FRAMES)
async def test_a_frame_that_cannot_be_used_is_refused_and_the_passage_goes_on(
    data: bytes, encoding: int, code: Code
) -> None:
    async with rig() as it:
        requests = [start(), frame(1, data, encoding), frame(2, fakes.jpeg(1))]
        responses = [response async for response in it.lanes.Passage(slowly(requests))]
        refused = next(r.frame_rejected for r in responses if r.HasField("frame_rejected"))
        assert (refused.sequence, refused.code) == (1, code)
        assert refused.message
        decision = responses[-1].decision
        assert decision.outcome == pb.OUTCOME_OPEN
        assert (decision.frames.seen, decision.frames.used, decision.frames.rejected) == (2, 1, 1)
        await next_passage_works(it)


async def test_a_frame_that_is_not_newer_is_refused_and_the_passage_goes_on() -> None:
    requests = [start(), frame(5, fakes.jpeg(None)), frame(5, fakes.jpeg(1)), frame(4, fakes.jpeg(1))]
    back_in_time = frame(6, fakes.jpeg(1))
    back_in_time.frame.capture_time_us = 1
    # One alarm more than these three would be tampering.
    async with rig(frames=FrameSettings(identical="allow", alarms=4)) as it:
        responses = [r async for r in it.lanes.Passage(slowly([*requests, back_in_time, frame(7, fakes.jpeg(1))]))]
        refused = [r.frame_rejected for r in responses if r.HasField("frame_rejected")]
        assert [(r.sequence, r.code) for r in refused] == [(n, Code.FRAME_OUT_OF_ORDER) for n in (5, 4, 6)]
        assert responses[-1].decision.outcome == pb.OUTCOME_OPEN
        await next_passage_works(it)


async def test_thousands_of_bad_frames_end_by_the_budget_and_do_not_flood_the_controller() -> None:
    seen: list[object] = []
    async with rig(budget_s=1.0) as it:
        decision = await it.client.verify("lane-1", (b"junk" for _ in range(5000)), fps=2000, on_event=seen.append)
        assert decision.outcome is Outcome.OFFICER
        assert decision.frames.rejected > 50
        assert sum(isinstance(event, FrameRejection) for event in seen) <= 16
        await next_passage_works(it)


async def aborted(it: Rig, requests: list[pb.PassageRequest]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await talk(it, requests)
    return caught.value


OUT_OF_TURN = [
    pytest.param([frame(1, fakes.jpeg(1))], "FAILED_PRECONDITION", Code.START_MISSING, id="frame before start"),
    pytest.param([], "FAILED_PRECONDITION", Code.START_MISSING, id="nothing at all"),
    pytest.param([start(), start()], "FAILED_PRECONDITION", Code.START_REPEATED, id="two starts"),
    pytest.param([pb.PassageRequest()], "INVALID_ARGUMENT", Code.MESSAGE_EMPTY, id="empty message first"),
    pytest.param([start(), pb.PassageRequest()], "INVALID_ARGUMENT", Code.MESSAGE_EMPTY, id="empty message later"),
    pytest.param([start("lane-99")], "NOT_FOUND", Code.LANE_UNKNOWN, id="unknown lane"),
    pytest.param([start(checkpoint="moon")], "NOT_FOUND", Code.CHECKPOINT_UNKNOWN, id="unknown checkpoint"),
    pytest.param([start(profile="lax")], "NOT_FOUND", Code.PROFILE_UNKNOWN, id="unknown profile"),
]


@pytest.mark.parametrize(("requests", "status", "code"), OUT_OF_TURN)
async def test_a_message_out_of_turn_ends_the_stream_with_a_typed_error(
    requests: list[pb.PassageRequest], status: str, code: Code
) -> None:
    async with rig() as it:
        error = await aborted(it, requests)
        assert (error.code().name, reason_of(error)) == (status, code)
        await next_passage_works(it)


BAD_FIELDS = [
    pytest.param({"lane_id": ""}, "start.lane_id", id="no lane"),
    pytest.param({"lane_id": "x" * 65}, "start.lane_id", id="long lane"),
    pytest.param({"flight": "a\nb"}, "start.flight", id="line break in a name"),
    pytest.param({"claim": pb.Claim()}, "start.claim", id="claim of no kind"),
    pytest.param(
        {"claim": pb.Claim(document=pb.DocumentClaim(number="L898<<<"))}, "start.claim.document.number", id="filler"
    ),
    pytest.param(
        {"claim": pb.Claim(document=pb.DocumentClaim(number="ſ1"))}, "start.claim.document.number", id="long s"
    ),
    pytest.param(
        {"claim": pb.Claim(document=pb.DocumentClaim(number="L8", issuing_state="UTOPIA"))},
        "start.claim.document.issuing_state",
        id="no state code",
    ),
    pytest.param(
        {"claim": pb.Claim(traveller_reference="é")}, "start.claim.traveller_reference", id="reference not ASCII"
    ),
]


@pytest.mark.parametrize(("fields", "at_fault"), BAD_FIELDS)
async def test_a_field_that_makes_no_sense_is_named(fields: dict[str, object], at_fault: str) -> None:
    async with rig() as it:
        error = await aborted(it, [start(**({"lane_id": "lane-1"} | fields))])
        assert reason_of(error) == Code.FIELD_INVALID
        status = rpc_status.from_call(error)
        bad = error_details_pb2.BadRequest()
        assert status is not None
        assert status.details[1].Unpack(bad)
        assert [violation.field for violation in bad.field_violations] == [at_fault]
        await next_passage_works(it)


async def test_a_busy_lane_is_refused_and_the_open_passage_is_not_disturbed() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        assert reason_of(await aborted(it, [start()])) == Code.LANE_BUSY
        await passage.send_jpeg(fakes.jpeg(1))
        assert (await passage.decision()).opens


async def test_a_message_above_the_limit_is_refused_by_the_transport() -> None:
    async with rig() as it:
        error = await aborted(it, [start(), frame(1, bytes(5 * 1024 * 1024))])
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await asyncio.sleep(0.1)
        await next_passage_works(it)


def how_passages_closed(lines: list[EventDict]) -> list[str]:
    return [line["outcome"] for line in lines if line["event"] == "passage_closed"]


async def test_a_controller_that_goes_away_frees_its_lane_and_is_not_decided() -> None:
    with capture_logs() as lines:
        async with rig(fakes.ColourVision(look_s=0.3)) as it:
            async with it.client.passage("lane-1") as passage:
                await passage.send_jpeg(fakes.jpeg(9))
                await asyncio.to_thread(it.vision.looking.wait, 5)
            await asyncio.sleep(0.1)
            assert it.server.passages_in_flight == 0
            await next_passage_works(it)
    assert how_passages_closed(lines) == ["abandoned", "open"]


async def test_a_connection_that_breaks_frees_its_lane_and_is_not_decided() -> None:
    own_connection = [("grpc.use_local_subchannel_pool", 1)]
    with capture_logs() as lines:
        async with rig() as it:
            async with grpc.aio.insecure_channel(it.server.address, options=own_connection) as own:
                call = lane_pb2_grpc.LaneServiceStub(own).Passage()
                await call.write(start())
                assert (await call.read()).HasField("accepted")
            await asyncio.sleep(0.2)
            await next_passage_works(it)
    assert how_passages_closed(lines) == ["abandoned", "open"]


async def test_the_deadline_is_kept_while_a_model_is_still_running() -> None:
    async with rig(fakes.ColourVision(look_s=1.5)) as it:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        decision = await it.client.verify("lane-1", [fakes.jpeg(1)] * 3, timeout_s=0.5)
        assert loop.time() - started_s < 0.5
        assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.NO_FACE)
        it.vision.look_s = 0
        await next_passage_works(it)


async def test_the_budget_is_kept_when_no_frame_comes() -> None:
    async with rig(budget_s=0.3) as it, it.client.passage("lane-1") as passage:
        decision = await passage.decision()
    assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.NO_FACE)
    assert 250 < decision.elapsed_ms < 700


FAULTS = [
    pytest.param(RuntimeError("tensor of John Smith"), id="anything unexpected"),
    pytest.param(EngineFault(Code.INFERENCE_FAILED, "model arcface, private path"), id="a model that fails"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_engine_sends_to_the_officer_and_keeps_its_private_text(fault: Exception) -> None:
    async with rig() as it:
        it.vision.broken = fault
        call = it.lanes.Passage(slowly([start(), frame(1, fakes.jpeg(1))]))
        responses = [response async for response in call]
        decision = responses[-1].decision
        assert (decision.outcome, decision.reason) == (pb.OUTCOME_OFFICER, pb.REASON_ENGINE_FAULT)
        assert decision.incident_id
        assert str(fault) not in str(responses)
        assert await call.code() is grpc.StatusCode.OK
        it.vision.broken = None
        await next_passage_works(it)


async def test_a_defect_in_the_engine_is_internal_with_an_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as it:
        with monkeypatch.context() as patch:
            patch.setattr(it.engine, "open_passage", lambda _request: 1 / 0)
            error = await aborted(it, [start()])
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.INTERNAL, Code.UNEXPECTED)
        assert "division" not in str(error)
        await next_passage_works(it)


@pytest.mark.parametrize("opened", [False, True], ids=["first", "later"])
async def test_bytes_that_are_no_message_end_the_stream(opened: bool) -> None:
    async with rig() as it:
        call = it.channel.stream_stream("/egate.v1.LaneService/Passage")()
        if opened:
            await call.write(start().SerializeToString())
            await call.read()
        await call.write(b"\xff\xff\xff\xff not protobuf")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            while await call.read() is not grpc.aio.EOF:
                pass
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == Code.FIELD_INVALID
        await asyncio.sleep(0.1)
        await next_passage_works(it)
