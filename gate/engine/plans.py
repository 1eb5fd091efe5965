"""What the airport says about flights: where they board, and when which touchpoint is open to them.

A plan holds nothing personal, so it is stored in the clear, and outlives the flight's travellers by a while: who is
enrolled late for a flight that is closed finds it closed. A changed gate or time is a new plan in place of the old one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from gate.audit.event import Event, EventKind, Fact
from gate.audit.journal import Journal, SealedJournal
from gate.clock import Clock
from gate.decision.journey import FlightPlan, Window
from gate.errors import Code, FieldViolation, ProtocolError
from gate.storage.database import Database

KEPT = timedelta(hours=48)
"""A plan is forgotten this long after it was set, or after the last time in it; no traveller lives longer."""

AHEAD = timedelta(days=7)
"""No window of a plan opens or closes later from now: a slip in the date must not keep a plan for years."""

MOST = 10_000
"""Plans kept; the busiest airport has some 3,000 departures in two days."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan, and when it is forgotten (UTC)."""

    plan: FlightPlan
    until: datetime


@dataclass(frozen=True, slots=True)
class PlanSet:
    """What `FlightPlans.set` did.

    Attributes:
        changed: the plan is new, or other than the one before.
        journal_position: of the last entry written, from 1; 0 when nothing changed.
    """

    changed: bool
    journal_position: int = 0


class PlanKeeper(Protocol):
    """Where plans are written down, with the journal's entries. Called by one writer at a time."""

    def load(self) -> Iterable[Kept]:
        """What was written before."""
        ...

    def write(self, kept: Kept, forgotten: Sequence[str], events: Sequence[Event]) -> int:
        """Writes a plan in place of the flight's earlier one, forgets those of some flights, and records the events.

        Returns:
            the position of the last event.

        Raises:
            StorageFault: nothing was written.
        """
        ...


class UnkeptPlans:
    """See `PlanKeeper`. Only the journal is written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def load(self) -> Iterable[Kept]:
        """See `PlanKeeper`."""
        return ()

    def write(self, kept: Kept, forgotten: Sequence[str], events: Sequence[Event]) -> int:
        """See `PlanKeeper`."""
        del kept, forgotten
        return [self._journal.record(event) for event in events][-1]


class StoredPlans:
    """See `PlanKeeper`. In the engine's store, whose journal it is.

    Raises:
        StorageFault: DISK_FULL, DISK_FAILED.
    """

    def __init__(self, database: Database, journal: SealedJournal) -> None:
        self._database = database
        self._journal = journal
        with database.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS flight_plans(flight TEXT PRIMARY KEY, until TEXT NOT NULL,"
                " plan TEXT NOT NULL) WITHOUT ROWID"
            )

    def load(self) -> Iterable[Kept]:
        """See `PlanKeeper`."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT flight, until, plan FROM flight_plans").fetchall()
        return [Kept(_unpack(flight, plan), datetime.fromisoformat(until)) for flight, until, plan in rows]

    def write(self, kept: Kept, forgotten: Sequence[str], events: Sequence[Event]) -> int:
        """See `PlanKeeper`."""
        row = (kept.plan.flight, kept.until.isoformat(), _pack(kept.plan))
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM flight_plans WHERE flight = ?", [(flight,) for flight in forgotten])
            connection.execute("INSERT OR REPLACE INTO flight_plans(flight, until, plan) VALUES (?, ?, ?)", row)
            return [self._journal.append(connection, event) for event in events][-1]


