"""Situations of what a traveller presents: tokens, boarding passes, documents, theirs or somebody else's."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from gate.claims.claim import Presented, PresentedKind
from gate.claims.issue import Issue, SigningKey, issue_token
from gate.claims.jwks import Algorithm
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.gallery.traveller import Particulars
from gate.manifest.mrz_layout import MrzKind
from gate.manifest.write_mrz import write_mrz
from tests.claims.makers import EDDSA, ES256, FLIGHT, HERE, ISSUER
from tests.engine.happenings import (
    after_search,
    by_document,
    by_reference,
    clock_steps,
    leaves,
    nobody,
    passed,
    refused,
    shows,
    time_is_up,
    waits,
    while_looking,
    withdraws,
)
from tests.engine.situation import (
    PEOPLE,
    Situation,
    among,
    code,
    finger_wanted,
    nothing_compared,
    officer,
    opened,
)
from tests.engine.stage import OTHER_FLIGHT, STRANGER, Expected, name

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOURS = 3600.0
FORGED = SigningKey.generate(ISSUER, Algorithm.EDDSA, EDDSA.key_id)
"""The name of a key that is known, and another key."""

BOOKING = (
    Expected(1, particulars=Particulars("Muster", "Anna", seat="12A", record_locator="ABC123", sequence="7")),
    Expected(2, particulars=Particulars("Muster", "Berta", seat="12B", record_locator="ABC123", sequence="8")),
)


def token(
    person: int = 1,
    flight: str = FLIGHT,
    key: SigningKey = EDDSA,
    audience: str = HERE,
    begins_h: float = 0.0,
    ends_h: float = 1.0,
    bound_to: str = "",
) -> Presented:
    """The same id each time: the same token, presented again."""
    begin, end = START + timedelta(hours=begins_h), START + timedelta(hours=ends_h)
    issue = Issue(audience, name(person), flight, begin, end, bound_to, token_id="the-token-of-a-situation")
    return Presented(PresentedKind.TOKEN, issue_token(issue, key, begin))


def altered() -> Presented:
    """Another traveller's name in it, under the old signature."""
    head, body, signature = token().text.split(".")
    said = base64.urlsafe_b64decode(body + "==").replace(name(1).encode(), name(2).encode())
    return Presented(
        PresentedKind.TOKEN, ".".join((head, base64.urlsafe_b64encode(said).decode().rstrip("="), signature))
    )


def boarding_pass(passenger: str = "MUSTER/ANNA", seat: str = "12A", sequence: str = "7") -> Presented:
    leg = LegText("ZZ", "42", 326, "HKG", "LHR", "ABC123", seat=seat, sequence=sequence)
    return Presented(PresentedKind.BOARDING_PASS, write_bcbp(passenger, leg))


def zone(person: int) -> str:
    return write_mrz(
        MrzKind.TD3,
        code="P",
        issuing_state="UTO",
        number=f"XK{person:07d}",
        surname="MUSTER",
        given_names="ANNA",
        nationality="UTO",
        birth_date="800101",
        sex="F",
        expires="300101",
    )


def misread(lines: str) -> str:
    """A digit of the document number, so that its check digit is wrong."""
    at = lines.index("XK") + 4
    return lines[:at] + ("2" if lines[at] != "2" else "3") + lines[at + 1 :]


def mrz(lines: str) -> Presented:
    return Presented(PresentedKind.MRZ, lines)


def turned_away(name: str, claim: Presented, why: str, **more: object) -> Situation:
    """Of a claim that is refused: no face is compared."""
    return Situation(
        name, (shows(1),), officer("claim_refused"), claim=claim, holds=(code(why), nothing_compared), **more
    )  # type: ignore[arg-type]


