"""Travel tokens: what is accepted, and every way in which one must be refused."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from gate.claims.binding import Binding
from gate.claims.findings import Oddity
from gate.claims.issue import SigningKey, sign
from gate.claims.jwks import Algorithm, FixedKeys
from gate.claims.token import TYPE, TokenRules, TravelToken, looks_like_token, verify_token
from gate.errors import ClaimError, Code
from tests.claims.makers import EDDSA, ES256, FLIGHT, HERE, ISSUER, KEYS, NOW, NUMBER, RULES, token


def verified(text: str, rules: TokenRules = RULES) -> TravelToken:
    return verify_token(text, KEYS, rules, NOW)


def refusal(text: str, rules: TokenRules = RULES) -> Code:
    with pytest.raises(ClaimError) as caught:
        verified(text, rules)
    # An error's message may be logged.
    assert "traveller-7" not in caught.value.message
    assert len(text) < 12 or text not in caught.value.message
    return caught.value.code


def claims(**changed: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER,
        "aud": HERE,
        "sub": "traveller-7",
        "flight": FLIGHT,
        "iat": int(NOW.timestamp()),
        "nbf": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 3600,
        "jti": "abcdefghijklmnop",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


def encoded(part: object) -> str:
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("key", [EDDSA, ES256], ids=str)
def test_what_is_issued_is_accepted(key: SigningKey) -> None:
    found = verified(token(key, document_number=NUMBER))
    assert (found.issuer, found.key_id, found.reference, found.flight) == (ISSUER, key.key_id, "traveller-7", FLIGHT)
    assert found.not_before == NOW - timedelta(minutes=5)
    assert found.expires_at == NOW + timedelta(hours=2)
    assert found.forget_at == found.expires_at + timedelta(seconds=RULES.skew_s)
    assert found.findings == ()


def test_eddsa_by_its_new_name_is_accepted() -> None:
    """RFC 9864 deprecates `EdDSA` for `Ed25519`; issuers write either."""
    header = {"alg": "Ed25519", "kid": "ed-1", "typ": TYPE}
    assert (
        verified(jws.serialize_compact(header, json.dumps(claims()), EDDSA.key, algorithms=["Ed25519"])).reference
        == "traveller-7"
    )


def test_a_token_holds_no_document_number() -> None:
    text = token(document_number=NUMBER)
    payload = base64.urlsafe_b64decode(text.split(".")[1] + "==").decode()
    assert NUMBER not in payload
    assert token(document_number=NUMBER).split(".")[1] != text.split(".")[1], "the salt must be another each time"


def test_a_token_is_short_enough_for_a_qr_code_on_a_telephone() -> None:
    assert len(token(ES256, document_number=NUMBER)) <= 504, "QR version 17 at error correction M: 85 modules a side"


def test_its_record_shows_nothing_that_could_be_presented() -> None:
    shown = repr(verified(token(document_number=NUMBER, token_id="a-token-id-of-20-ch")))
    assert "traveller-7" not in shown
    assert "a-token-id-of-20-ch" not in shown


# --- signature and algorithm


def test_none_is_no_algorithm() -> None:
    header, payload, _ = token().split(".")
    for name in ("none", "None", "NONE", ""):
        unsigned = encoded({"alg": name, "kid": "ed-1", "typ": TYPE})
        assert refusal(f"{unsigned}.{payload}.AA") is Code.TOKEN_ALGORITHM
    assert refusal(f"{header}.{payload}.") is Code.TOKEN_MALFORMED


def test_the_public_key_as_a_shared_secret_opens_nothing() -> None:
    """The old attack: a token signed by HMAC with the public key, which a verifier that believes `alg` accepts."""
    secret = OctKey.import_key(json.dumps(EDDSA.public_jwk))
    header = {"alg": "HS256", "kid": "ed-1", "typ": TYPE}
    assert refusal(jws.serialize_compact(header, json.dumps(claims()), secret)) is Code.TOKEN_ALGORITHM


@pytest.mark.parametrize(
    ("key", "algorithm"), [(EDDSA, "ES256"), (ES256, "EdDSA"), (ES256, "Ed25519"), (ES256, "RS256")]
)
def test_the_algorithm_is_the_keys_and_not_the_headers(key: SigningKey, algorithm: str) -> None:
    _, payload, signature = token(key).split(".")
    header = encoded({"alg": algorithm, "kid": key.key_id, "typ": TYPE})
    assert refusal(f"{header}.{payload}.{signature}") is Code.TOKEN_ALGORITHM


def test_another_key_of_the_same_name_signs_nothing_here() -> None:
    for algorithm, name in ((Algorithm.EDDSA, "ed-1"), (Algorithm.ES256, "ec-1")):
        forger = SigningKey.generate(ISSUER, algorithm, name)
        assert refusal(token(forger)) is Code.TOKEN_SIGNATURE


@pytest.mark.parametrize("key", [EDDSA, ES256], ids=str)
@given(data=st.data())
def test_a_changed_character_is_never_accepted(key: SigningKey, data: st.DataObject) -> None:
    text = token(key, token_id="abcdefghijklmnop")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_.").filter(lambda c: c != text[at]))
    with pytest.raises(ClaimError):
        verified(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("length", [0, 1, 63, 65, 200])
def test_a_signature_of_another_length_is_wrong(length: int) -> None:
    for key in (EDDSA, ES256):
        header, payload, _ = token(key).split(".")
        signature = base64.urlsafe_b64encode(bytes(length)).rstrip(b"=").decode()
        assert refusal(f"{header}.{payload}.{signature}") in {Code.TOKEN_SIGNATURE, Code.TOKEN_MALFORMED}


# --- key


def test_a_key_that_is_not_known_signs_nothing() -> None:
    assert refusal(token(SigningKey.generate(ISSUER))) is Code.TOKEN_ISSUER_UNKNOWN


def test_a_key_signs_for_its_own_issuer_only() -> None:
    """Else any trusted issuer could issue in the name of every other."""
    assert refusal(sign(claims(iss="https://other.example"), EDDSA)) is Code.TOKEN_ISSUER_UNKNOWN


def test_a_revoked_key_signs_nothing_even_right() -> None:
    public = EDDSA.public
    revoked = type(public)(public.issuer, public.key_id, public.algorithm, public.key, revoked=True)
    with pytest.raises(ClaimError) as caught:
        verify_token(token(), FixedKeys([revoked]), RULES, NOW)
    assert caught.value.code is Code.TOKEN_KEY_REVOKED


# --- header


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"kid": None},
        {"kid": ["ed-1"]},
        {"crit": ["exp"]},
        {"jwk": {"kty": "OKP"}},
        {"jku": "https://forger.example/jwks.json"},
        {"b64": False},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_a_header_says_alg_kid_and_typ_and_nothing_else(change: dict[str, Any]) -> None:
    _, payload, signature = token().split(".")
    header = encoded({"alg": "EdDSA", "kid": "ed-1", "typ": TYPE, **change})
    assert refusal(f"{header}.{payload}.{signature}") is Code.TOKEN_MALFORMED


def test_a_name_that_comes_twice_is_refused() -> None:
    """Readers differ in which of the two counts: one checks the first, another acts on the second."""
    _, payload, signature = token().split(".")
    header = encoded('{"alg":"none","alg":"EdDSA","kid":"ed-1","typ":"travel+jwt"}')
    assert refusal(f"{header}.{payload}.{signature}") is Code.TOKEN_MALFORMED


# --- claims


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "flight", "iat", "nbf", "exp", "jti"])
@pytest.mark.parametrize("value", [..., None, "", [], {}, True, 1.5, -1, 1 << 60, "é", "a" * 200], ids=str)
def test_a_claim_that_is_missing_or_of_another_kind_is_refused(name: str, value: object) -> None:
    assert refusal(sign(claims(**{name: value}), EDDSA)) in {
        Code.TOKEN_MALFORMED,
        Code.TOKEN_AUDIENCE,
        Code.TOKEN_ISSUER_UNKNOWN,
    }


def test_a_time_beyond_the_calendar_is_refused() -> None:
    late = (1 << 40) - 1
    assert refusal(sign(claims(exp=late), EDDSA)) is Code.TOKEN_MALFORMED


@pytest.mark.parametrize(
    "payload", ["[]", "1", "{", '{"a":NaN}', '{"a":1,"a":2}', "[" * 2500], ids=lambda text: text[:12]
)
def test_claims_that_are_no_object_are_refused(payload: str) -> None:
    header = {"alg": "Ed25519", "kid": "ed-1", "typ": TYPE}
    text = jws.serialize_compact(header, payload, EDDSA.key, algorithms=["Ed25519"])
    assert refusal(text, TokenRules(frozenset({HERE}), max_chars=4096)) is Code.TOKEN_MALFORMED


def test_a_token_for_another_place_is_refused() -> None:
    assert refusal(token(audience="lhr-arrivals")) is Code.TOKEN_AUDIENCE
    assert refusal(token(audience=HERE.upper())) is Code.TOKEN_AUDIENCE
    assert refusal(token(), TokenRules(frozenset())) is Code.TOKEN_AUDIENCE


def test_a_token_for_several_places_is_for_each() -> None:
    assert verified(token(audience=("lhr-arrivals", HERE))).reference == "traveller-7"
    assert refusal(token(audience=(*tuple("abcdefgh"), HERE))) is Code.TOKEN_MALFORMED


@pytest.mark.parametrize(
    ("begin_s", "end_s", "code"),
    [
        (-3600, 1, None),
        (-3600, -29, None),
        (-3600, -30, Code.TOKEN_EXPIRED),
        (-3600, -31, Code.TOKEN_EXPIRED),
        (29, 3600, None),
        (30, 3600, None),
        (31, 3600, Code.TOKEN_NOT_YET_VALID),
        (-3600, 23 * 3600, None),
        (-3600, 23 * 3600 + 1, Code.TOKEN_LIFETIME),
        (60, 30, Code.TOKEN_MALFORMED),
    ],
)
def test_times_are_kept_with_the_tolerance_of_the_settings(begin_s: int, end_s: int, code: Code | None) -> None:
    begin, end = timedelta(seconds=begin_s), timedelta(seconds=end_s)
    text = token(issued=NOW + min(begin, timedelta()), begin=begin, end=end)
    if code is None:
        assert verified(text).expires_at == NOW + end
    else:
        assert refusal(text) is code


def test_a_token_issued_in_the_future_is_not_valid_yet() -> None:
    assert refusal(token(issued=NOW + timedelta(minutes=1))) is Code.TOKEN_NOT_YET_VALID


def test_a_long_life_cannot_be_hidden_by_a_late_begin() -> None:
    """The time from issue counts as well: a token that lies about for a month can be copied for a month."""
    assert refusal(token(issued=NOW - timedelta(days=30))) is Code.TOKEN_LIFETIME


def test_claims_that_are_not_read_are_named_as_such() -> None:
    found = verified(sign(claims(gate="B7"), EDDSA))
    assert [f.code for f in found.findings] == [Oddity.TOKEN_CLAIM_UNKNOWN, Oddity.TOKEN_UNBOUND]
    assert "B7" not in "".join(f.message for f in found.findings)


# --- document


def test_a_bound_token_is_its_own_travellers() -> None:
    found = verified(token(document_number=NUMBER))
    found.check_bound(("Y1111111", NUMBER))
    with pytest.raises(ClaimError) as caught:
        found.check_bound(("Y1111111",))
    assert caught.value.code is Code.TOKEN_DOCUMENT
    with pytest.raises(ClaimError):
        found.check_bound(())


def test_a_binding_can_be_required() -> None:
    required = TokenRules(frozenset({HERE}), document_required=True)
    assert refusal(token(), required) is Code.TOKEN_DOCUMENT
    assert verified(token(document_number=NUMBER), required).binding is not None


@pytest.mark.parametrize("value", ["", "abc", "a" * 37, "a" * 39, "é" * 38, "+" * 38, 7, ["a"]], ids=str)
def test_a_binding_that_is_none_is_refused(value: object) -> None:
    assert refusal(sign(claims(doc=value), EDDSA)) is Code.TOKEN_MALFORMED


def test_a_binding_comes_back_from_its_text() -> None:
    made = Binding.of(NUMBER)
    assert len(made.text) == 38
    assert Binding.parse(made.text) == made
    assert NUMBER not in repr(made)
    for number in ("", "a1", "X<1", "X" * 33):
        with pytest.raises(ValueError, match="document number"):
            Binding.of(number)


# --- anything


def test_a_token_of_another_kind_of_key_is_refused() -> None:
    for key, algorithm in ((RSAKey.generate_key(2048), "RS256"), (ECKey.generate_key("P-384"), "ES384")):
        header = {"alg": algorithm, "kid": "ed-1", "typ": TYPE}
        text = jws.serialize_compact(header, json.dumps(claims()), key, algorithms=[algorithm])
        assert refusal(text, TokenRules(frozenset({HERE}), max_chars=4096)) is Code.TOKEN_ALGORITHM


def test_a_token_that_is_too_long_is_not_even_looked_at() -> None:
    assert refusal("a." * 5_000_000) is Code.TOKEN_MALFORMED
    assert refusal(sign(claims(more="x" * 1000), EDDSA)) is Code.TOKEN_MALFORMED


def test_line_ends_of_a_scanner_are_taken_off() -> None:
    assert verified(f"\r\n {token()} \n").reference == "traveller-7"


@given(st.text(max_size=100) | st.from_regex(r"[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}"))
def test_no_text_raises_anything_but_a_claim_error(text: str) -> None:
    looks_like_token(text)
    with pytest.raises(ClaimError):
        verified(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_header_raises_anything_but_a_claim_error(value: object) -> None:
    for header in (value, {"alg": value, "kid": "ed-1", "typ": TYPE}, {"alg": "EdDSA", "kid": value, "typ": TYPE}):
        with pytest.raises(ClaimError):
            verified(f"{encoded(header)}.{encoded(claims())}.AAAA")
