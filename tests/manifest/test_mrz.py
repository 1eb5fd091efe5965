"""Machine-readable zones: what the standard's specimens say, what one wrong character does, and what no text may do."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.manifest.findings import FindingCode, Severity
from gate.manifest.mrz import Mrz, MrzKind, read_mrz
from gate.manifest.mrz_check import check_digit
from gate.manifest.mrz_layout import LAYOUTS
from gate.manifest.write_mrz import write_mrz

NOW = date(2026, 11, 22)

# The specimens printed in ICAO Doc 9303 parts 4 to 7.
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
TD1_LONG = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD2_LONG = "I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<\nD23145890<UTO3407127M95071227349<<<8"
MRV_A = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<"
MRV_B = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<"


def codes(mrz: Mrz) -> list[FindingCode]:
    return [finding.code for finding in mrz.findings]


@pytest.mark.parametrize(
    ("text", "kind", "number", "nationality", "born", "expires", "optional"),
    [
        (TD3, MrzKind.TD3, "L898902C3", "UTO", date(1974, 8, 12), date(2012, 4, 15), "ZE184226B"),
        (TD1, MrzKind.TD1, "D23145890", "UTO", date(1974, 8, 12), date(2012, 4, 15), ""),
        (TD1_LONG, MrzKind.TD1, "D23145890734", "UTO", date(1934, 7, 12), date(1995, 7, 12), ""),
        (TD2, MrzKind.TD2, "D23145890", "UTO", date(1974, 8, 12), date(2012, 4, 15), ""),
        (TD2_LONG, MrzKind.TD2, "D23145890734", "UTO", date(1934, 7, 12), date(1995, 7, 12), ""),
        (MRV_A, MrzKind.MRV_A, "L8988901C", "XXX", date(1940, 9, 7), date(1996, 12, 10), "6ZE184226B"),
        (MRV_B, MrzKind.MRV_B, "L8988901C", "XXX", date(1940, 9, 7), date(1996, 12, 10), ""),
    ],
)
def test_the_specimens_of_the_standard_read_without_a_finding(
    text: str, kind: MrzKind, number: str, nationality: str, born: date, expires: date, optional: str
) -> None:
    mrz = read_mrz(text, NOW)
    assert mrz.findings == ()
    assert mrz.readable
    assert not mrz.doubtful
    assert (mrz.kind, mrz.number, mrz.nationality, mrz.issuing_state) == (kind, number, nationality, "UTO")
    assert (mrz.birth_date, mrz.expires, mrz.optional_data) == (born, expires, optional)
    assert mrz.surname in ("ERIKSSON", "STEVENSON")
    assert mrz.given_names in ("ANNA MARIA", "PETER JOHN")


@pytest.mark.parametrize("text", [TD3, TD1, TD2, MRV_A, MRV_B])
@pytest.mark.parametrize(
    "spoil",
    [
        str.lower,
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n", "\r\n") + "\r\n\r\n",
        lambda text: text.replace("\n", "|"),
        lambda text: "  " + text.replace("\n", " \n  "),
        lambda text: text.replace("<<", "« ").replace(" ", ""),
    ],
    ids=["lower case", "one line", "CRLF", "bars", "indented", "quotation marks for fillers"],
)
def test_an_untidy_zone_reads_the_same(text: str, spoil: object) -> None:
    assert callable(spoil)
    spoilt, plain = read_mrz(spoil(text), NOW), read_mrz(text, NOW)
    assert (spoilt.number, spoilt.surname, spoilt.given_names) == (plain.number, plain.surname, plain.given_names)
    assert (spoilt.birth_date, spoilt.expires, spoilt.checks) == (plain.birth_date, plain.expires, plain.checks)
    assert not spoilt.doubtful


def test_lower_case_and_blanks_are_said_to_have_been_there() -> None:
    mrz = read_mrz(TD3.lower().replace("anna<maria", "anna<ma ria"), NOW)
    assert codes(mrz) == [FindingCode.MRZ_TIDIED, FindingCode.MRZ_TIDIED]
    assert mrz.given_names == "ANNA MARIA"


def test_blanks_that_stand_for_fillers_are_fillers() -> None:
    mrz = read_mrz(TD3.replace("<", " "), NOW)
    assert (mrz.surname, mrz.given_names, mrz.number) == ("ERIKSSON", "ANNA MARIA", "L898902C3")
    assert not mrz.doubtful


def test_a_confusion_is_suggested_and_the_value_stays_as_read() -> None:
    """A reader that repairs silently hands a made-up document number to the border."""
    mrz = read_mrz(TD3.replace("L898902C3", "L8989O2C3"), NOW)
    assert mrz.number == "L8989O2C3"
    assert mrz.doubtful == {"number", "composite"}
    number = next(check for check in mrz.checks if check.field == "number")
    assert number.explanations == ("O in line 2, column 6, may be 0",)
    assert "may be 0" in next(f.message for f in mrz.findings if f.code is FindingCode.MRZ_CHECK_DIGIT)


def test_several_letters_in_a_date_are_explained_together() -> None:
    mrz = read_mrz(TD3.replace("740812", "74O8I2"), NOW)
    assert mrz.birth_date is None
    birth = next(check for check in mrz.checks if check.field == "birth_date")
    assert birth.explanations == ("O in line 2, column 16, may be 0 and I in line 2, column 18, may be 1",)


def test_a_misread_check_digit_is_itself_explained() -> None:
    mrz = read_mrz(TD3.replace("<<<<<10", "<<<<<1O"), NOW)
    assert mrz.doubtful == {"composite"}
    assert mrz.checks[-1].explanations == ("O in line 2, column 44, may be 0",)


def test_what_no_confusion_explains_has_no_suggestion() -> None:
    mrz = read_mrz(TD3.replace("L898902C36", "R898902C36"), NOW)
    assert mrz.doubtful >= {"number"}
    assert all(check.explanations == () for check in mrz.checks)


@given(data=st.data(), text=st.sampled_from([TD3, TD1, TD1_LONG, TD2, MRV_A, MRV_B]))
def test_one_wrong_character_is_caught_as_the_standard_promises(data: st.DataObject, text: str) -> None:
    """Unless the two values differ by a multiple of ten: then no reader can know."""
    lines = text.split("\n")
    mrz = read_mrz(text, NOW)
    assert mrz.kind is not None
    covered = [
        place for check in LAYOUTS[mrz.kind].checks(tuple(lines)) for span in check.spans for place in span.positions()
    ]
    line, at = data.draw(st.sampled_from(covered))
    wrong = data.draw(st.sampled_from(string.ascii_uppercase + string.digits + "<"))
    # A filler more or less turns a long number into a short one: another structure, not another character.
    assume("<" not in (wrong, lines[line][at]))
    assume(check_digit(wrong) != check_digit(lines[line][at]))
    lines[line] = lines[line][:at] + wrong + lines[line][at + 1 :]
    assert read_mrz("\n".join(lines), NOW).doubtful


names = st.text(string.ascii_uppercase, min_size=1, max_size=12)
days = st.dates(date(1990, 1, 1), date(2026, 11, 21))


@given(
    kind=st.sampled_from(MrzKind),
    surname=names,
    given_names=st.lists(names, max_size=2),
    number=st.text(string.ascii_uppercase + string.digits, min_size=5, max_size=12),
    born=days,
    sex=st.sampled_from("MF<"),
    state=st.sampled_from(["D", "UTO", "XXA", "GBR"]),
    optional=st.text(string.ascii_uppercase + string.digits, max_size=3),
)
def test_what_is_written_is_read(
    kind: MrzKind, surname: str, given_names: list[str], number: str, born: date, sex: str, state: str, optional: str
) -> None:
    if kind not in (MrzKind.TD1, MrzKind.TD2):
        number = number[:9]
    if kind is MrzKind.TD2 and len(number) > 9:
        optional = ""  # four of its seven places may be taken
    text = write_mrz(
        kind,
        code="V" if kind in (MrzKind.MRV_A, MrzKind.MRV_B) else "P" if kind is MrzKind.TD3 else "I",
        issuing_state=state,
        number=number,
        surname=surname,
        given_names=" ".join(given_names),
        nationality=state,
        birth_date=f"{born:%y%m%d}",
        sex=sex,
        expires="310102",
        optional_data=optional,
    )
    mrz = read_mrz(text, datetime(2026, 11, 22, tzinfo=UTC))
    assert not mrz.doubtful
    assert (mrz.kind, mrz.number, mrz.optional_data) == (kind, number, optional)
    assert (mrz.issuing_state, mrz.nationality) == (state, state)
    assert (mrz.birth_date, mrz.expires, mrz.sex) == (born, date(2031, 1, 2), "X" if sex == "<" else sex)
    if not mrz.names_truncated:
        assert (mrz.surname, mrz.given_names) == (surname, " ".join(given_names))


def test_a_state_of_one_letter_is_germany() -> None:
    mrz = read_mrz("P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\n" + TD3.split("\n")[1].replace("UTO", "D<<"), NOW)
    assert (mrz.issuing_state, mrz.nationality, mrz.surname) == ("D", "D", "MUSTERMANN")
    assert FindingCode.MRZ_CODE not in codes(mrz)


def test_a_holder_without_given_names_is_no_oddity() -> None:
    mrz = read_mrz(TD3.replace("ERIKSSON<<ANNA<MARIA", "ARKFREITH<<<<<<<<<<<"), NOW)
    assert (mrz.surname, mrz.given_names, mrz.findings) == ("ARKFREITH", "", ())


def test_names_that_fill_their_field_may_be_cut() -> None:
    mrz = read_mrz("P<UTONILAVADHANANANDA<<ARNPOL<PETCH<CHAROENG\n" + TD3.split("\n")[1], NOW)
    assert mrz.names_truncated
    assert codes(mrz) == [FindingCode.MRZ_NAME_TRUNCATED]


def test_an_unknown_birth_day_is_unknown_rather_than_the_first() -> None:
    line = "D231458907UTO7408<<" + str(check_digit("7408<<")) + "F1204159<<<<<<<"
    line += str(check_digit(line[:10] + line[13:20] + line[21:35]))
    mrz = read_mrz(TD2.split("\n", maxsplit=1)[0] + "\n" + line, NOW)
    assert (mrz.birth_date, mrz.birth_date_read) == (None, "7408<<")
    assert codes(mrz) == [FindingCode.MRZ_DATE_UNKNOWN]


@pytest.mark.parametrize(("now", "born"), [(date(2026, 11, 22), 1926), (date(2026, 12, 31), 2026)])
def test_nobody_is_born_in_the_future(now: date, born: int) -> None:
    text = write_mrz(
        MrzKind.TD3,
        code="P",
        issuing_state="UTO",
        number="X1234567",
        surname="A",
        given_names="B",
        nationality="UTO",
        birth_date="261123",
        sex="F",
        expires="800101",
    )
    mrz = read_mrz(text, now)
    assert mrz.birth_date == date(born, 11, 23)
    assert mrz.expires == date(1980, 1, 1)


def test_a_line_that_lost_fillers_is_read_and_one_that_lost_data_is_not() -> None:
    first, second = TD3.split("\n")
    short = read_mrz(f"{first[:-2]}\n{second}", NOW)
    assert [(f.code, f.severity) for f in short.findings] == [(FindingCode.MRZ_LENGTH, Severity.WARNING)]
    assert short.surname == "ERIKSSON"
    broken = read_mrz(f"{first}\n{second[:-1]}", NOW)
    assert (broken.surname, broken.number, broken.birth_date, broken.checks) == ("ERIKSSON", "", None, ())
    assert not broken.readable


def test_digits_among_letters_are_pointed_out() -> None:
    mrz = read_mrz(TD3.replace("P<UTOERIKSSON", "P<UT0ER1KSSON"), NOW)
    assert [f.code for f in mrz.findings] == [FindingCode.MRZ_NAME, FindingCode.MRZ_CODE]
    assert (mrz.issuing_state, mrz.surname) == ("UT0", "ER1KSSON")
    assert "1 may be I" in mrz.findings[0].message
    assert "0 may be O" in mrz.findings[1].message


@pytest.mark.parametrize(
    "text", ["", "\x00", "HELLO", "A\nB", "A\nB\nC", "<" * 5000, "ß" * 88, "P" * 44 + "\n" + "٣" * 44]
)
def test_what_is_no_zone_is_a_finding(text: str) -> None:
    mrz = read_mrz(text, NOW)
    assert mrz.findings
    assert mrz.kind is None or mrz.doubtful


@given(st.text(max_size=300) | st.text("P<VI0O1AB9 \n", max_size=120) | st.text("<AZ09ß٣", min_size=86, max_size=92))
def test_no_text_raises(text: str) -> None:
    assert isinstance(read_mrz(text, NOW), Mrz)


@given(data=st.data(), text=st.sampled_from([TD3, TD1, TD2, MRV_A, MRV_B]))
def test_no_spoilt_zone_raises(data: st.DataObject, text: str) -> None:
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 2)) :]
        text = text or " "
    assert isinstance(read_mrz(text, NOW), Mrz)
