"""What holds after every passage, whatever happened in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gate.audit.event import EventKind
from gate.claims.claim import PresentedKind
from gate.decision.event import Decide
from gate.decision.outcome import Outcome, Reason
from gate.engine.attempt import StartRequest
from gate.gallery.journey import Pass
from tests.engine import prints
from tests.engine.fakes import frame
from tests.engine.stage import Expected, Stage

NAMES = ("Muster", "Beispiel")


def passes(stage: Stage, expected: Iterable[Expected]) -> int:
    """How many passes are kept of those who are expected."""
    book = stage.engine.journeys._book
    return sum(len(book.read(f"traveller-{each.person}", each.flight).passes) for each in expected)


def check_decision(stage: Stage) -> None:
    """One decision, told once; a name only where the lane opens."""
    decided = [effect.decision for effect in stage.effects if isinstance(effect, Decide)]
    assert decided == [stage.attempt.decision]
    (decision,) = decided
    assert (decision.outcome is Outcome.OPEN) == (decision.reason in {Reason.MATCHED, Reason.FINGER_MATCHED})
    opens = decision.outcome is Outcome.OPEN
    assert (decision.traveller_reference is not None) == (decision.flight is not None) == opens


def check_late_events(stage: Stage) -> None:
    """What comes after the end changes nothing, whatever it shows."""
    attempt, decision = stage.attempt, stage.attempt.decision
    at_s = stage.engine.clock.monotonic()
    late = [
        attempt.observe(frame(1, stage.sequence + 1), at_s),
        attempt.take_finger(prints.laid_down(1), at_s),
        attempt.budget_spent(),
        attempt.frames_done(),
        attempt.frames_ended(),
        attempt.shut_down(),
        attempt.fault("late"),
        attempt.refuse(Reason.TAMPERED_FRAMES),
    ]
    assert not any(late)
    assert attempt.decision == decision


def check_journal(stage: Stage) -> None:
    """The decision is there once, with its reason, and nobody is."""
    decision = stage.attempt.decision
    assert decision is not None
    entries = list(stage.journal.entries())
    (entry,) = (e for e in entries if e.kind == EventKind.DECISION and e.facts["passage"] == stage.attempt.passage_id)
    assert (entry.facts["outcome"], entry.facts["reason"]) == (decision.outcome.value, decision.reason.value)
    assert entry.facts["lane"] == stage.attempt.lane_id
    check_nobody_named(str([dict(e.facts) for e in entries]))


def check_nobody_named(text: str) -> None:
    """References, document numbers, names and tokens stay where they are."""
    assert not [word for word in ("traveller-", "XK0", "watched-", "eyJ", *NAMES) if word in text]


def check_logs(logs: Iterable[Mapping[str, Any]]) -> None:
    check_nobody_named(str(list(logs)))


def check_token(stage: Stage, claim: PresentedKind, used_before: int) -> None:
    """A token is used up where the lane opened, and nowhere else."""
    assert stage.attempt.decision is not None
    opened = stage.attempt.decision.outcome is Outcome.OPEN
    assert len(stage.used) - used_before == (opened and claim is PresentedKind.TOKEN)


def check_pass(stage: Stage, passes_before: int, passes_now: int) -> None:
    """A pass is kept where a touchpoint's lane opened, and nowhere else; the last one ends the journey."""
    attempt, journeys = stage.attempt, stage.engine.journeys
    touchpoint = stage.engine.settings.lanes[attempt.lane_id].touchpoint
    assert attempt.decision is not None
    opened = attempt.decision.outcome is Outcome.OPEN
    assert attempt.reserved is not None or not opened
    if attempt.reserved is not None:
        who, flight = attempt.reserved.reference, attempt.reserved.flight
        kept = Pass(touchpoint, attempt.reserved.at) in journeys._book.read(who, flight).passes
        ended = opened and touchpoint == journeys.route.last
        assert kept == (opened and bool(touchpoint) and not ended)
        found = stage.engine.gallery.snapshot().find_reference(who, stage.engine.clock.utc(), flight)
        assert not (ended and found)
    if not stage.passed_elsewhere and touchpoint != journeys.route.last:
        assert passes_now - passes_before == (opened and bool(touchpoint))


def check_destroyed(stage: Stage) -> None:
    """What was to go has gone, everywhere: no passage holds on to a template."""
    assert all(receipt.complete for receipt in stage.receipts)
    gone = [entry for entry in stage.journal.entries() if entry.kind == EventKind.DESTRUCTION]
    assert all(entry.facts["complete"] for entry in gone)


def check_lane_is_free(stage: Stage) -> None:
    request = StartRequest(stage.attempt.lane_id)
    stage.engine.close_passage(stage.engine.open_passage(request))
