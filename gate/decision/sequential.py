"""One look of a passage as a step of a sequential test: is it they, surely nobody expected, or not yet sure?

Yes: the similarity reaches the threshold of what this look may spend (`gate.decision.spending`). No: travellers
compare this low with their own template so seldom that waiting helps nobody.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.decision.calibration import Calibration, Threshold
from gate.decision.likelihood import Llr
from gate.decision.spending import share
from gate.vision.probe import MaskState


class Verdict(enum.StrEnum):
    """What a look comes to."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a passage is tested.

    Attributes:
        rate: false positive rate of the whole passage, in (0, 1).
        looks: at most.
        miss: share of travellers who may be told no before their looks are used up; 0 waits for the last look.
        sure_from: weight of the frames fused from which a no is possible: before, a better frame may change much.
    """

    rate: float
    looks: int
    miss: float = 0.01
    sure_from: float = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is compared at a look.

    Attributes:
        similarity: of the best candidate, [-1, 1].
        mask: of the fused face.
        comparisons: templates it was compared with, at least 1.
        effective_frames: of the fused probe, at least 1.
        weight: of its frames together.
    """

    similarity: float
    mask: MaskState
    comparisons: int
    effective_frames: float = 1.0
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Weighed:
    """A look, weighed.

    Attributes:
        verdict: what it comes to.
        threshold: similarity that was needed.
        llr: evidence for the best candidate.
    """

    verdict: Verdict
    threshold: Threshold
    llr: Llr


def weight(score: float) -> float:
    """What a frame weighs in a fusion, by its quality score (`gate.decision.judgement.score`, [0, 1])."""
    return max(score, _LEAST) ** 2


_LEAST = 0.05
"""Even a frame that promises nothing is somebody's face."""


def weigh(calibration: Calibration, plan: Plan, look: int, seen: Seen) -> Weighed:
    """Look number `look` (from 1) of a passage.

    Raises:
        ValueError: the plan has no such look.
    """
    spent = share(look, plan.looks, plan.rate)
    threshold = calibration.threshold(seen.mask, spent, seen.comparisons, seen.effective_frames)
    llr = calibration.llr(seen.similarity, seen.mask, seen.effective_frames)
    if seen.similarity >= threshold.similarity:
        return Weighed(Verdict.YES, threshold, llr)
    sure = seen.weight >= plan.sure_from and calibration.fnmr(seen.similarity, seen.mask) <= plan.miss
    return Weighed(Verdict.NO if sure else Verdict.UNSURE, threshold, llr)
