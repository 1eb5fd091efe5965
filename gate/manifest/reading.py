"""How to read a manifest: what the readers must be told because no file says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Passed to every reader.

    Attributes:
        now: UTC; decides the century of two-digit years, and what has expired.
        default_time_zone: IANA name, for places whose time zone is not known; None: their UTC times are left open.
    """

    now: datetime
    default_time_zone: str | None = None
