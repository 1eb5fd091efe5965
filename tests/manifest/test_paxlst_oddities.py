"""Each oddity by itself: named by its code, and the people are read all the same."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gate.manifest.findings import FindingCode as F
from gate.manifest.findings import Severity
from gate.manifest.reading import Reading
from gate.manifest.records import Action
from tests.manifest.paxlst_dirt import ADA, BEN, HEAD, NOW, PEOPLE, codes, interchange, names, only, read

BOTH = [("EXAMPLE", "ADA"), ("SAMPLE", "BEN")]


def test_a_clean_interchange_has_no_findings() -> None:
    manifest = read(interchange())
    assert not manifest.all_findings
    assert names(only(manifest).people) == BOTH


@pytest.mark.parametrize(
    ("code", "segment", "old", "new"),
    [
        (F.COUNT_MISMATCH, "CNT", "CNT+42:2'", "CNT+42:3'"),
        (F.COUNT_INVALID, "CNT+42", "CNT+42:2'", "CNT+42+2'"),
        (F.COUNT_INVALID, "CNT+42", "CNT+42:2'", "CNT+42:two'"),
        (F.COUNT_QUALIFIER, "CNT+41", "CNT+42:2'", "CNT+41:2'"),
        (F.TRAILER_COUNT, "UNT", "UNT+28", "UNT+27"),
        (F.TRAILER_REFERENCE, "UNT", "UNT+28+1'", "UNT+28+2'"),
        (F.TRAILER_COUNT, "UNZ", "UNZ+1+7", "UNZ+x+7"),
        (F.TRAILER_REFERENCE, "UNZ", "UNZ+1+7", "UNZ+1+8"),
        (F.TRAILER_MISSING, "UNZ", "UNZ+1+7'", ""),
        (F.TRAILER_MISSING, "UNT", "UNT+28+1'", ""),
        (F.SEGMENT_UNENDED, "", "UNZ+1+7'", "UNZ+1+7"),
        (F.SEGMENT_UNKNOWN, "XYZ+1", "ATT+2++M'", "XYZ+1'"),
        (F.SEGMENT_EMPTY, "", "ATT+2++M'", "ATT+2++M''"),
        (F.SEGMENT_SHORT, "ATT+2", "ATT+2++M'", "ATT+2'"),
        (F.STRAY_BLANKS, "NAT+2", "NAT+2+GBR", "NAT+2+ GBR "),
        (F.TAG_BLANKS, "", "NAT+2+GBR", " NAT +2+GBR"),
        (F.VERSION_UNKNOWN, "UNH", "D:15B", "D:96B"),
        (F.VERSION_UNKNOWN, "UNH", "D:15B", "D:XX"),
        (F.SYNTAX_UNKNOWN, "UNB", "UNOA", "SIRE"),
        (F.FUNCTION_MISPLACED, "BGM+745", "BGM+745'", "BGM+745+CLOB'"),
        (F.CARRIER_MISMATCH, "TDT+20", "ZZ123+++ZZ", "ZY123+++ZZ"),
        (F.CARRIER_UNSTATED, "TDT+20", "ZZ123+++ZZ", "ZZ123"),
        (F.CARRIER_UNSTATED, "TDT+20", "ZZ123+++ZZ", "123+++ZZ"),
        (F.CARRIER_MISSING, "TDT+20", "ZZ123+++ZZ", "123"),
        (F.FLIGHT_NUMBER_UNUSUAL, "TDT+20", "ZZ123+++ZZ", "ZZ123456+++ZZ"),
        (F.ARRIVAL_BEFORE_DEPARTURE, "TDT+20", "2611221130", "2611220830"),
        (F.DURATION_UNUSUAL, "TDT+20", "2611221130", "2611241130"),
        (F.TIME_INVALID, "DTM+232", "2611221130", "2611221160"),
        (F.DATE_EMPTY, "DTM+232", "232:2611221130:201", "232:"),
        (F.TIME_MISSING, "DTM+232", "232:2611221130:201", "232:261122"),
        (F.PREPARED_APART, "TDT+20", "261122:0800", "261022:0800"),
        (F.LEG_SKIPPED, "TDT+34", "NAD+FL+++EX", "TDT+34+ZZ9'LOC+92+CDG'NAD+FL+++EX"),
        (F.PLACE_UNUSED, "LOC+22", "LOC+87+LHR'", "LOC+22+MAN'LOC+87+LHR'"),
        (F.ROLE_MISMATCH, "NAD+FM", "NAD+FL+++SA", "NAD+FM+++SA"),
        (F.SEX_UNKNOWN, "ATT+2", "ATT+2++M", "ATT+2++Q"),
        (F.DATE_EMPTY, "DTM+329", "329:19810203", "329:"),
        (F.DATE_INVALID, "DTM+329", "329:19810203", "329:19810230"),
        (F.BIRTH_DATE_MISSING, "NAD+FL", "DTM+329:19810203'", ""),
        (F.BIRTH_DATE_UNUSUAL, "DTM+329", "19810203", "20810203"),
        (F.BIRTH_DATE_UNUSUAL, "DTM+329", "19810203", "18810203"),
        (F.STRAY_BLANKS, "DTM+329", "19810203", "1981 0203"),
        (F.YEARS_SHORT, "DTM", "19810203", "810203"),
        (F.DOCUMENT_MISSING, "NAD+FL", "DOC+P+B7654321'DTM+36:20310101'LOC+91+GBR'", ""),
        (F.DOCUMENT_NUMBER_TIDIED, "DOC+P", "B7654321", "b765-4321"),
        (
            F.DOCUMENT_EXPIRED,
            "DTM+36",
            "LOC+91+AUT'NAD+FL+++SAMPLE",
            "LOC+91+AUT'DOC+I+X1'DTM+36:20261121'NAD+FL+++SAMPLE",
        ),
        (F.DOCUMENT_EXPIRY_UNUSUAL, "DTM+36", "LOC+91+AUT'NAD+FL", "LOC+91+AUT'DOC+I+X1'DTM+36:20610101'NAD+FL"),
        (F.DOCUMENT_SHARED, "NAD+FL", "B7654321'DTM+36:20310101'LOC+91+GBR", "A1234567'DTM+36:20310101'LOC+91+AUT"),
        (F.STATE_UNKNOWN, "NAT+2", "NAT+2+GBR", "NAT+2+ABC"),
        (F.STATE_UNKNOWN, "LOC+91", "LOC+91+GBR", "LOC+91+LIM"),
        (F.STATE_TWO_LETTERS, "NAT+2", "NAT+2+GBR", "NAT+2+GB"),
        (F.JOURNEY_BACKWARDS, "NAD+FL", "LOC+178+VIE'LOC+179+LHR'NAT+2+GBR", "LOC+178+LHR'LOC+179+VIE'NAT+2+GBR"),
        (F.JOURNEY_OFF_LEGS, "NAD+FL", "LOC+179+LHR'NAT+2+GBR", "LOC+179+CDG'NAT+2+GBR"),
        (F.VALUE_REPEATED, "NAT+2", "NAT+2+GBR'", "NAT+2+GBR'NAT+2+AUT'"),
        (F.SEGMENT_MISPLACED, "DTM+36", "ATT+2++M'", "DTM+36:20310101'"),
        (F.SEGMENT_MISPLACED, "LOC+91", "ATT+2++M'", "LOC+91+AUT'"),
    ],
)
def test_one_oddity(code: F, segment: str, old: str, new: str) -> None:
    text = interchange()
    at = text.rindex(old)
    text = text[:at] + new + text[at + len(old) :]
    if code not in (F.TRAILER_COUNT, F.TRAILER_MISSING, F.SEGMENT_UNENDED):
        count = [s for s in text[text.index("UNH") : text.index("UNT")].split("'") if s]
        text = text.replace("UNT+28", f"UNT+{len(count) + 1}")
    manifest = read(text)
    assert codes(manifest) == {code: 1}
    (finding,) = manifest.all_findings
    assert finding.segment == segment
    assert only(manifest).usable
    assert names(only(manifest).people) == BOTH


def test_names_in_small_letters_with_digits_or_parted_by_an_oblique() -> None:
    people = PEOPLE.replace("EXAMPLE:ADA", "Example:Ada").replace("SAMPLE:BEN", "SAMPLE/BEN 2")
    manifest = read(interchange(people=people))
    assert codes(manifest) == {F.NAME_CASE: 1, F.NAME_SPLIT: 1, F.NAME_UNUSUAL: 1}
    assert names(only(manifest).people) == [("Example", "Ada"), ("SAMPLE", "BEN 2")]


def test_somebody_without_a_surname_hurts_nobody_else() -> None:
    manifest = read(interchange(people=ADA.replace("EXAMPLE:ADA", ":ADA") + BEN))
    assert codes(manifest) == {F.SURNAME_MISSING: 1}
    (finding,) = manifest.all_findings
    assert finding.severity is Severity.ERROR
    assert finding.of_person
    assert only(manifest).usable
    assert names(only(manifest).people) == BOTH[1:]


def test_a_document_without_a_number_is_none() -> None:
    manifest = read(interchange(people=PEOPLE.replace("B7654321", "--")))
    assert codes(manifest) == {F.DOCUMENT_NUMBER_MISSING: 1, F.DOCUMENT_MISSING: 1}
    assert only(manifest).people[1].documents == ()


def test_a_party_that_is_nobody_takes_its_segments_with_it() -> None:
    """Its document and birth date must not become the last passenger's."""
    stranger = ADA.replace("NAD+FL", "NAD+QQ").replace("A1234567", "Z9999999")
    manifest = read(interchange(people=BEN + stranger, total="CNT+42:1'"))
    assert codes(manifest) == {F.PARTY_UNKNOWN: 1}
    assert names(only(manifest).people) == BOTH[1:]
    assert [document.number for document in only(manifest).people[0].documents] == ["B7654321"]


