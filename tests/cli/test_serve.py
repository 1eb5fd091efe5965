"""`gate serve` as a service manager runs it."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from gate.cli.exits import Exit
from gate.client import GateClient
from gate.decision.outcome import Outcome, Reason
from tests.cli.conftest import Lane
from tests.cli.engines import gate_serve

pytestmark = pytest.mark.shared


@pytest.mark.usefixtures("shared")
async def test_serves_a_passage_and_ends_cleanly_on_sigterm(tmp_path: Path) -> None:
    """Guards the whole start: settings, pack, calibration, warm-up, health, drain, exit code."""
    with gate_serve(tmp_path) as served:
        async with GateClient(served.address) as client:
            await client.wait_until_serving()
            decision = await client.verify("lane-1", [])
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == Exit.OK
    assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.FRAMES_ENDED)


@pytest.mark.usefixtures("shared")
def test_the_log_says_nothing_of_the_traveller(tmp_path: Path, lane: Lane) -> None:
    """Guards against a reference or a document number that slips into a log line."""
    import asyncio
    from datetime import UTC, datetime, timedelta

    from gate.gallery.traveller import TravelDocument, Traveller

    traveller = Traveller(
        "ref-secret", "XX2/today", datetime.now(UTC) + timedelta(hours=1), (TravelDocument("SECRET99"),)
    )

    async def pass_by(address: str) -> None:
        async with GateClient(address) as client:
            await client.wait_until_serving()
            await client.enrol([(traveller, lane.traveller[-1])])
            decision = await client.verify("lane-1", lane.traveller[-3:], document="SECRET99")
            assert decision.traveller_reference == "ref-secret"

    with gate_serve(tmp_path) as served:
        asyncio.run(pass_by(served.address))
        served.process.send_signal(signal.SIGTERM)
        assert served.process.stderr is not None
        log = served.process.stderr.read()
    assert "passage_closed" in log
    assert "secret" not in log.lower()


@pytest.mark.usefixtures("shared")
def test_a_taken_port_is_said_and_numbered(tmp_path: Path) -> None:
    """Guards against a second engine that shares the port and takes half of the passages."""
    import subprocess
    import sys

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "gate", "serve", "--address", address]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == Exit.SETTINGS
    assert f"cannot listen on {address}" in done.stderr
