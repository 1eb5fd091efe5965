"""Logs say what happened to a passage, and nothing about the traveller."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from gate.gallery.traveller import TravelDocument
from tests.service import fakes
from tests.service.running import rig, start, talk

SECRETS = ("SECRETREF", "SECRETDOC", "X0000001")


async def test_no_reference_and_no_document_number_reaches_the_log() -> None:
    person = fakes.traveller(5, reference="SECRETREF", documents=(TravelDocument("SECRETDOC", "UTO"),))
    bad = fakes.traveller(6, reference="SECRETREF", documents=(TravelDocument("SECRETDOC<", "UTO"),))
    with capture_logs() as lines:
        async with rig(budget_s=0.5) as it:
            await it.client.enrol([(person, fakes.jpeg(5)), (bad, fakes.jpeg(5)), (person, b"")])
            decision = await it.client.verify("lane-1", [fakes.jpeg(5)] * 3, document="SECRETDOC")
            await it.client.verify("lane-1", [fakes.jpeg(1)] * 3, document="X0000001")
            await it.client.withdraw("SECRETREF")
            await asyncio.sleep(0.05)
    assert decision.traveller_reference == "SECRETREF"
    text = str(lines)
    assert decision.passage_id in text
    assert not [secret for secret in SECRETS if secret in text]


async def test_each_call_is_one_line_with_its_status_and_duration() -> None:
    with capture_logs() as lines:
        async with rig() as it:
            await it.client.verify("lane-1", [fakes.jpeg(1)])
            try:
                await talk(it, [start("lane-99")])
            except Exception as error:  # noqa: BLE001
                assert "lane-99" in str(error)
            await asyncio.sleep(0.05)
    calls = [line for line in lines if line["event"] == "call"]
    assert [line["status"] for line in calls] == ["OK", "NOT_FOUND"]
    assert all(line["method"] == "/egate.v1.LaneService/Passage" and line["duration_ms"] >= 0 for line in calls)


async def test_a_fault_is_logged_under_the_incident_that_the_controller_was_told() -> None:
    with capture_logs() as lines:
        async with rig() as it:
            it.vision.broken = RuntimeError("private")
            decision = await it.client.verify("lane-1", [fakes.jpeg(1)] * 3)
    incidents = [line for line in lines if line["event"] == "incident"]
    assert [line["incident_id"] for line in incidents] == [decision.incident_id]
    assert incidents[0]["log_level"] == "error"