def test_a_leg_after_the_people_does_not_change_the_last_person() -> None:
    late = "TDT+20+ZZ9+++ZZ'LOC+179+CDG'DTM+329:19990101'"
    manifest = read(interchange(people=PEOPLE + late))
    assert codes(manifest) == {F.SEGMENT_MISPLACED: 1}
    assert only(manifest).people[1].birth_date == date(1981, 2, 3)
    assert len(only(manifest).legs) == 1


def test_a_repeated_person_is_one_person() -> None:
    again = ADA.replace("DOC+P+A1234567'", "RFF+AVF:NEW'DOC+V+V55'LOC+91+GBR'DOC+P+A1234567'")
    manifest = read(interchange(people=PEOPLE + again, total="CNT+42:3'"))
    assert codes(manifest) == {F.PERSON_REPEATED: 1}
    message = only(manifest)
    assert names(message.people) == BOTH
    assert [document.number for document in message.people[0].documents] == ["V55", "A1234567"]
    assert message.people[0].reference("AVF") == "NEW"


def test_same_name_and_birth_date_with_another_document_are_two_people() -> None:
    manifest = read(interchange(people=ADA + ADA.replace("A1234567", "A7654321")))
    assert codes(manifest) == {F.NAME_SHARED: 1}
    assert len(only(manifest).people) == 2


