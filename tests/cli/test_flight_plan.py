"""`gate flight plan` and `pass`: an operator who moves a flight to another gate must not lose its times by it."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.service.server import GateServer
from tests.service import fakes
from tests.service.fakes import FLIGHT

OPENS = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
CLOSES = OPENS + timedelta(minutes=40)


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An engine with fake models in a thread of its own; silent, because what it logs is captured here too."""
    monkeypatch.chdir(tmp_path)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        engine = fakes.engine(fakes.ColourVision(), expected=(1,))
        async with GateServer(engine, engine.settings.server) as server:
            found.append(server.address)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(30)
    yield found[0]
    down.set()
    thread.join()


def plan(address: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["flight", "plan", *arguments, "--server", address])


def told(address: str, *arguments: str) -> dict[str, Any]:
    result = plan(address, *arguments, "--json")
    assert result.exit_code == Exit.OK, result.output
    facts: dict[str, Any] = json.loads(result.output)
    return facts


def test_a_plan_grows_moves_and_closes(address: str) -> None:
    assert "No plan is known." in plan(address).output
    first = told(address, FLIGHT, "--gate", "b12", "--opens", OPENS.isoformat(), "--closes", CLOSES.isoformat())
    boarding = {"touchpoint": "boarding", "opens_at": OPENS.isoformat(), "closes_at": CLOSES.isoformat()}
    assert first == {"flight": FLIGHT, "gate": "B12", "windows": [boarding]}
    security = {"touchpoint": "security", "opens_at": None, "closes_at": OPENS.isoformat()}
    assert told(address, FLIGHT, "--at", "security", "--closes", OPENS.isoformat())["windows"] == [boarding, security]
    moved = told(address, FLIGHT, "--gate", "C3")
    assert (moved["gate"], moved["windows"]) == ("C3", [boarding, security])
    later = (OPENS + timedelta(minutes=10)).isoformat()
    assert told(address, FLIGHT, "--opens", later)["windows"] == [security, {**boarding, "opens_at": later}]
    closed = told(address, FLIGHT, "--close")["windows"][-1]
    assert (closed["touchpoint"], closed["opens_at"]) == ("boarding", None)
    assert datetime.fromisoformat(closed["closes_at"]) <= datetime.now(UTC)
    assert told(address, FLIGHT, "--gate", "A1", "--anew") == {"flight": FLIGHT, "gate": "A1", "windows": []}
    shown = plan(address).output
    assert FLIGHT in shown
    assert "A1" in shown


@pytest.mark.parametrize(
    "arguments",
    [
        (FLIGHT, "--opens", "noon"),
        (FLIGHT, "--opens", "2026-11-22T12:00"),
        (FLIGHT, "--close", "--closes", CLOSES.isoformat()),
        ("--gate", "B12"),
    ],
)
def test_nonsense_is_usage(address: str, arguments: tuple[str, ...]) -> None:
    assert plan(address, *arguments).exit_code == Exit.USAGE


def test_what_the_engine_refuses_is_named(address: str) -> None:
    refused = plan(address, FLIGHT, "--at", "lounge", "--close")
    assert refused.exit_code == Exit.REFUSED
    assert "plan.windows[0].touchpoint" in refused.output


def test_an_officer_lets_somebody_pass(address: str) -> None:
    who = ("traveller-1", FLIGHT, "--officer", "officer-7", "--reason", "document_checked", "--server", address)

    def passes(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["flight", "pass", *who, *arguments])

    assert "Recorded" in passes("--at", "security").output
    assert "already" in passes("--at", "security").output
    boarded = json.loads(passes("--json").output)
    assert (boarded["already"], boarded["receipt"]["why"], boarded["receipt"]["complete"]) == (False, "boarded", True)
    assert passes().exit_code == Exit.REFUSED
