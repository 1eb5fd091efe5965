"""Check-in data: what rows mean, whatever the file they came in."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import pytest

from gate.manifest import checkin_person
from gate.manifest.checkin import read_csv, read_json
from gate.manifest.checkin_fields import SCHEMA, Field, field_of, plain
from gate.manifest.findings import FindingCode, Severity
from gate.manifest.reading import Reading
from gate.manifest.records import Action, Document, Manifest, Reference, Role

READING = Reading(datetime(2026, 11, 22, 12, tzinfo=UTC))
ZONE = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<|L898902C36UTO7408122F1204159ZE184226B<<<<<10"


def rows(header: str, *lines: str) -> Manifest:
    """A CSV whose every row is on one flight."""
    fixed = "flight,departure_date,departure_time,origin,destination"
    flight = "CX830,2026-11-22,13:05,HKG,JFK"
    return read_csv("\n".join([f"{fixed},{header}", *(f"{flight},{line}" for line in lines)]).encode(), READING)


def codes(manifest: Manifest) -> list[FindingCode]:
    """All but that the specimens of the standard have expired."""
    return [f.code for f in manifest.all_findings if f.code is not FindingCode.DOCUMENT_EXPIRED]


def test_a_whole_row_becomes_a_person_on_a_leg() -> None:
    manifest = rows(
        "surname,given_names,birth_date,sex,nationality,document_type,document_number,issuing_state,document_expiry,"
        "seat,record_locator,reference,consent,photo,contact,role",
        "Eriksson, Anna  Maria ,1974-08-12,female,UTO,passport,l898-902 C3,UT,15APR32,9 f,ABC123,PAX-1,yes,a.jpg,"
        "+1 2,pax",
    )
    (message,) = manifest.messages
    (leg,), (person,) = message.legs, message.people
    assert (message.action, message.crew, message.number, message.stated) == (
        Action.LIST,
        False,
        "CX0830/2026-11-22",
        None,
    )
    assert leg.flight == "CX0830/2026-11-22"
    assert (leg.origin, leg.destination) == ("HKG", "JFK")
    assert (leg.departure_local, leg.departure) == (
        datetime(2026, 11, 22, 13, 5),  # noqa: DTZ001 - a clock at the airport
        datetime(2026, 11, 22, 5, 5, tzinfo=UTC),
    )
    assert (person.surname, person.given_names, person.sex, person.seat) == ("Eriksson", "Anna Maria", "F", "9F")
    assert (person.birth_date, person.nationality, person.role) == (date(1974, 8, 12), "UTO", Role.PASSENGER)
    assert person.documents == (Document("P", "L898902C3", "UT", date(2032, 4, 15)),)
    assert person.references == (Reference("ABO", "PAX-1"), Reference("AVF", "ABC123"))
    assert (person.consent, person.photo, person.contacts) == (True, "a.jpg", ("+1 2",))
    assert (person.line, person.segment) == (2, 1)
    assert codes(manifest) == [FindingCode.STATE_UNKNOWN]


@pytest.mark.parametrize(("stated", "read"), [("007", "7"), ("12a", "12A"), ("a 12", "A12"), ("", ""), ("12345", "")])
def test_a_check_in_sequence_is_read_as_boarding_passes_have_it(stated: str, read: str) -> None:
    manifest = rows("surname,check_in_sequence", f"A,{stated}")
    assert [person.sequence for person in manifest.messages[0].people] == [read]
    assert (FindingCode.VALUE_INVALID in codes(manifest)) is (stated == "12345")


def test_one_message_a_flight_and_action_in_the_order_of_the_file() -> None:
    """A row's status must never close the flight for everybody else."""
    manifest = rows("surname,status", "A,Checked-In", "B,no show", "C,", "D,BOARDED", "E,cancelled", "F,on_board")
    assert [(m.action, [p.surname for p in m.people]) for m in manifest.messages] == [
        (Action.LIST, ["A", "C"]),
        (Action.CANCEL, ["B", "E"]),
        (Action.BOARDED, ["D", "F"]),
    ]
    closing = {Action.CLOSE, Action.NOT_ON_BOARD, Action.ON_BOARD}
    assert not closing & {message.action for message in manifest.messages}


