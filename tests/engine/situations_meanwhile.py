"""Situations of a face that matches, and yet: what changes meanwhile, and whom the rules keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gate.gallery.traveller import Particulars
from tests.engine.happenings import (
    after_search,
    by_document,
    by_reference,
    clock_steps,
    consent_withdrawn,
    enrols,
    finger,
    flight_closes,
    nobody,
    shows,
    shuts_down,
    sweeps,
    tampers,
    time_is_up,
    waits,
    while_embedding,
    while_looking,
    withdraws,
)
from tests.engine.situation import (
    PEOPLE,
    Situation,
    among,
    clock_told,
    finger_wanted,
    frames,
    gone,
    nobody_asked,
    nothing_compared,
    officer,
    opened,
    refused_with,
)
from tests.engine.stage import STRANGER, Expected, document

HOURS = 3600.0
SHORT = (Expected(1, hours=0.001), Expected(2))
"""One of whom has 3.6 seconds left."""

MEANWHILE = (
    Situation(
        "a template expires mid-passage",
        (nobody(), waits(4), shows(1, 4)),
        finger_wanted("no_match"),
        expected=SHORT,
        holds=(among(1),),
    ),
    Situation(
        "a template expires while its face is embedded",
        (while_embedding(waits(4)), shows(1, 4)),
        finger_wanted("no_match"),
        expected=SHORT,
    ),
    Situation(
        "a template expires while the search runs",
        (after_search(waits(4)), shows(1)),
        officer("expired"),
        expected=SHORT,
    ),
    Situation(
        "a claimed template expires mid-passage",
        (nobody(), waits(4), shows(1)),
        officer("claim_unknown"),
        expected=SHORT,
        claim=by_reference(1),
    ),
    Situation(
        "a template expires and is swept mid-passage",
        (nobody(), waits(4), sweeps, shows(1, 4)),
        finger_wanted("no_match"),
        expected=SHORT,
        holds=(gone(1),),
    ),
    Situation(
        "the flight is closed mid-passage",
        (nobody(), flight_closes(), shows(1, 4)),
        finger_wanted("no_match"),
        holds=(gone(1), gone(2), among(1)),
    ),
    Situation(
        "the flight is closed while its traveller is embedded",
        (while_embedding(flight_closes()), shows(1, 4)),
        finger_wanted("no_match"),
        holds=(gone(1),),
    ),
    Situation(
        "the only flight is closed mid-passage",
        (nobody(), flight_closes(), shows(1)),
        officer("gallery_empty"),
        expected=PEOPLE[:2],
    ),
    Situation(
        "withdrawn mid-passage", (nobody(), withdraws(1), shows(1, 4)), finger_wanted("no_match"), holds=(gone(1),)
    ),
    Situation(
        "withdrawn while embedded",
        (while_embedding(withdraws(1)), shows(1, 4)),
        finger_wanted("no_match"),
        holds=(gone(1),),
    ),
    Situation(
        "claimed, and withdrawn while looked at",
        (while_looking(withdraws(1)), shows(1)),
        officer("claim_unknown"),
        claim=by_document(1),
    ),
    Situation("consent withdrawn mid-passage", (nobody(), consent_withdrawn(1), shows(1)), officer("no_consent")),
    Situation(
        "consent withdrawn mid-passage by somebody claimed",
        (nobody(), consent_withdrawn(1), shows(1)),
        officer("claim_unknown"),
        claim=by_document(1),
    ),
    Situation(
        "withdrawn when the face was found",
        (after_search(withdraws(1)), shows(1)),
        officer("expired"),
        holds=(gone(1),),
    ),
    Situation(
        "consent withdrawn when the face was found",
        (after_search(consent_withdrawn(1)), shows(1)),
        officer("no_consent"),
    ),
    Situation(
        "enrolled mid-passage",
        (shows(5), enrols(Expected(5)), shows(5)),
        opened(5),
        holds=(among(4),),
    ),
    Situation(
        "the clock is set forward past every expiry",
        (nobody(), clock_steps(5 * HOURS), shows(1)),
        officer("gallery_empty"),
        holds=(clock_told, gone(1)),
    ),
    Situation(
        "the clock is set back, and nobody lives longer by it",
        (nobody(), waits(3.9 * HOURS), clock_steps(-2 * HOURS), nobody(), waits(0.2 * HOURS), shows(1)),
        officer("gallery_empty"),
        holds=(clock_told, gone(1)),
    ),
    Situation("the clock is set back a little", (clock_steps(-HOURS), shows(1)), opened(1), holds=(clock_told,)),
    Situation(
        "time is up while the detector runs",
        (while_looking(time_is_up), shows(1)),
        officer("no_face"),
        holds=(nothing_compared,),
    ),
    Situation(
        "time is up while a face is embedded",
        (while_embedding(time_is_up), shows(1)),
        finger_wanted("low_quality"),
    ),
    Situation("time is up when the face was found", (after_search(time_is_up), shows(1)), finger_wanted("low_quality")),
    Situation("the engine shuts down", (shows(STRANGER), shuts_down), officer("shutting_down")),
    Situation(
        "the engine shuts down while a model runs", (while_looking(shuts_down), shows(1)), officer("shutting_down")
    ),
    Situation("a model breaks", (shows(STRANGER), shows(1, fails="model")), officer("engine_fault")),
    Situation(
        "a picture that cannot be decoded",
        (shows(1, fails="frame"), shows(1)),
        opened(1),
        holds=(refused_with("FRAME_TRUNCATED"), frames(2, used=1, rejected=1)),
    ),
    Situation(
        "nothing but pictures that cannot be decoded",
        (shows(1, 3, fails="frame"), time_is_up),
        officer("no_face"),
        holds=(frames(3, used=0, rejected=3),),
    ),
    Situation("frames that no honest camera sends", (shows(STRANGER), tampers), officer("tampered_frames")),
    Situation("a finger that nobody asked for", (finger(2), shows(1)), opened(1), sensor=True, holds=(nobody_asked,)),
)

BORN = date(2015, 11, 23)
"""A day short of being eleven."""
EXPIRED, VALID = date(2026, 11, 21), date(2026, 11, 22)


def _said(**particulars: object) -> tuple[Expected, ...]:
    return (replace(PEOPLE[0], particulars=Particulars(**particulars)), *PEOPLE[1:])  # type: ignore[arg-type]


def _papers(*expires: date | None) -> tuple[Expected, ...]:
    documents = tuple(document(10 + n, expires=day) for n, day in enumerate(expires))
    return (replace(PEOPLE[0], documents=documents), *PEOPLE[1:])


RULES = (
    Situation("under age", (shows(1),), officer("under_age"), expected=_said(birth_date=BORN), lane="youth"),
    Situation("twelve today", (shows(1),), opened(1), expected=_said(birth_date=date(2014, 11, 22)), lane="youth"),
    Situation("of unknown age", (shows(1),), officer("under_age"), lane="youth"),
    Situation("under age where nobody asks", (shows(1),), opened(1), expected=_said(birth_date=BORN)),
    Situation("an expired document", (shows(1),), officer("document_expired"), expected=_papers(EXPIRED)),
    Situation("a document's last day", (shows(1),), opened(1), expected=_papers(VALID)),
    Situation("one expired document and one valid", (shows(1),), opened(1), expected=_papers(EXPIRED, VALID)),
    Situation(
        "one expired document and one that does not say", (shows(1),), opened(1), expected=_papers(EXPIRED, None)
    ),
    Situation(
        "the last day is over where the gate is",
        (shows(1),),
        officer("document_expired"),
        expected=_papers(EXPIRED),
        port="HKG",
    ),
    Situation("watch-listed and expected", (shows(1),), officer("watch_listed"), watched=(1,)),
    Situation("watch-listed and not expected", (shows(STRANGER),), officer("watch_listed"), watched=(STRANGER,)),
    Situation(
        "watch-listed with somebody else's document",
        (shows(1),),
        officer("watch_listed"),
        watched=(1,),
        claim=by_document(2),
    ),
    Situation("somebody else is watch-listed", (shows(1),), opened(1), watched=(2,)),
    Situation(
        "watch-listed until an hour ago",
        (waits(3.5 * HOURS), shows(1)),
        opened(1),
        watched=(1,),
    ),
    Situation(
        "watch-listed, and time is up before anybody knows",
        (while_embedding(time_is_up), shows(4), finger(4)),
        officer("watch_listed"),
        expected=(*PEOPLE, Expected(4, finger=4)),
        claim=by_document(4),
        sensor=True,
        watched=(4,),
    ),
)

ROWS = MEANWHILE + RULES
