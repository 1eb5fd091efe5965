"""`gate manifest` and `gate flight`: what an integrator sees, and what a script can rely on."""

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
from tests.service.manifests import FLIGHT, rows


def gate(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "flight.csv"
    path.write_bytes(rows(5, 6, 7))
    return path


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    for person in (5, 6):
        (folder / f"{person}.jpg").write_bytes(fakes.jpeg(person))
    (folder / "notes.txt").write_text("no photograph")
    return folder


@pytest.fixture
def address() -> Iterator[str]:
    """An engine with fake models, served in a thread of its own; silent, because what it logs is captured here too."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: list[str] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        engine = fakes.engine(fakes.ColourVision(), expected=())
        async with GateServer(engine, engine.settings.server) as server:
            found.append(server.address)
            up.set()
            await asyncio.to_thread(down.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert up.wait(10)
    yield found[0]
    down.set()
    thread.join(10)


def test_a_check_says_who_would_load_and_what_is_missing(csv: Path, faces: Path) -> None:
    result = gate("manifest", "check", str(csv), "--photos", str(faces))
    assert result.exit_code == Exit.OK, result.output
    for told in (FLIGHT, "LHR → JFK", "TESTER5, ALEX", "X0000005", "PHOTO_MISSING", "3 would be expected"):
        assert told in result.output, told


def test_json_is_as_documented(csv: Path, faces: Path) -> None:
    told = json.loads(gate("manifest", "check", str(csv), "--photos", str(faces), "--json").output)
    (leg,) = told["legs"]
    assert (leg["flight"], leg["origin"], leg["added"], leg["code"]) == (FLIGHT, "LHR", 3, "")
    assert [t["surname"] for t in told["travellers"]] == ["TESTER5", "TESTER6", "TESTER7"]
    assert {t["state"] for t in told["travellers"]} == {"expected"}
    (finding,) = [f for f in told["findings"] if f["code"] == "PHOTO_MISSING"]
    assert {"line", "segment", "severity", "code", "message"} <= set(finding)
    assert finding["line"] == 4
    assert told["summaries"][0]["without_face"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--now", "2031-01-01T00:00"), "LEG_PAST"), (("--port", "FRA"), "LEG_ELSEWHERE")],
)
def test_time_and_place_decide(csv: Path, arguments: tuple[str, ...], code: str) -> None:
    result = gate("manifest", "check", str(csv), *arguments)
    assert code in result.output
    assert "0 would be expected" in result.output
    assert result.exit_code == (Exit.NOT_AS_EXPECTED if code == "LEG_PAST" else Exit.OK)


@pytest.mark.parametrize("data", [b"", b"\x00\xff\xfe" * 100, b"hello"], ids=["empty", "noise", "text"])
def test_what_is_no_manifest_ends_with_a_reason_and_an_exit_code(data: bytes) -> None:
    result = gate("manifest", "check", "-", stdin=data)
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "error" in result.output


def test_names_cannot_command_the_terminal(tmp_path: Path) -> None:
    """A name with escape codes or markup would otherwise colour, hide or retitle what the integrator reads."""
    path = tmp_path / "evil.csv"
    path.write_bytes(rows(5).replace(b"TESTER5", b"[red]\x1b[2J\xe2\x80\xaeEVIL"))
    result = gate("manifest", "check", str(path))
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output


def test_several_files_are_one_report(tmp_path: Path, csv: Path) -> None:
    cancelled = tmp_path / "cancelled.csv"
    cancelled.write_bytes(rows(6, status="cancelled"))
    told = json.loads(gate("manifest", "check", str(csv), str(cancelled), "--json").output)
    assert [(t["file"].endswith("cancelled.csv"), t["state"]) for t in told["travellers"]] == [
        (False, "expected"),
        (False, "expected"),
        (False, "expected"),
        (True, "removed"),
    ]


def test_a_file_that_is_not_there_is_one_line() -> None:
    result = gate("manifest", "check", "nowhere.edi")
    assert result.exit_code == Exit.SETTINGS
    assert "nowhere.edi" in result.output


@pytest.mark.parametrize(("option", "value"), [("--now", "yesterday"), ("--port", "HONGKONG")])
def test_nonsense_options_are_usage(csv: Path, option: str, value: str) -> None:
    assert gate("manifest", "check", str(csv), option, value).exit_code == Exit.USAGE


def test_a_flight_from_load_to_receipt(csv: Path, faces: Path, address: str) -> None:
    loaded = gate("manifest", "load", str(csv), "--photos", str(faces), "--server", address)
    assert loaded.exit_code == Exit.OK, loaded.output
    for told in ("3 expected (3 new", "2 faces enrolled", "enrolled"):
        assert told in loaded.output, told
    again = gate("manifest", "load", str(csv), "--address", address, "--json")
    assert json.loads(again.output)["summaries"][0]["unchanged"] == 3
    reference = json.loads(again.output)["travellers"][0]["reference"]

    shown = gate("flight", "show", "--server", address)
    assert FLIGHT in shown.output
    assert "3 travellers, 2 templates" in shown.output
    facts = json.loads(gate("flight", "show", FLIGHT, "--server", address, "--json").output)
    assert facts["flights"][0]["without_face"] == 1

    why = ("--why", "consent_withdrawn", "--yes")
    withdrawn = gate("flight", "withdraw", reference, *why, "--server", address)
    assert withdrawn.exit_code == Exit.OK, withdrawn.output
    assert "consent withdrawn" in withdrawn.output

    refused = gate("flight", "close", FLIGHT, "--server", address)  # nobody says yes
    assert refused.exit_code != Exit.OK
    closed = json.loads(gate("flight", "close", FLIGHT, "--yes", "--server", address, "--json").output)
    assert (closed["flight"], closed["complete"]) == (FLIGHT, True)
    assert closed["places"]["index"]["before"]["travellers"] == 2
    unknown = gate("flight", "close", FLIGHT, "--yes", "--server", address)
    assert unknown.exit_code == Exit.REFUSED
    assert "FLIGHT_UNKNOWN" in unknown.output
    assert "Nobody is expected." in gate("flight", "show", "--server", address).output


def test_without_an_engine_the_exit_code_says_so(csv: Path) -> None:
    assert gate("manifest", "load", str(csv), "--server", "127.0.0.1:9").exit_code == Exit.NO_ENGINE