def test_a_message_without_people_is_never_made() -> None:
    """A cancellation without people cancels the whole list."""
    manifest = rows("surname,status", "A,cancelled", "A,checked-in", ",cancelled")
    assert [(m.action, len(m.people)) for m in manifest.messages] == [(Action.LIST, 1)]
    assert codes(manifest) == [FindingCode.ROW_REPEATED, FindingCode.VALUE_MISSING]


def test_crew_have_a_message_of_their_own() -> None:
    manifest = rows("surname,role", "A,passenger", "B,crew", "C,FM")
    assert [(m.crew, len(m.people)) for m in manifest.messages] == [(False, 1), (True, 2)]


def test_a_bad_row_blocks_no_other() -> None:
    manifest = rows("surname,status", "A,", ",", "B,levitating", "C,")
    (message,) = manifest.messages
    assert message.usable
    assert [person.surname for person in message.people] == ["A", "C"]
    errors = [(f.line, f.code, f.of_person) for f in manifest.all_findings if f.severity is Severity.ERROR]
    assert errors == [(3, FindingCode.VALUE_MISSING, True), (4, FindingCode.STATUS_UNKNOWN, True)]


@pytest.mark.parametrize(
    ("flight", "carrier", "name"),
    [
        ("CX830", "", "CX0830"),
        ("cx 0830", "", "CX0830"),
        ("CX-0830", "CX", "CX0830"),
        ("830", "CX", "CX0830"),
        ("BAW12A", "", "BAW0012A"),
        ("9W8", "", "9W0008"),
        ("U21234", "", "U21234"),
        ("0", "CX", "CX0000"),
    ],
)
def test_flight_numbers_in_every_form_name_the_same_flight(flight: str, carrier: str, name: str) -> None:
    text = f"surname,flight,carrier,date,time,from\nA,{flight},{carrier},2026-11-22,1305,HKG\n"
    (message,) = read_csv(text.encode(), READING).messages
    assert message.number == f"{name}/2026-11-22"


def test_a_carrier_that_is_not_the_flights_is_reported() -> None:
    text = b"surname,flight,carrier,date,time,from\nA,CX830,BA,2026-11-22,1305,HKG\n"
    manifest = read_csv(text, READING)
    assert manifest.messages[0].legs[0].carrier == "CX"
    assert codes(manifest) == [FindingCode.CARRIER_MISMATCH]


@pytest.mark.parametrize("flight", ["", "CX", "CX83000000", "flight", "12 34", "CX830 HKG", "٣٤"])
def test_what_is_no_flight_number_costs_the_row(flight: str) -> None:
    text = f"surname,flight,date\nA,{flight},2026-11-22\n"
    manifest = read_csv(text.encode(), READING)
    assert manifest.messages == ()
    assert any(f.severity is Severity.ERROR and f.of_person and f.segment == "flight" for f in manifest.findings)


@pytest.mark.parametrize(
    "written",
    ["2026-11-22", "20261122", "2026/11/22", "22NOV26", "22-Nov-2026", "22 nov 2026", "22.11.2026", "22.11.26",
     "22 November 2026", "22/11/2026", "11/22/2026", "2026-11-22 00:00:00", "2026-11-22T13:05"],
)  # fmt: skip
def test_dates_that_can_be_read_one_way_are(written: str) -> None:
    manifest = read_csv(f"surname,flight,date,time,from\nA,CX830,{written},13:05,HKG\n".encode(), READING)
    (message,) = manifest.messages
    assert message.number == "CX0830/2026-11-22"
    assert manifest.all_findings == ()


