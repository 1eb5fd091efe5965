"""What the journal keeps: kinds of events, and the facts each may have. No fact names or describes a person."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

Fact = str | int | float | bool | None

LONGEST_FACT = 96
"""Characters of a text. Facts are ids, names of settings and counts, no prose."""


class EventKind(enum.StrEnum):
    """What happened."""

    STARTED = "started"
    STOPPED = "stopped"
    LOAD = "load"
    ENROLMENT = "enrolment"
    DECISION = "decision"
    OVERRIDE = "override"
    DESTRUCTION = "destruction"
    PLAN = "plan"
    KEY = "key"
    CLOCK = "clock"
    ACCESS_REFUSED = "access_refused"
    FRAMES_ALARM = "frames_alarm"
    REPAIRED = "repaired"


_COUNTS = frozenset({"travellers", "templates", "photos", "keys", "journeys", "fingers"})
_BEFORE_AND_AFTER = frozenset(f"{count}_{when}" for count in _COUNTS for when in ("before", "after"))

FACTS: Mapping[EventKind, frozenset[str]] = MappingProxyType(
    {
        EventKind.STARTED: _COUNTS | {"version", "pack", "key_id", "flights", "generation", "unclean", "lanes"},
        EventKind.STOPPED: _COUNTS | {"reason", "flights", "generation"},
        EventKind.LOAD: _COUNTS
        | {
            "flight", "format", "function", "digest", "source", "messages", "persons", "added", "updated", "removed",
            "refused", "unchanged", "findings", "errors", "warnings", "generation", "bytes",
        },
        EventKind.ENROLMENT: frozenset(
            {
                "flight", "traveller", "templates", "fingers", "result", "code", "pack", "generation", "lookalikes",
                "count", "list",
            }
        ),
        EventKind.DECISION: frozenset(
            {
                "passage", "lane", "checkpoint", "profile", "outcome", "reason", "claim", "code", "flight", "traveller",
                "mask", "similarity", "threshold", "comparisons", "gallery_size", "generation", "frames", "elapsed_ms",
                "pack", "incident", "policy", "llr", "finger_score", "finger_llr", "finger_attempts", "asked_because",
                "track", "watched",
            }
        ),
        EventKind.OVERRIDE: frozenset(
            {"passage", "lane", "checkpoint", "outcome", "reason", "flight", "traveller", "by", "touchpoint"}
        ),
        EventKind.DESTRUCTION: _COUNTS
        | _BEFORE_AND_AFTER
        | {"flight", "list", "traveller", "why", "generation", "complete", "places", "log_bytes"},
        EventKind.PLAN: frozenset({"flight", "gate", "old_gate", "touchpoint", "opens_at", "closes_at", "result"}),
        EventKind.KEY: frozenset({"action", "key_id", "old_key_id", "data_keys", "flight", "source"}),
        EventKind.CLOCK: _COUNTS | {"direction", "jump_s", "action", "flights"},
        EventKind.ACCESS_REFUSED: frozenset({"method", "code", "lane", "listener"}),
        EventKind.FRAMES_ALARM: frozenset({"passage", "lane", "count", "codes"}),
        EventKind.REPAIRED: _COUNTS | {"what", "count", "flight", "code"},
    }
)  # fmt: skip
"""The facts a kind may have; anything else is refused, so that no personal field slips in.

``traveller`` and ``watched`` (somebody on the watch list) are pseudonyms (`gate.audit.pseudonym`), never references.
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        kind: what.
        at: when, UTC.
        facts: the particulars, of `FACTS`; texts of at most `LONGEST_FACT` printable characters.

    Raises:
        ValueError: a fact that the kind may not have, or a value that is no short text and no number; a time that is
            not UTC. The message names the fact and never quotes its value.
    """

    kind: EventKind
    at: datetime
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError("expected a time in UTC")
        if unknown := sorted(set(self.facts) - FACTS[self.kind]):
            raise ValueError(f"no facts of {self.kind}: {', '.join(unknown)}; see FACTS in gate/audit/event.py")
        for name, value in self.facts.items():
            _check(name, value)
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))
        object.__setattr__(self, "at", self.at.astimezone(UTC))


def _check(name: str, value: Fact) -> None:
    match value:
        case str():
            if len(value) > LONGEST_FACT or not value.isprintable():
                raise ValueError(f"{name}: expected at most {LONGEST_FACT} printable characters")
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{name}: expected a finite number")
        case bool() | int() | None:
            pass
        case _:
            raise ValueError(f"{name}: expected a text, a number, true, false or nothing, found {type(value).__name__}")
