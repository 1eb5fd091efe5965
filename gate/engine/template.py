"""From a photograph, whatever holds it, to a template: at a load, and at a restart with another model pack."""

from __future__ import annotations

from gate.manifest.photo import unwrap
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe


def template_of(vision: Vision, photo: bytes) -> Probe:
    """The template of a photograph (blocking): JPEG, PNG or JPEG 2000, or data group 2 of a passport chip.

    Raises:
        EnrolmentError: PHOTO_*.
        FrameError: the photograph cannot be decoded.
        EngineFault: a model failed.
    """
    return vision.enrol_photo(unwrap(photo).data)[0]
