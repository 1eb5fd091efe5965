"""Who may be meant by a boarding pass: a few by exact keys, never somebody by a name that others have too."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.claims.bcbp import read_bcbp
from gate.claims.boarding_pass import BoardingPass
from gate.claims.fit import FEW, Grade, fit, narrow
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.gallery.traveller import Particulars, Traveller
from tests.claims.makers import FLIGHT, NOW


def presented(
    name: str = "MUSTER/ANNA", seat: str = "12A", sequence: str = "7", locator: str = "ABC123"
) -> BoardingPass:
    leg = LegText("ZZ", "42", 326, "HKG", "LHR", locator, seat=seat, sequence=sequence)
    return read_bcbp(write_bcbp(name, leg), NOW)


def expected(reference: str, particulars: Particulars | None, flight: str = FLIGHT) -> Traveller:
    return Traveller(reference, flight, NOW + timedelta(hours=4), particulars=particulars)


def grade(found: BoardingPass, known: Particulars) -> Grade:
    return fit(found, found.legs[0], known).grade


ANNA = Particulars("Muster", "Anna", seat="12A")


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (ANNA, Grade.KEY_AND_NAME),
        (Particulars("Muster", "Anna", seat="012a"), Grade.KEY_AND_NAME),
        (Particulars(seat="12A"), Grade.KEY),
        (Particulars("Muster", "Berta", seat="12A"), Grade.KEY),
        (Particulars("Muster", "Anna"), Grade.NAME),
        (Particulars("Muster"), Grade.NAME),
        (Particulars("Muster", "Anna", record_locator="abc123", sequence="0007"), Grade.KEY_AND_NAME),
        (Particulars(), Grade.UNKNOWN),
        (Particulars("Muster", "Anna", seat="12B"), Grade.CONTRADICTED),
        (Particulars("Muster", "Anna", seat="12B", record_locator="ABC123"), Grade.KEY_AND_NAME),
        (Particulars("Muster", "Anna", seat="12A", record_locator="XYZ999"), Grade.CONTRADICTED),
        (Particulars("Muster", "Anna", seat="12A", record_locator="ABC123", sequence="8"), Grade.CONTRADICTED),
        (Particulars("Beispiel", "Anna", seat="12A", record_locator="ABC123", sequence="7"), Grade.CONTRADICTED),
        (Particulars("Muster", "Berta"), Grade.CONTRADICTED),
        (Particulars("Muster", "   "), Grade.NAME),
    ],
)
def test_exact_keys_come_before_the_name(known: Particulars, wanted: Grade) -> None:
    assert grade(presented(), known) is wanted


@pytest.mark.parametrize(
    ("printed", "surname", "given"),
    [
        ("MUSTER/ANNAMRS", "Muster", "Anna"),
        ("MUSTER/ANNA MRS", "Muster", "Anna"),
        ("MUSTER/ANNAMARIAMRS", "Muster", "Anna Maria"),
        ("MUSTER/ANNA", "Muster", "Anna Maria"),
        ("MUSTER/ANNA MARIA", "Muster", "Anna"),
        ("MUELLER/JOERG", "Müller", "Jörg"),
        ("MULLER/JORG", "Müller", "Jörg"),
        ("OBRIEN/SEAN", "O'Brien", "Seán"),
        ("VON DER HEIDE/A", "von der Heide", "Anna"),
        ("VONDERHEIDE/ANNA", "von der Heide", "Anna"),
        ("WOLFESCHLEGELSTEINHA", "Wolfeschlegelsteinhausen", "Anna"),
        ("SCHWARZENBERGER/MAXI", "Schwarzenberger", "Maximilian"),
        ("SOERENSEN/SOEREN", "Sørensen", "Søren"),
        ("MUSTER/OMAR", "Muster", "Omar"),
    ],
)
def test_names_agree_as_they_are_written_on_boarding_passes(printed: str, surname: str, given: str) -> None:
    assert grade(presented(printed), Particulars(surname, given)) is Grade.NAME


@pytest.mark.parametrize(
    ("printed", "surname", "given"),
    [
        ("MUSTER/ANNA", "Mustermann", "Anna"),
        ("MUSTERMANN/ANNA", "Muster", "Anna"),
        ("MUSTER/ANNA", "Muster", "Hanna"),
        ("MUSTER/MR", "Muster", "Anna"),
        ("MUSTER/ANNALENA", "Muster", "Anna"),
        ("MUSTER/ANNA BERTA", "Muster", "Anna Maria"),
    ],
)
def test_other_names_do_not_agree(printed: str, surname: str, given: str) -> None:
    assert grade(presented(printed), Particulars(surname, given)) is Grade.CONTRADICTED


def test_somebody_without_a_seat_is_not_whoever_has_none() -> None:
    """An infant's pass says INF where the seat stands; that is nobody's seat."""
    assert grade(presented(seat="INF"), Particulars("Muster", "Anna", seat="INF")) is Grade.NAME


def test_only_travellers_of_a_flight_of_the_pass_are_looked_at() -> None:
    others = [
        expected("a", ANNA, "ZZ0042/2026-11-23"),
        expected("b", ANNA, "ZZ0043/2026-11-22"),
        expected("c", ANNA, ""),
    ]
    assert narrow(presented(), others) == ()


def test_the_best_grade_alone_is_kept() -> None:
    found = narrow(
        presented(),
        [
            expected("by seat", Particulars(seat="12A")),
            expected("by name", Particulars("Muster", "Anna")),
            expected("both", ANNA),
            expected("nothing known", None),
        ],
    )
    assert [traveller.reference for traveller in found] == ["both"]


def test_people_of_one_name_are_kept_together_for_the_face_to_tell_apart() -> None:
    twins = [expected("a", Particulars("Muster", "Anna")), expected("b", Particulars("Muster", "Anna Berta"))]
    assert [traveller.reference for traveller in narrow(presented(), twins)] == ["a", "b"]


def test_a_name_that_many_have_narrows_nothing() -> None:
    many = [expected(str(number), Particulars("Muster")) for number in range(FEW + 1)]
    assert len(narrow(presented(), many[:FEW])) == FEW
    assert narrow(presented(), many) == ()


def test_people_of_whom_nothing_is_known_are_not_meant_by_every_pass() -> None:
    assert narrow(presented(), [expected("a", None), expected("b", Particulars())]) == ()


def test_a_traveller_on_both_legs_is_one() -> None:
    legs = [LegText("ZZ", "42", 326, "HKG", "FRA", seat="12A"), LegText("ZZ", "43", 327, "FRA", "LHR", seat="3C")]
    both = read_bcbp(write_bcbp("MUSTER/ANNA", *legs), NOW)
    found = narrow(
        both, [expected("a", ANNA), expected("a", Particulars("Muster", "Anna", seat="3C"), both.flights[1])], 1
    )
    assert [traveller.flight for traveller in found] == list(both.flights)


texts = st.text(max_size=12)


@given(
    printed=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    known=st.builds(Particulars, surname=texts, given_names=texts, seat=texts, record_locator=texts, sequence=texts),
)
def test_no_name_raises(printed: str, known: Particulars) -> None:
    found = presented(printed)
    if found.legs:
        fit(found, found.legs[0], known)
