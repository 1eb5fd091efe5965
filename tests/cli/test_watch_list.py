"""`gate watch-list`: adds, shows and removes over the wire, and shows no reference."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.service.server import GateServer
from tests.service import fakes


@pytest.fixture
def address() -> Iterator[str]:
    """An engine with fake models in a thread of its own; silent, because what it logs is captured here too."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        engine = fakes.engine(fakes.ColourVision(), expected=())
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


def asked(address: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["watch-list", *arguments, "--server", address])


def test_somebody_is_put_on_the_list_and_taken_off(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(fakes.jpeg(2))
    assert "Nobody" in asked(address, "show").output
    added = asked(address, "add", str(photo), "--reference", "w-secret", "--list", "warrant", "--hours", "2")
    assert added.exit_code == Exit.OK, added.output
    shown = asked(address, "show")
    assert "warrant" in shown.output
    assert "w-secret" not in shown.output
    assert json.loads(asked(address, "show", "--json").output)["lists"][0]["people"] == 1
    removed = asked(address, "remove", "w-secret", "--yes", "--json")
    assert (removed.exit_code, json.loads(removed.output)["complete"]) == (Exit.OK, True)
    assert asked(address, "remove", "w-secret", "--yes").exit_code == Exit.REFUSED


def test_a_photograph_without_a_face_is_explained(address: str, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(fakes.jpeg(None))
    refused = asked(address, "add", str(photo), "--reference", "w", "--list", "warrant", "--hours", "2")
    assert refused.exit_code == Exit.REFUSED
    assert "PHOTO_NO_FACE" in refused.output
