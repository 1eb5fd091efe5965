"""The server's own life: health, addresses, TLS, draining."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gate.client import GateClient, GateUnavailableError, Tls
from gate.decision.outcome import Outcome, Reason
from gate.errors import Code, GateError, ModelPackError, SettingsError
from gate.service.server import SERVICES, GateServer
from gate.settings import ServerSettings, TlsSettings
from tests.service import fakes
from tests.service.running import next_passage_works, rig

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel) -> set[int]:
    stub = health_pb2_grpc.HealthStub(channel)
    answers = [await stub.Check(health_pb2.HealthCheckRequest(service=name)) for name in ("", *SERVICES)]
    return {answer.status for answer in answers}


async def test_health_follows_warm_up_and_drain() -> None:
    vision = fakes.ColourVision()
    engine = fakes.engine(vision)
    server = GateServer(engine, engine.settings.server)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel, GateClient(server.address) as client:
        assert await health(channel) == {NOT_SERVING}, "before the models are warm"
        await server.warm()
        assert await health(channel) == {SERVING}
        await client.wait_until_serving(1)
        async with client.passage("lane-1"):
            draining = asyncio.create_task(server.drain())
            await asyncio.sleep(0.1)
            assert await health(channel) == {NOT_SERVING}, "while passages finish"
        await draining


async def test_a_passage_that_comes_too_early_is_accepted_when_the_models_are_warm() -> None:
    vision = fakes.ColourVision(warm_s=0.5)
    engine = fakes.engine(vision)
    server = GateServer(engine, engine.settings.server)
    await server.start()
    async with GateClient(server.address) as client:
        early = asyncio.create_task(client.verify("lane-1", [fakes.jpeg(1)] * 3))
        await asyncio.sleep(0.2)
        assert not early.done()
        await server.warm()
        assert (await early).opens
    await server.drain()


async def test_models_that_cannot_be_loaded_never_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fakes.engine(fakes.ColourVision())

    def fail() -> None:
        raise ModelPackError(Code.MODEL_ALTERED, "hash differs")

    monkeypatch.setattr(engine, "warm", fail)
    with pytest.raises(ModelPackError):
        async with GateServer(engine, engine.settings.server):
            pytest.fail("served")


async def test_draining_lets_a_passage_finish_and_takes_on_no_new_one() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        draining = asyncio.create_task(it.server.drain())
        await asyncio.sleep(0.1)
        with pytest.raises(GateError) as caught:
            await it.client.verify("lane-2", [fakes.jpeg(1)])
        assert caught.value.code is Code.SHUTTING_DOWN
        assert await passage.send_jpeg(fakes.jpeg(1))
        assert (await passage.decision()).opens
        await draining


async def test_draining_gives_a_passage_that_does_not_finish_its_final_answer() -> None:
    vision = fakes.ColourVision()
    vision.held = threading.Event()  # a model that hangs
    try:
        async with rig(vision) as it, it.client.passage("lane-1") as passage:
            await passage.send_jpeg(fakes.jpeg(1))
            await it.server.drain()
            decision = await passage.decision()
            assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.SHUTTING_DOWN)
            with pytest.raises(GateUnavailableError):
                await it.client.verify("lane-1", [fakes.jpeg(1)])
    finally:
        vision.held.set()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.168.1.7:50151", "gate.example:50151"])
def test_a_network_address_without_tls_is_refused(address: str) -> None:
    engine = fakes.engine(fakes.ColourVision())
    with pytest.raises(SettingsError) as caught:
        GateServer(engine, ServerSettings(address=address))
    assert caught.value.code is Code.ADDRESS_REFUSED


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0", "127.9.9.9:0"])
async def test_loopback_needs_no_tls(address: str) -> None:
    engine = fakes.engine(fakes.ColourVision())
    GateServer(engine, ServerSettings(address=address))


async def test_an_isolated_network_may_be_allowed() -> None:
    engine = fakes.engine(fakes.ColourVision())
    async with GateServer(engine, ServerSettings(address="0.0.0.0:0", allow_insecure=True)) as server:
        assert server.port > 0


async def test_a_unix_socket_counts_as_local(tmp_path: Path) -> None:
    engine = fakes.engine(fakes.ColourVision())
    settings = ServerSettings(address=f"unix:{tmp_path}/gate.sock", drain_s=0.1)
    async with GateServer(engine, settings) as server, GateClient(server.address) as client:
        assert (await client.verify("lane-1", [fakes.jpeg(1)])).opens


async def test_a_second_engine_on_the_same_port_is_told_so() -> None:
    async with rig() as it:
        second = GateServer(it.engine, ServerSettings(address=it.server.address, drain_s=0))
        with pytest.raises(SettingsError, match=r"cannot listen on 127\.0\.0\.1"):
            await second.start()
        await second.drain()
        await next_passage_works(it)


async def test_reflection_is_only_there_when_asked_for() -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with rig() as it:
        stub = reflection_pb2_grpc.ServerReflectionStub(it.channel)
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
        listed = {service.name for service in answers[0].list_services_response.service}
        assert set(SERVICES) <= listed
    engine = fakes.engine(fakes.ColourVision())
    async with (
        GateServer(engine, ServerSettings(address="127.0.0.1:0", drain_s=0)) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def certificates(folder: Path) -> tuple[TlsSettings, Tls]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("localhost", "lane-controller"):
        issued = authority.issue_cert(name)
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    server = TlsSettings(
        certificate=folder / "localhost.pem", private_key=folder / "localhost.key", client_ca=folder / "ca.pem"
    )
    client = Tls(
        authority=folder / "ca.pem",
        certificate=folder / "lane-controller.pem",
        private_key=folder / "lane-controller.key",
        server_name="localhost",
    )
    return server, client


async def test_mutual_tls_lets_in_whom_the_authority_signed_and_nobody_else(tmp_path: Path) -> None:
    server_tls, client_tls = certificates(tmp_path)
    engine = fakes.engine(fakes.ColourVision())
    settings = ServerSettings(address="127.0.0.1:0", tls=server_tls, drain_s=0.1)
    async with GateServer(engine, settings) as server:
        async with GateClient(server.address, tls=client_tls) as client:
            assert (await client.verify("lane-1", [fakes.jpeg(1)])).opens
        anonymous = Tls(authority=tmp_path / "ca.pem", server_name="localhost")
        for refused in (anonymous, None):
            async with GateClient(server.address, tls=refused) as client:
                with pytest.raises(GateUnavailableError):
                    await client.verify("lane-1", [fakes.jpeg(1)], timeout_s=5)


async def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    engine = fakes.engine(fakes.ColourVision())
    tls = TlsSettings(certificate=tmp_path / "none.pem", private_key=tmp_path / "none.key")
    server = GateServer(engine, ServerSettings(address="127.0.0.1:0", tls=tls, drain_s=0))
    with pytest.raises(SettingsError, match=r"none\.key cannot be read"):
        await server.start()
    await server.drain()
