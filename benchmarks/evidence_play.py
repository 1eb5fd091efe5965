"""What a gate would have answered in each approach, by different ways to use its frames. Every look is the engine's own
(`gate.decision.sequential.weigh`); only which frames it is given differs."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.evidence_approach import Glimpse
from gate.decision.calibration import Calibration
from gate.decision.policy import Policy
from gate.decision.sequential import Plan, Seen, Verdict, weigh, weight
from gate.vision.fuse import Fusion
from gate.vision.probe import Probe


class Way(enum.StrEnum):
    """How frames are used."""

    FIRST = "first_frame"
    BEST = "best_frame"
    """The best frame of the whole approach, at its end."""

    TURNS = "single_frames"
    """Frames one by one, as they get better or time passes."""

    PATIENT = "fused_patient"
    """As `FUSED`, without a no before the looks are used up."""

    FUSED = "fused"
    """All frames until each look, fused."""

    SPACED = "fused_spaced"
    """As `FUSED`, each wait twice as long as the one before, and the last look at the end."""

    FUSED_ONCE = "fused_once"
    """All frames of the whole approach fused, at its end."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is compared, and when: `at_s` since the first frame. `last`: it may spend what the last look may."""

    at_s: float
    probe: Probe = field(repr=False)
    frames: float
    weight: float
    last: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """How one approach ends at each of several gates.

    Attributes:
        who: (g,) row of the reference that opened; -1 where none did.
        at_s: (g,) since the first frame.
        sure_no: (g,) it was told no before its looks were used up.
    """

    who: NDArray[np.int64]
    at_s: NDArray[np.float64]
    sure_no: NDArray[np.bool_]


def looks(way: Way, glimpses: Sequence[Glimpse], policy: Policy) -> list[Look]:
    """The looks of one approach, at most as many as the policy has."""
    usable = [glimpse for glimpse in glimpses if glimpse.probe is not None]
    if not usable:
        return []
    match way:
        case Way.FIRST:
            return [_alone(usable[0])]
        case Way.BEST:
            best = max(usable, key=lambda glimpse: glimpse.score)
            return [Look(glimpses[-1].at_s, _probe(best), 1.0, weight(best.score))]
        case Way.TURNS:
            return [_alone(usable[i]) for i in _worth_a_look(usable, policy)]
        case Way.FUSED | Way.PATIENT:
            return [_together(usable[: i + 1]) for i in _worth_a_look(usable, policy)]
        case Way.SPACED:
            spaced = [_together(usable[: i + 1]) for i in _spaced(usable, policy)]
            # Looks that never came have spent nothing.
            return [*spaced[:-1], replace(spaced[-1], last=True)]
        case Way.FUSED_ONCE:
            last = _together(usable)
            return [Look(glimpses[-1].at_s, last.probe, last.frames, last.weight)]


def _worth_a_look(usable: Sequence[Glimpse], policy: Policy) -> Iterator[int]:
    """As `gate.decision.passage.wants_comparison`: better frames at once, others after a while."""
    best, last_s, taken = 0.0, -np.inf, 0
    for index, glimpse in enumerate(usable):
        if taken == policy.max_comparisons:
            return
        if glimpse.score > 1.1 * best or glimpse.at_s - last_s >= policy.retry_after_s:
            best, last_s, taken = max(best, glimpse.score), glimpse.at_s, taken + 1
            yield index


def _spaced(usable: Sequence[Glimpse], policy: Policy) -> Iterator[int]:
    """First, after a while, after twice that, and last."""
    wait_s, due_s, end = policy.retry_after_s, usable[0].at_s, len(usable) - 1
    taken = 0
    for index, glimpse in enumerate(usable[:end]):
        if glimpse.at_s >= due_s and taken < policy.max_comparisons - 1:
            due_s, wait_s, taken = glimpse.at_s + wait_s, 2 * wait_s, taken + 1
            yield index
    yield end


def _alone(glimpse: Glimpse) -> Look:
    return Look(glimpse.at_s, _probe(glimpse), 1.0, weight(glimpse.score))


def _together(glimpses: Sequence[Glimpse]) -> Look:
    """Fused with those of the same mask state as the last one."""
    state = _probe(glimpses[-1]).mask
    fusion, weighs = Fusion(), 0.0
    for glimpse in glimpses:
        if _probe(glimpse).mask is state:
            fusion, weighs = (
                fusion.add(_probe(glimpse), weight(glimpse.score), glimpse.at_s),
                weighs + weight(glimpse.score),
            )
    return Look(glimpses[-1].at_s, fusion.probe, max(1.0, fusion.effective_frames), weighs)


def _probe(glimpse: Glimpse) -> Probe:
    if glimpse.probe is None:
        raise ValueError("expected a usable frame")
    return glimpse.probe


def answers(
    seen: Sequence[Look],
    similarities: NDArray[np.float32],
    galleries: NDArray[np.int64],
    calibration: Calibration,
    plan: Plan,
) -> Answers:
    """How the approach ends at gates that expect `galleries`.

    Args:
        similarities: of each look to all references (looks, people).
        galleries: rows of the references who are expected (g, N).
        plan: as many looks as there may be.
    """
    who = np.full(len(galleries), -1, np.int64)
    at_s = np.full(len(galleries), seen[-1].at_s if seen else 0.0)
    sure = np.zeros(len(galleries), np.bool_)
    open_ = np.ones(len(galleries), np.bool_)
    for number, look in enumerate(seen, 1):
        expected = similarities[number - 1][galleries]
        spends = plan.looks if look.last else number
        first = expected.argmax(axis=1)
        for gate in np.flatnonzero(open_).tolist():
            similarity = float(expected[gate, first[gate]])
            what = Seen(similarity, look.probe.mask, galleries.shape[1], look.frames, look.weight)
            verdict = weigh(calibration, plan, spends, what).verdict
            if verdict is Verdict.UNSURE:
                continue
            open_[gate], at_s[gate] = False, look.at_s
            if verdict is Verdict.YES:
                who[gate] = galleries[gate, first[gate]]
            else:
                sure[gate] = True
    return Answers(who, at_s, sure)


def plan_of(way: Way, policy: Policy, miss: float) -> Plan:
    """One look has the whole rate; several share it."""
    several = way in (Way.TURNS, Way.FUSED, Way.PATIENT, Way.SPACED)
    return Plan(policy.fpir, policy.max_comparisons if several else 1, miss if way in (Way.FUSED, Way.SPACED) else 0.0)
