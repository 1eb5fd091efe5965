"""A finger is asked for: of whom, how often still, and what has come of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from gate.decision.event import FingerScore, FingersKnown
from gate.decision.finger import FingerBudget, Suspect
from gate.decision.outcome import FingerEvidence, Reason
from gate.fingerprint.position import FingerPosition


@dataclass(frozen=True, slots=True)
class Asking:
    """What a passage remembers of the finger.

    Attributes:
        reason: what the face ended with.
        suspects: whom the finger may confirm, the likeliest first; empty until `known` where the claim tells.
        budget: what the finger must reach.
        positions: of the fingers enrolled; empty until `known`.
        evidence: so far.
    """

    reason: Reason
    suspects: tuple[Suspect, ...]
    budget: FingerBudget
    positions: tuple[FingerPosition, ...] = ()
    evidence: FingerEvidence | None = None

    @property
    def attempts_left(self) -> int:
        """Comparisons that may still be made."""
        return self.budget.attempts - self.shown.attempts

    @property
    def shown(self) -> FingerEvidence:
        """The evidence, from the first moment on."""
        return self.evidence or FingerEvidence(self.reason, 0, 0)

    @property
    def reason_at_end(self) -> Reason:
        """When nothing more comes."""
        return Reason.FINGER_NO_MATCH if self.shown.attempts else Reason.FINGER_UNUSABLE

    def known(self, event: FingersKnown) -> Self:
        """With those who have fingers enrolled; where the face suggested nobody, they are whom the claim means."""
        names = tuple(dict.fromkeys(traveller.reference for traveller in event.travellers))
        suspects = tuple(suspect for suspect in self.suspects if suspect.reference in names)
        if not self.suspects:
            suspects = tuple(Suspect(name, None) for name in names)
        budget = replace(self.budget, travellers=max(1, len(suspects)))
        return replace(self, suspects=suspects, positions=event.positions if suspects else (), budget=budget)

    def met(self, scores: Iterable[FingerScore]) -> tuple[FingerScore, ...]:
        """Who is confirmed by a sample; one entry a traveller, whatever the flights."""
        met = {
            suspect.reference: found
            for suspect, found in self._of_suspects(scores)
            if self.budget.is_met(suspect, found)
        }
        return tuple(met.values())

    def compared(self, scores: Iterable[FingerScore]) -> Self:
        """With one more sample compared; what came nearest is shown."""
        shown = replace(self.shown, attempts=self.shown.attempts + 1)
        for suspect, found in self._of_suspects(scores):
            if shown.score is None or found.score > shown.score:
                shown = replace(
                    shown,
                    score=found.score,
                    llr=found.llr,
                    fmr=found.fmr,
                    extrapolated=found.extrapolated,
                    face_llr=suspect.face_llr,
                    needed_llr=None if suspect.face_llr is None else self.budget.llr,
                    needed_fmr=self.budget.fmr if suspect.face_llr is None else None,
                )
        return replace(self, evidence=shown)

    def unusable_sample(self) -> Self:
        """With one more sample that could not be compared."""
        return replace(self, evidence=replace(self.shown, unusable=self.shown.unusable + 1))

    def _of_suspects(self, scores: Iterable[FingerScore]) -> Iterator[tuple[Suspect, FingerScore]]:
        """Scores of those whom a finger may confirm; of nobody else a score counts."""
        suspects = {suspect.reference: suspect for suspect in self.suspects}
        return ((suspects[f.traveller.reference], f) for f in scores if f.traveller.reference in suspects)