def test_an_issuing_state_is_not_carried_over_from_the_person_before() -> None:
    """States are remembered by segment; a document without one must stay without."""
    people = ADA + BEN.replace("LOC+91+GBR'", "").replace("NAT+2+GBR'", "")
    first, second = only(read(interchange(people=people))).people
    assert first.documents[0].issuing_state == "AUT"
    assert (second.documents[0].issuing_state, second.nationality) == ("", "")


def test_several_documents_each_with_its_own_expiry_and_state() -> None:
    people = ADA + "DOC+V:110:111+V1'DTM+36:20270101'LOC+91+GBR'DOC+I+I9'LOC+91+D'"
    (person,) = only(read(interchange(people=people, total="CNT+42:1'"))).people
    assert [(d.kind, d.number, d.issuing_state, d.expires) for d in person.documents] == [
        ("P", "A1234567", "AUT", date(2031, 1, 1)),
        ("V", "V1", "GBR", date(2027, 1, 1)),
        ("I", "I9", "D", None),
    ]


@pytest.mark.parametrize(
    "state", ["D", "GBD", "GBN", "GBO", "GBP", "GBS", "UNO", "XXA", "XXB", "XXC", "XXX", "XOM", "UTO"]
)
def test_codes_that_only_documents_have(state: str) -> None:
    manifest = read(interchange(people=PEOPLE.replace("NAT+2+GBR", f"NAT+2+{state}")))
    assert not manifest.all_findings
    assert only(manifest).people[1].nationality == state


