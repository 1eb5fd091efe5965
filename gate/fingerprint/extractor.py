"""What every extractor of minutiae does, whichever stands behind it."""

from __future__ import annotations

from typing import Protocol

from gate.fingerprint.template import FingerImage, FingerTemplate


class Extractor(Protocol):
    """Finds the minutiae of a finger. Threads may share one.

    Attributes:
        name: which extractor, and which version of its rules: templates carry it, and only like is compared with like.
    """

    @property
    def name(self) -> str:
        """See the class."""

    def extract(self, image: FingerImage) -> FingerTemplate:
        """The image's minutiae, in the conventions of `gate.fingerprint.template`, at 500 dpi.

        It says nothing about the image's worth: noise has minutiae too. `gate.fingerprint.quality` judges that.

        Raises:
            FingerprintError: FINGER_IMAGE_INVALID, for an image that it cannot take.
            EngineFault: INFERENCE_FAILED or EXTRACTION_FAILED, when the extractor itself broke.
        """

    def close(self) -> None:
        """Give back what it holds: a process, for instance. Nothing is asked of it afterwards."""
