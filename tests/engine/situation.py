"""One situation by name: who is expected, what happens, what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gate.audit.event import EventKind
from gate.claims.claim import Presented
from gate.engine.fingers import FingerReader
from tests.claims.makers import FLIGHT
from tests.engine import prints
from tests.engine.happenings import NOTHING, Step
from tests.engine.stage import OTHER_FLIGHT, Expected, Stage

Check = Callable[[Stage], None]

PEOPLE = (Expected(1, finger=1), Expected(2, finger=2), Expected(3, OTHER_FLIGHT))
"""Whom a situation expects unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One row.

    Attributes:
        name: unique.
        happens: in this order, until something is decided or nothing is left.
        ends: outcome, reason, and who by number, None: nobody.
        expected: travellers.
        before: what happened earlier, when the passage was not open yet.
        claim: what the traveller presents.
        lane, sensor, flight: where, whether fingers can be asked for, and whether the lane is one flight's.
        reader: of fingers; None: this engine has none.
        watched: who is on the watch list.
        port: IATA code of the place.
        crowd: so many more are expected, on a flight of their own.
        holds: what must be so afterwards, beside what must always be so.
    """

    name: str
    happens: tuple[Step, ...]
    ends: tuple[str, str, int | None]
    expected: tuple[Expected, ...] = PEOPLE
    before: tuple[Step, ...] = ()
    claim: Presented = NOTHING
    lane: str = "lane-1"
    sensor: bool = False
    flight: str = ""
    reader: FingerReader | None = field(default_factory=prints.reader)
    watched: tuple[int, ...] = ()
    port: str = ""
    crowd: int = 0
    holds: tuple[Check, ...] = ()


def opened(person: int, reason: str = "matched") -> tuple[str, str, int | None]:
    return ("open", reason, person)


def officer(reason: str) -> tuple[str, str, None]:
    return ("officer", reason, None)


def finger_wanted(reason: str) -> tuple[str, str, None]:
    """By the controller's own sensor, of which the engine knows nothing."""
    return ("fingerprint", reason, None)


def asked(reason: str) -> Check:
    """The engine asked for a finger, and that is why."""

    def check(stage: Stage) -> None:
        decision = stage.attempt.decision
        assert decision is not None and decision.finger is not None
        assert decision.finger.asked_because == reason

    return check


def samples(compared: int, unusable: int = 0) -> Check:
    def check(stage: Stage) -> None:
        decision = stage.attempt.decision
        assert decision is not None and decision.finger is not None
        assert (decision.finger.attempts, decision.finger.unusable) == (compared, unusable)

    return check


def nobody_asked(stage: Stage) -> None:
    assert stage.attempt.decision is not None
    assert stage.attempt.decision.finger is None


def nothing_compared(stage: Stage) -> None:
    assert stage.attempt.decision is not None
    assert stage.attempt.decision.comparison is None
    assert stage.attempt.report().used == 0


def destroyed(*why: str) -> Check:
    """Of each destruction in the journal, why."""

    def check(stage: Stage) -> None:
        entries = [entry for entry in stage.journal.entries() if entry.kind == EventKind.DESTRUCTION]
        assert [entry.facts["why"] for entry in entries] == list(why)

    return check


def among(travellers: int) -> Check:
    """So many were searched."""

    def check(stage: Stage) -> None:
        decision = stage.attempt.decision
        assert decision is not None and decision.comparison is not None
        assert decision.comparison.gallery_size == travellers

    return check


def by_mask(state: str) -> Check:
    def check(stage: Stage) -> None:
        decision = stage.attempt.decision
        assert decision is not None and decision.comparison is not None
        assert decision.comparison.mask == state

    return check


def by_one_frame(stage: Stage) -> None:
    """The similarity is that of one picture: nothing of another one is in it."""
    decision = stage.attempt.decision
    assert decision is not None and decision.comparison is not None
    assert decision.comparison.similarity > 0.999


def no_more_like_than(similarity: float) -> Check:
    def check(stage: Stage) -> None:
        decision = stage.attempt.decision
        assert decision is not None and decision.comparison is not None
        assert decision.comparison.similarity <= similarity + 1e-6

    return check


def frames(seen: int, used: int, rejected: int = 0) -> Check:
    def check(stage: Stage) -> None:
        report = stage.attempt.report()
        assert (report.used, report.rejected) == (used, rejected)
        assert report.seen >= seen

    return check


def code(wanted: str) -> Check:
    """Of the error that the claim was refused with; it stands in the journal."""

    def check(stage: Stage) -> None:
        assert stage.attempt.arrival.code == wanted
        entry = list(stage.journal.entries())
        assert any(e.facts.get("code") == wanted for e in entry)

    return check


def advised(guidance: str) -> Check:
    def check(stage: Stage) -> None:
        assert guidance in [effect.guidance for effect in stage.effects if hasattr(effect, "guidance")]

    return check


def refused_with(*codes: str) -> Check:
    """What was refused on the way, and the passage went on."""

    def check(stage: Stage) -> None:
        assert [error.code for error in stage.errors] == list(codes)

    return check


def gone(person: int, flight: str | None = FLIGHT) -> Check:
    def check(stage: Stage) -> None:
        snapshot, now = stage.engine.gallery.snapshot(), stage.engine.clock.utc()
        assert snapshot.find_reference(f"traveller-{person}", now, flight) == ()

    return check


def clock_told(stage: Stage) -> None:
    """The guarded clock has seen the step."""
    assert stage.steps
