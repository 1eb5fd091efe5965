"""Words and codes in check-in data, and what they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from gate.manifest.checkin_fields import plain
from gate.manifest.codes import ALPHA_3, STATES
from gate.manifest.records import Action, Role

STATUS: Mapping[Action, tuple[str, ...]] = MappingProxyType(
    {
        Action.LIST: (
            "checked-in",
            "check-in",
            "booked",
            "confirmed",
            "expected",
            "open",
            "accepted",
            "ok",
            "eingecheckt",
        ),
        Action.CHANGE: ("changed", "change", "updated"),
        Action.CANCEL: (
            "cancelled",
            "canceled",
            "cancel",
            "removed",
            "deleted",
            "offloaded",
            "no-show",
            "not boarded",
            "storniert",
            "XX",
            "HX",
        ),
        Action.BOARDED: ("boarded", "on board", "eingestiegen"),
    }
)
"""What a row's status asks for. No status of a single row closes a flight for everybody else."""

_ACTIONS = {plain(word): action for action, words in STATUS.items() for word in words}
_ROLES = {plain(role): role for role in Role} | {
    "pax": Role.PASSENGER,
    "fl": Role.PASSENGER,
    "adult": Role.PASSENGER,
    "child": Role.PASSENGER,
    "infant": Role.PASSENGER,
    "fm": Role.CREW,
    "ddu": Role.TRANSIT_PASSENGER,
    "ddt": Role.TRANSIT_CREW,
}
_SEXES = {
    **dict.fromkeys(("m", "male", "mann", "mannlich", "maennlich"), "M"),
    **dict.fromkeys(("f", "female", "w", "weiblich", "frau"), "F"),
    **dict.fromkeys(("x", "u", "unspecified", "unknown", "divers", "d", "other"), "X"),
}
_CONSENTS = {
    **dict.fromkeys(("yes", "y", "true", "1", "ja", "j", "given", "granted"), True),
    **dict.fromkeys(("no", "n", "false", "0", "nein", "refused", "withdrawn", "denied"), False),
}
_DOCUMENT_KINDS = {
    "passport": "P",
    "reisepass": "P",
    "pass": "P",
    "visa": "V",
    "id": "I",
    "idcard": "I",
    "ausweis": "I",
}
_DOCUMENT_KIND = re.compile(r"[A-Z][A-Z0-9]{0,2}")
_DOCUMENT_NUMBER = re.compile(r"[A-Z0-9]{1,35}")
_SEQUENCE = re.compile(r"\d{1,4}[A-Z]?|[A-Z]\d{1,4}", re.ASCII)
_PLACE = re.compile(r"[A-Z]{3}")
_FLIGHT = re.compile(r"(?:([A-Z]{3}|[A-Z][A-Z0-9]|[0-9][A-Z])[ -]?)?0*([0-9]{1,4})([A-Z]?)")
_CARRIER = re.compile(r"[A-Z]{3}|[A-Z][A-Z0-9]|[0-9][A-Z]")
_NO_PHOTO_NAME = re.compile(r"[\x00-\x1f\x7f]|(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:")
_LETTERS_APART = str.maketrans(
    {"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "ẞ": "SS", "Å": "AA", "Æ": "AE", "Ø": "OE", "Œ": "OE", "Þ": "TH"}
)


def action_of(status: str) -> Action | None:
    """What a status asks for; None when it is not known."""
    return _ACTIONS.get(plain(status))


def role_of(text: str) -> Role | None:
    """In what capacity; None when the word is not known."""
    return _ROLES.get(plain(text))


def sex_of(text: str) -> str | None:
    """``M``, ``F``, ``X``; None when the word is not known."""
    return _SEXES.get(plain(text)) or ("X" if text in ("<", "-") else None)


def consent_of(text: str) -> bool | None:
    """Yes or no; None when the word is neither."""
    return _CONSENTS.get(plain(text))


def state_of(text: str) -> tuple[str, bool]:
    """A state's code in upper case, three letters where two were given; and whether it is one."""
    code = text.upper().strip("<")
    code = ALPHA_3.get(code, code)
    return code, code in STATES


def document_kind_of(text: str) -> str | None:
    """A document code; None when it is none."""
    code = _DOCUMENT_KINDS.get(plain(text)) or text.upper().strip("<")
    return code if _DOCUMENT_KIND.fullmatch(code) else None


def document_number_of(text: str) -> str | None:
    """Letters and digits, upper case; None when anything but blanks, hyphens and fillers stands between them."""
    number = re.sub(r"[\s<-]", "", text).upper()
    return number if _DOCUMENT_NUMBER.fullmatch(number) else None


def sequence_of(text: str) -> str | None:
    """A check-in sequence number, upper case without leading zeros, as boarding passes have it; None for another."""
    number = "".join(text.split()).upper()
    return number.lstrip("0") if _SEQUENCE.fullmatch(number) else None


def place_of(text: str) -> str | None:
    """An IATA location code; None when it has not the form of one."""
    code = text.upper()
    return code if _PLACE.fullmatch(code) else None


def carrier_of(text: str) -> str | None:
    """An airline designator; None when it has not the form of one."""
    code = text.upper()
    return code if _CARRIER.fullmatch(code) else None


def flight_of(text: str) -> tuple[str, str] | None:
    """Carrier (may be empty) and number without leading zeros; None when it is no flight number."""
    found = _FLIGHT.fullmatch(" ".join(text.upper().split()))
    return (found[1] or "", found[2] + found[3]) if found else None


def is_photo_name(text: str) -> bool:
    """Whether it names something beside the file, and nothing elsewhere on the machine that reads it."""
    return len(text) <= 255 and not _NO_PHOTO_NAME.search(text)


def same_name(stated: str, zone: str, *, cut: bool) -> bool:
    """Whether a name and its transliteration in a machine-readable zone agree.

    ICAO Doc 9303-3, section 6; also accepts accents simply left out. A name that was cut need only begin alike.
    """
    there = _bare(zone)
    forms = (_bare(stated.upper().translate(_LETTERS_APART)), _bare(stated))
    return any(form == there or (cut and there != "" and form.startswith(there)) for form in forms)


def _bare(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.upper())
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())