@pytest.mark.parametrize(
    ("born", "expires", "expected"),
    [
        ("261122", "361122", (date(2026, 11, 22), date(2036, 11, 22))),
        ("261123", "270101", (date(1926, 11, 23), date(2027, 1, 1))),
        ("541016", "600101", (date(1954, 10, 16), date(2060, 1, 1))),
        ("000229", "760101", (date(2000, 2, 29), date(1976, 1, 1))),
    ],
)
def test_two_digit_years(born: str, expires: str, expected: tuple[date, date]) -> None:
    """A birth is never in the future; an expiry is near."""
    people = ADA.replace("19720907", born).replace("20310101", expires)
    (person,) = only(read(interchange(people=people, total="CNT+42:1'"))).people
    assert (person.birth_date, person.documents[0].expires) == expected


@pytest.mark.parametrize(
    ("beginning", "action", "crew"),
    [
        ("745", Action.LIST, False),
        ("745+CP", Action.CHANGE, False),
        ("745+XR", Action.CANCEL, False),
        ("745+RP", Action.CANCEL, False),
        ("266+CF", Action.CHANGE, False),
        ("266+XF", Action.CANCEL, False),
        ("266+CL", Action.CLOSE, False),
        ("266+CLNB", Action.NOT_ON_BOARD, False),
        ("266+CLOB", Action.ON_BOARD, False),
        ("250", Action.LIST, True),
        ("250+C", Action.LIST, True),
        ("250+CC", Action.LIST, True),
        ("336+H", Action.CANCEL, True),
        ("336+I", Action.CHANGE, True),
    ],
)
def test_functions(beginning: str, action: Action, crew: bool) -> None:
    text = interchange(HEAD.replace("BGM+745", f"BGM+{beginning}"))
    if crew:
        text = text.replace("NAD+FL", "NAD+FM").replace("CNT+42", "CNT+41")
    manifest = read(text)
    assert not manifest.all_findings
    assert (only(manifest).action, only(manifest).crew) == (action, crew)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("BGM+745'", "", F.MESSAGE_KIND_UNKNOWN),
        ("BGM+745'", "BGM+655'", F.MESSAGE_KIND_UNKNOWN),
        ("BGM+745'", "BGM+745+ZQ'", F.FUNCTION_UNKNOWN),
        ("BGM+745'", "BGM+266'", F.FUNCTION_UNKNOWN),
        ("TDT+20+ZZ123+++ZZ'", "TDT+20'", F.FLIGHT_NUMBER_MISSING),
        ("TDT+20+ZZ123+++ZZ'LOC+125+VIE'DTM+189:2611221000:201'LOC+87+LHR'DTM+232:2611221130:201'", "", F.LEG_MISSING),
    ],
)
def test_a_message_that_cannot_be_understood_is_unusable(old: str, new: str, code: F) -> None:
    manifest = read(interchange(HEAD.replace(old, new)))
    assert codes(manifest)[code] == 1
    assert not only(manifest).usable


def test_names_to_close_with_need_no_documents() -> None:
    names_only = "NAD+FL+++EXAMPLE:ADA'RFF+ABO:1'"
    manifest = read(interchange(HEAD.replace("BGM+745", "BGM+266+CLNB"), names_only, "CNT+42:1'"))
    assert not manifest.all_findings


def test_the_date_line() -> None:
    """Sydney to Honolulu arrives the day before it left, and nothing is odd about it."""
    head = HEAD.replace("+VIE", "+SYD").replace("+LHR", "+HNL").replace("2611221000", "2611220900")
    text = interchange(head.replace("2611221130", "2611212300"), "").replace("CNT+42:2", "CNT+42:0")
    (leg,) = only(read(text)).legs
    assert leg.departure == datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    assert leg.arrival == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert codes(read(text)) == {F.PEOPLE_MISSING: 1}


@pytest.mark.parametrize(("zone", "expected"), [(None, None), ("Asia/Tokyo", datetime(2026, 11, 22, 1, 0, tzinfo=UTC))])
def test_unknown_airport(zone: str | None, expected: datetime | None) -> None:
    text = interchange(HEAD.replace("LOC+125+VIE", "LOC+125+QQQ"), PEOPLE.replace("LOC+178+VIE", "LOC+178+QQQ"))
    manifest = read(text, Reading(NOW, zone))
    assert codes(manifest)[F.PLACE_UNKNOWN] == 1
    assert only(manifest).usable
    assert only(manifest).legs[0].departure == expected


