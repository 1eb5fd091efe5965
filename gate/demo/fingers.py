"""The travellers' fingers: made up, so that no print of anybody is needed, and as a sensor would send them."""

from __future__ import annotations

import cv2

from gate.demo.people import Person
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.sample import FingerEncoding, FingerSample
from gate.synth.ridges import Touch, impression

POSITION = FingerPosition.RIGHT_INDEX


def enrolled(person: Person) -> FingerSample:
    """What the person's finger was enrolled with."""
    return _sample(_seed(person), Touch())


def laid_down(person: Person, attempt: int = 1) -> FingerSample:
    """The person's finger on the gate's sensor: turned, shifted, pressed and stretched otherwise each time."""
    return _sample(_seed(person), Touch.some(100 * _seed(person) + attempt))


def barely_touched(person: Person) -> FingerSample:
    """The tip of the person's finger, too little of it to compare."""
    return _sample(_seed(person), Touch(width_px=90, height_px=80, shift_px=(60.0, -100.0)))


def _seed(person: Person) -> int:
    return sum(map(ord, person.label))


def _sample(seed: int, touch: Touch) -> FingerSample:
    _, data = cv2.imencode(".png", impression(seed, touch))
    return FingerSample(FingerEncoding.PNG, data.tobytes(), finger=POSITION)
