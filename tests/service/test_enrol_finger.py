"""Fingers of expected travellers, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import cv2
import grpc
import numpy as np
import pytest

from gate.client import FingerEncoding, FingerPosition, FingerSample, GateClient, RecordEncoding
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader
from gate.errors import Code, EnrolmentError, FingerprintError, GateError, NotFoundError
from gate.fingerprint.iso19794_2 import write_iso19794_2_2005
from gate.fingerprint.quality import Advice
from gate.fingerprint.template import FingerImage, FingerTemplate
from gate.gallery.hands import MAX_VIEWS
from gate.gallery.receipt import Place
from gate.service.pb import fingerprint_pb2 as finger_pb
from gate.service.pb import gallery_pb2 as pb
from gate.service.pb import gallery_pb2_grpc
from gate.service.server import GateServer
from gate.settings import FingerprintSettings, ServerSettings, Settings
from tests.decision.makers import CALIBRATION
from tests.fingerprint.fingers import finger, moved
from tests.service import fakes
from tests.service.fakes import FLIGHT
from tests.service.running import reason_of

WHO = "traveller-1"
INDEX = FingerPosition.RIGHT_INDEX


class Blank:
    """Finds a finger's minutiae wherever it looks."""

    name = "leader-1"

    def extract(self, image: FingerImage) -> FingerTemplate:
        return replace(finger(1), extractor=self.name, finger=image.finger)

    def close(self) -> None:
        pass


@asynccontextmanager
async def served(reader: FingerReader | None) -> AsyncIterator[tuple[Engine, GateClient, str]]:
    settings = Settings(server=ServerSettings(address="127.0.0.1:0", drain_s=0.5))
    engine = Engine(settings, fakes.ColourVision(), CALIBRATION, fingers=reader)
    engine.enrol(fakes.traveller(1), fakes.jpeg(1))
    async with GateServer(engine, settings.server) as server, GateClient(server.address) as client:
        yield engine, client, server.address


def record(seed: int, position: FingerPosition = INDEX, minutiae: int = 35) -> FingerSample:
    """As a record, on the sensor's own canvas: what is written has 14 bits for a place."""
    one = replace(moved(finger(seed, minutiae)), finger=position)
    return FingerSample(RecordEncoding.ISO_19794_2, write_iso19794_2_2005([one]), finger=position)


def reading() -> FingerReader:
    return FingerReader(settings=FingerprintSettings(records_of="leader-1"))


async def test_a_finger_is_enrolled_counted_and_destroyed() -> None:
    async with served(reading()) as (_, client, _):
        done = await client.enrol_fingerprint(WHO, FLIGHT, record(1))
        assert (done.already, done.quality, done.advice, done.finger) == (False, None, (), INDEX)
        assert (done.minutiae, done.extractor) == (35, "leader-1")
        assert (await client.enrol_fingerprint(WHO, FLIGHT, record(1))).already
        await client.enrol_fingerprint(WHO, FLIGHT, record(2, FingerPosition.LEFT_THUMB))
        expected = await client.describe(FLIGHT)
        assert (expected.fingers, expected.flights[0].fingers, expected.templates) == (2, 2, 1)
        receipt = await client.close_flight(FLIGHT)
        assert receipt.complete
        assert [receipt.before[place].fingers for place in (Place.INDEX, Place.MEMORY)] == [2, 2]


async def test_what_cannot_be_enrolled_says_why_as_itself() -> None:
    async with served(reading()) as (_, client, _):
        refused: list[tuple[str, str, FingerSample, type[GateError], Code]] = [
            ("nobody", FLIGHT, record(1), NotFoundError, Code.TRAVELLER_UNKNOWN),
            (WHO, "XX1/2026-11-22", record(1), NotFoundError, Code.TRAVELLER_UNKNOWN),
            (WHO, FLIGHT, record(1, minutiae=9), FingerprintError, Code.FINGER_LOW_QUALITY),
            (WHO, FLIGHT, replace(record(1), data=b"FMR\0 20\0"), FingerprintError, Code.FINGER_RECORD_INVALID),
            (WHO, FLIGHT, FingerSample(FingerEncoding.PNG, b"\x89PNG"), FingerprintError, Code.FINGER_UNAVAILABLE),
        ]
        for who, flight, sample, kind, code in refused:
            with pytest.raises(kind) as told:
                await client.enrol_fingerprint(who, flight, sample)
            assert told.value.code is code
        for seed in range(MAX_VIEWS):
            await client.enrol_fingerprint(WHO, FLIGHT, record(seed))
        with pytest.raises(EnrolmentError) as full:
            await client.enrol_fingerprint(WHO, FLIGHT, record(50))
        assert full.value.code is Code.TEMPLATES_FULL
        assert (await client.describe()).fingers == MAX_VIEWS


async def test_an_engine_that_reads_no_fingers_says_so() -> None:
    async with served(None) as (_, client, _):
        with pytest.raises(FingerprintError) as told:
            await client.enrol_fingerprint(WHO, FLIGHT, record(1))
    assert told.value.code is Code.FINGER_UNAVAILABLE


async def test_advice_comes_with_a_refusal_in_words() -> None:
    png = cv2.imencode(".png", np.full((300, 300), 200, np.uint8))[1].tobytes()
    async with served(FingerReader(Blank())) as (_, client, _):
        with pytest.raises(FingerprintError, match="place your finger on the sensor") as told:
            await client.enrol_fingerprint(WHO, FLIGHT, FingerSample(FingerEncoding.PNG, png))
    assert told.value.code is Code.FINGER_LOW_QUALITY


BAD_REQUESTS = [
    pytest.param({"traveller_reference": ""}, "traveller_reference", id="no reference"),
    pytest.param({"flight": ""}, "flight", id="no flight"),
    pytest.param({"fingerprint": {}}, "encoding", id="no encoding"),
    pytest.param({"fingerprint": {"encoding": 1, "finger": 11}}, "finger", id="eleventh finger"),
]


@pytest.mark.parametrize(("changes", "at_fault"), BAD_REQUESTS)
async def test_a_request_that_makes_no_sense_is_refused(changes: dict[str, object], at_fault: str) -> None:
    fields: dict[str, object] = {"traveller_reference": WHO, "flight": FLIGHT, "fingerprint": {"encoding": 5}}
    fields |= changes
    sample = finger_pb.FingerprintSample(**fields.pop("fingerprint"))
    async with served(reading()) as (_, _, address), grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            request = pb.EnrolFingerprintRequest(**fields, fingerprint=sample)
            await gallery_pb2_grpc.GalleryServiceStub(channel).EnrolFingerprint(request)
    assert reason_of(told.value) == Code.FIELD_INVALID
    assert at_fault in str(told.value.details()) or at_fault in str(told.value.trailing_metadata())


def test_every_advice_has_a_name_on_the_wire() -> None:
    names = {name.removeprefix("FINGER_ADVICE_").lower() for name in finger_pb.FingerAdvice.keys()}  # noqa: SIM118
    assert names == {advice.value for advice in Advice} | {"unspecified"}
