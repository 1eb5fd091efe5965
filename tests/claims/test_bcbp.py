"""Boarding passes: what the standard's specimens say, what is written reads back, and what no text may do."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.claims.bcbp import looks_like_bcbp, read_bcbp
from gate.claims.bcbp_items import MAX_CHARS, REPEATED, UNIQUE, UNREAD
from gate.claims.boarding_pass import BoardingPass
from gate.claims.findings import Oddity, Severity
from gate.claims.write_bcbp import LegText, write_bcbp

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

# The specimens printed with Resolution 792 (implementation guide): one leg, and two with everything.
SPECIMEN = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100"
SPECIMEN_TWO = (
    "M2DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 14D>6181WW6225BAC 00141234560032A0141234567890 1AC AC "
    "1234567890123    20KYLX58ZDEF456 FRAGVALH 3664 327C012C0002 12E2A0140987654321 1AC AC 1234567890123    2PCNWQ"
    "^164GIWVC5EH7JNT684FVNJ91W2QA4DVN5J8K4F0L0GEQ3DF5TGBN8709HKT5D3DW3GBHFCVHMY7J5T6HFR41W2QA4DVN5J8K4F0L0GE"
)


def codes(found: BoardingPass) -> set[Oddity]:
    return {f.code for f in found.findings}


def doubts(found: BoardingPass) -> set[Oddity]:
    return {f.code for f in found.findings if f.severity is not Severity.NOTE}


def test_the_specimen_of_one_leg() -> None:
    found = read_bcbp(SPECIMEN, NOW)
    assert found.findings == ()
    assert (found.surname, found.given_names, found.electronic_ticket, found.version) == ("DESMARAIS", "LUC", True, "")
    (leg,) = found.legs
    assert (leg.record_locator, leg.origin, leg.destination, leg.compartment) == ("ABC123", "YUL", "FRA", "J")
    assert (leg.seat, leg.sequence, leg.status) == ("1A", "25", "1")
    assert leg.flight == "AC0834/2026-11-22"
    assert found.readable


def test_the_specimen_of_two_legs_with_every_section() -> None:
    found = read_bcbp(SPECIMEN_TWO, NOW)
    assert doubts(found) == set()
    assert found.version == "6"
    assert found.issued == date(2026, 8, 13)
    assert found.details["baggage_tag"] == "0014123456003"
    assert found.flights == ("AC0834/2026-11-22", "LH3664/2026-11-23")
    first, second = found.legs
    assert (first.details["document_serial"], first.details["baggage_allowance"]) == ("1234567890", "20K")
    assert not {name for leg in found.legs for name in leg.details if "frequent_flyer" in name}, "not needed, not kept"
    assert (first.details["fast_track"], first.airline_data) == ("Y", "LX58Z")
    assert (second.details["baggage_allowance"], second.airline_data) == ("2PC", "WQ")
    assert found.security is not None
    assert (found.security.kind, len(found.security.data)) == ("1", 100)
    assert Oddity.SECURITY_UNCHECKED in codes(found), "nobody may take unchecked security data for a check"


@pytest.mark.parametrize(
    ("around", "says"),
    [
        ("]Q3{}", True),
        ("]L0{}\r\n", True),
        ("\x02{}\x03", True),
        ("{}\n", True),
        ("{}", False),
    ],
)
def test_a_scanners_marks_are_taken_off_and_said(around: str, says: bool) -> None:
    found = read_bcbp(around.format(SPECIMEN), NOW)
    assert found.flights == ("AC0834/2026-11-22",)
    assert (Oddity.BCBP_TIDIED in codes(found)) is says


def test_lower_case_is_raised_in_the_mandatory_items_only() -> None:
    """Airline and security data have both cases; raising them would make other data of them."""
    text = write_bcbp("MUSTER/ANNA", LegText("ZZ", "42", 326, "HKG", "LHR", airline_data="aB"), security=("1", "xYz"))
    found = read_bcbp(text.replace("MUSTER/ANNA", "muster/anna"), NOW)
    assert (found.surname, found.given_names) == ("MUSTER", "ANNA")
    assert found.legs[0].airline_data == "aB"
    assert found.security is not None
    assert found.security.data == "xYz"


def test_lower_case_throughout_reads_the_same_legs() -> None:
    found = read_bcbp(SPECIMEN_TWO.lower(), NOW)
    assert found.flights == ("AC0834/2026-11-22", "LH3664/2026-11-23")
    assert (found.surname, found.electronic_ticket) == ("DESMARAIS", True)
    assert Oddity.BCBP_TIDIED in codes(found)


def test_without_a_size_the_next_leg_is_not_guessed_at() -> None:
    """Read from the wrong place, a flight may be a true one that the traveller is not on."""
    found = read_bcbp(SPECIMEN_TWO.replace("0025 14D>", "0025 14X>"), NOW)
    assert not found.readable
    assert Oddity.BCBP_SIZE in codes(found)


def test_blanks_that_a_scanner_cut_off_at_the_end_lose_nothing() -> None:
    text = write_bcbp("MUSTER/ANNA", LegText("ZZ", "42", 326, details={"airline_code": "0"}))
    found = read_bcbp(text.rstrip(), NOW)
    assert found.flights == ("ZZ0042/2026-11-22",)
    assert found.readable


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Oddity.BCBP_FORMAT),
        ("S1MUSTER", Oddity.BCBP_FORMAT),
        ("M5" + SPECIMEN[2:], Oddity.BCBP_LEGS),
        ("M0" + SPECIMEN[2:], Oddity.BCBP_LEGS),
        (SPECIMEN[:50], Oddity.BCBP_SHORT),
        ("M2" + SPECIMEN[2:], Oddity.BCBP_SHORT),
        (SPECIMEN.replace("LUC", "LÜC"), Oddity.BCBP_CHARACTER),
        (SPECIMEN.replace("LUC", "L\0C"), Oddity.BCBP_CHARACTER),
        (SPECIMEN + "A" * MAX_CHARS, Oddity.BCBP_TOO_LONG),
    ],
)
def test_what_is_no_boarding_pass_is_not_readable_and_says_why(text: str, code: Oddity) -> None:
    found = read_bcbp(text, NOW)
    assert not found.readable
    assert code in codes(found)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("326J", "367J", Oddity.DATE_INVALID),
        ("326J", "366J", Oddity.DATE_INVALID),
        ("326J", "   J", Oddity.DATE_INVALID),
        ("AC 0834 ", "   0834 ", Oddity.FLIGHT_UNNAMED),
        ("AC 0834 ", "AC 08X4 ", Oddity.FLIGHT_UNNAMED),
    ],
)
def test_a_leg_that_names_no_flight_makes_no_claim(old: str, new: str, code: Oddity) -> None:
    found = read_bcbp(SPECIMEN.replace(old, new), NOW)
    assert not found.readable
    assert found.flights == ()
    assert code in codes(found)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("DESMARAIS/LUC ", "/DESMARAISLUC ", Oddity.NAME_MISSING),
        ("DESMARAIS/LUC", "DESMARAIS/LU2", Oddity.NAME_UNUSUAL),
        ("DESMARAIS/LUC", "DESMARAIS LUC", Oddity.NAME_UNUSUAL),
        ("001A", "A001", Oddity.ITEM_UNUSUAL),
        ("ABC123 ", "       ", Oddity.ITEM_MISSING),
        ("YULFRA", "Y1LFRA", Oddity.ITEM_UNUSUAL),
        ("0025 100", "0025 1G0", Oddity.BCBP_SIZE),
        ("0025 100", "0025 104>6", Oddity.BCBP_SIZE),
        ("0025 100", "0025 104>900", Oddity.BCBP_VERSION),
        ("0025 100", "0025 104ABCD", Oddity.BCBP_VERSION),
        ("0025 100", "0025 100XY", Oddity.BCBP_SURPLUS),
        ("0025 100", "0025 100^1FFABC", Oddity.SECURITY_SHORT),
        ("0025 100", "0025 100^1ZZABC", Oddity.BCBP_SIZE),
        ("0025 100", "0025 10B>6071WW6X25", Oddity.ITEM_UNUSUAL),
        ("0025 100", "0025 10B>6071WW6365", Oddity.ISSUED_AFTER_FLIGHT),
    ],
)
def test_an_oddity_is_named_and_the_flight_still_read(old: str, new: str, code: Oddity) -> None:
    found = read_bcbp(SPECIMEN.replace(old, new), NOW)
    assert code in codes(found)
    assert found.flights == ("AC0834/2026-11-22",)


def test_a_leg_twice_is_named() -> None:
    leg = LegText("ZZ", "42", 326, "HKG", "LHR")
    assert Oddity.LEGS_REPEATED in codes(read_bcbp(write_bcbp("MUSTER/ANNA", leg, leg), NOW))


def test_a_name_that_fills_its_field_is_said_to_be_cut() -> None:
    found = read_bcbp(write_bcbp("WOLFESCHLEGELSTEINHAUSEN/A", LegText("ZZ", "42", 326)), NOW)
    assert found.name_truncated
    assert found.surname == "WOLFESCHLEGELSTEINHA"


@pytest.mark.parametrize(
    ("printed", "given", "title"),
    [
        ("MUSTER/ANNA IDA MRS", "ANNA IDA", "MRS"),
        ("MUSTER/ANNAMRS", "ANNAMRS", ""),
        ("MUSTER/MR", "MR", ""),
        ("MUSTER/DR", "DR", ""),
    ],
)
def test_a_title_is_split_off_only_where_a_blank_says_so(printed: str, given: str, title: str) -> None:
    """OMAR is not OA with a title; somebody named only MR keeps the name."""
    found = read_bcbp(write_bcbp(printed, LegText("ZZ", "42", 326)), NOW)
    assert (found.given_names, found.title) == (given, title)


def test_the_name_and_the_booking_are_not_in_the_records_text() -> None:
    shown = repr(read_bcbp(SPECIMEN_TWO, NOW))
    for secret in ("DESMARAIS", "LUC", "ABC123", "1234567890123", "LX58Z"):
        assert secret not in shown


upper = st.text(string.ascii_uppercase, min_size=1, max_size=9)
codes_of_three = st.text(string.ascii_uppercase, min_size=3, max_size=3)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126))


def filled(items: tuple[tuple[str, int], ...]) -> st.SearchStrategy[dict[str, str]]:
    letters = string.ascii_uppercase + string.digits
    return st.fixed_dictionaries({}, optional={name: st.text(letters, min_size=1, max_size=n) for name, n in items})


@st.composite
def leg_texts(draw: st.DrawFn) -> tuple[LegText, date]:
    departs = NOW.date() + timedelta(days=draw(st.integers(-180, 180)))
    leg = LegText(
        carrier=draw(st.sampled_from(["ZZ", "X9", "9X", "ZZZ"])),
        number=str(draw(st.integers(1, 9999))) + draw(st.sampled_from(["", "A"])),
        day=departs.timetuple().tm_yday,
        origin=draw(codes_of_three),
        destination=draw(codes_of_three),
        record_locator=draw(st.text(string.ascii_uppercase + string.digits, min_size=5, max_size=7)),
        seat=f"{draw(st.integers(1, 99))}{draw(st.sampled_from('ABCDEFHJK'))}",
        sequence=str(draw(st.integers(1, 9999))),
        details=draw(filled(REPEATED)),
        airline_data=draw(printable.map(lambda text: text[:60])),
    )
    return leg, departs


@given(
    surname=upper,
    given_names=upper,
    legs=st.lists(leg_texts(), min_size=1, max_size=4),
    version=st.sampled_from("12345678"),
    details=filled(UNIQUE[:3] + UNIQUE[4:]),
    security=st.none() | st.tuples(st.sampled_from("1A"), printable.map(lambda text: text[:100])),
)
def test_what_is_written_is_read(
    surname: str,
    given_names: str,
    legs: list[tuple[LegText, date]],
    version: str,
    details: dict[str, str],
    security: tuple[str, str] | None,
) -> None:
    written = [leg for leg, _ in legs]
    text = write_bcbp(f"{surname}/{given_names}", *written, version=version, details=details, security=security)
    found = read_bcbp(text, NOW)
    assert found.readable
    assert doubts(found) <= {Oddity.LEGS_REPEATED}
    assert (found.surname, found.given_names, found.version) == (surname, given_names, version)
    assert found.details == details
    assert len(found.legs) == len(written)
    for read, (leg, departs) in zip(found.legs, legs, strict=True):
        assert (read.carrier, read.origin, read.destination) == (leg.carrier, leg.origin, leg.destination)
        assert (read.departs, read.seat, read.sequence) == (departs, leg.seat, leg.sequence)
        assert (read.record_locator, read.details, read.airline_data) == (
            leg.record_locator,
            {name: value for name, value in leg.details.items() if name not in UNREAD},
            leg.airline_data,
        )
        assert read.leg is not None
        assert read.leg.number == leg.number
    if security is not None:
        assert found.security is not None
        assert (found.security.kind, found.security.data) == security


@given(st.text(max_size=200) | printable.map("M1{}".format) | printable.map(f"{SPECIMEN[:58]}{{}}".format))
def test_no_text_raises(text: str) -> None:
    found = read_bcbp(text, NOW)
    looks_like_bcbp(text)
    assert found.readable or found.findings


@given(data=st.data())
def test_no_damage_to_a_real_pass_raises(data: st.DataObject) -> None:
    text = list(SPECIMEN_TWO)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.text(max_size=3))
        if not text:
            break
    found = read_bcbp("".join(text), NOW)
    assert found.readable or found.findings


def test_a_very_long_text_costs_no_more_than_a_long_one() -> None:
    assert codes(read_bcbp("M1" + "A" * 10_000_000, NOW)) >= {Oddity.BCBP_TOO_LONG}
