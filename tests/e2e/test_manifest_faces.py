"""A flight from manifest to receipt, with real models, real photographs and a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.client import GateClient, PersonState
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.engine.build import build_engine
from gate.engine.engine import Engine
from gate.errors import Code
from gate.service.server import GateServer
from gate.settings import FrameSettings, LaneSettings, ServerSettings, Settings
from tests.service.manifests import FLIGHT, rows

pytestmark = pytest.mark.shared

PEOPLE = ("Aaron_Peirsol", "Alan_Ball", "Angela_Bassett", "Carlos_Moya")
"""Folders of photographs; in the manifest they are TESTER0 and so on."""


@pytest.fixture(scope="module")
def portrait(shared: Path) -> Callable[[int, int], bytes]:
    def load(person: int, number: int) -> bytes:
        found = sorted((shared / "data" / "faces" / "lfw" / PEOPLE[person]).glob("*.jpg"))
        if len(found) < number:
            pytest.skip(f"needs {number} photographs of {PEOPLE[person]}")
        image = cv2.imread(str(found[number - 1]))
        larger = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", larger, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()

    return load


@pytest.fixture(scope="module")
def engine(shared: Path) -> Iterator[Engine]:
    del shared  # only to skip without it
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.5),
        lanes={"lane-1": LaneSettings()},
        profiles={"pedestrian": Policy(budget_s=4.0)},
        frames=FrameSettings(identical="allow"),
    )
    with build_engine(settings) as built:
        yield built.engine


async def test_a_flight_from_manifest_to_receipt(engine: Engine, portrait: Callable[[int, int], bytes]) -> None:
    blank = cv2.imencode(".png", np.full((240, 320, 3), 128, np.uint8))[1]
    photos = [("0.jpg", portrait(0, 1)), ("1.jpg", portrait(1, 1)), ("2.jpg", blank.tobytes())]
    async with GateServer(engine, engine.settings.server) as server, GateClient(server.address) as client:
        report = await client.load_manifest(rows(0, 1, 2, 3), photos, name="test")
        assert (report.summary.added, report.summary.enrolled, report.summary.photos_refused) == (4, 2, 1)
        refused = next(person for person in report.people if person.state is PersonState.PHOTO_REFUSED)
        assert (refused.person_index, refused.code) == (2, Code.PHOTO_NO_FACE)
        references = {person.person_index: person.reference for person in report.people}

        for person in (0, 1):
            decision = await client.verify("lane-1", [portrait(person, 2)] * 30)
            assert (decision.outcome, decision.traveller_reference) == (Outcome.OPEN, references[person]), decision
            assert decision.flight == FLIGHT
        bare = await client.verify("lane-1", [portrait(3, 1)] * 30, document="X0000003")
        assert (bare.outcome, bare.reason) == (Outcome.FINGERPRINT, Reason.NO_REFERENCE)

        receipt = await client.close_flight(FLIGHT)
        assert (receipt.travellers, receipt.templates, receipt.complete) == (4, 2, True)
        after = await client.verify("lane-1", [portrait(0, 2)] * 30)
        assert (after.outcome, after.reason) == (Outcome.OFFICER, Reason.GALLERY_EMPTY)
    assert engine.trail.journal.verify().whole


async def test_one_photograph_under_two_names_is_ambiguous(
    engine: Engine, portrait: Callable[[int, int], bytes]
) -> None:
    photos = [("0.jpg", portrait(0, 1)), ("1.jpg", portrait(0, 1))]
    async with GateServer(engine, engine.settings.server) as server, GateClient(server.address) as client:
        report = await client.load_manifest(rows(0, 1), photos)
        assert report.summary.lookalikes == 2
        assert {"FACES_ALIKE"} <= {finding.code for finding in report.findings}
        decision = await client.verify("lane-1", [portrait(0, 2)] * 40)
        assert decision.reason is Reason.AMBIGUOUS
        claimed = await client.verify("lane-1", [portrait(0, 2)] * 30, document="X0000000")
        assert claimed.opens
        await client.close_flight(FLIGHT)
