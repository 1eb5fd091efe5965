"""From similarity to false match rate and back: what makes a threshold mean something.

A calibration is measured per model pack (`models/training/calibrate.py`) from all non-mated comparisons of named
data, separately by mask state of the probe. Between measured points log10(FMR) is interpolated linearly. Beyond the
last one it runs on along the last decade's slope: the measured curves bend downwards there, so the line overstates
the false match rate and the threshold errs on the strict side. A threshold from there says `extrapolated`.

Version 2 adds what travellers' own comparisons look like (`likelihoods`), so that a similarity becomes evidence, and
how much more strangers resemble a probe fused of several frames (`fused`). Version 1 is still read: it has no evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gate.decision.interpolate import interpolated, interpolated_falling
from gate.decision.likelihood import NOTHING_KNOWN, Likelihood, Llr
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
        return interpolated_falling(wanted, self.log10_fmr, self.similarity)

    def fmr_at(self, similarity: float) -> float:
        """Rate at which strangers reach `similarity`."""
        if similarity > self.similarity[-1]:
            beyond = (similarity - self.similarity[-1]) * self._tail_slope()
            return float(10 ** (self.log10_fmr[-1] + beyond))
        return float(10 ** np.float64(interpolated(similarity, self.similarity, self.log10_fmr)))

    def rate_at(self, similarity: float) -> Rate:
        """The same with its interval."""
        fmr = self.fmr_at(similarity)
        sufficient = similarity >= self.similarity[0] and fmr >= self.measured_to
        if self.similarity_interval is None:
            return Rate(fmr, 0.0, 1.0, sufficient=False)
        below, above = (np.array(side) for side in zip(*self.similarity_interval, strict=True))
        # A curve further to the left reaches a given similarity less often.
        low, high = (10 ** float(_interpolated(similarity, side, self.log10_fmr)) for side in (below, above))
        beyond = max(0.0, similarity - float(below[-1]))
        low = 0.0 if beyond else low
        high = 1.0 if similarity < self.similarity[0] else max(high, fmr)
        return Rate(fmr, min(low, fmr), high, sufficient)

    def _tail_slope(self) -> float:
        """Decades a unit of similarity over the last decade (negative)."""
        start = next(
            i for i in reversed(range(len(self.log10_fmr) - 1)) if i == 0 or self.log10_fmr[i] >= self.log10_fmr[-1] + 1
        )
        return (self.log10_fmr[-1] - self.log10_fmr[start]) / (self.similarity[-1] - self.similarity[start])


@dataclass(frozen=True, slots=True)
class Rate:
    """How often strangers reach a similarity.

    Attributes:
        fmr: false match rate of one comparison, in (0, 1].
        low, high: 95 % interval, from resampling identities.
        sufficient: such a rate was measured; otherwise `fmr` is a model, or "at least this often".
    """

    fmr: float
    low: float
    high: float
    sufficient: bool


class Fused(BaseModel):
    """How much more strangers resemble a probe fused of several frames than one of a single frame.

    Averaging takes chance away and leaves what a face has in common with others, too.

    Attributes:
        frames: effective ones, rising from 1 (`gate.vision.fuse.Fusion.effective_frames`).
        scale: so many times the similarity at the same false match rate, never falling from 1: the upper end of its
            95 % interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: tuple[float, ...] = Field(min_length=1)
    scale: tuple[float, ...]

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if len(self.frames) != len(self.scale) or self.frames[0] != 1 or self.scale[0] != 1:
            raise ValueError("frames and scale must begin with 1 and be of one length")
        if any(np.diff(self.frames) <= 0) or any(np.diff(self.scale) < 0):
            raise ValueError("frames must rise, and scale never fall")
        return self

    def scale_at(self, frames: float) -> float:
        """At least 1; beyond the frames measured it rises on as between the last two points."""
        last = len(self.frames) - 1
        if frames <= self.frames[last] or last == 0:
            return interpolated(frames, self.frames, self.scale)
        slope = (self.scale[last] - self.scale[last - 1]) / (self.frames[last] - self.frames[last - 1])
        return self.scale[last] + slope * (frames - self.frames[last])


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

    schema_version: int = Field(ge=1, le=2)
    pack_id: str
    data: str
    curves: Mapping[MaskState, Curve]
    likelihoods: Mapping[MaskState, Likelihood] = Field(default_factory=dict)
    fused: Mapping[MaskState, Fused] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := {MaskState.NONE, MaskState.WORN} - set(self.curves):
            raise ValueError(f"no curve for {sorted(missing)}")
        if self.schema_version >= 2 and (missing := set(self.curves) - set(self.likelihoods)):
            raise ValueError(f"no likelihood for {sorted(missing)}")
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

    def threshold(self, mask: MaskState, rate: float, comparisons: int, frames: float = 1.0) -> Threshold:
        """The threshold at which a non-mated probe matches anyone at `rate`, over `comparisons` templates.

        With independent comparisons, rate = 1 - (1 - FMR)^comparisons; dependent ones only lower it (ISO/IEC
        19795-1, 9.4). A mask state without a curve of its own takes the strictest there is.

        Args:
            mask: of the probe.
            rate: false positive identification rate (1:N) or false match rate (1:1), in (0, 1).
            comparisons: at least 1.
            frames: effective frames that the probe is fused of; 1 for a single one.
        """
        fmr = -math.expm1(math.log1p(-rate) / comparisons)
        states = [mask] if mask in self.curves else list(self.curves)
        needed = {state: self._fused(state, self.curves[state].similarity_at(fmr), frames) for state in states}
        strictest = max(states, key=lambda state: needed[state])
        return Threshold(needed[strictest], fmr, fmr < self.curves[strictest].measured_to)

    def rate(self, similarity: float, mask: MaskState) -> Rate:
        """How often strangers reach `similarity` with a single frame.

        A mask state without a curve of its own takes the highest rate there is, and says that it is not sufficient.
        """
        if mask in self.curves:
            return self.curves[mask].rate_at(similarity)
        rates = [curve.rate_at(similarity) for curve in self.curves.values()]
        return Rate(max(r.fmr for r in rates), min(r.low for r in rates), max(r.high for r in rates), sufficient=False)

    def llr(self, similarity: float, mask: MaskState, frames: float = 1.0) -> Llr:
        """How much a comparison says for the same person, and how sure that is.

        `frames` are the effective frames that the probe is fused of: a fused similarity says as much as the single
        one that strangers reach as often, which understates it, as travellers gain more by fusion. A mask state without
        a measurement of its own takes the least evidence there is, and says that it is not sufficient; a calibration
        of version 1 says nothing.
        """
        if mask in self.likelihoods:
            return self.likelihoods[mask].at(self._single(mask, similarity, frames))
        if not self.likelihoods:
            return NOTHING_KNOWN
        found = [item.at(self._single(state, similarity, frames)) for state, item in self.likelihoods.items()]
        least = min(found, key=lambda llr: llr.value)
        low, high = min(llr.low for llr in found), max(llr.high for llr in found)
        return Llr(least.value, low, high, sufficient=False)

    def fnmr(self, similarity: float, mask: MaskState) -> float:
        """Share of travellers whose own comparison stays below `similarity`: upper end of its interval, in [0, 1].

        Where nothing was measured for the mask state, the highest share there is; 1 in a calibration of version 1.
        """
        if mask in self.likelihoods:
            return self.likelihoods[mask].fnmr_at(similarity)
        return max((likelihood.fnmr_at(similarity) for likelihood in self.likelihoods.values()), default=1.0)

    def _fused(self, state: MaskState, similarity: float, frames: float) -> float:
        """The fused similarity that strangers reach as often as this one with a single frame."""
        # Below 0 nobody is like anybody, and a factor would lower it.
        return similarity * self._scale(state, frames) if similarity > 0 else similarity

    def _single(self, state: MaskState, similarity: float, frames: float) -> float:
        return similarity / self._scale(state, frames) if similarity > 0 else similarity

    def _scale(self, state: MaskState, frames: float) -> float:
        return self.fused[state].scale_at(frames) if state in self.fused else 1.0


def _interpolated(x: float, rising: NDArray[np.float64], values: Sequence[float]) -> float:
    return float(np.interp(x, rising, values))