@pytest.mark.parametrize("written", ["03/04/2026", "03-04-2026", "3/4/2026", "030426", "22/11/26"])
def test_a_date_that_can_be_read_two_ways_is_refused(written: str) -> None:
    """Guessing wrong keeps a template for months, or drops somebody before they fly."""
    manifest = read_csv(f"surname,flight,date,dob\nA,CX830,{written},1980-01-01\n".encode(), READING)
    assert manifest.messages == ()
    (error,) = [f for f in manifest.findings if f.severity is Severity.ERROR]
    assert (error.code, error.of_person, error.segment) == (FindingCode.DATE_AMBIGUOUS, True, "departure_date")


def test_another_row_of_the_column_settles_the_order() -> None:
    header = "surname,birth_date,document_number,document_expiry"
    manifest = rows(header, "A,03/04/1980,X1,03/04/2030", "B,25/12/1980,X2,04/25/2031", "C,02/02/1980,X3,")
    people = manifest.messages[0].people
    assert [person.birth_date for person in people] == [date(1980, 4, 3), date(1980, 12, 25), date(1980, 2, 2)]
    assert [document.expires for person in people for document in person.documents] == [
        date(2030, 3, 4),
        date(2031, 4, 25),
        None,
    ]
    assert codes(manifest) == []


def test_rows_that_disagree_about_the_order_settle_nothing() -> None:
    manifest = rows("surname,birth_date", "A,03/04/1980", "B,25/12/1980", "C,12/25/1980")
    people = manifest.messages[0].people
    assert [person.birth_date for person in people] == [None, date(1980, 12, 25), date(1980, 12, 25)]
    assert codes(manifest) == [FindingCode.DATE_AMBIGUOUS]


@pytest.mark.parametrize("written", ["2027-01-01", "1980-02-30", "0001-01-01", "yesterday", "46348", "31APR80"])
def test_what_is_no_birth_date_is_left_out_and_the_person_kept(written: str) -> None:
    manifest = rows("surname,birth_date", f"A,{written}")
    assert manifest.messages[0].people[0].birth_date is None
    assert codes(manifest) == [FindingCode.DATE_INVALID]


def test_two_digit_years_are_never_a_birth_to_come_nor_an_expiry_long_gone() -> None:
    manifest = rows("surname,birth_date,document_number,document_expiry", "A,23NOV26,X1,01JAN70")
    (person,) = manifest.messages[0].people
    assert (person.birth_date, person.documents[0].expires) == (date(1926, 11, 23), date(2070, 1, 1))


def test_without_a_time_the_flight_leaves_at_the_end_of_its_day() -> None:
    """Midnight at its beginning would have everybody forgotten before they board."""
    manifest = read_csv(b"surname,flight,date,from\nA,CX830,2026-11-22,HKG\n", READING)
    leg = manifest.messages[0].legs[0]
    assert leg.departure == datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    assert codes(manifest) == [FindingCode.DEPARTURE_TIME_MISSING]


@pytest.mark.parametrize("written", ["2026-11-22T13:05+08:00", "2026-11-22T05:05Z", "2026-11-22 05:05+00:00"])
def test_a_moment_with_an_offset_is_read_on_the_clocks_of_the_origin(written: str) -> None:
    manifest = read_csv(f"surname,flight,date,from\nA,CX830,{written},HKG\n".encode(), READING)
    leg = manifest.messages[0].legs[0]
    assert leg.departure == datetime(2026, 11, 22, 5, 5, tzinfo=UTC)
    assert leg.departure_local == datetime(2026, 11, 22, 13, 5)  # noqa: DTZ001 - a clock at the airport
    assert manifest.all_findings == ()


def test_an_unknown_place_has_the_default_zone_and_is_reported() -> None:
    text = b"surname,flight,date,time,from\nA,CX830,2026-11-22,13:05,ZZZ\n"
    manifest = read_csv(text, READING)
    assert manifest.messages[0].legs[0].departure is None
    assert codes(manifest) == [FindingCode.PLACE_UNKNOWN]
    zoned = read_csv(text, Reading(READING.now, "Europe/Vienna"))
    assert zoned.messages[0].legs[0].departure == datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


