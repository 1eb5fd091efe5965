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
    TOO_LARGE = "TOO_LARGE"
    FINDINGS_OMITTED = "FINDINGS_OMITTED"

    # Check-in data
    TEXT_GUESSED = "TEXT_GUESSED"
    TEXT_DAMAGED = "TEXT_DAMAGED"
    LINES_SKIPPED = "LINES_SKIPPED"
    COLUMNS_MISSING = "COLUMNS_MISSING"
    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    COLUMN_REPEATED = "COLUMN_REPEATED"
    ROW_SHORT = "ROW_SHORT"
    ROW_LONG = "ROW_LONG"
    ROW_TOO_LARGE = "ROW_TOO_LARGE"
    ROW_REPEATED = "ROW_REPEATED"
    QUOTE_OPEN = "QUOTE_OPEN"
    JSON_INVALID = "JSON_INVALID"
    JSON_ARRAY = "JSON_ARRAY"
    VALUE_MISSING = "VALUE_MISSING"
    VALUE_INVALID = "VALUE_INVALID"
    VALUE_TIDIED = "VALUE_TIDIED"
    VALUE_CONFLICT = "VALUE_CONFLICT"
    DATE_INVALID = "DATE_INVALID"
    DATE_AMBIGUOUS = "DATE_AMBIGUOUS"
    DEPARTURE_TIME_MISSING = "DEPARTURE_TIME_MISSING"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    PHOTO_INVALID = "PHOTO_INVALID"

    # Machine-readable zone
    MRZ_UNREADABLE = "MRZ_UNREADABLE"
    MRZ_LENGTH = "MRZ_LENGTH"
    MRZ_TIDIED = "MRZ_TIDIED"
    MRZ_CHARACTER = "MRZ_CHARACTER"
    MRZ_CHECK_DIGIT = "MRZ_CHECK_DIGIT"
    MRZ_DATE = "MRZ_DATE"
    MRZ_DATE_UNKNOWN = "MRZ_DATE_UNKNOWN"
    MRZ_NAME = "MRZ_NAME"
    MRZ_NAME_TRUNCATED = "MRZ_NAME_TRUNCATED"
    MRZ_CODE = "MRZ_CODE"


@dataclass(frozen=True, slots=True)
class Kind:
    """The usual severity of a code, and what it means to the integrator."""

    severity: Severity
    meaning: str


CATALOGUE: Mapping[FindingCode, Kind] = MappingProxyType(
    {
        FindingCode.EMPTY: Kind(Severity.ERROR, "The file holds nothing to read."),
        FindingCode.FORMAT_UNKNOWN: Kind(Severity.ERROR, "The file is none of PAXLST, CSV and JSON Lines."),
        FindingCode.TOO_LARGE: Kind(Severity.ERROR, "The file is larger, or has more rows, than is read at once."),
        FindingCode.FINDINGS_OMITTED: Kind(
            Severity.NOTE,
            "A kind of finding was so frequent that only the first are listed; the message says how many.",
        ),
        FindingCode.TEXT_GUESSED: Kind(
            Severity.WARNING, "The text is not UTF-8: its encoding was guessed. Look at letters outside A to Z."
        ),
        FindingCode.TEXT_DAMAGED: Kind(
            Severity.WARNING,
            "Some bytes do not belong in the text: NUL was left out, others became a replacement sign.",
        ),
        FindingCode.LINES_SKIPPED: Kind(Severity.WARNING, "Lines above the header were not read."),
        FindingCode.COLUMNS_MISSING: Kind(
            Severity.ERROR, "There is no header, or it lacks a mandatory column; the message lists the accepted names."
        ),
        FindingCode.COLUMN_UNKNOWN: Kind(Severity.NOTE, "A column is not of the schema and was not read."),
        FindingCode.COLUMN_REPEATED: Kind(
            Severity.WARNING, "Two columns mean the same; the first that is not empty counts."
        ),
        FindingCode.ROW_SHORT: Kind(
            Severity.WARNING, "A row has fewer cells than the header; the last ones are empty."
        ),
        FindingCode.ROW_LONG: Kind(
            Severity.ERROR, "A row has more cells than the header, so its values may stand in the wrong columns."
        ),
        FindingCode.ROW_TOO_LARGE: Kind(Severity.ERROR, "A row is longer than any row of check-in data."),
        FindingCode.ROW_REPEATED: Kind(
            Severity.WARNING,
            "Somebody stands in several rows of a flight: they are one person, and the last row counts.",
        ),
        FindingCode.QUOTE_OPEN: Kind(
            Severity.ERROR,
            "A quotation mark is never closed; the row was left out and reading went on at the next line.",
        ),
        FindingCode.JSON_INVALID: Kind(Severity.ERROR, "A line is not one JSON object."),
        FindingCode.JSON_ARRAY: Kind(Severity.NOTE, "The file is one JSON array rather than an object a line."),
        FindingCode.VALUE_MISSING: Kind(Severity.ERROR, "A row lacks a mandatory value."),
        FindingCode.VALUE_INVALID: Kind(Severity.WARNING, "A value is not as the schema says and was not used."),
        FindingCode.VALUE_TIDIED: Kind(Severity.NOTE, "A value was written in another way than the schema's."),
        FindingCode.VALUE_CONFLICT: Kind(
            Severity.WARNING, "Two places of a row contradict each other; the message says which counts."
        ),
        FindingCode.DATE_INVALID: Kind(
            Severity.WARNING, "A date is none, or of no accepted form. An error where the date is mandatory."
        ),
        FindingCode.DATE_AMBIGUOUS: Kind(
            Severity.WARNING,
            "Day and month of a date can be read in two orders, and the column does not settle which: the date was not "
            "used. An error where the date is mandatory.",
        ),
        FindingCode.DEPARTURE_TIME_MISSING: Kind(
            Severity.WARNING, "No time of departure: the last minute of the day is taken."
        ),
        FindingCode.STATUS_UNKNOWN: Kind(Severity.ERROR, "A row's status is not known, so it is not clear what to do."),
        FindingCode.PHOTO_INVALID: Kind(Severity.WARNING, "The photograph in a row cannot be read as Base64."),
        FindingCode.MRZ_UNREADABLE: Kind(Severity.ERROR, "The text has the shape of no machine-readable zone."),
        FindingCode.MRZ_LENGTH: Kind(
            Severity.ERROR, "A line of the zone is too long or too short, so its fields cannot be told apart."
        ),
        FindingCode.MRZ_TIDIED: Kind(Severity.NOTE, "Lower case, blanks or missing filler characters were put right."),
        FindingCode.MRZ_CHARACTER: Kind(Severity.WARNING, "A character that no machine-readable zone holds."),
        FindingCode.MRZ_CHECK_DIGIT: Kind(
            Severity.WARNING,
            "A check digit does not fit: the value stays as read and is doubtful. Where one confusion of the optical "
            "reader would explain it, the message says so.",
        ),
        FindingCode.MRZ_DATE: Kind(Severity.WARNING, "A date of the zone is none and was not used."),
        FindingCode.MRZ_DATE_UNKNOWN: Kind(Severity.NOTE, "The zone says that part of the birth date is unknown."),
        FindingCode.MRZ_NAME: Kind(Severity.WARNING, "The name field is not as the standard has it."),
        FindingCode.MRZ_NAME_TRUNCATED: Kind(Severity.NOTE, "The name fills its field and may have been cut."),
        FindingCode.MRZ_CODE: Kind(
            Severity.WARNING, "A code (document, state, sex) is not one that the standard knows."
        ),
    }
)
