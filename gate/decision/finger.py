"""When a finger may open what the face alone did not.

The passage's false positive rate α is shared between face and finger (`Policy.finger_share`), so that both together
stay within it. With A attempts and the face searched among N templates:

* Where the face said something, both log-likelihood ratios are added, and must reach ln(N·A / α). A likelihood ratio
  has mean 1 over strangers, so by Markov's inequality no more than α/(N·A) of them reach N·A/α, and α of all passages
  reach it for anybody, at any attempt. The bound needs no model of how the scores are distributed, only that the ratios
  are calibrated.
* Where it said nothing (no reference, no usable frame, or several look-alikes, whose faces are nearer to each other
  than those of strangers), the finger must match one of n travellers at a false match rate of α/(n·A).

Each of the two may spend all of the share, so a passage takes one of them: where the face says nothing of somebody whom
the finger may confirm, it counts for none of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gate.decision.event import FingerScore
from gate.decision.policy import Policy


@dataclass(frozen=True, slots=True)
class Suspect:
    """Somebody whom the finger may confirm.

    Attributes:
        reference: the traveller's.
        face_llr: natural log-likelihood ratio of the face; None where the face says nothing.
    """

    reference: str
    face_llr: float | None


@dataclass(frozen=True, slots=True)
class FingerBudget:
    """What a finger must reach.

    Attributes:
        rate: of the passage that is left for fingers, (0, 1).
        attempts: comparisons that may be made in all.
        face_comparisons: templates that the face was searched among.
        travellers: whom a sample is compared with.
    """

    rate: float
    attempts: int
    face_comparisons: int
    travellers: int = 1

    @classmethod
    def of(cls, policy: Policy, rate: float, face_comparisons: int) -> FingerBudget:
        """Of a passage at `rate`, before it is known what fingers there are."""
        share = 1.0 if policy.needs_both else policy.finger_share
        return cls(rate * share, policy.finger_attempts, max(1, face_comparisons))

    @property
    def llr(self) -> float:
        """That face and finger must reach together."""
        return math.log(self.face_comparisons * self.attempts / self.rate)

    @property
    def fmr(self) -> float:
        """That a finger alone must stay below."""
        return self.rate / (self.attempts * self.travellers)

    def is_met(self, suspect: Suspect, found: FingerScore) -> bool:
        """Whether face and finger are enough to open."""
        if suspect.face_llr is None:
            return found.fmr <= self.fmr
        return found.llr > 0 and suspect.face_llr + found.llr >= self.llr
