"""A finding: what was looked at, how it is, and what repairs it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Health(enum.StrEnum):
    """How it is. `FAIL`: the engine does not start or must not be used; `WARN`: it runs, with something to know."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: its name, stable, for machines.
        health: how it is.
        found: in words.
        repair: what to do; empty when nothing is to be done.
    """

    check: str
    health: Health
    found: str
    repair: str = ""


def ok(check: str, found: str) -> Finding:
    """Nothing to be done."""
    return Finding(check, Health.OK, found)


def warn(check: str, found: str, repair: str) -> Finding:
    """The engine runs, with something to know."""
    return Finding(check, Health.WARN, found, repair)


def fail(check: str, found: str, repair: str) -> Finding:
    """The engine does not start, or must not be used."""
    return Finding(check, Health.FAIL, found, repair)
