"""Fingers as sensors with an extractor of their own send them: minutiae records, read and compared for real."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from gate.engine.fingers import FingerReader, FingerSample, RecordEncoding
from gate.fingerprint.image import FingerEncoding
from gate.fingerprint.iso19794_2 import write_iso19794_2_2005
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.template import FingerTemplate
from gate.settings import FingerprintSettings
from tests.fingerprint.fingers import another_impression, finger

POSITION = FingerPosition.RIGHT_INDEX


@cache
def reader() -> FingerReader:
    """One for all: it keeps nothing of what it reads."""
    return FingerReader(settings=FingerprintSettings(records_of="leader-1"))


def enrolled(person: int) -> FingerSample:
    """What the person's finger was enrolled with."""
    return _record(finger(person))


def laid_down(person: int, attempt: int = 1) -> FingerSample:
    """The person's finger on the gate's sensor, another way each time."""
    return _record(another_impression(finger(person), attempt))


def wet(person: int) -> FingerSample:
    """The person's finger, of which too little is seen to compare it."""
    return _record(finger(person, minutiae=6))


def image() -> FingerSample:
    """A picture, where nothing finds the minutiae of one."""
    return FingerSample(FingerEncoding.GREY8, bytes(200 * 200), 200, 200, finger=POSITION)


def _record(template: FingerTemplate) -> FingerSample:
    return FingerSample(RecordEncoding.ISO_19794_2, write_iso19794_2_2005([replace(template, finger=POSITION)]))
