"""From score to false match rate and back, and to a log-likelihood ratio.

A calibration is of one extractor and one matcher (`gate.fingerprint.calibration.fit`). Between measured points
log10(FMR) is interpolated over the score's logit. Beyond the last one it runs on along the last decade's slope, and its
upper limit along half that slope: what nobody measured is less sure. A few dozen fingers carry a rate of one in a
thousand, and never one in ten thousand; `Rate.extrapolated` tells which it is.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib import resources
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gate.errors import Code, ModelPackError

EDGE = 1e-9
"""Scores are taken to be this far from 0 and 1, where the logit has no end."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often two different fingers reach a score.

    Attributes:
        fmr: false match rate of one comparison, in (0, 1].
        low, high: 95 % interval, by resampling fingers.
        extrapolated: no such rate was measured; the interval is a guess.
    """

    fmr: float
    low: float
    high: float
    extrapolated: bool


class Point(BaseModel):
    """One measured point of the curve.

    Attributes:
        score: in (0, 1).
        fmr: share of non-mated comparisons at or above it, in (0, 1].
        low, high: 95 % interval of `fmr`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: float = Field(gt=0, lt=1)
    fmr: float = Field(gt=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.fmr <= self.high:
            raise ValueError("fmr must lie in its interval")
        return self


class FingerCalibration(BaseModel):
    """What the scores of one matcher mean, on templates of one extractor.

    Attributes:
        extractor, matcher: their names, with versions.
        data: what it was measured on.
        fingers: how many; comparisons of the same fingers tell less than as many of different ones.
        mated, non_mated: comparisons.
        points: scores rise, rates fall.
        llr_slope, llr_offset: natural log-likelihood ratio = slope * logit(score) + offset.
        llr_least, llr_most: it is cut there: so many comparisons carry no stronger statement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(ge=1, le=1)
    extractor: str
    matcher: str
    data: str
    fingers: int = Field(gt=1)
    mated: int = Field(gt=0)
    non_mated: int = Field(gt=0)
    points: tuple[Point, ...] = Field(min_length=2)
    llr_slope: float = Field(gt=0)
    llr_offset: float
    llr_least: float = Field(lt=0)
    llr_most: float = Field(gt=0)

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        scores, rates = [p.score for p in self.points], [p.fmr for p in self.points]
        if not all(np.diff(scores) > 0) or not all(np.diff(rates) < 0):
            raise ValueError("scores must rise and rates fall from point to point")
        return self

    @classmethod
    def parse(cls, document: object, extractor: str, matcher: str) -> Self:
        """Reads a calibration (parsed JSON).

        Raises:
            ModelPackError: CALIBRATION_INVALID, when it is not one, or of another extractor or matcher.
        """
        try:
            found = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise ModelPackError(Code.CALIBRATION_INVALID, f"Finger calibration: {where}: {first['msg']}.") from error
        if (found.extractor, found.matcher) != (extractor, matcher):
            raise ModelPackError(
                Code.CALIBRATION_INVALID,
                f"expected a finger calibration of {extractor} and {matcher}, "
                f"found one of {found.extractor} and {found.matcher}",
            )
        return found

    @classmethod
    def find(cls, extractor: str, matcher: str) -> Self:
        """The calibration that comes with this package.

        Raises:
            ModelPackError: CALIBRATION_INVALID, when there is none, or it is broken.
        """
        name = f"{extractor}.{matcher}.json"
        try:
            text = (resources.files(__package__) / name).read_text()
            document = json.loads(text)
        except (FileNotFoundError, ValueError) as error:
            raise ModelPackError(
                Code.CALIBRATION_INVALID, f"expected a finger calibration {name}, found none that can be read"
            ) from error
        return cls.parse(document, extractor, matcher)

    @classmethod
    def all_of(cls, matcher: str) -> dict[str, Self]:
        """The calibrations of a matcher that come with this package, by extractor.

        Raises:
            ModelPackError: CALIBRATION_INVALID, when one is broken.
        """
        ending = f".{matcher}.json"
        names = [file.name for file in resources.files(__package__).iterdir() if file.name.endswith(ending)]
        extractors = sorted(name.removesuffix(ending) for name in names)
        return {extractor: cls.find(extractor, matcher) for extractor in extractors}

    def rate(self, score: float) -> Rate:
        """How often two different fingers reach `score`, in [0, 1]."""
        at = logit(score)
        logits, fmr = self._curve("fmr")
        _, low = self._curve("low")
        _, high = self._curve("high")
        beyond = at - logits[-1]
        if beyond <= 0:
            rates = [10 ** float(np.interp(at, logits, curve)) for curve in (fmr, low, high)]
            return Rate(rates[0], rates[1], rates[2], extrapolated=False)
        slope = self._tail_slope()
        return Rate(
            10 ** (fmr[-1] + beyond * slope),
            0.0,
            10 ** (high[-1] + beyond * slope / 2),
            extrapolated=True,
        )

    def threshold(self, fmr: float) -> float:
        """Score that two different fingers reach at rate `fmr`, in (0, 1) of one comparison."""
        wanted = math.log10(fmr)
        logits, rates = self._curve("fmr")
        if wanted < rates[-1]:
            return expit(logits[-1] + (wanted - rates[-1]) / self._tail_slope())
        return expit(float(np.interp(-wanted, -rates, logits)))

    def llr(self, score: float) -> float:
        """Natural logarithm of how much likelier the score is for one finger than for two."""
        unbounded = self.llr_slope * logit(score) + self.llr_offset
        return min(max(unbounded, self.llr_least), self.llr_most)

    def _curve(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits of the points, and log10 of one of their rates."""
        rates = np.array([getattr(point, name) for point in self.points])
        return np.array([logit(point.score) for point in self.points]), np.log10(np.maximum(rates, EDGE))

    def _tail_slope(self) -> float:
        """Decades a unit of logit over the last decade (negative)."""
        logits, rates = self._curve("fmr")
        start = max(0, int(np.searchsorted(-rates, -(rates[-1] + 1), side="right")) - 1)
        start = min(start, len(rates) - 2)
        return float((rates[-1] - rates[start]) / (logits[-1] - logits[start]))


def logit(score: float) -> float:
    """Of a score in [0, 1]."""
    inside = min(max(score, EDGE), 1 - EDGE)
    return math.log(inside / (1 - inside))


def expit(evidence: float) -> float:
    """The score of a logit."""
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, evidence))))