def test_rows_that_disagree_when_a_flight_leaves_are_one_flight() -> None:
    text = b"surname,flight,date,time,from\nA,CX830,2026-11-22,13:05,HKG\nB,CX830,2026-11-22,13:35,HKG\n"
    manifest = read_csv(text, READING)
    (message,) = manifest.messages
    assert len(message.people) == 2
    assert codes(manifest) == [FindingCode.VALUE_CONFLICT]


def test_legs_of_one_flight_number_are_kept_apart() -> None:
    text = b"surname,flight,date,time,from,to\nA,CX830,2026-11-22,13:05,HKG,ANC\nB,CX830,2026-11-22,13:35,ANC,JFK\n"
    assert [m.legs[0].origin for m in read_csv(text, READING).messages] == ["HKG", "ANC"]


def test_somebody_in_several_rows_is_one_person_with_all_their_documents() -> None:
    manifest = rows(
        "surname,reference,document_type,document_number", "A,P1,P,X1", "B,P2,P,Y1", "A,P1,V,X2", "A,P3,P,X1"
    )
    (message,) = manifest.messages
    found = [(p.surname, [d.number for d in p.documents]) for p in message.people]
    assert found == [("B", ["Y1"]), ("A", ["X1", "X2"]), ("A", ["X1"])]
    assert codes(manifest) == [FindingCode.ROW_REPEATED]


def test_a_zone_fills_what_is_empty_and_is_compared_with_what_is_not() -> None:
    manifest = rows("mrz,surname,given_names,birth_date,nationality", f"{ZONE},ERIKSSON,,1974-08-13,")
    (person,) = manifest.messages[0].people
    assert (person.given_names, person.nationality, person.sex) == ("ANNA MARIA", "UTO", "F")
    assert person.birth_date == date(1974, 8, 13)
    assert person.documents == (Document("P", "L898902C3", "UTO", date(2012, 4, 15)),)
    assert [(f.code, f.segment) for f in manifest.all_findings] == [
        (FindingCode.VALUE_CONFLICT, "birth_date"),
        (FindingCode.DOCUMENT_EXPIRED, "document_expiry"),
    ]


def test_a_zone_alone_names_somebody() -> None:
    manifest = read_csv(f"mrz,flight,date,time,from\n{ZONE},CX1,2026-11-22,1305,HKG\n".encode(), READING)
    assert manifest.messages[0].people[0].surname == "ERIKSSON"
    assert codes(manifest) == []


def test_a_doubtful_zone_is_reported_and_blocks_nobody() -> None:
    manifest = rows("surname,mrz", f"ERIKSSON,{ZONE.replace('L898902C3', 'L8989O2C3')}", "B,NONSENSE")
    people = manifest.messages[0].people
    assert [[document.number for document in person.documents] for person in people] == [["L8989O2C3"], []]
    assert codes(manifest) == [FindingCode.MRZ_CHECK_DIGIT, FindingCode.MRZ_CHECK_DIGIT, FindingCode.MRZ_UNREADABLE]
    assert all(finding.severity is Severity.WARNING for finding in manifest.all_findings)


@pytest.mark.parametrize("surname", ["MUELLER-OEZ", "Müller Öz", "MULLER OZ", "MÜLLER-ÖZ"])
def test_a_name_agrees_with_its_transliteration(surname: str) -> None:
    zone = ZONE.replace("ERIKSSON<<ANNA<MARIA<", "MUELLER<OEZ<<ANNA<<<<")
    if surname == "MULLER OZ":
        zone = ZONE.replace("ERIKSSON<<ANNA<MARIA<", "MULLER<OZ<<ANNA<<<<<<")
    manifest = rows("surname,mrz", f"{surname},{zone}")
    assert manifest.messages[0].people[0].surname == surname
    assert codes(manifest) == []


