"""From what a traveller presents to a claim: the one way in."""

from __future__ import annotations

import re
from datetime import datetime

from gate.claims.barcode import read_code
from gate.claims.bcbp import looks_like_bcbp, read_bcbp
from gate.claims.boarding_pass import BoardingPass
from gate.claims.claim import Claim, ClaimKind, ClaimRules, Presented, PresentedKind
from gate.claims.findings import ClaimFinding, Oddity, Severity, finding
from gate.claims.token import looks_like_token, verify_token
from gate.errors import ClaimError, Code, FrameError
from gate.gallery.traveller import TravelDocument
from gate.manifest.mrz import read_mrz
from gate.manifest.mrz_check import FILLER
from gate.vision.frame import DecodeLimits, Frame, decode

_NUMBER = re.compile(r"[0-9A-Z]{1,32}")
_STATE = re.compile(r"[A-Z]{1,3}|")
_REFERENCE = re.compile(r"[\x20-\x7e]{1,128}")


def read_claim(presented: Presented, rules: ClaimRules, now: datetime) -> Claim:
    """Reads and verifies what a traveller presented. A token is used by this: see `Tokens.give_back`.

    Args:
        presented: from the lane.
        rules: of this place.
        now: UTC, from a clock that is never set back.

    Raises:
        ClaimError: CLAIM_UNREADABLE, BARCODE_…, TOKENS_OFF, TOKENS_FULL, TOKEN_…. The message quotes
            nothing that was presented.
        IssuerKeyError: ISSUER_KEYS_INVALID.
        StorageFault: DISK_FULL, DISK_FAILED: whether the token was used could not be written down.
    """
    match presented.kind:
        case PresentedKind.NOTHING:
            return Claim(ClaimKind.NONE)
        case PresentedKind.REFERENCE:
            return _reference(presented.text)
        case PresentedKind.DOCUMENT:
            return _document(presented)
        case PresentedKind.MRZ:
            return _mrz(presented.text, now)
        case PresentedKind.BOARDING_PASS:
            return _boarding_pass(presented.text, rules, now)
        case PresentedKind.TOKEN:
            return _token(presented.text, rules, now)
        case PresentedKind.CODE:
            return _code(presented.text, rules, now)
        case PresentedKind.PICTURE:
            return _code(_text_in(presented.picture), rules, now)


def _reference(text: str) -> Claim:
    if not _REFERENCE.fullmatch(text):
        raise _unreadable("a reference of 1 to 128 printable ASCII characters")
    return Claim(ClaimKind.REFERENCE, reference=text)


def _document(presented: Presented) -> Claim:
    # Checked before it is turned: outside ASCII a small letter may have a capital within it.
    number, state = presented.text.strip(), presented.issuing_state.strip().strip(FILLER)
    plain = number.isascii() and state.isascii()
    if not plain or not _NUMBER.fullmatch(number.upper()) or not _STATE.fullmatch(state.upper()):
        raise _unreadable(
            "a document number of 1 to 32 letters A to Z and digits, and a state of at most three letters"
        )
    return Claim(ClaimKind.DOCUMENT, document=TravelDocument(number.upper(), state.upper()))


def _mrz(text: str, now: datetime) -> Claim:
    mrz = read_mrz(text, now, explained=False)
    number = mrz.number.replace(FILLER, "")
    if mrz.kind is None or not _NUMBER.fullmatch(number):
        raise _unreadable("a machine-readable zone of 30+30+30, 36+36 or 44+44 characters with a document number")
    if "number" in mrz.doubtful:
        raise _unreadable("a document number that fits its check digit; let the document be read again")
    findings = [finding(Oddity.MRZ_ODD, each.message, each.segment) for each in mrz.findings]
    if mrz.expires is not None and mrz.expires < now.date() and "expires" not in mrz.doubtful:
        findings.append(finding(Oddity.DOCUMENT_EXPIRED, f"expired on {mrz.expires}", "expires"))
    state = mrz.issuing_state if _STATE.fullmatch(mrz.issuing_state) else ""
    expires = None if "expires" in mrz.doubtful else mrz.expires
    return Claim(ClaimKind.DOCUMENT, document=TravelDocument(number, state, expires), findings=tuple(findings))


def _code(text: str, rules: ClaimRules, now: datetime) -> Claim:
    if looks_like_bcbp(text):
        return _boarding_pass(text, rules, now)
    if looks_like_token(text):
        return _token(text, rules, now)
    raise _unreadable("a boarding pass (IATA BCBP) or a travel token in the barcode")


def _text_in(picture: Frame | None) -> str:
    if picture is None:
        raise _unreadable("a picture")
    try:
        image = decode(picture, DecodeLimits())
    except FrameError as error:
        raise ClaimError(Code.BARCODE_UNUSABLE, f"The picture cannot be decoded: {error.code}.") from error
    return read_code(image)


def _boarding_pass(text: str, rules: ClaimRules, now: datetime) -> Claim:
    found = read_bcbp(text, now)
    if not found.readable:
        raise _unreadable(f"a boarding pass (IATA BCBP); found {_in_words(found.findings)}")
    here = _flights(found, rules.port)
    odd = tuple(each for each in found.findings if each.severity is not Severity.ERROR)
    if not here:
        odd = (*odd, finding(Oddity.LEG_ELSEWHERE, f"no leg begins or ends at {rules.port}"))
    return Claim(ClaimKind.BOARDING_PASS, flights=here or found.flights, boarding_pass=found, findings=odd)


def _flights(found: BoardingPass, port: str) -> tuple[str, ...]:
    """Of the legs that touch a place; one that does not say where it goes may."""
    return tuple(
        leg.flight
        for leg in found.legs
        if leg.flight and (not port or port in {leg.origin, leg.destination} or not (leg.origin and leg.destination))
    )


def _token(text: str, rules: ClaimRules, now: datetime) -> Claim:
    tokens = rules.tokens
    if tokens is None:
        raise ClaimError(Code.TOKENS_OFF, "Travel tokens are not accepted here.")
    token = verify_token(text, tokens.keys, tokens.rules, now)
    if not tokens.used.take(token.issuer, token.token_id, token.forget_at, now):
        raise ClaimError(Code.TOKEN_USED, "Expected a token that was not used yet.")
    return Claim(
        ClaimKind.TOKEN,
        reference=token.reference,
        flights=(token.flight,),
        token=token,
        findings=token.findings,
    )


def _in_words(findings: tuple[ClaimFinding, ...]) -> str:
    """Codes and places, without what was read."""
    wrong = [f"{f.code}{f' in leg {f.leg}' if f.leg else ''}" for f in findings if f.severity is Severity.ERROR]
    return ", ".join(dict.fromkeys(wrong)) or "nothing"


def _unreadable(expected: str) -> ClaimError:
    return ClaimError(Code.CLAIM_UNREADABLE, f"Expected {expected}.")
