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

    # Loading: what the engine makes of it
    LEG_UNNAMED = "LEG_UNNAMED"
    LEG_TIME_UNKNOWN = "LEG_TIME_UNKNOWN"
    LEG_ELSEWHERE = "LEG_ELSEWHERE"
    LEG_PAST = "LEG_PAST"
    RETENTION_CAPPED = "RETENTION_CAPPED"
    ROUTE_UNKNOWN = "ROUTE_UNKNOWN"
    PERSON_NOT_KNOWN = "PERSON_NOT_KNOWN"
    PERSON_REPEATED = "PERSON_REPEATED"
    LIST_INCOMPLETE = "LIST_INCOMPLETE"
    CLOSED_ELSEWHERE = "CLOSED_ELSEWHERE"
    CONSENT_REFUSED = "CONSENT_REFUSED"
    PHOTO_MISSING = "PHOTO_MISSING"
    PHOTO_UNCLAIMED = "PHOTO_UNCLAIMED"
    FACES_ALIKE = "FACES_ALIKE"

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

    # EDIFACT: how the interchange is written
    TEXT_AROUND = "TEXT_AROUND"
    BYTE_ORDER_MARK = "BYTE_ORDER_MARK"
    LINES_WRAPPED = "LINES_WRAPPED"
    LINES_INDENTED = "LINES_INDENTED"
    SEPARATORS_OTHER = "SEPARATORS_OTHER"
    UNA_CONTRADICTED = "UNA_CONTRADICTED"
    SEPARATORS_UNSTATED = "SEPARATORS_UNSTATED"
    UNB_MISSING = "UNB_MISSING"
    SYNTAX_UNKNOWN = "SYNTAX_UNKNOWN"
    NOT_ASCII = "NOT_ASCII"
    SEGMENT_UNENDED = "SEGMENT_UNENDED"
    SEGMENT_EMPTY = "SEGMENT_EMPTY"
    SEGMENT_SHORT = "SEGMENT_SHORT"
    TAG_BLANKS = "TAG_BLANKS"
    STRAY_BLANKS = "STRAY_BLANKS"
    SEGMENT_UNKNOWN = "SEGMENT_UNKNOWN"
    SEGMENT_MISPLACED = "SEGMENT_MISPLACED"
    TRAILER_MISSING = "TRAILER_MISSING"
    TRAILER_COUNT = "TRAILER_COUNT"
    TRAILER_REFERENCE = "TRAILER_REFERENCE"
    MESSAGE_TYPE_OTHER = "MESSAGE_TYPE_OTHER"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"

    # PAXLST: the message and its legs
    MESSAGE_KIND_UNKNOWN = "MESSAGE_KIND_UNKNOWN"
    FUNCTION_UNKNOWN = "FUNCTION_UNKNOWN"
    FUNCTION_MISPLACED = "FUNCTION_MISPLACED"
    LEG_MISSING = "LEG_MISSING"
    LEG_SKIPPED = "LEG_SKIPPED"
    FLIGHT_NUMBER_MISSING = "FLIGHT_NUMBER_MISSING"
    FLIGHT_NUMBER_UNUSUAL = "FLIGHT_NUMBER_UNUSUAL"
    CARRIER_UNSTATED = "CARRIER_UNSTATED"
    CARRIER_MISSING = "CARRIER_MISSING"
    CARRIER_MISMATCH = "CARRIER_MISMATCH"
    PLACE_MISSING = "PLACE_MISSING"
    PLACE_UNKNOWN = "PLACE_UNKNOWN"
    PLACE_UNUSED = "PLACE_UNUSED"
    PLACES_SAME = "PLACES_SAME"
    TIME_MISSING = "TIME_MISSING"
    TIME_INVALID = "TIME_INVALID"
    TIME_AMBIGUOUS = "TIME_AMBIGUOUS"
    TIME_NONEXISTENT = "TIME_NONEXISTENT"
    ARRIVAL_BEFORE_DEPARTURE = "ARRIVAL_BEFORE_DEPARTURE"
    DURATION_UNUSUAL = "DURATION_UNUSUAL"
    LEGS_APART = "LEGS_APART"
    PREPARED_APART = "PREPARED_APART"
    COUNT_MISMATCH = "COUNT_MISMATCH"
    COUNT_INVALID = "COUNT_INVALID"
    COUNT_QUALIFIER = "COUNT_QUALIFIER"
    PARTS_MISSING = "PARTS_MISSING"
    PEOPLE_MISSING = "PEOPLE_MISSING"
    YEARS_SHORT = "YEARS_SHORT"

    # PAXLST: people
    PARTY_UNKNOWN = "PARTY_UNKNOWN"
    SURNAME_MISSING = "SURNAME_MISSING"
    NAME_CASE = "NAME_CASE"
    NAME_UNUSUAL = "NAME_UNUSUAL"
    NAME_SPLIT = "NAME_SPLIT"
    ROLE_MISMATCH = "ROLE_MISMATCH"
    SEX_UNKNOWN = "SEX_UNKNOWN"
    BIRTH_DATE_MISSING = "BIRTH_DATE_MISSING"
    BIRTH_DATE_UNUSUAL = "BIRTH_DATE_UNUSUAL"
    DATE_EMPTY = "DATE_EMPTY"
    DOCUMENT_MISSING = "DOCUMENT_MISSING"
    DOCUMENT_NUMBER_MISSING = "DOCUMENT_NUMBER_MISSING"
    DOCUMENT_NUMBER_TIDIED = "DOCUMENT_NUMBER_TIDIED"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    DOCUMENT_EXPIRY_UNUSUAL = "DOCUMENT_EXPIRY_UNUSUAL"
    DOCUMENT_SHARED = "DOCUMENT_SHARED"
    NAME_SHARED = "NAME_SHARED"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    STATE_TWO_LETTERS = "STATE_TWO_LETTERS"
    JOURNEY_OFF_LEGS = "JOURNEY_OFF_LEGS"
    JOURNEY_BACKWARDS = "JOURNEY_BACKWARDS"
    JOURNEY_UNSTATED = "JOURNEY_UNSTATED"
    VALUE_REPEATED = "VALUE_REPEATED"
    VALUES_OMITTED = "VALUES_OMITTED"


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
        FindingCode.LEG_UNNAMED: Kind(
            Severity.ERROR, "A leg without flight number or date has no name in the gallery: nobody is loaded on it."
        ),
        FindingCode.LEG_TIME_UNKNOWN: Kind(
            Severity.ERROR,
            "The time (UTC) that decides how long a leg's travellers are kept is not known: nobody is loaded on it.",
        ),
        FindingCode.LEG_ELSEWHERE: Kind(Severity.NOTE, "A leg does not touch this place and is not loaded here."),
        FindingCode.LEG_PAST: Kind(Severity.ERROR, "A leg's travellers would have expired already: nobody is loaded."),
        FindingCode.RETENTION_CAPPED: Kind(
            Severity.NOTE,
            "Travellers expire earlier than wanted, at the retention cap. A warning where that is before they can have "
            "passed: send the manifest again later.",
        ),
        FindingCode.ROUTE_UNKNOWN: Kind(
            Severity.WARNING, "Somebody's own journey does not fit the legs; every leg that may be theirs is taken."
        ),
        FindingCode.PERSON_NOT_KNOWN: Kind(
            Severity.WARNING, "A change, cancellation or close-out names somebody who was not expected."
        ),
        FindingCode.PERSON_REPEATED: Kind(
            Severity.WARNING, "A message names somebody twice: one person, and the last entry counts."
        ),
        FindingCode.LIST_INCOMPLETE: Kind(
            Severity.WARNING, "Who is to be removed depends on a whole list, and part of it is missing or unreadable."
        ),
        FindingCode.CLOSED_ELSEWHERE: Kind(
            Severity.NOTE, "A close-out says nothing about who may still pass here; expiry removes the travellers."
        ),
        FindingCode.CONSENT_REFUSED: Kind(
            Severity.NOTE, "Somebody does not consent to face verification: expected by document, without a face."
        ),
        FindingCode.PHOTO_MISSING: Kind(Severity.WARNING, "A photograph that the manifest names did not come with it."),
        FindingCode.PHOTO_UNCLAIMED: Kind(
            Severity.WARNING, "A photograph came that belongs to nobody in the manifest."
        ),
        FindingCode.FACES_ALIKE: Kind(
            Severity.WARNING,
            "Two travellers' faces are too close to tell apart (twins, or one photograph twice): a search that finds "
            "one of them is ambiguous.",
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
        FindingCode.TEXT_AROUND: Kind(
            Severity.NOTE, "Text before or after an interchange, as teletype and mail add it, was not read."
        ),
        FindingCode.BYTE_ORDER_MARK: Kind(
            Severity.NOTE, "The file begins with a byte order mark, which EDIFACT does not know."
        ),
        FindingCode.LINES_WRAPPED: Kind(Severity.NOTE, "Lines end within a tag or a value; they were joined."),
        FindingCode.LINES_INDENTED: Kind(Severity.NOTE, "Lines are indented; the blanks were removed."),
        FindingCode.SEPARATORS_OTHER: Kind(Severity.NOTE, "Other separators than the usual ones are in use."),
        FindingCode.UNA_CONTRADICTED: Kind(
            Severity.WARNING,
            "UNA states separators that the interchange does not use; they were taken from its header.",
        ),
        FindingCode.SEPARATORS_UNSTATED: Kind(
            Severity.WARNING, "Other separators than the usual ones are in use, and no UNA states them."
        ),
        FindingCode.UNB_MISSING: Kind(Severity.WARNING, "The interchange has no header (UNB)."),
        FindingCode.SYNTAX_UNKNOWN: Kind(Severity.WARNING, "The syntax identifier of UNB is none of UNOA to UNOY."),
        FindingCode.NOT_ASCII: Kind(
            Severity.WARNING,
            "Characters that the stated syntax level does not have: read as UTF-8, else as ISO 8859-1.",
        ),
        FindingCode.SEGMENT_UNENDED: Kind(Severity.WARNING, "The last segment has no terminator."),
        FindingCode.SEGMENT_EMPTY: Kind(
            Severity.NOTE, "A terminator follows another; the empty segment does not count."
        ),
        FindingCode.SEGMENT_SHORT: Kind(Severity.WARNING, "A segment lacks elements, and was not used."),
        FindingCode.TAG_BLANKS: Kind(Severity.NOTE, "Blanks around segment tags were removed."),
        FindingCode.STRAY_BLANKS: Kind(Severity.NOTE, "Blanks at the ends of values were removed."),
        FindingCode.SEGMENT_UNKNOWN: Kind(Severity.WARNING, "A segment that PAXLST does not have was skipped."),
        FindingCode.SEGMENT_MISPLACED: Kind(
            Severity.WARNING, "A segment stands where it means nothing, and was skipped."
        ),
        FindingCode.TRAILER_MISSING: Kind(Severity.WARNING, "UNT, UNE or UNZ is missing."),
        FindingCode.TRAILER_COUNT: Kind(Severity.WARNING, "UNT, UNE or UNZ counts otherwise than what is there."),
        FindingCode.TRAILER_REFERENCE: Kind(
            Severity.WARNING, "UNT, UNE or UNZ repeats another reference than its header has."
        ),
        FindingCode.MESSAGE_TYPE_OTHER: Kind(Severity.WARNING, "A message that is not PAXLST was skipped."),
        FindingCode.VERSION_UNKNOWN: Kind(
            Severity.WARNING, "The directory is not one of D.02B and later; read as if it were."
        ),
        FindingCode.MESSAGE_KIND_UNKNOWN: Kind(
            Severity.ERROR,
            "BGM is missing, or names no list that is known: passengers (745), crew (250, 336), flight status (266).",
        ),
        FindingCode.FUNCTION_UNKNOWN: Kind(
            Severity.ERROR, "The function in BGM is not known, so it is not clear what to do."
        ),
        FindingCode.FUNCTION_MISPLACED: Kind(
            Severity.WARNING, "The function in BGM belongs to another kind of list; it was understood."
        ),
        FindingCode.LEG_MISSING: Kind(Severity.ERROR, "No leg (TDT) is stated, so nobody is expected anywhere."),
        FindingCode.LEG_SKIPPED: Kind(
            Severity.NOTE, "A transport stage that is no main carriage, such as an overflight, was skipped."
        ),
        FindingCode.FLIGHT_NUMBER_MISSING: Kind(Severity.ERROR, "A leg has no flight number."),
        FindingCode.FLIGHT_NUMBER_UNUSUAL: Kind(
            Severity.WARNING, "A flight number is not of the form carrier, one to four digits, suffix."
        ),
        FindingCode.CARRIER_UNSTATED: Kind(
            Severity.NOTE, "The carrier stands only in the flight number, or only beside it."
        ),
        FindingCode.CARRIER_MISSING: Kind(Severity.WARNING, "A leg has no carrier."),
        FindingCode.CARRIER_MISMATCH: Kind(
            Severity.WARNING, "The carrier is not the one in the flight number; the carrier stated on its own counts."
        ),
        FindingCode.PLACE_MISSING: Kind(Severity.WARNING, "A leg lacks its place of departure or arrival."),
        FindingCode.PLACE_UNKNOWN: Kind(
            Severity.WARNING,
            "No airport is known by the code: the configured default time zone applies, or no UTC time is known.",
        ),
        FindingCode.PLACE_UNUSED: Kind(Severity.NOTE, "A place of a leg is neither departure nor arrival."),
        FindingCode.PLACES_SAME: Kind(Severity.WARNING, "A leg departs and arrives at the same place."),
        FindingCode.TIME_MISSING: Kind(
            Severity.WARNING, "A leg lacks its time of departure or arrival, or has a date only."
        ),
        FindingCode.TIME_INVALID: Kind(Severity.WARNING, "A time of a leg is none, and was not used."),
        FindingCode.TIME_AMBIGUOUS: Kind(
            Severity.WARNING, "The clocks were put back at that hour, so the local time came twice; the first is taken."
        ),
        FindingCode.TIME_NONEXISTENT: Kind(
            Severity.WARNING, "The clocks were put forward over that local time; it is read as if they had not been."
        ),
        FindingCode.ARRIVAL_BEFORE_DEPARTURE: Kind(Severity.WARNING, "A leg arrives before it departs (in UTC)."),
        FindingCode.DURATION_UNUSUAL: Kind(Severity.WARNING, "A leg takes longer than a day."),
        FindingCode.LEGS_APART: Kind(Severity.WARNING, "A leg does not begin where and after the one before it ended."),
        FindingCode.PREPARED_APART: Kind(
            Severity.WARNING, "The interchange was prepared more than a week before or after the departure it lists."
        ),
        FindingCode.COUNT_MISMATCH: Kind(
            Severity.WARNING, "The control total (CNT) differs from the number of people who are there."
        ),
        FindingCode.COUNT_INVALID: Kind(
            Severity.WARNING, "The control total (CNT) is not written as a qualifier and a number."
        ),
        FindingCode.COUNT_QUALIFIER: Kind(
            Severity.WARNING, "The control total (CNT) is of another kind than the list: 41 is crew, 42 passengers."
        ),
        FindingCode.PARTS_MISSING: Kind(
            Severity.WARNING, "Other parts of a list that was split over several messages are not in this file."
        ),
        FindingCode.PEOPLE_MISSING: Kind(Severity.WARNING, "A list names nobody."),
        FindingCode.YEARS_SHORT: Kind(
            Severity.NOTE, "Years have two digits: births are read as past, other dates as near."
        ),
        FindingCode.PARTY_UNKNOWN: Kind(
            Severity.ERROR, "A party (NAD) is neither passenger, crew nor sender, and was left out."
        ),
        FindingCode.SURNAME_MISSING: Kind(Severity.ERROR, "Somebody has no surname, and was left out."),
        FindingCode.NAME_CASE: Kind(Severity.NOTE, "A name is not in capitals."),
        FindingCode.NAME_UNUSUAL: Kind(Severity.WARNING, "A name holds digits or signs that no document prints."),
        FindingCode.NAME_SPLIT: Kind(
            Severity.NOTE, "Surname and given names stood in one value, parted by an oblique."
        ),
        FindingCode.ROLE_MISMATCH: Kind(Severity.WARNING, "A passenger in a crew list, or crew in a passenger list."),
        FindingCode.SEX_UNKNOWN: Kind(Severity.WARNING, "The sex is none of M, F, X."),
        FindingCode.BIRTH_DATE_MISSING: Kind(Severity.WARNING, "Somebody has no birth date."),
        FindingCode.BIRTH_DATE_UNUSUAL: Kind(
            Severity.WARNING, "A birth date is in the future, or more than 120 years ago; the future one was not used."
        ),
        FindingCode.DATE_EMPTY: Kind(Severity.WARNING, "A date is announced but empty."),
        FindingCode.DOCUMENT_MISSING: Kind(Severity.WARNING, "Somebody has no travel document."),
        FindingCode.DOCUMENT_NUMBER_MISSING: Kind(
            Severity.WARNING, "A travel document has no number, and was not used."
        ),
        FindingCode.DOCUMENT_NUMBER_TIDIED: Kind(
            Severity.WARNING, "Signs other than letters and digits were taken out of a document number."
        ),
        FindingCode.DOCUMENT_EXPIRED: Kind(Severity.WARNING, "A travel document has expired by the day of departure."),
        FindingCode.DOCUMENT_EXPIRY_UNUSUAL: Kind(
            Severity.WARNING, "A travel document expires more than twenty years after the journey."
        ),
        FindingCode.DOCUMENT_SHARED: Kind(Severity.WARNING, "People of different names have the same document."),
        FindingCode.NAME_SHARED: Kind(
            Severity.WARNING, "Two people have the same name and birth date, and different documents."
        ),
        FindingCode.STATE_UNKNOWN: Kind(
            Severity.WARNING,
            "A nationality, residence or issuing state is no code of ISO 3166-1 or ICAO 9303; kept as stated.",
        ),
        FindingCode.STATE_TWO_LETTERS: Kind(
            Severity.WARNING, "A state is given by its two-letter code; read as the three-letter one."
        ),
        FindingCode.JOURNEY_OFF_LEGS: Kind(
            Severity.WARNING, "Somebody embarks or leaves at a place that is on none of the legs."
        ),
        FindingCode.JOURNEY_BACKWARDS: Kind(Severity.WARNING, "Somebody leaves where or before they embark."),
        FindingCode.JOURNEY_UNSTATED: Kind(
            Severity.NOTE, "The flight has several legs, and it is not said which of them somebody travels."
        ),
        FindingCode.VALUES_OMITTED: Kind(
            Severity.WARNING,
            "Somebody has more documents, references or contacts than anybody has; the rest was not read.",
        ),
        FindingCode.VALUE_REPEATED: Kind(
            Severity.NOTE, "A value that somebody has once is stated twice, differently; the first counts."
        ),
    }
)
