"""The schema of check-in data: each field, the names it goes by, what it may hold."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType


class Field(enum.StrEnum):
    """A field by the name that our documentation gives it."""

    SURNAME = "surname"
    GIVEN_NAMES = "given_names"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    NATIONALITY = "nationality"
    RESIDENCE = "residence"
    FLIGHT = "flight"
    CARRIER = "carrier"
    DEPARTURE_DATE = "departure_date"
    DEPARTURE_TIME = "departure_time"
    ORIGIN = "origin"
    DESTINATION = "destination"
    DOCUMENT_TYPE = "document_type"
    DOCUMENT_NUMBER = "document_number"
    ISSUING_STATE = "issuing_state"
    DOCUMENT_EXPIRY = "document_expiry"
    MRZ = "mrz"
    SEAT = "seat"
    RECORD_LOCATOR = "record_locator"
    CHECK_IN_SEQUENCE = "check_in_sequence"
    REFERENCE = "reference"
    ROLE = "role"
    STATUS = "status"
    CONSENT = "consent"
    CONTACT = "contact"
    PHOTO = "photo"
    PHOTO_BASE64 = "photo_base64"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Schema:
    """What the documentation says about a field.

    Attributes:
        names: by which it goes, besides its own; lower case words apart by underscores.
        holds: form and meaning, for a person to read.
        example: a value.
    """

    names: tuple[str, ...]
    holds: str
    example: str


_DATE = (
    "`2026-11-22`, `20261122`, `22NOV2026`, `22NOV26`, `22.11.2026`; `22/11/2026` where the column settles the order"
)

SCHEMA: Mapping[Field, Schema] = MappingProxyType(
    {
        Field.SURNAME: Schema(
            (
                "last_name",
                "family_name",
                "nachname",
                "familienname",
                "name_last",
                "primary_identifier",
                "nom",
                "apellido",
            ),
            "**Mandatory**, unless `mrz` has it.",
            "ERIKSSON",
        ),
        Field.GIVEN_NAMES: Schema(
            (
                "given_name",
                "first_name",
                "first_names",
                "forename",
                "forenames",
                "vorname",
                "vornamen",
                "name_first",
                "secondary_identifier",
                "prenom",
                "nombre",
            ),
            "All of them, apart by blanks; may be empty.",
            "ANNA MARIA",
        ),
        Field.BIRTH_DATE: Schema(
            ("dob", "date_of_birth", "birthday", "born", "geburtsdatum"),
            f"A date, never in the future: {_DATE}.",
            "1974-08-12",
        ),
        Field.SEX: Schema(
            ("gender", "geschlecht"), "`M`, `F`, `X`; also `male`, `female`, `W`, `U`, `unspecified`.", "F"
        ),
        Field.NATIONALITY: Schema(
            ("citizenship", "nationality_code", "staatsangehoerigkeit", "staatsangehorigkeit", "nat"),
            "ICAO 9303 code: three letters, or `D`.",
            "UTO",
        ),
        Field.RESIDENCE: Schema(
            ("country_of_residence", "residence_country", "wohnsitzland"), "As `nationality`.", "UTO"
        ),
        Field.FLIGHT: Schema(
            ("flight_number", "flight_no", "flight_num", "flightnr", "flugnummer", "flug", "flt", "flt_no"),
            "**Mandatory.** Number, with or without the carrier before it, leading zeros and a suffix.",
            "CX0830",
        ),
        Field.CARRIER: Schema(
            ("airline", "airline_code", "carrier_code", "operating_carrier", "fluggesellschaft"),
            "IATA (2) or ICAO (3) designator; needed where `flight` has none.",
            "CX",
        ),
        Field.DEPARTURE_DATE: Schema(
            ("date", "flight_date", "dep_date", "date_of_departure", "std_date", "abflugdatum", "datum"),
            "**Mandatory.** A date on the clocks of `origin`, as for `birth_date`; also with a time, and with an "
            "offset from UTC: `2026-11-22T13:05+08:00`.",
            "2026-11-22",
        ),
        Field.DEPARTURE_TIME: Schema(
            ("time", "dep_time", "std", "std_time", "time_of_departure", "abflugzeit"),
            "`13:05`, `1305` or `13:05:00` on the clocks of `origin`. Empty: the last minute of the day.",
            "13:05",
        ),
        Field.ORIGIN: Schema(
            ("from", "board_point", "boarding_point", "departure_airport", "dep_airport", "embarkation", "org", "von"),
            "IATA location code of the leg's departure; without it the time in UTC is not known.",
            "HKG",
        ),
        Field.DESTINATION: Schema(
            ("to", "off_point", "arrival_airport", "arr_airport", "debarkation", "dest", "dst", "nach"),
            "IATA location code of the leg's arrival.",
            "JFK",
        ),
        Field.DOCUMENT_TYPE: Schema(
            ("doc_type", "document_kind", "travel_document_type", "dokumentart"),
            "ICAO 9303 document code, or `passport`, `visa`, `id`. Empty: `P`.",
            "P",
        ),
        Field.DOCUMENT_NUMBER: Schema(
            (
                "doc_no",
                "doc_number",
                "document_no",
                "passport",
                "passport_number",
                "passport_no",
                "travel_document_number",
                "passnummer",
                "ausweisnummer",
                "dokumentnummer",
            ),
            "Letters and digits; blanks and hyphens are dropped.",
            "L898902C3",
        ),
        Field.ISSUING_STATE: Schema(
            (
                "issuing_country",
                "issued_by",
                "country_of_issue",
                "issuer",
                "doc_issuer",
                "document_country",
                "passport_country",
                "ausstellungsland",
            ),
            "As `nationality`.",
            "UTO",
        ),
        Field.DOCUMENT_EXPIRY: Schema(
            (
                "expires",
                "expiry",
                "expiry_date",
                "expiration",
                "expiration_date",
                "date_of_expiry",
                "doc_expiry",
                "document_expiry_date",
                "passport_expiry",
                "valid_until",
                "gueltig_bis",
                "gultig_bis",
            ),
            f"A date, within fifty years of now: {_DATE}.",
            "2032-04-15",
        ),
        Field.MRZ: Schema(
            ("machine_readable_zone", "mrz_text"),
            "A whole machine-readable zone of any size, its lines apart by line ends, `|`, blanks or nothing. It fills "
            "what other columns leave empty and is compared with what they say; they count.",
            "I<UTOD231458907…",
        ),
        Field.SEAT: Schema(("seat_number", "seat_no", "sitz", "sitzplatz"), "Blanks are dropped.", "9F"),
        Field.RECORD_LOCATOR: Schema(
            ("pnr", "booking_reference", "booking_ref", "locator", "rloc", "buchungscode"), "Reference `AVF`.", "ABC123"
        ),
        # No "sequence" or "number" alone: columns of that name count rows.
        Field.CHECK_IN_SEQUENCE: Schema(
            ("check_in_sequence_number", "check_in_number", "security_number", "boarding_number"),
            "Of the flight: 1 to 4 digits, a letter before or behind them.",
            "007",
        ),
        Field.REFERENCE: Schema(
            (
                "passenger_reference",
                "traveller_reference",
                "traveler_reference",
                "unique_reference",
                "passenger_id",
                "pax_id",
                "pax_ref",
                "upr",
            ),
            "The carrier's own name for the person, the same in every row and every update. Reference `ABO`.",
            "PAX-0001",
        ),
        Field.ROLE: Schema(
            ("capacity", "traveller_type", "passenger_type"),
            "`passenger`, `crew`, `transit_passenger`, `transit_crew`; also `FL`, `FM`, `DDU`, `DDT`. "
            "Empty: `passenger`.",
            "passenger",
        ),
        Field.STATUS: Schema(
            ("check_in_status", "boarding_status", "passenger_status", "pax_status"),
            "See below. Empty: `checked-in`.",
            "checked-in",
        ),
        Field.CONSENT: Schema(
            ("face_consent", "biometric_consent", "einwilligung"),
            "To face verification: `yes`, `y`, `true`, `1`, `no`, `n`, `false`, `0`. Empty: nothing said.",
            "yes",
        ),
        Field.CONTACT: Schema(
            ("phone", "telephone", "e_mail", "mobile"), "Telephone or mail, as stated.", "+44 20 7946 0000"
        ),
        Field.PHOTO: Schema(
            ("photo_file", "photo_name", "photograph", "picture", "image", "foto", "lichtbild"),
            "Name of the photograph that comes beside the file.",
            "pax-0001.jpg",
        ),
        Field.PHOTO_BASE64: Schema(
            ("photo_data", "photo_bytes", "image_base64"), "The photograph itself, in Base64.", "/9j/4AAQ…"
        ),
        Field.DOCUMENTS: Schema(
            ("travel_documents",),
            "JSON only: a list of objects with `document_type`, `document_number`, `issuing_state`, `document_expiry`, "
            "`mrz`.",
            '[{"document_number": "L898902C3"}]',
        ),
    }
)

MANDATORY = (Field.SURNAME, Field.FLIGHT, Field.DEPARTURE_DATE)
DATES = (Field.BIRTH_DATE, Field.DEPARTURE_DATE, Field.DOCUMENT_EXPIRY)


_LONGEST_NAME = 64


def plain(name: str) -> str:
    """A name without case, accents, blanks and signs: ``"Date of Birth"`` and ``"DATE_OF_BIRTH"`` are the same.

    What is longer than any name is cut.
    """
    return _plain(name[:_LONGEST_NAME])


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in letters if character.isalnum())


_BY_NAME: Mapping[str, Field] = MappingProxyType(
    {plain(name): field for field, schema in SCHEMA.items() for name in (field, *schema.names)}
)
_WITHIN_DOCUMENT: Mapping[str, Field] = MappingProxyType(
    {
        "type": Field.DOCUMENT_TYPE,
        "kind": Field.DOCUMENT_TYPE,
        "number": Field.DOCUMENT_NUMBER,
        "state": Field.ISSUING_STATE,
        "country": Field.ISSUING_STATE,
    }
)


def field_of(name: str) -> Field | None:
    """The field that a column of this name holds."""
    return _BY_NAME.get(plain(name))


def field_of_document(name: str) -> Field | None:
    """The field that a member of a nested document holds: shorter names are clear there."""
    return _WITHIN_DOCUMENT.get(name.strip().casefold()) or field_of(name)


def accepted(field: Field) -> str:
    """The field and the names it goes by, for a person to read."""
    return f"{field} ({', '.join(SCHEMA[field].names)})"
