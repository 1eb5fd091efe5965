"""Real servers on loopback sockets, and a raw caller that can do what our client would not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from gate.client import GateClient
from gate.engine.engine import Engine
from gate.service.pb import lane_pb2 as pb
from gate.service.pb import lane_pb2_grpc
from gate.service.server import GateServer
from gate.settings import FrameSettings
from tests.service import fakes


@dataclass(frozen=True, slots=True)
class Rig:
    """One engine, served, and who talks to it."""

    vision: fakes.ColourVision
    engine: Engine
    server: GateServer
    client: GateClient
    lanes: lane_pb2_grpc.LaneServiceAsyncStub
    channel: grpc.aio.Channel


@asynccontextmanager
async def rig(
    vision: fakes.ColourVision | None = None, *, budget_s: float = 3.0, frames: FrameSettings = fakes.PLAYED
) -> AsyncIterator[Rig]:
    vision = vision or fakes.ColourVision()
    engine = fakes.engine(vision, budget_s=budget_s, frames=frames)
    async with (
        GateServer(engine, engine.settings.server) as server,
        GateClient(server.address) as client,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        yield Rig(vision, engine, server, client, lane_pb2_grpc.LaneServiceStub(channel), channel)


def start(lane_id: str = "lane-1", **fields: object) -> pb.PassageRequest:
    return pb.PassageRequest(start=pb.PassageStart(lane_id=lane_id, **fields))


def frame(sequence: int, data: bytes, encoding: int = pb.FRAME_ENCODING_JPEG, **fields: object) -> pb.PassageRequest:
    stated = {"capture_time_us": sequence * 1000} | fields
    return pb.PassageRequest(frame=pb.Frame(sequence=sequence, encoding=encoding, data=data, **stated))


async def talk(rig: Rig, requests: Iterable[pb.PassageRequest], **options: object) -> list[pb.PassageResponse]:
    """Sends `requests`, half-closes, and returns every response."""
    call = rig.lanes.Passage(iter(requests), **options)
    return [response async for response in call]


async def slowly(requests: Iterable[pb.PassageRequest], gap_s: float = 0.05) -> AsyncIterator[pb.PassageRequest]:
    """One request after the other, so that none overtakes the one before."""
    for request in requests:
        yield request
        await asyncio.sleep(gap_s)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The code in an error's ErrorInfo."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert info.domain == "egate"
    assert info.metadata["remedy"]
    return info.reason


async def next_passage_works(rig: Rig, lane_id: str = "lane-1") -> None:
    """The same lane takes a passage on and opens for an expected traveller."""
    decision = await rig.client.verify(lane_id, [fakes.jpeg(1)] * 3)
    assert decision.opens, decision
    assert decision.traveller_reference == "traveller-1"
