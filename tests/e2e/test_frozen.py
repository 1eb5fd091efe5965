"""The other side is still there, and does not answer: only keepalive and deadlines tell."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from gate.client import GateClient, GateTimeoutError
from gate.service.server import GateServer
from gate.settings import ServerSettings
from tests.e2e.processes import ROOT, engine_process
from tests.service import fakes

CONTROLLER = """
import asyncio, sys
from gate.client import GateClient

async def main():
    async with GateClient(sys.argv[1]) as gate, gate.passage("lane-1"):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_controller_that_freezes_loses_its_lane_to_the_next_one() -> None:
    engine = fakes.engine(fakes.ColourVision(), budget_s=60.0)
    settings = ServerSettings(address="127.0.0.1:0", keepalive_s=1.0, drain_s=0.1)
    with capture_logs() as lines:
        async with GateServer(engine, settings) as server, GateClient(server.address) as client:
            command = [sys.executable, "-c", CONTROLLER, server.address]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as controller:
                try:
                    assert controller.stdout is not None
                    assert await asyncio.to_thread(controller.stdout.readline) == "open\n"
                    controller.send_signal(signal.SIGSTOP)
                    async with asyncio.timeout(10):
                        while server.passages_in_flight:
                            await asyncio.sleep(0.05)
                    assert (await client.verify("lane-1", [fakes.jpeg(1)] * 3)).opens
                finally:
                    controller.kill()
    closed = [line["outcome"] for line in lines if line["event"] == "passage_closed"]
    assert closed == ["abandoned", "open"]


async def test_an_engine_that_freezes_is_a_timeout_for_the_controller() -> None:
    with engine_process() as served:
        async with GateClient(served.address) as client, client.passage("lane-1", timeout_s=1.0) as passage:
            served.process.send_signal(signal.SIGSTOP)
            with pytest.raises(GateTimeoutError, match="in time"):
                await passage.decision()