@pytest.mark.parametrize(
    "places",
    [
        "LOC+87+LHR'DTM+232:2611221130:201'LOC+125+VIE'DTM+189:2611221000:201'",
        "LOC+92+VIE'DTM+189:2611221000:201'LOC+92+LHR'DTM+232:2611221130:201'",
        "LOC+92+LHR'DTM+232:2611221130:201'LOC+92+VIE'DTM+189:2611221000:201'",
        "LOC+125+VIE'DTM+189:2611221000:201'LOC+92+LHR'DTM+232:2611221130:201'",
    ],
)
def test_places_in_any_form_and_order(places: str) -> None:
    head = HEAD[: HEAD.index("LOC+125")] + places
    (leg,) = only(read(interchange(head))).legs
    assert (leg.origin, leg.destination) == ("VIE", "LHR")
    assert leg.arrival_local == datetime(2026, 11, 22, 11, 30)  # noqa: DTZ001
    assert not read(interchange(head)).all_findings


def test_one_stage_with_three_places_is_two_legs() -> None:
    places = (
        "LOC+92+VIE'DTM+189:2611221000:201'LOC+92+FRA'DTM+232:2611221130:201'DTM+189:2611221230:201'"
        "LOC+92+LHR'DTM+232:2611221330:201'"
    )
    legs = only(read(interchange(HEAD[: HEAD.index("LOC+125")] + places))).legs
    assert [(leg.origin, leg.destination) for leg in legs] == [("VIE", "FRA"), ("FRA", "LHR")]


def test_legs_that_do_not_meet() -> None:
    second = "TDT+20+ZZ124+++ZZ'LOC+92+CDG'DTM+189:2611221500:201'LOC+92+BCN'DTM+232:2611221700:201'"
    assert codes(read(interchange(HEAD + second))) == {F.LEGS_APART: 1}


def test_a_journey_on_several_legs_must_be_stated() -> None:
    second = "TDT+20+ZZ124+++ZZ'LOC+92+LHR'DTM+189:2611221500:201'LOC+92+BCN'DTM+232:2611221700:201'"
    manifest = read(interchange(HEAD + second, PEOPLE.replace("LOC+179+LHR'NAT+2+GBR", "NAT+2+GBR")))
    assert codes(manifest) == {F.JOURNEY_UNSTATED: 1}


@pytest.mark.parametrize(
    ("text", "carrier", "number"),
    [
        ("U21234+++U2", "U2", "1234"),
        ("ZZ0123A+++ZZ", "ZZ", "123A"),
        ("BAW117", "BAW", "117"),
        ("9W 12+++9W", "9W", "12"),
    ],
)
def test_flight_numbers(text: str, carrier: str, number: str) -> None:
    (leg,) = only(read(interchange(HEAD.replace("ZZ123+++ZZ", text)))).legs
    assert (leg.carrier, leg.number) == (carrier, number)


def _part(index: int, last: bool, people: str, total: int) -> str:
    body = HEAD[HEAD.index("UNH") :].replace(
        "UNH+1+PAXLST:D:15B:UN:IATA", f"UNH+{index}+PAXLST:D:15B:UN:IATA+LIST9+{index:02}{':F' if last else ''}"
    )
    body += people + f"CNT+42:{total}'"
    return body + f"UNT+{body.count(chr(39)) + 1}+{index}'"


def test_a_split_list_counts_over_its_parts() -> None:
    """The total stands in every part, and a part alone is not wrong."""
    envelope = HEAD[: HEAD.index("UNH")]
    manifest = read(envelope + _part(1, False, ADA, 2) + _part(2, True, BEN, 2) + "UNZ+2+7'")
    assert not manifest.all_findings
    assert [message.last_part for message in manifest.messages] == [False, True]


def test_a_split_list_that_lacks_people() -> None:
    envelope = HEAD[: HEAD.index("UNH")]
    manifest = read(envelope + _part(1, False, ADA, 9) + _part(2, True, BEN, 9) + "UNZ+2+7'")
    assert codes(manifest) == {F.COUNT_MISMATCH: 1}
