"""`gate flight enrol-finger`: what a desk sees, and what a script can rely on."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.cli.flight_finger import Finger
from gate.client import FingerEncoding, RecordEncoding
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader
from gate.fingerprint.iso19794_2 import write_iso19794_2_2005, write_iso19794_2_2011
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.read import guess_encoding
from gate.service.server import GateServer
from gate.settings import ServerSettings, Settings
from tests.decision.makers import CALIBRATION
from tests.fingerprint.fingers import finger
from tests.service import fakes
from tests.service.fakes import FLIGHT

WHO = "traveller-1"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An engine that reads records, in a thread of its own; silent, because what it logs is captured here too."""
    monkeypatch.chdir(tmp_path)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        settings = Settings(server=ServerSettings(address="127.0.0.1:0", drain_s=0.5))
        engine = Engine(settings, fakes.ColourVision(), CALIBRATION, fingers=FingerReader())
        engine.enrol(fakes.traveller(1), fakes.jpeg(1))
        async with GateServer(engine, settings.server) as server:
            found.append(server.address)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(30)
    yield found[0]
    down.set()
    thread.join()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "finger.fmr"
    path.write_bytes(write_iso19794_2_2005([replace(finger(1), finger=FingerPosition.LEFT_RING)]))
    return path


def enrol(address: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["flight", "enrol-finger", *arguments, "--server", address])


def test_a_finger_from_file_to_receipt(address: str, record: Path) -> None:
    done = enrol(address, WHO, FLIGHT, str(record))
    assert done.exit_code == Exit.OK, done.output
    assert "left ring is enrolled: 35 minutiae by iso19794-2" in done.output
    facts = json.loads(enrol(address, WHO, FLIGHT, str(record), "--finger", "left_ring", "--json").output)
    assert (facts["already"], facts["finger"], facts["minutiae"]) == (True, "left_ring", 35)
    assert (facts["extractor"], facts["quality"], facts["advice"]) == ("iso19794-2", None, [])
    shown = CliRunner().invoke(app, ["flight", "show", "--server", address])
    assert "1 fingers" in shown.output
    closed = CliRunner().invoke(app, ["flight", "close", FLIGHT, "--yes", "--server", address])
    assert "1 finger" in closed.output and "nothing is left" in closed.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nobody", FLIGHT), "No traveller of that reference"),
        ((WHO, FLIGHT, "--finger", "right_thumb"), "expected one view of the right thumb"),
        ((WHO, FLIGHT, "--size", "10x10"), "expected a minutiae record"),
    ],
    ids=["nobody", "other finger", "image"],
)
def test_a_refusal_says_what_was_expected(address: str, record: Path, arguments: tuple[str, ...], says: str) -> None:
    refused = enrol(address, *arguments[:2], str(record), *arguments[2:])
    assert refused.exit_code not in {Exit.OK, None}
    assert says in " ".join(refused.output.split())


@pytest.mark.parametrize(("content", "size"), [(b"GIF89a", ""), (b"\0" * 100, "ten by ten")], ids=["GIF", "size"])
def test_a_file_that_says_nothing_is_asked_about(tmp_path: Path, content: bytes, size: str) -> None:
    path = tmp_path / "finger.raw"
    path.write_bytes(content)
    asked = CliRunner().invoke(app, ["flight", "enrol-finger", WHO, FLIGHT, str(path), "--size", size])
    assert asked.exit_code == Exit.USAGE
    assert "--size" in asked.output


def test_a_certificate_without_its_key_is_a_slip_and_no_bug(record: Path) -> None:
    slip = CliRunner().invoke(app, ["flight", "enrol-finger", WHO, FLIGHT, str(record), "--cert", "own.pem"])
    assert slip.exit_code == Exit.USAGE
    assert "--cert and --key belong together" in slip.output


def test_files_are_told_by_their_first_bytes(shared: Path) -> None:
    records = shared / "data" / "fingerprints" / "nist-records"
    assert guess_encoding((records / "ansi378-2004-appendix-b2.raw").read_bytes()) is RecordEncoding.ANSI_378
    assert guess_encoding(write_iso19794_2_2005([finger(1)])) is RecordEncoding.ISO_19794_2
    assert guess_encoding(write_iso19794_2_2011([finger(1)])) is RecordEncoding.ISO_19794_2
    assert guess_encoding(b"\xff\xa0\xff\xa4") is FingerEncoding.WSQ
    assert guess_encoding(b"BM....") is FingerEncoding.BMP
    assert guess_encoding(b"") is None


def test_every_finger_can_be_named() -> None:
    assert [one.name for one in Finger] == [position.name for position in FingerPosition]
