"""How much a similarity says for and against "it is they": the natural logarithm of a likelihood ratio.

The ratio of how often travellers and how often strangers score like this, measured by `models/training/calibrate.py`
in segments of the similarity that enough people of both kinds fall into, and pooled until it rises. At both ends it
stands still: so many comparisons carry no stronger statement. ISO/IEC 19795-1 has no such measure; it is forensic
practice (ENFSI, guideline for evaluative reporting, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gate.decision.interpolate import interpolated


@dataclass(frozen=True, slots=True)
class Llr:
    """Evidence of a comparison.

    Attributes:
        value: natural logarithm; above 0 it speaks for the same person.
        low, high: 95 % interval, from resampling people.
        sufficient: such similarities were measured for such a face. Where not, `value` is that of the last point
            measured, or 0 without any measurement.
    """

    value: float
    low: float
    high: float
    sufficient: bool


NOTHING_KNOWN = Llr(0.0, 0.0, 0.0, sufficient=False)


class Likelihood(BaseModel):
    """One mask state's likelihood ratios.

    Attributes:
        similarity: rising, in [-1, 1].
        llr: natural logarithm at these places, never falling.
        low, high: 95 % interval of `llr`, from resampling identities.
        fnmr: share of mated comparisons below each place, never falling; failures to acquire are not counted.
        fnmr_high: upper end of its 95 % interval.
        seen_from, seen_to: similarities between which comparisons were seen.
        mated: comparisons measured.
        people: of whom they were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity: tuple[float, ...] = Field(min_length=2)
    llr: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    fnmr: tuple[float, ...]
    fnmr_high: tuple[float, ...]
    seen_from: float = Field(ge=-1, le=1)
    seen_to: float = Field(ge=-1, le=1)
    mated: int = Field(gt=0)
    people: int = Field(gt=1)

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if not all(np.diff(self.similarity) > 0):
            raise ValueError("similarity must rise from point to point")
        for name in ("llr", "low", "high", "fnmr", "fnmr_high"):
            values = getattr(self, name)
            if len(values) != len(self.similarity):
                raise ValueError(f"similarity and {name} differ in length")
            if not np.isfinite(values).all() or any(np.diff(values) < 0):
                raise ValueError(f"{name} must be finite and never fall")
        for low, value, high in zip(self.low, self.llr, self.high, strict=True):
            if not low <= value <= high:
                raise ValueError("llr must lie in its interval")
        if not 0 <= self.fnmr[0] <= self.fnmr[-1] <= 1 or not self.fnmr_high[-1] <= 1:
            raise ValueError("fnmr is a share")
        return self

    def at(self, similarity: float) -> Llr:
        """Evidence of a comparison with this similarity."""
        value, low, high = (interpolated(similarity, self.similarity, c) for c in (self.llr, self.low, self.high))
        return Llr(value, low, high, sufficient=self.seen_from <= similarity <= self.seen_to)

    def fnmr_at(self, similarity: float) -> float:
        """Share of travellers' own comparisons below `similarity`: the upper end of its interval, in [0, 1]."""
        return interpolated(similarity, self.similarity, self.fnmr_high)
