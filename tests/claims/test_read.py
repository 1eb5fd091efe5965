"""The one way in: what each thing presented becomes, and that what cannot be read is an error that quotes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.claims.catalogue import table
from gate.claims.claim import Claim, ClaimKind, ClaimRules, Presented, PresentedKind
from gate.claims.findings import CATALOGUE, Oddity
from gate.claims.read import read_claim
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.errors import ClaimError, Code
from gate.gallery.traveller import TravelDocument
from gate.manifest.mrz_layout import MrzKind
from gate.manifest.write_mrz import write_mrz
from gate.vision.frame import Encoding, Frame
from tests.claims.makers import EDDSA, FLIGHT, NOW, NUMBER, rules, token

PASS = write_bcbp("MUSTER/ANNA", LegText("ZZ", "42", 326, "HKG", "LHR", "ABC123", seat="12A"))


def mrz(kind: MrzKind = MrzKind.TD3, number: str = NUMBER, expires: str = "301231") -> str:
    return write_mrz(
        kind,
        code="I" if kind is MrzKind.TD1 else "P",
        issuing_state="UTO",
        number=number,
        surname="MUSTER",
        given_names="ANNA",
        nationality="UTO",
        birth_date="900101",
        sex="F",
        expires=expires,
    )


def read(kind: PresentedKind, text: str, state: str = "", given_rules: ClaimRules | None = None) -> Claim:
    return read_claim(Presented(kind, text, state), given_rules or rules(), NOW)


def refusal(kind: PresentedKind, text: str, state: str = "", given_rules: ClaimRules | None = None) -> ClaimError:
    with pytest.raises(ClaimError) as caught:
        read(kind, text, state, given_rules)
    for secret in ("MUSTER", "ANNA", NUMBER, "ABC123", "traveller-7"):
        assert secret not in caught.value.message
    return caught.value


def test_nothing_is_no_claim() -> None:
    assert read_claim(Presented.nothing(), rules(), NOW) == Claim(ClaimKind.NONE)


@pytest.mark.parametrize(
    ("text", "state"), [(NUMBER, "UTO"), (f" {NUMBER.lower()} ", "uto"), (NUMBER, ""), (NUMBER, "D<<")]
)
def test_a_document_is_claimed_by_number_and_state(text: str, state: str) -> None:
    claim = read(PresentedKind.DOCUMENT, text, state)
    assert claim.kind is ClaimKind.DOCUMENT
    assert claim.document == TravelDocument(NUMBER, state.upper().strip("<"))


@pytest.mark.parametrize(
    ("text", "state"),
    [("", ""), ("X<1", ""), ("X" * 33, ""), ("ß1", ""), ("X 1", ""), (NUMBER, "UTOP"), (NUMBER, "U7")],
)
def test_what_is_no_document_number_is_refused(text: str, state: str) -> None:
    assert refusal(PresentedKind.DOCUMENT, text, state).code is Code.CLAIM_UNREADABLE


@pytest.mark.parametrize(
    ("kind", "number"), [(MrzKind.TD3, NUMBER), (MrzKind.TD2, NUMBER), (MrzKind.TD1, "X00000428899")]
)
def test_a_zone_is_claimed_by_its_number_in_full(kind: MrzKind, number: str) -> None:
    claim = read(PresentedKind.MRZ, mrz(kind, number))
    assert claim.kind is ClaimKind.DOCUMENT
    assert claim.document == TravelDocument(number, "UTO", date(2030, 12, 31))
    assert claim.findings == ()


def test_a_number_that_does_not_fit_its_check_digit_is_nobodys() -> None:
    """A misread number may be another traveller's."""
    wrong = mrz().replace(NUMBER, NUMBER.replace("42", "24"))
    assert "check digit" in refusal(PresentedKind.MRZ, wrong).message


