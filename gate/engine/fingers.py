"""Fingers as the engine reads and compares them: a sample becomes a template, and two templates a statement.

What finds the minutiae is chosen by setting (`gate.fingerprint.choose`). With nothing that could, images are refused
and records are still read. Only templates of one extractor are compared, and only where a calibration says what their
scores mean does a comparison say anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gate.errors import Code, FingerprintError
from gate.fingerprint.ansi378 import EXTRACTOR as RECORDS_ANSI
from gate.fingerprint.ansi378 import read_ansi378
from gate.fingerprint.calibration.curve import FingerCalibration
from gate.fingerprint.choose import choose_extractor
from gate.fingerprint.extractor import Extractor
from gate.fingerprint.image import EncodedFinger, FingerLimits, decode_finger
from gate.fingerprint.iso19794_2 import EXTRACTOR as RECORDS_ISO
from gate.fingerprint.iso19794_2 import read_iso19794_2
from gate.fingerprint.matcher import CylinderMatcher
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.quality import FingerPolicy, FingerQuality, assess, require_minutiae, require_usable
from gate.fingerprint.sample import FingerSample as FingerSample  # noqa: PLC0414 -- what a reader reads
from gate.fingerprint.sample import RecordEncoding as RecordEncoding  # noqa: PLC0414
from gate.fingerprint.template import FingerImage, FingerTemplate
from gate.fingerprint.wsq import WsqDecoder
from gate.settings import FingerprintSettings
from gate.vision.session import Provider

_WARM_PX = 256


@dataclass(frozen=True, slots=True)
class FingerReading:
    """What a sample gave. `quality` is the image's; None for a record, which shows no ridges."""

    template: FingerTemplate
    quality: FingerQuality | None


@dataclass(frozen=True, slots=True)
class EnrolledFinger:
    """What became of a finger. `already`: the traveller had this very template."""

    already: bool
    reading: FingerReading


@dataclass(frozen=True, slots=True)
class FingerComparison:
    """A finger compared with some of a traveller's.

    Attributes:
        score: of the reference that is most alike, in [0, 1]; 0 when there was none to compare with.
        llr: natural logarithm of how much likelier this is if one of the references is the finger than if none is;
            0 says nothing. The best reference's, less the logarithm of how many there were: the safe side of not
            knowing which it would be.
        fmr: how often a stranger's finger does as well against so many references, in [0, 1]; 1 says nothing.
        fmr_high: upper end of its 95 % interval.
        finger: of the reference that is most alike.
        comparisons: references that the finger was compared with: each was a chance of a false match.
        sufficient: the calibration carries this: `fmr` was measured, not extrapolated. False without one.
    """

    score: float
    llr: float
    fmr: float
    fmr_high: float
    finger: FingerPosition
    comparisons: int
    sufficient: bool


NOT_COMPARED = FingerComparison(0.0, 0.0, 1.0, 1.0, FingerPosition.UNKNOWN, 0, False)
"""There was nothing to compare with, or nothing that says what the scores mean."""