@pytest.mark.parametrize(
    ("stated", "consent", "odd"),
    [("YES", True, 0), ("n", False, 0), ("", None, 0), ("1", True, 0), ("nein", False, 0), ("perhaps", False, 1)],
)
def test_consent_that_is_not_understood_is_no_consent(stated: str, consent: bool | None, odd: int) -> None:
    manifest = rows("surname,consent", f"A,{stated}")
    assert manifest.messages[0].people[0].consent is consent
    assert codes(manifest) == [FindingCode.VALUE_INVALID] * odd


@pytest.mark.parametrize("name", ["../x.jpg", "/etc/passwd", "C:\\x.jpg", "a/../../x", "\\\\host\\x", "..", "a\x01b"])
def test_a_photograph_lies_beside_the_file_and_nowhere_else(name: str) -> None:
    manifest = rows("surname,photo", f"A,{name}")
    assert manifest.messages[0].people[0].photo == ""
    assert codes(manifest) == [FindingCode.VALUE_INVALID]


def test_a_photograph_may_come_within_the_file() -> None:
    picture = b"\xff\xd8\xff\xe0 not quite a picture"
    text = base64.b64encode(picture).decode()
    manifest = rows("surname,photo_base64", f"A,{text}", f'B,"data:image/jpeg;base64,{text}"', "C,%%%")
    assert [person.photo_data for person in manifest.messages[0].people] == [picture, picture, b""]
    assert codes(manifest) == [FindingCode.PHOTO_INVALID]


def test_two_letter_states_become_three_and_others_are_kept_and_reported() -> None:
    manifest = rows("surname,nationality", "A,de", "B,D<<", "C,QQQ")
    assert [person.nationality for person in manifest.messages[0].people] == ["DEU", "D", "QQQ"]
    assert codes(manifest) == [FindingCode.STATE_TWO_LETTERS, FindingCode.STATE_UNKNOWN]


def test_a_number_spoilt_by_a_spreadsheet_is_not_a_document() -> None:
    manifest = rows("surname,document_number", "A,1.23E+08")
    assert manifest.messages[0].people[0].documents == ()
    assert codes(manifest) == [FindingCode.VALUE_INVALID]


def test_every_name_stands_for_one_field_only() -> None:
    names = [plain(name) for field, schema in SCHEMA.items() for name in {field.value, *schema.names}]
    assert sorted(names) == sorted(set(names))
    assert set(SCHEMA) == set(Field)


@pytest.mark.parametrize("name", ["Date of Birth", "DATE_OF_BIRTH", "dateofbirth", " date-of-birth ", "DoB"])
def test_a_name_is_known_however_it_is_written(name: str) -> None:
    assert field_of(name) is Field.BIRTH_DATE


def test_the_same_rows_mean_the_same_in_both_formats() -> None:
    table = b"surname,flight,date,time,from,doc_no\nA,CX830,2026-11-22,1305,HKG,X1\n"
    line = b'{"Surname": "A", "flight": "CX830", "date": "2026-11-22", "time": "1305", "from": "HKG", "doc_no": "X1"}'
    one, other = read_csv(table, READING).messages[0], read_json(line, READING).messages[0]
    assert one.legs == other.legs
    assert one.people[0].documents == other.people[0].documents


def test_a_file_full_of_doubtful_zones_is_not_explained_zone_by_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for explanations is most of the work of reading a zone, and a file may hold half a million."""
    monkeypatch.setattr(checkin_person, "_EXPLAINED_ZONES", 2)
    doubtful = ZONE.replace("L898902C3", "L8989O2C3")
    manifest = rows("surname,mrz", *[f"A{number},{doubtful}" for number in range(4)])
    explained = [f.line for f in manifest.all_findings if "may be 0" in f.message]
    assert set(explained) == {2, 3}
    assert len(manifest.messages[0].people) == 4
