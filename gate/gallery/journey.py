"""What a traveller on a flight has passed. Plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self


@dataclass(frozen=True, slots=True)
class Pass:
    """A touchpoint was passed, at a time in UTC."""

    touchpoint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Journey:
    """What a traveller on a flight has passed.

    Attributes:
        passes: in the order in which they happened; of each touchpoint the last two at most: the last one counts, and
            the one before it comes back when the last is given back.
    """

    passes: tuple[Pass, ...] = ()

    def last(self, touchpoint: str) -> datetime | None:
        """When the touchpoint was last passed, UTC; None when it never was."""
        return max((made.at for made in self.passes if made.touchpoint == touchpoint), default=None)

    @property
    def latest(self) -> datetime | None:
        """When any touchpoint was last passed, UTC."""
        return max((made.at for made in self.passes), default=None)

    def passing(self, touchpoint: str, at: datetime) -> Self:
        """With one more pass, the latest."""
        here = [made for made in self.passes if made.touchpoint == touchpoint]
        kept = tuple(made for made in self.passes if made not in here[:-1])
        return type(self)((*kept, Pass(touchpoint, at)))

    def without(self, touchpoint: str, at: datetime) -> Self:
        """Without that very pass; the same journey when it is not there."""
        return type(self)(tuple(made for made in self.passes if made != Pass(touchpoint, at)))


EMPTY = Journey()
