"""`gate play` against a running engine."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.manifest.mrz_layout import MrzKind
from gate.manifest.write_mrz import write_mrz
from tests.cli.conftest import Lane

pytestmark = pytest.mark.shared
runner = CliRunner()


def folder_of(frames: tuple[bytes, ...], folder: Path) -> str:
    # Without leading zeros: frame 10 must still come after frame 9.
    for number, frame in enumerate(frames):
        (folder / f"frame{number}.jpg").write_bytes(frame)
    return str(folder)


def test_a_folder_opens_the_gate(lane: Lane, tmp_path: Path) -> None:
    result = runner.invoke(app, ["play", folder_of(lane.traveller, tmp_path), "--server", lane.served.address])
    assert result.exit_code == Exit.OK, result.output
    assert "open" in result.output
    assert "matched" in result.output


def test_a_stranger_is_asked_for_a_fingerprint_and_the_exit_code_says_so(lane: Lane, tmp_path: Path) -> None:
    arguments = ["play", folder_of(lane.stranger, tmp_path), "--server", lane.served.address, "--json"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == Exit.FINGERPRINT, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1]["event"] == "decision"
    assert events[-1]["reason"] == "no_match"
    assert events[-1]["traveller_reference"] is None


def test_a_video_is_played_against_a_document(lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "passage.avi"
    images = [cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR) for frame in lane.traveller]
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.0, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    arguments = ["play", str(path), "--server", lane.served.address, "--document", lane.document, "--json"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == Exit.OK, result.output
    assert json.loads(result.stdout.splitlines()[-1])["gallery_size"] == 1, "1:1, against the document's owner alone"


def test_a_machine_readable_zone_is_claimed_from_the_input(lane: Lane, tmp_path: Path) -> None:
    zone = write_mrz(
        MrzKind.TD3,
        code="P",
        issuing_state="UTO",
        number=lane.document,
        surname="MUSTER",
        given_names="ANNA",
        nationality="UTO",
        birth_date="800101",
        sex="F",
        expires="350101",
    )
    arguments = [
        "play",
        folder_of(lane.traveller, tmp_path),
        "--server",
        lane.served.address,
        "--claim-mrz",
        "-",
        "--json",
    ]
    result = runner.invoke(app, arguments, input=zone)
    assert result.exit_code == Exit.OK, result.output
    assert json.loads(result.stdout.splitlines()[-1])["gallery_size"] == 1


def test_a_token_that_was_issued_here_opens_once(lane: Lane, tmp_path: Path) -> None:
    who = ["--traveller", "ref-1", "--flight", "XX1/today", "--document", lane.document]
    issue = ["token", "issue", "--key", str(lane.signing_key), "--audience", "test-gate", *who]
    issued = runner.invoke(app, issue)
    assert issued.exit_code == Exit.OK, issued.output
    arguments = ["play", folder_of(lane.traveller, tmp_path), "--server", lane.served.address, "--claim-token", "-"]
    assert runner.invoke(app, arguments, input=issued.stdout).exit_code == Exit.OK
    replayed = runner.invoke(app, [*arguments, "--json"], input=issued.stdout)
    assert replayed.exit_code == Exit.OFFICER
    assert json.loads(replayed.stdout.splitlines()[-1])["reason"] == "claim_refused"


def test_one_picture_is_a_passage_too(lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(lane.traveller[-1])
    result = runner.invoke(app, ["play", str(path), "--server", lane.served.address])
    assert result.exit_code == Exit.OK, result.output


def test_a_broken_picture_is_said_and_the_passage_goes_on(lane: Lane, tmp_path: Path) -> None:
    folder_of(lane.traveller[-4:], tmp_path)
    (tmp_path / "broken.jpg").write_bytes(lane.traveller[-1][:2000])
    result = runner.invoke(app, ["play", str(tmp_path), "--server", lane.served.address, "--json"])
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["code"] for event in events if event["event"] == "frame_rejected"] == ["FRAME_TRUNCATED"]
    assert result.exit_code == Exit.OK


def test_an_empty_lane_is_sent_to_an_officer(lane: Lane, tmp_path: Path) -> None:
    grey = np.full((720, 1280, 3), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "wall.png"), grey)
    result = runner.invoke(app, ["play", str(tmp_path), "--server", lane.served.address])
    assert result.exit_code == Exit.OFFICER, result.output
    assert "no_face" in result.output


def test_an_unknown_lane_is_refused_with_the_lanes_there_are(lane: Lane, tmp_path: Path) -> None:
    source = folder_of(lane.traveller[:1], tmp_path)
    result = runner.invoke(app, ["play", source, "--server", lane.served.address, "--lane", "lane-9"])
    assert result.exit_code == Exit.REFUSED
    assert "LANE_UNKNOWN" in result.stderr
    assert "lane-1" in result.stderr


def test_no_engine_is_not_an_outcome(lane: Lane, tmp_path: Path) -> None:
    """Guards the rule that a broken connection never looks like a decision about the traveller."""
    source = folder_of(lane.traveller[:1], tmp_path)
    result = runner.invoke(app, ["play", source, "--server", "127.0.0.1:1"])
    assert result.exit_code == Exit.NO_ENGINE
    assert "127.0.0.1:1" in result.stderr