TOKENS = (
    Situation("a token", (shows(1),), opened(1), claim=token(), holds=(among(1),)),
    Situation("a token signed with the other algorithm", (shows(1),), opened(1), claim=token(key=ES256)),
    Situation("a token bound to the traveller's document", (shows(1),), opened(1), claim=token(bound_to="XK0000001")),
    turned_away("a token bound to somebody else's document", token(bound_to="XK0000002"), "TOKEN_DOCUMENT"),
    turned_away("a token replayed", token(), "TOKEN_USED", before=(passed("lane-2", 1, token()),)),
    Situation(
        "a token given back after a refusal",
        (shows(1),),
        opened(1),
        claim=token(),
        before=(refused("lane-2", STRANGER, token()),),
    ),
    turned_away(
        "a token while another lane has it", token(), "TOKEN_USED", before=(passed("lane-2", 1, token()), waits(60))
    ),
    turned_away("an expired token", token(), "TOKEN_EXPIRED", before=(waits(2 * HOURS),)),
    turned_away(
        "an expired token, and the clock set back",
        token(),
        "TOKEN_EXPIRED",
        before=(waits(2 * HOURS), clock_steps(-3 * HOURS)),
    ),
    turned_away("a token of tomorrow", token(begins_h=20, ends_h=21), "TOKEN_NOT_YET_VALID"),
    turned_away("a token valid for days", token(ends_h=72), "TOKEN_LIFETIME"),
    turned_away("a forged token", token(key=FORGED), "TOKEN_SIGNATURE"),
    turned_away("a token with another name in it", altered(), "TOKEN_SIGNATURE"),
    turned_away("a token for another place", token(audience="elsewhere"), "TOKEN_AUDIENCE"),
    turned_away("a text that is no token", Presented(PresentedKind.TOKEN, "hello"), "TOKEN_MALFORMED"),
    Situation("a token of another flight", (shows(1),), officer("claim_unknown"), claim=token(flight=OTHER_FLIGHT)),
    Situation(
        "a token of another flight than the lane's",
        (shows(1),),
        officer("claim_unknown"),
        claim=token(),
        flight=OTHER_FLIGHT,
    ),
    Situation("a token of nobody", (shows(1),), officer("claim_unknown"), claim=token(77), holds=(nothing_compared,)),
    Situation("somebody else's token", (shows(2, 4),), officer("claim_mismatch"), claim=token()),
    Situation("a token, and nobody comes", (nobody(3), time_is_up), officer("no_face"), claim=token()),
    Situation("a token, and the controller hangs up", (leaves,), officer("frames_ended"), claim=token()),
    Situation("a token, and a model breaks", (shows(1, fails="model"),), officer("engine_fault"), claim=token()),
    Situation(
        "a token whose traveller is withdrawn meanwhile",
        (while_looking(withdraws(1)), shows(1)),
        officer("claim_unknown"),
        claim=token(),
    ),
    Situation(
        "a token, and time is up when the face was found",
        (after_search(time_is_up), shows(1)),
        finger_wanted("low_quality"),
        claim=token(),
    ),
)

PASSES = (
    Situation(
        "a boarding pass",
        (shows(1),),
        opened(1),
        expected=BOOKING,
        claim=boarding_pass(),
        holds=(among(1),),
        port="HKG",
    ),
    Situation(
        "somebody else's boarding pass",
        (shows(2, 4),),
        officer("claim_mismatch"),
        expected=BOOKING,
        claim=boarding_pass(),
    ),
    Situation(
        "a boarding pass that fits two",
        (shows(2),),
        opened(2),
        expected=BOOKING,
        claim=boarding_pass("MUSTER", "", ""),
        holds=(among(2),),
    ),
    Situation(
        "a boarding pass that fits two, and a third person",
        (shows(STRANGER, 4),),
        finger_wanted("no_match"),
        expected=BOOKING,
        claim=boarding_pass("MUSTER", "", ""),
    ),
    Situation(
        "a boarding pass of nobody",
        (shows(1),),
        officer("claim_unknown"),
        expected=BOOKING,
        claim=boarding_pass("NIEMAND/NORA", "", ""),
        holds=(nothing_compared,),
    ),
    turned_away("a torn boarding pass", Presented(PresentedKind.BOARDING_PASS, "M1MUST"), "CLAIM_UNREADABLE"),
    Situation("a machine-readable zone", (shows(1),), opened(1), claim=mrz(zone(1))),
    turned_away("a machine-readable zone misread", mrz(misread(zone(1))), "CLAIM_UNREADABLE"),
)

REFUSING = (Expected(1, photo=None, particulars=Particulars(face_consent=False)), *PEOPLE[1:])

DOCUMENTS = (
    Situation("a document", (shows(1),), opened(1), claim=by_document(1), holds=(among(1),)),
    Situation(
        "a document of somebody else who is expected, for one look",
        (shows(1), leaves),
        officer("claim_mismatch"),
        claim=by_document(2),
    ),
    Situation(
        "a document of somebody else who is expected", (shows(1, 4),), officer("claim_mismatch"), claim=by_document(2)
    ),
    Situation("a document, and a stranger", (shows(STRANGER, 4),), finger_wanted("no_match"), claim=by_document(2)),
    Situation(
        "a document of nobody", (shows(1),), officer("claim_unknown"), claim=by_document(77), holds=(nothing_compared,)
    ),
    Situation("a reference of nobody", (shows(1),), officer("claim_unknown"), claim=by_reference(77)),
    Situation(
        "a document of somebody without a photograph, and no sensor",
        (shows(1),),
        finger_wanted("no_reference"),
        expected=(Expected(1, photo=None, finger=1),),
        claim=by_document(1),
        holds=(nothing_compared,),
    ),
    Situation(
        "a document of somebody who does not consent",
        (shows(1),),
        officer("no_consent"),
        expected=REFUSING,
        claim=by_document(1),
        holds=(nothing_compared,),
    ),
    Situation(
        "nobody searches for somebody who does not consent",
        (shows(1, 4),),
        finger_wanted("no_match"),
        expected=REFUSING,
    ),
)

ROWS = TOKENS + PASSES + DOCUMENTS