class FingerReader:
    """Reads samples and compares templates. Thread-safe; every method blocks and belongs in a worker thread.

    Args:
        extractor: finds the minutiae of images; None: there is none here. Closed by `close`.
        settings: how far a finger may be turned, and who made the records that come.

    Raises:
        ModelPackError: CALIBRATION_INVALID, when nothing says what the scores of this extractor's templates mean.
    """

    def __init__(self, extractor: Extractor | None = None, settings: FingerprintSettings | None = None) -> None:
        settings = settings or FingerprintSettings()
        self._extractor = extractor
        self._records_of = settings.records_of
        self._matcher = CylinderMatcher(math.radians(settings.max_rotation_deg))
        self._calibrations = FingerCalibration.all_of(self._matcher.name)
        if extractor is not None:
            self._calibrations[extractor.name] = FingerCalibration.find(extractor.name, self._matcher.name)
        self._wsq = WsqDecoder()
        self._limits, self._policy = FingerLimits(), FingerPolicy()

    @property
    def extractor(self) -> str:
        """Name of what finds minutiae in images here; empty where nothing does."""
        return self._extractor.name if self._extractor is not None else ""

    @property
    def reads_images(self) -> bool:
        """There is an extractor; without one only records are read."""
        return self._extractor is not None

    @property
    def most_llr(self) -> float:
        """The most that a finger can say for somebody: natural log-likelihood ratio; 0 where nothing says anything."""
        return max((calibration.llr_most for calibration in self._calibrations.values()), default=0.0)

    def warm(self) -> None:
        """Runs the extractor once, so that the first traveller does not wait for it."""
        if self._extractor is not None:
            self._extractor.extract(FingerImage(np.full((_WARM_PX, _WARM_PX), 128, np.uint8)))

    def read(self, sample: FingerSample) -> FingerTemplate:
        """The template of a sample. As `examine`."""
        return self.examine(sample).template

    def examine(self, sample: FingerSample) -> FingerReading:
        """The template of a sample, and what its image is worth.

        Raises:
            FingerprintError: FINGER_IMAGE_INVALID or FINGER_RECORD_INVALID; FINGER_UNAVAILABLE, for an image where
                there is no extractor.
            LowQualityError: FINGER_LOW_QUALITY, with advice for the traveller.
            EngineFault: INFERENCE_FAILED or EXTRACTION_FAILED.
        """
        if isinstance(sample.encoding, RecordEncoding):
            return FingerReading(self._of_record(sample), None)
        if self._extractor is None:
            raise FingerprintError(
                Code.FINGER_UNAVAILABLE, "expected a minutiae record: nothing here finds the minutiae of an image"
            )
        encoded = EncodedFinger(
            sample.encoding,
            sample.width_px,
            sample.height_px,
            sample.data,
            sample.resolution_dpi,
            sample.finger,
            sample.impression,
        )
        image = decode_finger(encoded, self._limits, self._wsq)
        template = self._extractor.extract(image)
        quality = assess(image, template, self._policy)
        require_usable(quality)
        return FingerReading(template, quality)

    def incomparable(self, fingers: Mapping[str, int]) -> Mapping[str, int]:
        """Of numbers of fingers by extractor, those that nothing read here can be compared with."""
        read = {self.extractor, self._records_of or RECORDS_ISO, self._records_of or RECORDS_ANSI}
        return {name: number for name, number in fingers.items() if name not in read}

    def compare(self, probe: FingerTemplate, references: Iterable[FingerTemplate]) -> FingerComparison:
        """Compares a finger with a traveller's.

        Where the probe says which finger it is, references of another finger are passed over; so are those of other
        extractors, which cannot be compared. What is left may be nothing: then the answer says nothing.
        """
        fit = [r for r in references if r.extractor == probe.extractor and _may_be_one(probe.finger, r.finger)]
        if not fit:
            return NOT_COMPARED
        prepared = self._matcher.prepare(probe)
        scores = [self._matcher.score(prepared, self._matcher.prepare(reference)) for reference in fit]
        score, best = max(zip(scores, fit, strict=True), key=lambda scored: scored[0])
        calibration = self._calibrations.get(probe.extractor)
        if calibration is None:
            return replace(NOT_COMPARED, score=score, finger=best.finger, comparisons=len(fit))
        rate = calibration.rate(score)
        return FingerComparison(
            score=score,
            llr=calibration.llr(score) - math.log(len(fit)),
            fmr=min(1.0, rate.fmr * len(fit)),
            fmr_high=min(1.0, rate.high * len(fit)),
            finger=best.finger,
            comparisons=len(fit),
            sufficient=not rate.extrapolated,
        )

    def threshold(self, extractor: str, fmr: float, comparisons: int) -> float | None:
        """Score that strangers' fingers reach at rate `fmr`, in (0, 1), against so many references; None: not known."""
        calibration = self._calibrations.get(extractor)
        return calibration.threshold(fmr / comparisons) if calibration is not None else None

    def close(self) -> None:
        """Ends the processes that read images. Nothing is asked of it afterwards; may be called again."""
        self._wsq.close()
        if self._extractor is not None:
            self._extractor.close()

    def _of_record(self, sample: FingerSample) -> FingerTemplate:
        read = read_ansi378 if sample.encoding is RecordEncoding.ANSI_378 else read_iso19794_2
        views = read(sample.data).views
        meant = [view for view in views if _may_be_one(sample.finger, view.finger)]
        if len(meant) != 1:
            raise FingerprintError(
                Code.FINGER_RECORD_INVALID,
                f"expected one view of {_name(sample.finger)}, found {len(meant)} among {len(views)}",
            )
        finger = sample.finger or meant[0].finger
        template = replace(meant[0], finger=finger, extractor=self._records_of or meant[0].extractor)
        require_minutiae(template, self._policy)
        return template


def open_reader(settings: FingerprintSettings, provider: Provider = Provider.CPU, threads: int = 1) -> FingerReader:
    """The reader that the settings ask for; takes about a second with LEADER.

    Raises:
        ConfigError: EXTRACTOR_MISSING, when the one that was named is not installed.
        ModelPackError: MODEL_ALTERED, MODEL_INVALID, CALIBRATION_INVALID.
        ProviderError: see `gate.vision.session.OrtSession`.
    """
    return FingerReader(choose_extractor(settings.extractor, provider, threads), settings)


def _may_be_one(one: FingerPosition, other: FingerPosition) -> bool:
    """One is the other, as far as is known."""
    return one == other or FingerPosition.UNKNOWN in (one, other)


def _name(finger: FingerPosition) -> str:
    return "a finger" if finger is FingerPosition.UNKNOWN else f"the {finger.name.lower().replace('_', ' ')}"
