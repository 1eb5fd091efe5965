"""CSV as spreadsheets and departure control systems write it, and as it arrives after an accident."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.manifest import checkin
from gate.manifest.checkin import read_csv
from gate.manifest.checkin_csv import LONGEST_LINE
from gate.manifest.checkin_fields import SCHEMA, Field
from gate.manifest.findings import FindingCode, Severity
from gate.manifest.reading import Reading
from gate.manifest.records import Manifest

READING = Reading(datetime(2026, 11, 22, 12, tzinfo=UTC), "UTC")
HEADER = "surname,flight,date,time,from"
FLIGHT = "CX830,2026-11-22,13:05,HKG"


def read(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Manifest:
    return read_csv((end.join(lines) + end).encode(encoding), READING)


def surnames(manifest: Manifest) -> list[str]:
    return [person.surname for message in manifest.messages for person in message.people]


def codes(manifest: Manifest) -> list[FindingCode]:
    """All but that the specimens of the standard have expired."""
    return [f.code for f in manifest.all_findings if f.code is not FindingCode.DOCUMENT_EXPIRED]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_usual_delimiter_and_line_end(delimiter: str, end: str) -> None:
    header, row = (text.replace(",", delimiter) for text in (HEADER, f"O'Neil,{FLIGHT}"))
    manifest = read(header, "", row, "   ", row.replace("O'Neil", '"A; B, C|D"'), end=end)
    assert surnames(manifest) == ["O'Neil", "A; B, C|D"]
    assert [person.line for message in manifest.messages for person in message.people] == [3, 5]
    assert codes(manifest) == []


def test_a_comma_within_names_does_not_decide_the_delimiter() -> None:
    manifest = read("surname;given_names;flight;date;time;from;a,b,c,d,e,f", "A;B, C;CX830;2026-11-22;1305;HKG;")
    assert surnames(manifest) == ["A"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_in_any_form_is_read_without_a_word(encoding: str) -> None:
    manifest = read(HEADER, f"Łukasiewicz,{FLIGHT}", f"Ünal,{FLIGHT}", encoding=encoding)
    assert surnames(manifest) == ["Łukasiewicz", "Ünal"]
    assert codes(manifest) == []


@pytest.mark.parametrize(("encoding", "name", "said"), [("latin-1", "Müller", "Latin"), ("cp1252", "Šimić", "Windows")])
def test_eight_bit_text_is_read_and_said_to_be_a_guess(encoding: str, name: str, said: str) -> None:
    name = name.replace("ć", "c")
    manifest = read(HEADER, f"{name},{FLIGHT}", encoding=encoding)
    assert surnames(manifest) == [name]
    assert codes(manifest) == [FindingCode.TEXT_GUESSED]
    assert said in manifest.findings[0].message


def test_one_damaged_byte_does_not_make_the_whole_file_another_encoding() -> None:
    text = "\n".join([HEADER, *(f"Müller{chr(65 + i)},{FLIGHT}" for i in range(20)), f"X?Y,{FLIGHT}"]).encode()
    manifest = read_csv(text.replace(b"X?Y", b"X\xe4Y"), READING)
    assert surnames(manifest)[0] == "MüllerA"
    assert surnames(manifest)[-1] == "X\ufffdY"
    assert [(f.code, f.line) for f in manifest.findings] == [(FindingCode.TEXT_DAMAGED, 22)]


def test_nul_bytes_are_left_out_and_reported() -> None:
    manifest = read(HEADER, f"A,{FLIGHT}", f"B\0\0C,{FLIGHT}")
    assert surnames(manifest) == ["A", "BC"]
    assert [(f.code, f.line) for f in manifest.findings] == [(FindingCode.TEXT_DAMAGED, 3)]


def test_a_quotation_mark_that_never_ends_costs_one_row_not_the_file() -> None:
    """The csv module would take everything to the end of the file for one cell."""
    rows = [f"N{number},{FLIGHT}" for number in range(100)]
    manifest = read(HEADER, *rows[:50], f'"open,{FLIGHT}', *rows[50:])
    assert len(surnames(manifest)) == 100
    assert [(f.code, f.line, f.of_person) for f in manifest.findings] == [(FindingCode.QUOTE_OPEN, 52, True)]


def test_a_quotation_mark_that_a_later_row_would_close_swallows_no_row_between() -> None:
    manifest = read(HEADER, f'"open,{FLIGHT}', f"B,{FLIGHT}", f'"C",{FLIGHT}', f"D,{FLIGHT}")
    assert surnames(manifest) == ["B", "C", "D"]
    assert codes(manifest) == [FindingCode.QUOTE_OPEN]


def test_a_quotation_mark_open_at_the_end_of_the_file_is_reported() -> None:
    manifest = read(HEADER, f"A,{FLIGHT}", f'"B,{FLIGHT}')
    assert surnames(manifest) == ["A"]
    assert codes(manifest) == [FindingCode.QUOTE_OPEN]


def test_a_cell_may_hold_line_ends_and_quotation_marks() -> None:
    zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
    manifest = read(f"mrz,{HEADER}", f'"{zone}",,{FLIGHT}', f',"B ""the"" C",{FLIGHT}', f',D"E,{FLIGHT}')
    assert surnames(manifest) == ["ERIKSSON", 'B "the" C', 'D"E']
    assert [person.line for person in manifest.messages[0].people] == [2, 4, 5]
    assert codes(manifest) == []


def test_a_short_row_is_read_and_a_long_one_is_not() -> None:
    """A row too long has a delimiter within a value: everything behind it stands in the wrong column."""
    manifest = read(f"{HEADER},seat,sex", f"A,{FLIGHT}", f"B,{FLIGHT},9F,F,surplus", f"C,{FLIGHT},9G,F,,")
    assert surnames(manifest) == ["A", "C"]
    assert codes(manifest) == [FindingCode.ROW_SHORT, FindingCode.ROW_LONG]


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("surname,flight,seat", ["departure_date"]),
        ("given_names,seat,sex", ["surname", "flight", "departure_date"]),
        ("mrz,seat", ["flight", "departure_date"]),
    ],
)
def test_a_header_without_the_mandatory_columns_makes_the_file_unusable(header: str, missing: list[str]) -> None:
    manifest = read(header, "A,B,C")
    assert manifest.messages == ()
    found = [(f.code, f.segment, f.severity, f.of_person) for f in manifest.findings]
    assert found == [(FindingCode.COLUMNS_MISSING, name, Severity.ERROR, False) for name in missing]
    assert all(SCHEMA[Field(f.segment)].names[0] in f.message for f in manifest.findings)


def test_lines_above_the_header_and_a_header_repeated_below_are_passed_over() -> None:
    manifest = read("sep=,", "Passenger list of CX830", "", HEADER, f"A,{FLIGHT}", HEADER, f"B,{FLIGHT}")
    assert surnames(manifest) == ["A", "B"]
    assert [(f.code, f.line) for f in manifest.findings] == [
        (FindingCode.LINES_SKIPPED, 2),
        (FindingCode.LINES_SKIPPED, 6),
    ]


def test_columns_that_are_unknown_or_mean_the_same_are_named() -> None:
    manifest = read(f"{HEADER},Meal,Last Name", f"A,{FLIGHT},VGML,B", f",{FLIGHT},,C")
    assert surnames(manifest) == ["A", "C"]
    assert [(f.code, f.segment) for f in manifest.findings] == [
        (FindingCode.COLUMN_UNKNOWN, "Meal"),
        (FindingCode.COLUMN_REPEATED, "Last Name"),
    ]


def test_a_line_without_end_costs_one_row() -> None:
    manifest = read(HEADER, f"A,{FLIGHT}", "x" * (LONGEST_LINE + 10), f"B,{FLIGHT}")
    assert surnames(manifest) == ["A", "B"]
    assert [(f.code, f.line) for f in manifest.findings] == [(FindingCode.ROW_TOO_LARGE, 3)]
    quoted = read(HEADER, f'"{"x" * 200_000}",{FLIGHT}', f"B,{FLIGHT}")
    assert surnames(quoted) == ["B"]
    assert codes(quoted) == [FindingCode.ROW_TOO_LARGE]


def test_a_million_bad_rows_are_not_a_million_findings() -> None:
    manifest = read(HEADER, *["x"] * 20_000)
    assert len(manifest.all_findings) < 10_000
    assert FindingCode.FINDINGS_OMITTED in codes(manifest)


def test_more_rows_than_people_on_any_day_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkin, "MOST_ROWS", 100)
    assert len(surnames(read(HEADER, *[f"A{n},{FLIGHT}" for n in range(100)]))) == 100
    manifest = read(HEADER, *[f"A{n},{FLIGHT}" for n in range(101)])
    assert manifest.messages == ()
    assert codes(manifest) == [FindingCode.TOO_LARGE]


# --- build, write in some dialect, read back -----------------------------------------------------------------------

_LETTERS = st.characters(codec="utf-8", categories=("Lu", "Ll", "Lo", "Nd", "Pd"))
_NAMES = st.lists(st.text(_LETTERS, min_size=1, max_size=8), min_size=1, max_size=3).map(" ".join)
_CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=4, max_size=9)
_DATE_FORMS = ["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d%b%Y", "%d-%b-%Y"]
_BREAKS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"

people = st.fixed_dictionaries(
    {
        "surname": _NAMES,
        "given_names": _NAMES | st.just(""),
        "birth_date": st.dates(date(1930, 1, 1), date(2026, 11, 21)),
        "document_number": _CODES,
        "issuing_state": st.sampled_from(["UTO", "GBR", "D", "XXA"]),
        "document_expiry": st.dates(date(2026, 1, 1), date(2060, 1, 1)),
        "sex": st.sampled_from(["M", "F", "X", ""]),
        "seat": st.sampled_from(["9F", "12A", ""]),
        "record_locator": _CODES,
        "consent": st.sampled_from(["yes", "no", ""]),
    }
)


@st.composite
def spellings(draw: st.DrawFn, name: str) -> str:
    """Any accepted name of a field, written in any usual way."""
    spelt = draw(st.sampled_from([name, *SCHEMA[Field(name)].names]))
    spelt = spelt.replace("_", draw(st.sampled_from(["_", " ", "-", ""])))
    return draw(st.sampled_from([spelt, spelt.upper(), spelt.title(), f" {spelt} "]))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(expected=st.lists(people, min_size=1, max_size=6, unique_by=lambda one: one["document_number"]), data=st.data())
def test_whoever_is_written_in_any_dialect_is_read(expected: list[dict[str, Any]], data: st.DataObject) -> None:
    columns = data.draw(st.permutations([*expected[0], "flight", "departure_date", "departure_time", "origin"]))
    form = data.draw(st.sampled_from(_DATE_FORMS))
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=data.draw(st.sampled_from(",;\t|")),
        quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow([data.draw(spellings(name)) for name in columns])
    fixed = {"flight": "CX830", "departure_date": date(2026, 11, 22), "departure_time": "1305", "origin": "HKG"}
    for one in expected:
        values = [(one | fixed)[name] for name in columns]
        writer.writerow([f"{value:{form}}" if isinstance(value, date) else value for value in values])
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    manifest = read_csv(text.getvalue().encode(encoding), READING)
    assert set(codes(manifest)) == set()
    (message,) = manifest.messages
    assert message.number == "CX0830/2026-11-22"
    for one, person in zip(expected, message.people, strict=True):
        (document,) = person.documents
        assert {
            "surname": person.surname,
            "given_names": person.given_names,
            "birth_date": person.birth_date,
            "document_number": document.number,
            "issuing_state": document.issuing_state,
            "document_expiry": document.expires,
            "sex": person.sex,
            "seat": person.seat,
            "record_locator": person.reference("AVF"),
            "consent": {True: "yes", False: "no", None: ""}[person.consent],
        } == one


@given(st.text(st.sampled_from('a1,;"\n\r\t|\0é \u2028'), max_size=300))
def test_no_text_below_a_header_raises(text: str) -> None:
    assert isinstance(read(HEADER, text), Manifest)
    assert isinstance(read(text, HEADER, text), Manifest)


def test_only_line_ends_end_lines() -> None:
    """Some characters end a line for Python and for nobody who writes CSV."""
    name = f"A{_BREAKS}B"
    assert len(surnames(read(HEADER, f"{name},{FLIGHT}"))) == 1
