"""What a reader has to say about a manifest: each kind of oddity by a code, with its usual severity and its meaning."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Severity(enum.StrEnum):
    """How much it matters."""

    ERROR = "error"
    """Something is left out: the person, or, where it concerns no person, the message or the file."""
    WARNING = "warning"
    """It was read, but somebody should look: a value was doubtful, corrected or ignored."""
    NOTE = "note"
    """Tidied on the way in; nothing is doubtful."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity.

    Attributes:
        line: in the file, from 1.
        segment: the segment's tag and qualifier (``"DTM+329"``), or the column of a row; empty for a whole file.
        segment_number: of the segment in the interchange or of the row in the file, from 1; 0 for the file.
        severity, code: how bad, and what; codes are in `CATALOGUE`.
        message: what was found and what was expected, for a person to read. May quote the manifest, so it is for the
            integrator's eyes: never logged, never journalled.
        of_person: it concerns one person, not the message.
    """

    line: int
    segment: str
    segment_number: int
    severity: Severity
    code: FindingCode
    message: str
    of_person: bool = False


class FindingCode(enum.StrEnum):
    """Every kind of oddity."""

    # Any format
    EMPTY = "EMPTY"
    FORMAT_UNKNOWN = "FORMAT_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Kind:
    """The usual severity of a code, and what it means to the integrator."""

    severity: Severity
    meaning: str


CATALOGUE: Mapping[FindingCode, Kind] = MappingProxyType(
    {
        FindingCode.EMPTY: Kind(Severity.ERROR, "The file holds nothing to read."),
        FindingCode.FORMAT_UNKNOWN: Kind(Severity.ERROR, "The file is none of PAXLST, CSV and JSON Lines."),
    }
)
