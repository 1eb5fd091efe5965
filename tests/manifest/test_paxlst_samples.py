"""The sample files, as a careful reader reads them: who is listed, when they fly, and everything that is odd."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gate.manifest.findings import FindingCode as F
from gate.manifest.paxlst import read_paxlst
from gate.manifest.records import Action, Document, Manifest, Reference, Role
from tests.manifest.paxlst_dirt import READING, codes, names, only

pytestmark = pytest.mark.shared


@pytest.fixture
def sample(shared: Path, request: pytest.FixtureRequest) -> Manifest:
    return read_paxlst((shared / "data" / "manifests" / request.param).read_bytes(), READING)


def _at(manifest: Manifest, code: F) -> list[tuple[int, str]]:
    return [(finding.line, finding.segment) for finding in manifest.all_findings if finding.code is code]


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize("sample", ["gtas-crew-ua0989.edi"], indirect=True)
def test_crew(sample: Manifest) -> None:
    message = only(sample)
    assert (message.crew, message.action, message.stated, message.usable) == (True, Action.LIST, 8, True)
    assert names(message.people) == [
        ("Steur", "Andrea Pat"),
        ("Adomat", "Julie Pat"),
        ("Nalek", "Clifton Pat"),
        ("Meissener", "Costa Pat"),
        ("Pelzing", "Melissa Pat"),
        ("Merfort", "Kevin Pat"),
        ("Sautter", "Kari Pat"),
        ("Zschieschak", "Jaclyn Pat"),
    ]
    assert [person.birth_date for person in message.people] == [date(1978, 7, day) for day in range(6, 14)]
    assert "".join(person.sex for person in message.people) == "FFMMFMFF"
    for person in message.people:
        assert person.role is Role.CREW
        assert (person.nationality, person.residence) == ("GBR", "GBR")
        assert (person.embarkation, person.debarkation) == ("FRA", "IAD")
        assert person.documents == (Document("P", "123456789", "GBR", date(2061, 2, 18)),)
    (leg,) = message.legs
    assert leg.flight == "UA0989/2017-01-27"
    assert (leg.departure, leg.arrival) == (_utc(2017, 1, 27, 16, 25), _utc(2017, 1, 28, 12, 10))
    assert codes(sample) == {
        F.COUNT_INVALID: 1,  # CNT+41+8
        F.TRAILER_COUNT: 1,  # UNT
        F.TRAILER_REFERENCE: 2,  # UNE, UNZ
        F.DOCUMENT_SHARED: 7,
        F.DOCUMENT_EXPIRY_UNUSUAL: 8,
        F.NAME_CASE: 8,
        F.PREPARED_APART: 1,
        F.YEARS_SHORT: 1,
    }


@pytest.mark.parametrize("sample", ["gtas-custom-una.edi"], indirect=True)
def test_other_separators(sample: Manifest) -> None:
    message = only(sample)
    assert (message.stated, message.part, message.last_part, message.usable) == (136, 10, True, True)
    surnames = ["BETTON", "TRIBBLE", "RIDER", "COOLEY", "YOUNG", "ELLIOTT", "WHITLOCK", "WESLEY", "STEWART", "LOWE"]
    given = ["DAVID", "FRANK", "GORDON", "RAQUEL", "JAVIER", "CARMEN", "APRIL", "DAVID", "MARYJANE", "DANIEL"]
    numbers = "178556534 130906000 185723910 361569645 132434347 321648375 293312850 169177598 179868051 153284238"
    assert names(message.people) == list(zip(surnames, given, strict=True))
    assert [person.documents for person in message.people] == [
        (Document("P", number, "USA", date(2018, 2, 21)),) for number in numbers.split()
    ]
    for person in message.people:
        assert person.birth_date == date(1954, 10, 16)
        assert person.references == (Reference("AVF", "QXGYLO"),)
    (leg,) = message.legs
    assert leg.flight == "TN0506/2014-05-11"
    assert (leg.departure, leg.arrival) == (_utc(2014, 5, 11, 11, 40), _utc(2014, 5, 11, 22, 0))
    assert codes(sample) == {
        F.SEPARATORS_OTHER: 1,
        F.TAG_BLANKS: 1,  # "UNG "
        F.PARTS_MISSING: 1,
        F.COUNT_MISMATCH: 1,
        F.CARRIER_UNSTATED: 1,
        F.PREPARED_APART: 1,
        F.TRAILER_COUNT: 1,
        F.TRAILER_REFERENCE: 1,  # a blank within
        F.YEARS_SHORT: 1,
    }
    assert _at(sample, F.TRAILER_REFERENCE) == [(114, "UNT")]
    assert _at(sample, F.COUNT_MISMATCH) == [(113, "CNT")]
    assert _at(sample, F.TAG_BLANKS) == [(3, "")]


@pytest.mark.parametrize("sample", ["gtas-indented.edi"], indirect=True)
def test_indented(sample: Manifest) -> None:
    message = only(sample)
    assert names(message.people) == [("CLARK", "MICHAEL"), ("CLARK", "CHERYL")]
    assert [person.birth_date for person in message.people] == [date(1972, 9, 7), date(1973, 4, 7)]
    assert [(person.embarkation, person.debarkation) for person in message.people] == [("ATL", "JFK"), ("ORD", "JFK")]
    assert [person.line for person in message.people] == [14, 23]
    assert message.people[0].references == (
        Reference("AVF", "TYR123"),
        Reference("ABO", "ABC123"),
        Reference("AEA", "1234567890ABC"),
        Reference("CR", "20060907NY123"),
    )
    assert [leg.flight for leg in message.legs] == ["AA0123/2007-02-19", "AA0124/2007-02-19"]
    assert [(leg.departure, leg.arrival) for leg in message.legs] == [
        (_utc(2007, 2, 19, 20, 40), _utc(2007, 2, 19, 23, 40)),
        (_utc(2007, 2, 20, 0, 40), _utc(2007, 2, 20, 0, 55)),
    ]
    assert (message.transaction, message.stated) == ("AJYTR1070219", 2)
    assert codes(sample) == {F.LINES_INDENTED: 1, F.STRAY_BLANKS: 1, F.DOCUMENT_MISSING: 2, F.YEARS_SHORT: 1}
    assert _at(sample, F.STRAY_BLANKS) == [(3, "UNG+PAXLST")]


@pytest.mark.parametrize("sample", ["teletype-wrapped.edi"], indirect=True)
def test_teletype(sample: Manifest) -> None:
    message = only(sample)
    (person,) = message.people
    assert (person.surname, person.given_names, person.birth_date) == ("DJEMFISJER", "REDJAE", date(1993, 4, 8))
    assert person.documents == (Document("P", "3DEJ2ED3E", "LIM", date(2028, 9, 7)),)
    assert (person.nationality, person.seat, person.reference("AVF")) == ("ABC", "9F", "ABC123")
    (leg,) = message.legs
    assert (leg.flight, leg.departure) == ("A92707/2021-07-13", _utc(2021, 7, 13, 9, 0))
    assert (message.stated, message.part, message.last_part) == (47, 2, False)
    assert codes(sample) == {
        F.TEXT_AROUND: 2,
        F.LINES_WRAPPED: 1,
        F.PARTS_MISSING: 1,
        F.CARRIER_UNSTATED: 1,
        F.PLACES_SAME: 1,
        F.JOURNEY_OFF_LEGS: 1,
        F.STATE_UNKNOWN: 2,
        F.COUNT_MISMATCH: 1,
        F.TRAILER_COUNT: 1,
        F.YEARS_SHORT: 1,
    }
    assert _at(sample, F.TEXT_AROUND) == [(1, ""), (17, "")]
    assert _at(sample, F.STATE_UNKNOWN) == [(10, "NAT+2"), (12, "LOC+91")]
    assert _at(sample, F.COUNT_MISMATCH) == [(12, "CNT")]


@pytest.mark.parametrize("sample", ["wco-5.1-single-sector.edi"], indirect=True)
def test_single_sector(sample: Manifest) -> None:
    message = only(sample)
    (person,) = message.people
    assert (person.surname, person.given_names, person.birth_date) == ("WILLIAMS", "JOHN DONALD", date(1972, 9, 7))
    assert person.documents == (Document("P", "MB140241", "GBR", date(2015, 12, 31)),)
    assert person.verified is False
    assert person.contacts == ("44 188 84 14151",)
    (leg,) = message.legs
    assert (leg.departure, leg.arrival) == (_utc(2013, 6, 20, 23, 0), _utc(2013, 6, 22, 8, 0))
    # The guide's own example: 160 announced and one named, a blank in an arrival that is a day late.
    assert codes(sample) == {F.COUNT_MISMATCH: 1, F.STRAY_BLANKS: 1, F.DURATION_UNUSUAL: 1, F.YEARS_SHORT: 1}
    assert _at(sample, F.STRAY_BLANKS) == [(1, "DTM+232")]


@pytest.mark.parametrize("sample", ["wco-5.2-crew.edi"], indirect=True)
def test_guides_crew(sample: Manifest) -> None:
    message = only(sample)
    (person,) = message.people
    assert message.crew
    assert message.sender == "USD090746"
    assert (person.role, person.surname, person.given_names) == (Role.CREW, "CLARK", "MICHAEL")
    assert person.documents == (Document("P", "MB140241", "CAN", date(2015, 10, 21)),)
    assert codes(sample) == {
        F.COUNT_MISMATCH: 1,
        F.STRAY_BLANKS: 2,
        F.DURATION_UNUSUAL: 1,
        F.TRAILER_COUNT: 1,
        F.YEARS_SHORT: 1,
    }


@pytest.mark.parametrize("sample", ["wco-5.3-progressive.edi"], indirect=True)
def test_progressive(sample: Manifest) -> None:
    message = only(sample)
    assert names(message.people) == [("MARTINEZ", "JULIO XAVIER"), ("MARTINEZ", "SORINA MARIA")]
    assert [person.documents[0].number for person in message.people] == ["YY3478621", "TRQWE9980"]
    assert [leg.flight for leg in message.legs] == ["XZ0877/2014-07-08", "XZ0877/2014-07-08"]
    assert [(leg.origin, leg.destination) for leg in message.legs] == [("BCN", "IAD"), ("IAD", "SFO")]
    assert [leg.departure for leg in message.legs] == [_utc(2014, 7, 8, 9, 0), _utc(2014, 7, 8, 23, 30)]
    assert codes(sample) == {F.CARRIER_MISMATCH: 1, F.YEARS_SHORT: 1}
