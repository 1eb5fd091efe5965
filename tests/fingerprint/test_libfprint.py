"""libfprint's traps: the resolution it leaves at 0, images it cannot take, and a process that dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.errors import EngineFault, FingerprintError
from gate.fingerprint.libfprint import LibfprintExtractor, is_installed
from gate.fingerprint.libfprint_worker import Mindtct
from gate.fingerprint.template import FingerImage

pytestmark = pytest.mark.skipif(not is_installed(), reason="needs libfprint-2-2 (apt-get install libfprint-2-2)")


@pytest.fixture
def extractor() -> Iterator[LibfprintExtractor]:
    made = LibfprintExtractor()
    yield made
    made.close()


@pytest.fixture
def finger(shared: Path) -> FingerImage:
    grey = cv2.imread(str(shared / "data/fingerprints/FVC2002_DB1_B/101_1.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return FingerImage(grey.astype(np.uint8))


def test_the_resolution_reaches_the_library_and_changes_what_it_finds(finger: FingerImage) -> None:
    mindtct = Mindtct()
    size = finger.width_px, finger.height_px
    right, unset = (mindtct.minutiae(*size, ppmm, finger.grey.tobytes()) for ppmm in (500 / 25.4, 0.0))
    assert right != unset


def test_a_process_that_was_killed_is_replaced(extractor: LibfprintExtractor, finger: FingerImage) -> None:
    before = len(extractor.extract(finger))
    process = extractor._worker._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)  # it hangs first, so that the request meets a process that is there
    extractor._worker._timeout_s = 0.5
    with pytest.raises(EngineFault, match="libfprint process failed"):
        extractor.extract(finger)
    extractor._worker._timeout_s = 10
    assert len(extractor.extract(finger)) == before


def test_slivers_are_refused_before_they_reach_the_library(extractor: LibfprintExtractor) -> None:
    with pytest.raises(FingerprintError, match="expected sides from 64"):
        extractor.extract(FingerImage(np.zeros((400, 40), np.uint8)))


def test_noise_has_minutiae_which_is_why_quality_is_judged_apart(extractor: LibfprintExtractor) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (374, 388), np.uint8)
    assert len(extractor.extract(FingerImage(noise))) > 50
