"""What the comparisons of a passage have shown so far: best frame wins, and every look is counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from gate.decision.outcome import Comparison


@dataclass(frozen=True, slots=True)
class Evidence:
    """Best-frame evidence.

    Attributes:
        comparisons: looks spent.
        best: the comparison that came closest to its threshold, or went furthest beyond.
        best_score: highest quality score compared so far, [0, 1].
        compared_at_s: when the last comparison was, monotonic; None before the first.
        ambiguous: some look matched two travellers almost equally well.
    """

    comparisons: int = 0
    best: Comparison | None = None
    best_score: float = 0.0
    compared_at_s: float | None = None
    ambiguous: bool = False

    def add(self, comparison: Comparison, score: float, at_s: float, *, ambiguous: bool) -> Self:
        """With one more look."""
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
        )
