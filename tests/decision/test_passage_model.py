"""The passage under every event and many kinds of lane: what it spends and when it opens, worked out a second time.

Nothing here asks the decision what it should do: thresholds, likelihood ratios and budgets are computed anew from the
numbers of the test calibration.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gate.decision.event import (
    Compared,
    Decide,
    Ended,
    Event,
    FingerCompared,
    FingerScore,
    FingersKnown,
    FingerUnusable,
    FramesDone,
    Refused,
    SeekFingers,
)
from gate.decision.liveness import Live, LivenessLimits, LivenessMode
from gate.decision.outcome import Decision, Outcome, Reason
from gate.decision.passage import PassageState, Phase, Rules, advance
from gate.decision.policy import Policy
from gate.decision.spending import SHAPE
from gate.fingerprint.template import FingerPosition
from gate.gallery.traveller import Particulars, Traveller
from gate.vision.probe import MaskState
from tests.decision.makers import CALIBRATION, GOOD, NOW, WEIGHED, compared, looked

REFERENCES = ("a", "b", "c", "d")
BORN = date(2000, 1, 1)

PEDESTRIAN, VEHICLE = Policy(), Policy(needs_both=True)
LIVING = Policy(liveness=LivenessLimits(mode=LivenessMode.REQUIRED))
READING = Rules(PEDESTRIAN, WEIGHED, sensor=True, finger_llr=8.0)
LANES = {
    "face only": Rules(PEDESTRIAN, WEIGHED),
    "face only, claimed": Rules(PEDESTRIAN, WEIGHED, claimed=True),
    "fingers": READING,
    "fingers, claimed": replace(READING, claimed=True),
    "fingers, no likelihoods": replace(READING, calibration=CALIBRATION),
    "fingers, claimed, no likelihoods": replace(READING, calibration=CALIBRATION, claimed=True),
    "a sensor, no reader": replace(READING, finger_llr=None),
    "a vehicle": replace(READING, policy=VEHICLE),
    "a vehicle, claimed": replace(READING, policy=VEHICLE, claimed=True),
    "a vehicle without sensor": replace(READING, policy=VEHICLE, sensor=False),
    "proof of life": replace(READING, policy=LIVING),
    "proof of life, claimed": replace(READING, policy=LIVING, claimed=True),
    "grown-ups, one look": replace(READING, policy=Policy(min_age=18, max_comparisons=1, finger_attempts=1)),
}


def scale(frames: float, rules: Rules) -> float:
    """How much more strangers resemble a fused probe: as `WEIGHED` has it."""
    if not rules.calibration.fused:
        return 1.0
    return 1 + 0.1 * (frames - 1) if frames <= 2 else 1.1 + 0.05 * (frames - 2)


def shift(mask: MaskState) -> float:
    return 0.0 if mask is MaskState.NONE else 0.05


def fmr_of(similarity: float, mask: MaskState, frames: float, rules: Rules) -> float:
    """How often a stranger compares so: a straight line on the test curves, a decade for each 0.1."""
    return float(10 ** (-10 * (similarity / scale(frames, rules) - shift(mask))))


def llr_of(similarity: float, mask: MaskState, frames: float, rules: Rules) -> float:
    """What a face says for somebody: linear between the points of the test calibration."""
    if similarity > 0:
        similarity /= scale(frames, rules)
    points = [-5.0, -3.0, 0.0, 4.0, 7.0, 9.0]

    def at(shifted: float) -> float:
        place = min(max((similarity - shifted - 0.1) / 0.1, 0.0), 5.0)
        below = min(int(place), 4)
        return points[below] + (place - below) * (points[below + 1] - points[below])

    return min(at(0.0), at(0.05)) if mask in {MaskState.UNKNOWN, MaskState.UNDER_NOSE} else at(shift(mask))


@dataclass(frozen=True, slots=True)
class Shares:
    """What a passage may spend on looks and on fingers, by the policy."""

    faces: float
    fingers: float

    @classmethod
    def of(cls, rules: Rules) -> Shares:
        rate = rules.policy.fmr if rules.claimed else rules.policy.fpir
        if rules.policy.needs_both:
            return cls(rate, rate)
        return cls(rate * (1 - rules.policy.finger_share * rules.sensor), rate * rules.policy.finger_share)

    def look(self, number: int, rules: Rules) -> float:
        parts = [part**SHAPE for part in range(1, rules.policy.max_comparisons + 1)]
        return self.faces * parts[number - 1] / sum(parts)


def traveller(reference: str, born: date | None = BORN) -> Traveller:
    return Traveller(reference, "CX1", NOW + timedelta(hours=1), particulars=Particulars(birth_date=born))


MOSTLY_NOT = st.sampled_from((False,) * 14 + (True,))
MOSTLY_NONE = st.sampled_from((None,) * 14 + (Reason.ALREADY_PASSED,))
SIMILARITIES = st.one_of(st.sampled_from([0.25, 0.3, 0.33, 0.36, 0.39, 0.42, 0.5, 0.6, 0.8]), st.floats(-1, 1))


def in_the_end(passage: Passage) -> bool:
    return passage.calm <= 0


class Passage(RuleBasedStateMachine):
    """Any order of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.state = PassageState()
        self.decisions: list[Decision] = []
        self.calm = 0
        self.last: Compared | None = None
        self.face_spent = 0.0
        self.watched = False
        self.lives: list[Live] = []
        self.at_s = 0.0

    @initialize(
        lane=st.sampled_from(sorted(LANES)),
        enrolled=st.sampled_from([REFERENCES] * 4 + [("a", "c"), ()]),
        calm=st.sampled_from([12, 12, 12, 6, 2, 0]),
        unclear=st.sampled_from([0, 4]),
        frames=st.sampled_from([1.0, 3.0]),
        more=st.sampled_from([[0] * 4, [0] * 4, [0, 0, 0, 400], [400, 0, 0, 0]]),
        alike=st.sampled_from([[False] * 4, [False] * 4, [True, True, False, False], [False, False, True, False]]),
    )
    def at(
        self,
        lane: str,
        enrolled: tuple[str, ...],
        calm: int,
        unclear: int,
        frames: float,
        more: list[int],
        alike: list[bool],
    ) -> None:
        """It may begin with looks that say too little, so that a finger is asked for.

        `calm`: for so many steps nothing happens that ends most passages.
        """
        self.rules, self.enrolled, self.calm = LANES[lane], enrolled, calm
        self.shares = Shares.of(self.rules)
        similarity = 0.34 * scale(frames, self.rules)
        for others in more[:unclear]:
            self.compare(
                similarities=[similarity, similarity - 0.02, 0.2],
                order=list(REFERENCES),
                mask=MaskState.NONE,
                frames=frames,
                weight=0.9,
                more=others,
                alike=alike,
                watched=False,
                elsewhere=False,
                bar=None,
                late=False,
                born=BORN,
                live=Live.LIVE,
            )

    def step(self, event: Event) -> Decision | None:
        """The decision, where this event has led to it."""
        before = self.state
        self.state, effects = advance(before, event, self.rules)
        assert before.decision is None or (self.state is before and not effects)
        self.calm -= 1
        decided = [effect.decision for effect in effects if isinstance(effect, Decide)]
        self.decisions += decided
        assert len(self.decisions) <= 1
        for effect in effects:
            if isinstance(effect, SeekFingers):
                return self.step(self.known(effect))
        return decided[0] if decided else None

    def known(self, asked: SeekFingers) -> FingersKnown:
        """The answer, at once, as the engine gives it: of those sought, or of the claimed, who has fingers enrolled."""
        known = [reference for reference in self.enrolled if not asked.references or reference in asked.references]
        return FingersKnown(tuple(map(traveller, known)), (FingerPosition.RIGHT_INDEX,) if known else ())

    def only_shuts(self, event: Event) -> None:
        decision = self.step(event)
        assert decision is None or decision.outcome is not Outcome.OPEN

    @rule(eyes=st.floats(0, 200), rival=st.floats(0, 1), face=st.booleans(), wait=st.floats(0, 2))
    def look(self, eyes: float, rival: float, face: bool, wait: float) -> None:
        self.at_s += wait
        quality = replace(GOOD, eye_distance_px=eyes) if face else None
        self.only_shuts(looked(quality, at_s=self.at_s, rival_ratio=rival))

    @rule(
        similarities=st.lists(SIMILARITIES, min_size=1, max_size=4),
        order=st.permutations(REFERENCES),
        mask=st.sampled_from([MaskState.NONE, *MaskState]),
        frames=st.sampled_from([1.0, 1.0, 1.5, 3.0, 6.0]),
        weight=st.sampled_from([0.5, 0.9, 0.9, 2.0]),
        more=st.sampled_from([0, 0, 1, 400, 42_000]),
        alike=st.lists(st.sampled_from((False,) * 4 + (True,)), min_size=4, max_size=4),
        watched=MOSTLY_NOT,
        elsewhere=MOSTLY_NOT,
        bar=MOSTLY_NONE,
        late=MOSTLY_NOT,
        born=st.sampled_from([BORN, BORN, BORN, NOW.date(), None]),
        live=st.sampled_from([Live.LIVE, Live.LIVE, Live.NOT_LIVE, Live.UNAVAILABLE, Live.NOT_ASKED]),
    )
    def compare(
        self,
        similarities: list[float],
        order: list[str],
        mask: MaskState,
        frames: float,
        weight: float,
        more: int,
        alike: list[bool],
        watched: bool,
        elsewhere: bool,
        bar: Reason | None,
        late: bool,
        born: date | None,
        live: Live,
    ) -> None:
        ranked = sorted(similarities, reverse=True)
        now = NOW + timedelta(hours=late)
        event = compared(
            *ranked, at_s=self.at_s, mask=mask, now=now, gallery_size=len(ranked) + more, references=tuple(order)
        )
        candidates = tuple(
            replace(
                found, traveller=traveller(found.traveller.reference, born), lookalikes=frozenset("xy" if twin else "")
            )
            for found, twin in zip(event.candidates.ranked, alike, strict=False)
        )
        event = replace(
            event,
            candidates=replace(event.candidates, ranked=candidates),
            frames=frames,
            weight=weight,
            watched=watched,
            elsewhere=elsewhere and self.rules.claimed,
            bar=bar,
            live=live,
        )
        undecided = self.state.decision is None
        looks = self.state.evidence.comparisons
        decision = self.step(event)
        self.watched |= undecided and watched
        if self.state.evidence.comparisons > looks:
            self.count(event)
        if decision is not None and decision.outcome is Outcome.OPEN:
            assert decision.reason is Reason.MATCHED
            assert (decision.traveller_reference, late, bar, watched) == (order[0], False, None, False)
            assert not self.rules.policy.needs_both
            assert self.is_enough(event)
            assert self.may_pass(candidates[0].traveller)
            assert self.is_alive(live)

    def count(self, event: Compared) -> None:
        """What this look has spent: the chance that it matched anybody of whom it was none."""
        assert self.state.evidence.last is not None
        self.last = event
        self.lives.append(event.live)
        fmr = fmr_of(self.state.evidence.last.threshold, event.mask, event.frames, self.rules)
        self.face_spent += -math.expm1(event.candidates.comparisons * math.log1p(-fmr))

    def is_enough(self, event: Compared) -> bool:
        best, *others = event.candidates.ranked
        alone = self.rules.claimed or not best.lookalikes
        leads = not others or best.similarity - others[0].similarity >= self.rules.policy.min_margin - 1e-9
        fmr = fmr_of(best.similarity, event.mask, event.frames, self.rules)
        spent = -math.expm1(event.candidates.comparisons * math.log1p(-min(fmr, 0.5)))
        allowed = self.shares.look(self.state.evidence.comparisons, self.rules)
        return alone and leads and spent <= allowed * (1 + 1e-6)

    def may_pass(self, who: Traveller) -> bool:
        born = who.particulars.birth_date if who.particulars else None
        return self.rules.policy.min_age is None or (born is not None and born <= date(2008, 11, 22))

    def is_alive(self, live: Live | None = None) -> bool:
        if self.rules.policy.liveness.mode is not LivenessMode.REQUIRED:
            return True
        return self.lives.count(Live.LIVE) > self.lives.count(Live.NOT_LIVE) and live in {None, Live.LIVE}

    @precondition(lambda self: self.state.phase is Phase.ASKING)
    @rule(watched=st.booleans())
    def a_face_was_still_being_compared(self, watched: bool) -> None:
        """Time was up while a model ran."""
        undecided = self.state.decision is None
        self.only_shuts(replace(compared(1.0, at_s=self.at_s), watched=watched))
        self.watched |= undecided and watched

    @precondition(in_the_end)
    @rule(without=st.integers(0, 2))
    def compare_with_nobody(self, without: int) -> None:
        self.only_shuts(compared(at_s=self.at_s, without_template=without))

    @precondition(in_the_end)
    @rule(
        reason=st.sampled_from(
            [
                Reason.NO_REFERENCE,
                Reason.NO_REFERENCE,
                Reason.CLAIM_REFUSED,
                Reason.CLAIM_UNKNOWN,
                Reason.NO_CONSENT,
                Reason.TAMPERED_FRAMES,
            ]
        )
    )
    def refuse(self, reason: Reason) -> None:
        self.only_shuts(Refused(reason))

    @precondition(in_the_end)
    @rule()
    def frames_done(self) -> None:
        self.only_shuts(FramesDone())

    @precondition(lambda self: self.calm <= 0 and self.state.phase is not Phase.ASKING)
    @rule()
    def answer_unasked(self) -> None:
        before = self.state
        self.only_shuts(FingersKnown((traveller("a"),), (FingerPosition.RIGHT_INDEX,)))
        assert self.state == before

    @rule(
        shown=st.lists(
            st.tuples(
                st.sampled_from([0, 0, 0, 1, 2, 3]),
                st.one_of(st.just(8.0), st.just(6.0), st.just(6.5), st.floats(-6, 8)),
                st.sampled_from([1e-8, 1e-5, 1e-4, 2e-4, 4e-4, 1e-3, 0.5]),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda one: one[0],
        ),
        bar=MOSTLY_NONE,
        late=MOSTLY_NOT,
        born=st.sampled_from([BORN, BORN, NOW.date(), None]),
    )
    def finger(self, shown: list[tuple[int, float, float]], bar: Reason | None, late: bool, born: date | None) -> None:
        """Those sought first: the number is a place among them."""
        sought = [suspect.reference for suspect in self.state.asking.suspects] if self.state.asking else []
        order = [*sought, *(reference for reference in REFERENCES if reference not in sought)]
        found = [(order[place], llr, fmr) for place, llr, fmr in shown]
        index = FingerPosition.RIGHT_INDEX
        scores = tuple(FingerScore(traveller(r, born), 0.8, llr, fmr, False, index) for r, llr, fmr in found)
        asking = self.state.asking
        decision = self.step(FingerCompared(9.0, NOW + timedelta(hours=late), scores, bar))
        if decision is not None and decision.outcome is Outcome.OPEN:
            assert decision.reason is Reason.FINGER_MATCHED
            assert asking is not None and asking.positions
            assert asking.shown.attempts < self.rules.policy.finger_attempts
            assert (late, bar) == (False, None)
            matched = [one for one in found if self.confirms(one, tuple(s.reference for s in asking.suspects))]
            assert [one[0] for one in matched] == [decision.traveller_reference]
            assert self.may_pass(traveller(matched[0][0], born))
            assert self.is_alive()

    def confirms(self, found: tuple[str, float, float], suspects: tuple[str, ...]) -> bool:
        """Alone among the suspects, or together with what the last look said; whichever of the two the passage took."""
        reference, llr, fmr = found
        attempts, fingers = self.rules.policy.finger_attempts, self.shares.fingers
        if reference not in suspects:
            return False
        if self.finger_decides_alone():
            return fmr * attempts * len(suspects) <= fingers * (1 + 1e-9)
        assert self.last is not None
        shown = {c.traveller.reference: c.similarity for c in self.last.candidates.ranked}
        face = llr_of(shown[reference], self.last.mask, self.last.frames, self.rules)
        needed = math.log(self.last.candidates.comparisons * attempts / fingers)
        return llr > 0 and face + llr >= needed - 1e-6

    def finger_decides_alone(self) -> bool:
        assert self.state.asking is not None
        return all(suspect.face_llr is None for suspect in self.state.asking.suspects)

    @rule()
    def wet(self) -> None:
        self.only_shuts(FingerUnusable())

    @precondition(in_the_end)
    @rule(end=st.sampled_from(Ended))
    def end(self, end: Ended) -> None:
        self.only_shuts(end)
        assert self.state.decision is not None or self.state.phase is Phase.ASKING

    @invariant()
    def nobody_watched_passes(self) -> None:
        assert not self.watched or (self.state.decision is not None and self.decisions[0].outcome is not Outcome.OPEN)

    @invariant()
    def who_does_not_pass_is_not_named(self) -> None:
        for decision in self.decisions:
            opens = decision.outcome is Outcome.OPEN
            assert (decision.traveller_reference is not None) == (decision.flight is not None) == opens

    @invariant()
    def looks_and_fingers_are_bounded(self) -> None:
        policy = self.rules.policy if hasattr(self, "rules") else PEDESTRIAN
        assert self.state.evidence.comparisons <= policy.max_comparisons
        if self.state.asking is not None:
            shown = self.state.asking.shown
            assert shown.attempts <= policy.finger_attempts
            assert shown.attempts + shown.unusable <= policy.finger_samples

    @invariant()
    def no_more_is_spent_than_the_policy_allows(self) -> None:
        if not hasattr(self, "rules"):
            return
        assert self.face_spent <= self.shares.faces * (1 + 1e-6)
        whole = self.rules.policy.fmr if self.rules.claimed else self.rules.policy.fpir
        # Where both are needed, a stranger has to pass the finger, whatever the looks have let by.
        faces = 0.0 if self.rules.policy.needs_both else self.face_spent
        assert faces + self.finger_spends() <= whole * (1 + 1e-6)

    def finger_spends(self) -> float:
        """The most that asking can let through: by each way of opening, over all attempts (union bound)."""
        asking, attempts = self.state.asking, self.rules.policy.finger_attempts
        if asking is None:
            return 0.0
        alone = sum(suspect.face_llr is None for suspect in asking.suspects)
        spends = alone * attempts * asking.budget.fmr if asking.positions else 0.0
        if alone < len(asking.suspects):
            assert self.last is not None
            # Markov's inequality, once for each template searched.
            spends += self.last.candidates.comparisons * attempts * math.exp(-asking.budget.llr)
        return spends

    @invariant()
    def every_end_ends(self) -> None:
        """From here, wherever that is."""
        if not hasattr(self, "rules"):
            return
        once = advance(self.state, Ended.BUDGET_SPENT, self.rules)[0]
        twice = advance(once, Ended.BUDGET_SPENT, self.rules)[0]
        assert twice.decision is not None
        assert advance(self.state, Ended.FRAMES_ENDED, self.rules)[0].decision is not None
        for fault, reason in ((Ended.SHUTTING_DOWN, "shutting_down"), (Ended.ENGINE_FAULT, "engine_fault")):
            decision = advance(self.state, fault, self.rules)[0].decision
            assert decision is not None
            assert self.state.decision == decision or (decision.outcome, decision.reason) == ("officer", reason)

    def teardown(self) -> None:
        if hasattr(self, "rules"):
            self.only_shuts(Ended.BUDGET_SPENT)
            self.only_shuts(Ended.BUDGET_SPENT)
            assert len(self.decisions) == 1


TestPassage = Passage.TestCase
TestPassage.settings = settings(TestPassage.settings, max_examples=200, stateful_step_count=20, derandomize=True)
