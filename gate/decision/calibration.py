"""From similarity to false match rate and back: what makes a threshold mean something.

A calibration is measured per model pack (`models/training/calibrate.py`) from all non-mated comparisons of named
data, separately by mask state of the probe. Between measured points log10(FMR) is interpolated linearly. Beyond the
last one it runs on along the last decade's slope: the measured curves bend downwards there, so the line overstates
the false match rate and the threshold errs on the strict side. A threshold from there says `extrapolated`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gate.errors import Code, ModelPackError
from gate.vision.probe import MaskState


class Curve(BaseModel):
    """One mask state's curve.

    Attributes:
        similarity: rising, in [-1, 1].
        log10_fmr: falling, at the same places; FMR is the share of non-mated comparisons at or above.
        measured_to: smallest FMR that the comparisons carry (at least 10 false matches); points beyond are modelled.
        comparisons: non-mated comparisons measured.
        similarity_interval: 95 % interval of the similarity at each point, from resampling identities; None where
            it was not measured. Thresholds do not use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity: tuple[float, ...] = Field(min_length=2)
    log10_fmr: tuple[float, ...] = Field(min_length=2)
    measured_to: float = Field(gt=0, lt=1)
    comparisons: int = Field(gt=0)
    similarity_interval: tuple[tuple[float, float], ...] | None = None

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if len(self.similarity) != len(self.log10_fmr):
            raise ValueError("similarity and log10_fmr differ in length")
        if self.similarity_interval is not None and len(self.similarity_interval) != len(self.similarity):
            raise ValueError("similarity and similarity_interval differ in length")
        if not all(np.diff(self.similarity) > 0) or not all(np.diff(self.log10_fmr) < 0):
            raise ValueError("similarity must rise and log10_fmr fall from point to point")
        return self

    def similarity_at(self, fmr: float) -> float:
        """Similarity at which strangers match at rate `fmr`, (0, 1)."""
        wanted = math.log10(fmr)
        if wanted < self.log10_fmr[-1]:
            return self.similarity[-1] + (wanted - self.log10_fmr[-1]) / self._tail_slope()
        return float(np.interp(-wanted, -np.array(self.log10_fmr), self.similarity))

    def fmr_at(self, similarity: float) -> float:
        """Rate at which strangers reach `similarity`."""
        if similarity > self.similarity[-1]:
            beyond = (similarity - self.similarity[-1]) * self._tail_slope()
            return float(10 ** (self.log10_fmr[-1] + beyond))
        return float(10 ** np.interp(similarity, self.similarity, self.log10_fmr))

    def _tail_slope(self) -> float:
        """Decades a unit of similarity over the last decade (negative)."""
        start = next(
            i for i in reversed(range(len(self.log10_fmr) - 1)) if i == 0 or self.log10_fmr[i] >= self.log10_fmr[-1] + 1
        )
        return (self.log10_fmr[-1] - self.log10_fmr[start]) / (self.similarity[-1] - self.similarity[start])


@dataclass(frozen=True, slots=True)
class Threshold:
    """The similarity a comparison must reach.

    Attributes:
        similarity: in [-1, 1]; above 1 where no face could ever reach it.
        fmr: false match rate a comparison that it stands for.
        extrapolated: `fmr` is smaller than the data could measure.
    """

    similarity: float
    fmr: float
    extrapolated: bool


class Calibration(BaseModel):
    """A pack's curves by mask state, `none` and `worn` at least."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(ge=1, le=1)
    pack_id: str
    data: str
    curves: Mapping[MaskState, Curve]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := {MaskState.NONE, MaskState.WORN} - set(self.curves):
            raise ValueError(f"no curve for {sorted(missing)}")
        return self

    @classmethod
    def parse(cls, document: object, pack_id: str) -> Self:
        """Reads a pack's calibration (parsed JSON).

        Raises:
            ModelPackError: CALIBRATION_INVALID, when it is not one, or another pack's.
        """
        try:
            calibration = cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise ModelPackError(Code.CALIBRATION_INVALID, f"Calibration: {where}: {first['msg']}.") from error
        if calibration.pack_id != pack_id:
            raise ModelPackError(
                Code.CALIBRATION_INVALID, f"The calibration is of pack {calibration.pack_id}, the pack is {pack_id}."
            )
        return calibration

    def threshold(self, mask: MaskState, rate: float, comparisons: int) -> Threshold:
        """The threshold at which a non-mated probe matches anyone at `rate`, over `comparisons` templates.

        With independent comparisons, rate = 1 - (1 - FMR)^comparisons; dependent ones only lower it (ISO/IEC
        19795-1, 9.4). A mask state without a curve of its own takes the strictest there is.

        Args:
            rate: false positive identification rate (1:N) or false match rate (1:1), in (0, 1).
            comparisons: at least 1.
        """
        fmr = -math.expm1(math.log1p(-rate) / comparisons)
        curves = [self.curves[mask]] if mask in self.curves else list(self.curves.values())
        strictest = max(curves, key=lambda curve: curve.similarity_at(fmr))
        return Threshold(strictest.similarity_at(fmr), fmr, fmr < strictest.measured_to)
