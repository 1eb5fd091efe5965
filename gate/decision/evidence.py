"""What the comparisons of a passage have shown so far: every look is counted, the best and the last one stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from gate.decision.likelihood import Llr
from gate.decision.outcome import Comparison
from gate.decision.sequential import Verdict, Weighed


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a passage has seen.

    Attributes:
        comparisons: looks spent.
        best: the comparison that came closest to its threshold, or went furthest beyond.
        best_score: highest quality score compared so far, [0, 1].
        compared_at_s: when the last comparison was, monotonic; None before the first.
        ambiguous: some look matched two travellers almost equally well.
        last: the last comparison: of the probe fused of all frames until then.
        llr: evidence of `last` for its best candidate; None where it was not weighed.
        sure_no: `last` was so low that no further frame is worth waiting for.
    """

    comparisons: int = 0
    best: Comparison | None = None
    best_score: float = 0.0
    compared_at_s: float | None = None
    ambiguous: bool = False
    last: Comparison | None = None
    llr: Llr | None = None
    sure_no: bool = False

    @property
    def look(self) -> int:
        """Number of the next look, from 1."""
        return self.comparisons + 1

    def add(
        self, comparison: Comparison, score: float, at_s: float, *, ambiguous: bool, weighed: Weighed | None = None
    ) -> Self:
        """With one more look, and what `gate.decision.sequential.weigh` made of it."""
        best = self.best
        if best is None or comparison.similarity - comparison.threshold > best.similarity - best.threshold:
            best = comparison
        return replace(
            self,
            comparisons=self.comparisons + 1,
            best=best,
            best_score=max(self.best_score, score),
            compared_at_s=at_s,
            ambiguous=self.ambiguous or ambiguous,
            last=comparison,
            llr=weighed.llr if weighed else None,
            sure_no=weighed is not None and weighed.verdict is Verdict.NO,
        )
