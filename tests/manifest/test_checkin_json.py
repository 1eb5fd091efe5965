"""JSON Lines: one object a line; a bad line costs a row, a bad array the file."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.manifest.checkin import read_json
from gate.manifest.findings import FindingCode, Severity
from gate.manifest.reading import Reading
from gate.manifest.records import Document, Format, Manifest

READING = Reading(datetime(2026, 11, 22, 12, tzinfo=UTC), "UTC")
FLIGHT = {"flight": "CX830", "departure_date": "2026-11-22", "departure_time": "13:05", "origin": "HKG"}


def read(*rows: dict[str, Any] | str) -> Manifest:
    lines = [row if isinstance(row, str) else json.dumps(FLIGHT | row) for row in rows]
    return read_json("\n".join(lines).encode(), READING)


def surnames(manifest: Manifest) -> list[str]:
    return [person.surname for message in manifest.messages for person in message.people]


def codes(manifest: Manifest) -> list[FindingCode]:
    """All but that the specimens of the standard have expired."""
    return [f.code for f in manifest.all_findings if f.code is not FindingCode.DOCUMENT_EXPIRED]


def test_values_may_be_numbers_truths_and_lists() -> None:
    manifest = read(
        {"surname": "A", "given_names": ["B", "C"], "flight": 830, "carrier": "CX", "consent": False, "seat": None}
    )
    (person,) = manifest.messages[0].people
    assert manifest.format is Format.JSON_LINES
    assert manifest.messages[0].number == "CX0830/2026-11-22"
    assert (person.given_names, person.consent, person.seat) == ("B C", False, "")
    assert codes(manifest) == []


def test_somebody_may_have_several_documents() -> None:
    manifest = read(
        {
            "surname": "A",
            "document_number": "X1",
            "documents": [
                {"type": "passport", "number": "x-1"},
                {"Kind": "V", "Document Number": 12345, "country": "UTO", "expires": "22NOV30"},
                {"mrz": "I<UTOD231458907<<<<<<<<<<<<<<<|7408122F1204159UTO<<<<<<<<<<<6|ERIKSSON<<ANNA<MARIA<<<<<<<<<<"},
                {"colour": "red"},
                "loose",
            ],
        }
    )
    (person,) = manifest.messages[0].people
    assert person.documents == (
        Document("P", "X1"),
        Document("V", "12345", "UTO", date(2030, 11, 22)),
        Document("I", "D23145890", "UTO", date(2012, 4, 15)),
    )
    assert codes(manifest) == [FindingCode.COLUMN_UNKNOWN, FindingCode.VALUE_INVALID]


def test_a_photograph_may_stand_in_the_row() -> None:
    picture = bytes(range(256)) * 8000  # 2 MB: no field size limit of a CSV reader may apply
    manifest = read({"surname": "A", "photo_base64": base64.b64encode(picture).decode()})
    assert manifest.messages[0].people[0].photo_data == picture


@pytest.mark.parametrize(
    "bad",
    ["{", '{"surname": "B"', "[]", "null", "12", '"text"', "{'surname': 'B'}", "[" * 100_000, "{" * 100_000,
     '{"a":' * 50_000, '{"surname": 1' + "0" * 6000 + "e"],
)  # fmt: skip
def test_a_bad_line_costs_one_row(bad: str) -> None:
    manifest = read({"surname": "A"}, bad, {"surname": "C"})
    assert surnames(manifest) == ["A", "C"]
    assert [(f.code, f.line, f.of_person) for f in manifest.findings] == [(FindingCode.JSON_INVALID, 2, True)]


def test_a_long_number_is_text() -> None:
    """Python refuses to compute with a number of five thousand digits, and a float loses the end of a long one."""
    manifest = read(
        '{"surname": "A", "flight": 830, "carrier": "CX", "date": 20261122, "passport": 12345678901234567890}'
    )
    assert manifest.messages[0].people[0].documents[0].number == "12345678901234567890"
    assert read('{"surname": ' + "9" * 5000 + "}").messages == ()


def test_a_name_that_comes_twice_is_reported() -> None:
    manifest = read('{"surname": "A", "Last Name": "B", "flight": "CX830", "date": "2026-11-22T13:05", "from": "HKG"}')
    assert surnames(manifest) == ["A"]
    assert codes(manifest) == [FindingCode.COLUMN_REPEATED]


def test_unknown_names_are_said_once() -> None:
    manifest = read({"surname": "A", "meal": "VGML"}, {"surname": "B", "meal": "", "x": {"y": 1}})
    assert [(f.code, f.segment) for f in manifest.findings] == [
        (FindingCode.COLUMN_UNKNOWN, "meal"),
        (FindingCode.COLUMN_UNKNOWN, "x"),
    ]


def test_half_a_character_cannot_come_in() -> None:
    manifest = read('{"surname": "A\\ud800B", "given_names": "\\u0000", ' + json.dumps(FLIGHT)[1:])
    assert surnames(manifest) == ["A\ufffdB"]


def test_a_file_in_which_no_row_has_a_mandatory_field_is_unusable() -> None:
    manifest = read('{"surname": "A"}', '{"surname": "B"}')
    assert manifest.messages == ()
    assert codes(manifest) == [FindingCode.COLUMNS_MISSING, FindingCode.COLUMNS_MISSING]
    assert "flight_number" in manifest.findings[0].message


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_tolerated_and_reported(indent: int | None) -> None:
    rows = [FLIGHT | {"surname": "A"}, FLIGHT | {"surname": "B"}]
    manifest = read("\n" + json.dumps(rows, indent=indent))
    assert surnames(manifest) == ["A", "B"]
    assert codes(manifest) == [FindingCode.JSON_ARRAY]
    lines = [person.line for person in manifest.messages[0].people]
    assert lines == ([2, 2] if indent is None else [3, 10])


@pytest.mark.parametrize("spoilt", ["[%s, {]", "[%s", "[%s] more", "[%s, nonsense]", "[%s" + "[" * 100_000])
def test_a_spoilt_array_is_not_read_in_part(spoilt: str) -> None:
    manifest = read(spoilt % json.dumps(FLIGHT | {"surname": "A"}))
    assert manifest.messages == ()
    (error,) = [f for f in manifest.findings if f.severity is Severity.ERROR]
    assert (error.code, error.of_person) == (FindingCode.JSON_INVALID, False)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["surname", "flight", "date", "dob", "documents", "mrz", "photo_base64", "photo", "status", "x"]
)


@given(st.lists(st.dictionaries(names, values, max_size=6), max_size=4))
def test_no_values_raise(rows: list[dict[str, Any]]) -> None:
    assert isinstance(read(*rows), Manifest)
    assert isinstance(read(json.dumps(rows)), Manifest)
