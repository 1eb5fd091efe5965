"""Real models, real photographs, real sockets: what a lane would see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.client import FrameRejection, GateClient, GuidanceGiven
from gate.decision.outcome import Guidance, Outcome, Reason
from gate.decision.policy import Policy
from gate.engine.build import build_engine
from gate.engine.engine import Engine
from gate.errors import Code
from gate.service.server import GateServer
from gate.settings import LaneSettings, ServerSettings, Settings
from tests.service import fakes

pytestmark = pytest.mark.shared

PEOPLE = ("Aaron_Peirsol", "Alan_Ball", "Angela_Bassett", "Carlos_Moya")
STRANGER = "Catherine_Deneuve"
SCALE = 2  # LFW's eyes are 40 px apart; a gate's camera sees about twice that


@pytest.fixture(scope="module")
def portrait(shared: Path) -> Callable[[str, int], bytes]:
    """A photograph of LFW as a camera of a gate would see it, JPEG."""

    def load(person: str, number: int) -> bytes:
        folder = shared / "data" / "faces" / "lfw" / person
        found = sorted(folder.glob("*.jpg"))
        if len(found) < number:
            pytest.skip(f"needs {number} photographs in {folder}")
        image = cv2.imread(str(found[number - 1]))
        larger = cv2.resize(image, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", larger, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()

    return load


@pytest.fixture(scope="module")
def engine(portrait: Callable[[str, int], bytes]) -> Iterator[Engine]:
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.5),
        lanes={"lane-1": LaneSettings()},
        profiles={"pedestrian": Policy(budget_s=4.0)},
    )
    made = build_engine(settings).engine
    for person in PEOPLE:
        made.enrol(fakes.traveller(0, reference=person, documents=()), portrait(person, 1))
    yield made


@asynccontextmanager
async def lane(engine: Engine) -> AsyncIterator[GateClient]:
    async with GateServer(engine, engine.settings.server) as server, GateClient(server.address) as client:
        yield client


async def test_each_expected_traveller_opens_and_is_named(
    engine: Engine, portrait: Callable[[str, int], bytes]
) -> None:
    async with lane(engine) as client:
        for person in PEOPLE:
            decision = await client.verify("lane-1", [portrait(person, 2)] * 30)
            assert (decision.outcome, decision.traveller_reference) == (Outcome.OPEN, person), decision
            assert {"decode", "detect", "embed", "search"} <= {timing.stage for timing in decision.timings}


async def test_a_stranger_does_not_open(engine: Engine, portrait: Callable[[str, int], bytes]) -> None:
    async with lane(engine) as client:
        decision = await client.verify("lane-1", [portrait(STRANGER, 1)] * 60)
        assert not decision.opens
        assert decision.reason is Reason.NO_MATCH
        assert decision.traveller_reference is None


async def test_two_people_do_not_open(engine: Engine, portrait: Callable[[str, int], bytes]) -> None:
    pictures = [cv2.imdecode(np.frombuffer(portrait(p, 2), np.uint8), cv2.IMREAD_COLOR) for p in PEOPLE[:2]]
    seen: list[object] = []
    async with lane(engine) as client:
        decision = await client.verify("lane-1", [np.hstack(pictures)] * 60, on_event=seen.append)
    assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.MULTIPLE_PEOPLE)
    advice = {event.guidance for event in seen if isinstance(event, GuidanceGiven)}
    assert Guidance.ONE_PERSON_ONLY in advice


async def test_a_group_photograph_is_not_enrolled(engine: Engine) -> None:
    import insightface

    six_people = (Path(insightface.__file__).parent / "data" / "images" / "t1.jpg").read_bytes()
    async with lane(engine) as client:
        report = await client.enrol([(fakes.traveller(0, reference="group"), six_people)])
    assert [result.code for result in report.results] == [Code.PHOTO_SEVERAL_FACES]


BROKEN = [
    pytest.param(lambda data: data[: len(data) // 2], Code.FRAME_TRUNCATED, id="truncated JPEG"),
    pytest.param(lambda _data: b"\x00" * 1000, Code.FRAME_ENCODING_MISMATCH, id="zeros"),
    pytest.param(lambda _data: b"", Code.FRAME_EMPTY, id="zero bytes"),
]


@pytest.mark.parametrize(("spoil", "code"), BROKEN)
async def test_a_broken_frame_among_good_ones_does_not_hinder_the_traveller(
    engine: Engine, portrait: Callable[[str, int], bytes], spoil: Callable[[bytes], bytes], code: Code
) -> None:
    good = portrait(PEOPLE[0], 2)
    seen: list[object] = []
    async with lane(engine) as client:
        decision = await client.verify("lane-1", [spoil(good), *[good] * 30], fps=8, on_event=seen.append)
    assert decision.opens, decision
    assert [event.code for event in seen if isinstance(event, FrameRejection)] == [code]