def test_another_wrong_check_digit_is_named_and_the_claim_stands() -> None:
    zone = mrz().replace("900101", "900102")
    claim = read(PresentedKind.MRZ, zone)
    assert claim.document is not None
    assert {f.code for f in claim.findings} == {Oddity.MRZ_ODD}


def test_an_expired_document_is_said_to_be() -> None:
    claim = read(PresentedKind.MRZ, mrz(expires="261121"))
    assert [f.code for f in claim.findings] == [Oddity.DOCUMENT_EXPIRED]
    assert read(PresentedKind.MRZ, mrz(expires="261122")).findings == (), "it is valid on its last day"


@pytest.mark.parametrize("text", ["", "no zone", "P<UTO", "A" * 88, PASS])
def test_what_is_no_zone_is_refused(text: str) -> None:
    assert refusal(PresentedKind.MRZ, text).code is Code.CLAIM_UNREADABLE


@pytest.mark.parametrize("kind", [PresentedKind.BOARDING_PASS, PresentedKind.CODE])
def test_a_boarding_pass_is_claimed_by_its_flights(kind: PresentedKind) -> None:
    claim = read(kind, PASS)
    assert (claim.kind, claim.flights) == (ClaimKind.BOARDING_PASS, (FLIGHT,))
    assert claim.boarding_pass is not None
    assert (claim.document, claim.reference) == (None, ""), "a boarding pass alone names nobody"


def test_only_legs_of_this_place_count_where_any_does() -> None:
    through = write_bcbp(
        "MUSTER/ANNA", LegText("ZZ", "40", 325, "SYD", "HKG"), LegText("ZZ", "42", 326, "HKG", "LHR"),
        LegText("ZZ", "44", 327, "LHR", "EDI"),
    )  # fmt: skip
    assert read(PresentedKind.BOARDING_PASS, through).flights == ("ZZ0040/2026-11-21", FLIGHT)
    elsewhere = read(PresentedKind.BOARDING_PASS, through, given_rules=ClaimRules("CDG"))
    assert len(elsewhere.flights) == 3
    assert Oddity.LEG_ELSEWHERE in {f.code for f in elsewhere.findings}
    assert len(read(PresentedKind.BOARDING_PASS, through, given_rules=ClaimRules()).flights) == 3


def test_a_boarding_pass_that_cannot_be_read_says_why_by_codes() -> None:
    assert "BCBP_SHORT" in refusal(PresentedKind.BOARDING_PASS, PASS[:40]).message
    message = refusal(PresentedKind.BOARDING_PASS, PASS.replace("326Y", "999Y")).message
    assert "DATE_INVALID in leg 1" in message


@pytest.mark.parametrize("kind", [PresentedKind.TOKEN, PresentedKind.CODE])
def test_a_token_is_claimed_by_its_reference(kind: PresentedKind) -> None:
    claim = read(kind, token(EDDSA, document_number=NUMBER))
    assert (claim.kind, claim.reference, claim.flights) == (ClaimKind.TOKEN, "traveller-7", (FLIGHT,))
    assert claim.token is not None
    claim.token.check_bound((NUMBER,))


def test_a_token_is_used_by_being_read_until_it_is_given_back() -> None:
    text, same = token(), rules()
    claim = read(PresentedKind.TOKEN, text, given_rules=same)
    assert refusal(PresentedKind.TOKEN, text, given_rules=same).code is Code.TOKEN_USED
    assert same.tokens is not None
    assert claim.token is not None
    same.tokens.give_back(claim.token)
    assert read(PresentedKind.TOKEN, text, given_rules=same).reference == "traveller-7"


def test_a_token_is_remembered_as_long_as_it_would_be_accepted() -> None:
    """The tolerance for clocks lengthens its life, so it must lengthen the memory too."""
    text, same = token(end=timedelta(minutes=1)), rules()
    read(PresentedKind.TOKEN, text, given_rules=same)
    for after_s in (59, 60, 61, 89):
        with pytest.raises(ClaimError) as caught:
            read_claim(Presented(PresentedKind.TOKEN, text), same, NOW + timedelta(seconds=after_s))
        assert caught.value.code is Code.TOKEN_USED
    with pytest.raises(ClaimError) as caught:
        read_claim(Presented(PresentedKind.TOKEN, text), same, NOW + timedelta(seconds=90))
    assert caught.value.code is Code.TOKEN_EXPIRED


