"""What is odd about something presented: each kind by a code, with its usual severity and its meaning."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gate.manifest.findings import Severity

__all__ = ["CATALOGUE", "ClaimFinding", "Kind", "Oddity", "Severity"]


class Oddity(enum.StrEnum):
    """Every kind of oddity."""

    # Documents
    MRZ_ODD = "MRZ_ODD"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"

    # Boarding passes: the text
    BCBP_TIDIED = "BCBP_TIDIED"
    BCBP_TOO_LONG = "BCBP_TOO_LONG"
    BCBP_CHARACTER = "BCBP_CHARACTER"
    BCBP_FORMAT = "BCBP_FORMAT"
    BCBP_LEGS = "BCBP_LEGS"
    BCBP_SHORT = "BCBP_SHORT"
    BCBP_SURPLUS = "BCBP_SURPLUS"
    BCBP_VERSION = "BCBP_VERSION"
    BCBP_SIZE = "BCBP_SIZE"

    # Boarding passes: items
    NAME_MISSING = "NAME_MISSING"
    NAME_UNUSUAL = "NAME_UNUSUAL"
    NAME_TRUNCATED = "NAME_TRUNCATED"
    ITEM_MISSING = "ITEM_MISSING"
    ITEM_UNUSUAL = "ITEM_UNUSUAL"
    FLIGHT_UNNAMED = "FLIGHT_UNNAMED"
    DATE_INVALID = "DATE_INVALID"
    ISSUED_AFTER_FLIGHT = "ISSUED_AFTER_FLIGHT"
    LEGS_REPEATED = "LEGS_REPEATED"
    LEG_ELSEWHERE = "LEG_ELSEWHERE"
    SECURITY_SHORT = "SECURITY_SHORT"
    SECURITY_UNCHECKED = "SECURITY_UNCHECKED"

    # Travel tokens
    TOKEN_CLAIM_UNKNOWN = "TOKEN_CLAIM_UNKNOWN"
    TOKEN_UNBOUND = "TOKEN_UNBOUND"


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """One oddity.

    Attributes:
        item: which item or claim, in the words of its standard; empty: all of it.
        leg: of the boarding pass, from 1; 0: none of them.
        message: what was found and what was expected, for a person to read. May quote what was presented: never
            logged, never journalled. `code` and `item` may be.
    """

    code: Oddity
    severity: Severity
    message: str
    item: str = ""
    leg: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """The usual severity of a code, and what it means."""

    severity: Severity
    meaning: str


def finding(code: Oddity, message: str, item: str = "", leg: int = 0, severity: Severity | None = None) -> ClaimFinding:
    """A finding of the code's usual severity, unless another is given."""
    return ClaimFinding(code, severity or CATALOGUE[code].severity, message, item, leg)


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

CATALOGUE: Mapping[Oddity, Kind] = MappingProxyType(
    {
        Oddity.MRZ_ODD: Kind(_WARNING, "Something in the machine-readable zone is odd, but not the document's number."),
        Oddity.DOCUMENT_EXPIRED: Kind(_WARNING, "The document's last day of validity is over."),
        Oddity.BCBP_TIDIED: Kind(_NOTE, "What a scanner had put round the text was taken away, or capitals were made."),
        Oddity.BCBP_TOO_LONG: Kind(_ERROR, "The text is longer than any boarding pass."),
        Oddity.BCBP_CHARACTER: Kind(_ERROR, "A character that no boarding pass has: printable ASCII only."),
        Oddity.BCBP_FORMAT: Kind(_ERROR, "The text does not begin as a boarding pass does: format code M."),
        Oddity.BCBP_LEGS: Kind(_ERROR, "The number of legs is not 1 to 4."),
        Oddity.BCBP_SHORT: Kind(_ERROR, "The text ends before its mandatory items do."),
        Oddity.BCBP_SURPLUS: Kind(_WARNING, "There is text behind the last item; it was not read."),
        Oddity.BCBP_VERSION: Kind(_WARNING, "The version is missing or not known; read as the known ones are."),
        Oddity.BCBP_SIZE: Kind(
            _WARNING,
            "A field size is no hexadecimal number, or larger than what follows; an error where another leg does.",
        ),
        Oddity.NAME_MISSING: Kind(_WARNING, "There is no surname."),
        Oddity.NAME_UNUSUAL: Kind(_WARNING, "The name has digits or signs, or more than one oblique."),
        Oddity.NAME_TRUNCATED: Kind(_NOTE, "The name fills its twenty characters and may have been cut."),
        Oddity.ITEM_MISSING: Kind(_NOTE, "A mandatory item is blank, as the standard allows where it is not known."),
        Oddity.ITEM_UNUSUAL: Kind(_WARNING, "An item does not look as the standard says."),
        Oddity.FLIGHT_UNNAMED: Kind(_ERROR, "Carrier, flight number or date cannot be used: the leg names no flight."),
        Oddity.DATE_INVALID: Kind(_ERROR, "The day of the year is none within half a year of now."),
        Oddity.ISSUED_AFTER_FLIGHT: Kind(_WARNING, "The boarding pass was issued after its flight."),
        Oddity.LEGS_REPEATED: Kind(_WARNING, "Two legs of one boarding pass are the same flight."),
        Oddity.LEG_ELSEWHERE: Kind(_WARNING, "No leg begins or ends at this place; all of them are looked at."),
        Oddity.SECURITY_SHORT: Kind(_WARNING, "The security data end before their stated length."),
        Oddity.SECURITY_UNCHECKED: Kind(_NOTE, "There are security data; this engine does not check them."),
        Oddity.TOKEN_CLAIM_UNKNOWN: Kind(_NOTE, "The token has a claim that is not read here."),
        Oddity.TOKEN_UNBOUND: Kind(_WARNING, "The token is not bound to a document."),
    }
)
