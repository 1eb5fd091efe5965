"""Made-up fingers must be fingers to whatever reads them: enough ridges, one finger alike, two not."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from gate.engine.fingers import FingerReader, open_reader
from gate.errors import Code, FingerprintError
from gate.fingerprint.sample import FingerEncoding, FingerSample
from gate.fingerprint.template import FingerTemplate
from gate.settings import FingerprintSettings
from gate.synth.ridges import Touch, impression


@pytest.fixture(scope="module")
def reader() -> Iterator[FingerReader]:
    reader = open_reader(FingerprintSettings(extractor="leader"))
    yield reader
    reader.close()


def read(reader: FingerReader, seed: int, touch: Touch | None = None) -> FingerTemplate:
    _, data = cv2.imencode(".png", impression(seed, touch))
    return reader.read(FingerSample(FingerEncoding.PNG, data.tobytes()))


def test_a_print_is_the_same_for_the_same_touch() -> None:
    assert np.array_equal(impression(1, Touch.some(2)), impression(1, Touch.some(2)))
    assert not np.array_equal(impression(1, Touch.some(2)), impression(1, Touch.some(3)))


def test_one_finger_matches_itself_and_no_other(reader: FingerReader) -> None:
    enrolled = read(reader, 1)
    same, other = (
        reader.compare(read(reader, 1, Touch.some(5)), [enrolled]),
        reader.compare(read(reader, 2), [enrolled]),
    )
    assert same.fmr < 1e-4 and same.llr > 5
    assert other.fmr > 1e-3 and other.llr < 3


def test_a_finger_that_barely_touches_is_refused(reader: FingerReader) -> None:
    with pytest.raises(FingerprintError) as refused:
        read(reader, 1, Touch(width_px=90, height_px=80))
    assert refused.value.code is Code.FINGER_LOW_QUALITY