def test_a_token_that_is_refused_is_not_used_up() -> None:
    """Else somebody could use up another's token at the wrong place."""
    same = rules()
    text = token(audience="lhr-arrivals", token_id="a-token-id-of-20-ch")
    assert refusal(PresentedKind.TOKEN, text, given_rules=same).code is Code.TOKEN_AUDIENCE
    assert read(PresentedKind.TOKEN, token(token_id="a-token-id-of-20-ch"), given_rules=same).token is not None


def test_a_full_memory_refuses_and_says_so() -> None:
    full = rules(limit=1)
    read(PresentedKind.TOKEN, token(), given_rules=full)
    assert refusal(PresentedKind.TOKEN, token(), given_rules=full).code is Code.TOKENS_FULL


def test_tokens_are_off_until_they_are_set_up() -> None:
    assert refusal(PresentedKind.TOKEN, token(), given_rules=ClaimRules()).code is Code.TOKENS_OFF


@pytest.mark.parametrize("text", ["", "https://advertisement.example", "M", "a.b", NUMBER])
def test_a_code_that_is_neither_is_refused(text: str) -> None:
    assert refusal(PresentedKind.CODE, text).code is Code.CLAIM_UNREADABLE


def test_nothing_of_what_was_presented_is_in_the_records_text() -> None:
    shown = [
        repr(Presented(PresentedKind.TOKEN, token())),
        repr(read(PresentedKind.MRZ, mrz())),
        repr(read(PresentedKind.BOARDING_PASS, PASS)),
        repr(read(PresentedKind.TOKEN, token())),
    ]
    for secret in ("MUSTER", "ANNA", NUMBER, "ABC123", "traveller-7", "eyJ"):
        assert not any(secret in text for text in shown)


@given(kind=st.sampled_from(PresentedKind), text=st.text(max_size=120), state=st.text(max_size=4))
def test_whatever_is_presented_becomes_a_claim_or_a_claim_error(kind: PresentedKind, text: str, state: str) -> None:
    try:
        assert read_claim(Presented(kind, text, state), rules(), NOW).kind in ClaimKind
    except ClaimError as error:
        assert error.code in {Code.CLAIM_UNREADABLE, Code.TOKEN_MALFORMED}


@given(
    data=st.one_of(st.binary(max_size=64), st.binary(max_size=32).map(lambda tail: b"\x89PNG\r\n\x1a\n" + tail)),
    encoding=st.sampled_from(Encoding),
    width=st.integers(0, 70),
    height=st.integers(0, 70),
)
def test_whatever_is_shown_as_a_picture_becomes_a_claim_error(
    data: bytes, encoding: Encoding, width: int, height: int
) -> None:
    shown = Frame(0, 0, encoding, width, height, data * (width * height if len(data) == 1 else 1))
    with pytest.raises(ClaimError):
        read_claim(Presented(PresentedKind.PICTURE, picture=shown), rules(), NOW)


def test_a_reference_is_claimed_as_it_stands() -> None:
    assert read(PresentedKind.REFERENCE, "t-7").reference == "t-7"
    for text in ("", "é", "x" * 129, "a\nb"):
        assert refusal(PresentedKind.REFERENCE, text).code is Code.CLAIM_UNREADABLE


def test_every_oddity_has_a_meaning() -> None:
    assert set(CATALOGUE) == set(Oddity)
    assert all(kind.meaning.endswith(".") for kind in CATALOGUE.values())


def test_the_page_lists_every_oddity() -> None:
    page = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
    assert table() in page, "docs/claims.md is out of date: paste the output of `python -m gate.claims.catalogue`"
