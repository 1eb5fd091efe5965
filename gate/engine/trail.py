"""What the engine writes into the audit journal: starts and stops, decisions, overrides, refusals.

Loads, enrolments and destructions are the gallery's to write, as one with the change. No entry names a traveller: a
passage is named by its id, an officer by the authority's opaque name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gate import __version__
from gate.audit.event import LONGEST_FACT, Event, EventKind, Fact
from gate.audit.journal import Journal
from gate.clock import Clock
from gate.decision.outcome import Outcome
from gate.engine.attempt import Attempt
from gate.settings import Settings


class AtLane(Protocol):
    """A passage, or a watch over several people."""

    @property
    def passage_id(self) -> str:
        """A UUID."""
        ...

    @property
    def lane_id(self) -> str:
        """The lane."""
        ...


class Trail:
    """Writes events. Every method may raise `StorageFault`, where the journal is stored. Thread-safe."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self._clock = clock

    def started(self, settings: Settings, pack_id: str, generation: int) -> None:
        """The engine serves."""
        lanes = ", ".join(settings.lanes)[:LONGEST_FACT]
        facts: dict[str, Fact] = {"version": __version__, "pack": pack_id, "lanes": lanes, "generation": generation}
        self._record(EventKind.STARTED, facts)

    def stopped(self, reason: str, generation: int) -> None:
        """The engine has stopped serving."""
        self._record(EventKind.STOPPED, {"reason": reason, "generation": generation})

    def refused(self, method: str, code: str, lane: str) -> None:
        """Somebody asked for what the settings do not allow."""
        self._record(EventKind.ACCESS_REFUSED, {"method": method, "code": code, "lane": lane})

    def decision(self, attempt: Attempt, watched: str = "") -> None:
        """How a passage ended; one that was abandoned ends without a decision.

        Args:
            watched: pseudonym of whom the watch list was searched for and found; empty: nobody.
        """
        decided, report = attempt.decision, attempt.report()
        facts: dict[str, Fact] = {
            "passage": attempt.passage_id,
            "lane": attempt.lane_id,
            "claim": attempt.arrival.kind,
            "code": attempt.arrival.code,
            "outcome": decided.outcome.value if decided else "abandoned",
            "reason": decided.reason.value if decided else None,
            "pack": attempt.pack_id,
            "frames": report.seen,
            "elapsed_ms": round(report.elapsed_ms, 1),
            "incident": attempt.incident_id or None,
            "profile": attempt.profile,
            "policy": attempt.policy_digest,
            "watched": watched or None,
        }
        compared = decided.comparison if decided else None
        if compared is not None:
            facts |= {
                "similarity": round(compared.similarity, 4),
                "threshold": round(compared.threshold, 4),
                "gallery_size": compared.gallery_size,
                "mask": compared.mask.value,
                "llr": None if compared.llr is None else round(compared.llr, 3),
            }
        finger = decided.finger if decided else None
        if finger is not None:
            facts |= {
                "asked_because": finger.asked_because.value,
                "finger_attempts": finger.attempts,
                "finger_score": None if finger.score is None else round(finger.score, 4),
                "finger_llr": None if finger.llr is None else round(finger.llr, 3),
            }
        # Survives the end of the process, and waits for no disk; only a loss of power may take the last decisions.
        self._record(EventKind.DECISION, facts, durable=False)

    def frames_alarmed(self, opened: AtLane, alarms: int, codes: Iterable[str]) -> None:
        """Frames came to a passage or a watch as no honest camera sends them."""
        facts: dict[str, Fact] = {
            "passage": opened.passage_id,
            "lane": opened.lane_id,
            "count": alarms,
            "codes": " ".join(codes)[:LONGEST_FACT],
        }
        self._record(EventKind.FRAMES_ALARM, facts, durable=False)

    def override(self, passage_id: str, officer_id: str, outcome: Outcome, reason: str) -> int:
        """What an officer decided; its position in the journal."""
        facts: dict[str, Fact] = {"passage": passage_id, "by": officer_id, "outcome": outcome.value, "reason": reason}
        return self._record(EventKind.OVERRIDE, facts)

    def passed(self, flight: str, traveller: str, touchpoint: str, officer_id: str, reason: str) -> int:
        """A traveller (a pseudonym) passed a touchpoint by an officer's decision; its position in the journal."""
        name = "".join(letter if letter.isprintable() else "?" for letter in flight[:LONGEST_FACT])
        facts: dict[str, Fact] = {
            "flight": name,
            "traveller": traveller,
            "touchpoint": touchpoint,
            "outcome": Outcome.OPEN.value,
            "by": officer_id,
            "reason": reason,
        }
        return self._record(EventKind.OVERRIDE, facts)

    def _record(self, kind: EventKind, facts: Mapping[str, Fact], *, durable: bool = True) -> int:
        stated = {name: value for name, value in facts.items() if value is not None}
        return self.journal.record(Event(kind, self._clock.utc(), stated), durable=durable)