class FlightPlans:
    """Every plan that is known. Safe for threads: readers never wait.

    Args:
        keeper: where plans are written down.
        clock: for what is forgotten.
        touchpoints: of the place: a plan may name no other.

    Raises:
        StorageFault: DISK_FAILED.
    """

    def __init__(self, keeper: PlanKeeper, clock: Clock, touchpoints: Sequence[str]) -> None:
        self._keeper = keeper
        self._clock = clock
        self._touchpoints = tuple(touchpoints)
        self._setting = threading.Lock()
        self._plans: Mapping[str, Kept] = MappingProxyType({kept.plan.flight: kept for kept in keeper.load()})

    def of(self, flight: str) -> FlightPlan | None:
        """The flight's plan; None when there is none, or none any more."""
        kept = self._plans.get(flight)
        return kept.plan if kept is not None and kept.until > self._clock.utc() else None

    def everything(self) -> tuple[FlightPlan, ...]:
        """Every plan that is known, by flight."""
        now = self._clock.utc()
        return tuple(kept.plan for _, kept in sorted(self._plans.items()) if kept.until > now)

    def set(self, plan: FlightPlan) -> PlanSet:
        """Puts a plan in place of the flight's earlier one. Idempotent.

        Raises:
            ProtocolError: FIELD_INVALID, with every field at fault; PLANS_FULL.
            StorageFault: the earlier plan holds.
        """
        with self._setting:
            now = self._clock.utc()
            self._check(plan, now)
            before = self.of(plan.flight)
            if plan == before:
                return PlanSet(changed=False)
            alive = {flight: kept for flight, kept in self._plans.items() if kept.until > now}
            if before is None and len(alive) >= MOST:
                raise ProtocolError(Code.PLANS_FULL, f"{MOST} flight plans are kept, none of them over yet.")
            kept = Kept(plan, max([now, *_times(plan)]) + KEPT)
            forgotten = [flight for flight in self._plans if flight not in alive]
            position = self._keeper.write(kept, forgotten, _events(plan, before, now))
            self._plans = MappingProxyType({**alive, plan.flight: kept})
            return PlanSet(changed=True, journal_position=position)

    def _check(self, plan: FlightPlan, now: datetime) -> None:
        wrong = []
        seen: set[str] = set()
        for index, window in enumerate(plan.windows):
            where = f"plan.windows[{index}]"
            if window.touchpoint not in self._touchpoints or window.touchpoint in seen:
                wrong.append(FieldViolation(f"{where}.touchpoint", f"each once, of: {', '.join(self._touchpoints)}"))
            seen.add(window.touchpoint)
            if window.opens_at is None and window.closes_at is None:
                wrong.append(FieldViolation(where, "opens_at, closes_at, or both"))
            if window.opens_at and window.closes_at and window.opens_at >= window.closes_at:
                wrong.append(FieldViolation(f"{where}.closes_at", "later than opens_at"))
            for name, at in (("opens_at", window.opens_at), ("closes_at", window.closes_at)):
                if at is not None and at > now + AHEAD:
                    wrong.append(FieldViolation(f"{where}.{name}", f"at most {AHEAD.days} days ahead (UTC)"))
        if wrong:
            raise ProtocolError(Code.FIELD_INVALID, "The flight plan makes no sense.", *wrong)


def _times(plan: FlightPlan) -> list[datetime]:
    return [at for window in plan.windows for at in (window.opens_at, window.closes_at) if at is not None]


def _events(plan: FlightPlan, before: FlightPlan | None, now: datetime) -> list[Event]:
    """One entry a window, so that each has its times; one alone for a plan without windows."""
    facts: dict[str, Fact] = {
        "flight": "".join(letter if letter.isprintable() else "?" for letter in plan.flight),
        "gate": plan.gate,
        "result": "new" if before is None else "changed",
    }
    if before is not None and before.gate != plan.gate:
        facts["old_gate"] = before.gate
    windows = [
        {"touchpoint": w.touchpoint, "opens_at": _iso(w.opens_at), "closes_at": _iso(w.closes_at)} for w in plan.windows
    ]
    return [Event(EventKind.PLAN, now, {**facts, **window}) for window in windows or [{}]]


def _pack(plan: FlightPlan) -> str:
    windows = [[window.touchpoint, _iso(window.opens_at), _iso(window.closes_at)] for window in plan.windows]
    return json.dumps([plan.gate, windows])


def _unpack(flight: str, packed: str) -> FlightPlan:
    gate, windows = json.loads(packed)
    return FlightPlan(flight, gate, tuple(Window(name, _at(opens), _at(closes)) for name, opens, closes in windows))


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at is not None else None


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
