"""What an authority wants of a lane: rates, times, how well a face must be seen, and what follows from a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gate.decision.liveness import LivenessLimits
from gate.decision.outcome import Outcome, Reason
from gate.decision.watch_limits import WatchLimits


class QualityLimits(BaseModel):
    """How well a face must be seen to be compared. See `gate.vision.probe.Quality` for the measures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_confidence: float = Field(0.5, ge=0, le=1)
    min_eye_distance_px: float = Field(36, ge=10, description="pixels; comparison errors grow quickly below")
    max_rival_ratio: float = Field(0.6, gt=0, le=1, description="a second face this large is a second person")
    min_inside: float = Field(0.9, ge=0, le=1, description="share of the face box within the picture")
    max_yaw_deg: float = Field(32, gt=0, le=90)
    max_pitch_deg: float = Field(30, gt=0, le=90)
    max_roll_deg: float = Field(30, gt=0, le=90)
    min_brightness: float = Field(35, ge=0, le=255)
    max_brightness: float = Field(225, ge=0, le=255)
    min_sharpness: float = Field(0.35, ge=0, description="faces blurred by a tenth of the eye distance stay below")


_DEFAULT_OUTCOMES: Mapping[Reason, Outcome] = MappingProxyType(
    {
        Reason.MATCHED: Outcome.OPEN,
        Reason.FINGER_MATCHED: Outcome.OPEN,
        # The face could not settle it, and a finger may.
        Reason.NO_MATCH: Outcome.FINGERPRINT,
        Reason.AMBIGUOUS: Outcome.FINGERPRINT,
        Reason.LOW_QUALITY: Outcome.FINGERPRINT,
        Reason.NO_REFERENCE: Outcome.FINGERPRINT,
    }
)
"""Every other reason sends the traveller to an officer: nobody a finger could be compared with, or a question that only
a person can answer."""

_OPENS = frozenset({Reason.MATCHED, Reason.FINGER_MATCHED})
_REFERS = frozenset({Reason.WATCH_LISTED, Reason.REFERRED})


class Policy(BaseModel):
    """One profile.

    The false positive rates are of a whole passage. They are spent over at most `max_comparisons` looks, and over the
    fingers where any are asked for, so that trying again never raises them (a union bound: the looks of one passage are
    anything but independent).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = Field("1", pattern=r"^[\w.-]{1,32}$", description="the authority's own; stands in every decision")

    fpir: float = Field(0.003, gt=0, lt=0.5, description="1:N; NIST's paperless-travel evaluation uses 0.3 %")
    fmr: float = Field(0.001, gt=0, lt=0.5, description="1:1, with a claim")
    watchlist_fpir: float = Field(
        0.001, gt=0, lt=0.5, description="how often somebody may be taken for one on the watch list"
    )
    max_comparisons: int = Field(4, ge=1, le=32)
    max_early_refusals: float = Field(
        0.01, ge=0, lt=0.5, description="share of travellers who may be refused before their looks are used up"
    )
    min_margin: float = Field(0.06, ge=0, le=1, description="similarity by which the first must lead the second")
    budget_s: float = Field(8.0, gt=0, le=120)
    retry_after_s: float = Field(0.35, ge=0, description="a frame no better than the best is compared after this")
    guidance_hold_s: float = Field(0.5, ge=0, description="advice stands at least this long before it changes")
    needs_both: bool = Field(False, description="face and finger both, fused; else a finger where the face fails")
    finger_share: float = Field(0.5, gt=0, lt=1, description="of the false positive rate, where a lane reads fingers")
    finger_attempts: int = Field(3, ge=1, le=10, description="samples compared at most")
    finger_samples: int = Field(10, ge=1, le=50, description="samples taken at most, usable or not")
    finger_candidates: int = Field(3, ge=1, le=8, description="travellers whom a face may suggest to a finger")
    finger_budget_s: float = Field(20.0, gt=0, le=120, description="from the request of a finger")
    min_age: int | None = Field(
        None, ge=0, le=120, description="years; whoever is younger, or of no known age, is referred"
    )
    check_document: bool = Field(True, description="a traveller whose documents have all expired is referred")
    quality: QualityLimits = QualityLimits()
    liveness: LivenessLimits = LivenessLimits()
    watch: WatchLimits = WatchLimits()
    outcomes: Mapping[Reason, Outcome] = Field(default_factory=dict, description="where the defaults are not wanted")

    @model_validator(mode="after")
    def _only_a_match_opens(self) -> Self:
        for reason, outcome in self.outcomes.items():
            if (outcome is Outcome.OPEN) != (reason in _OPENS):
                raise ValueError(f"{reason} may not lead to {outcome}: only a match opens, and a match opens")
            if reason in _REFERS and outcome is not Outcome.OFFICER:
                raise ValueError(f"{reason} may not lead to {outcome}: a finger would open for the watch list")
        return self

    @property
    def digest(self) -> str:
        """Names this very policy: 16 hexadecimal digits of SHA-256 over all its values, stated or by default."""
        effective = self.model_copy(update={"outcomes": {reason: self.outcome(reason) for reason in Reason}})
        return hashlib.sha256(effective.model_dump_json().encode()).hexdigest()[:16]

    def outcome(self, reason: Reason) -> Outcome:
        """What the lane does for `reason`."""
        return self.outcomes.get(reason, _DEFAULT_OUTCOMES.get(reason, Outcome.OFFICER))
