"""Situations of a face alone: who stands there, how well they are seen, and what changes meanwhile."""

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
    frames_done,
    leaves,
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
    advised,
    among,
    by_mask,
    by_one_frame,
    clock_told,
    finger_wanted,
    frames,
    gone,
    no_more_like_than,
    nobody_asked,
    nothing_compared,
    officer,
    opened,
    refused_with,
)
from tests.engine.stage import OTHER_FLIGHT, STRANGER, Expected, document

TWIN = {"likeness": 0.9, "other": 7}
"""The face of somebody whose twin is number 1."""
TWINS = (Expected(1, finger=1), Expected(2, face_of=1, photo=TWIN, finger=2))
TWICE = (Expected(1), Expected(2, face_of=1))
"""One photograph under two references."""
SIBLINGS = (Expected(1), Expected(2, face_of=1, photo={"likeness": 0.55, "other": 7}))
"""Less alike than what is marked."""
HOURS = 3600.0
SHORT = (Expected(1, hours=0.001), Expected(2))
"""One of whom has 3.6 seconds left."""

WHO = (
    Situation("somebody expected", (nobody(), shows(2)), opened(2), holds=(among(3), by_one_frame)),
    Situation("a stranger", (shows(STRANGER, 4),), finger_wanted("no_match")),
    Situation("a gallery of one", (shows(1),), opened(1), expected=(Expected(1),), holds=(among(1),)),
    Situation("a stranger at a gallery of one", (shows(2, 4),), finger_wanted("no_match"), expected=(Expected(1),)),
    Situation("a gallery of nobody", (shows(1),), officer("gallery_empty"), expected=()),
    Situation("a twin", (shows(1, 4),), finger_wanted("ambiguous"), expected=TWINS),
    Situation("the other twin", (shows(1, 4, **TWIN),), finger_wanted("ambiguous"), expected=TWINS),
    Situation(
        "a twin with a document",
        (shows(1, **TWIN),),
        opened(2),
        expected=TWINS,
        claim=by_document(2),
        holds=(among(1),),
    ),
    Situation(
        "a twin whose twin has gone", (withdraws(2), shows(1)), opened(1), expected=TWINS, holds=(by_one_frame, gone(2))
    ),
    Situation("a look-alike enrolled twice", (shows(1, 4),), finger_wanted("ambiguous"), expected=TWICE),
    Situation(
        "siblings, and a face between them",
        (shows(1, 4, likeness=0.85, other=7),),
        finger_wanted("ambiguous"),
        expected=SIBLINGS,
    ),
    Situation("siblings, told apart by a clear face", (shows(1),), opened(1), expected=SIBLINGS),
    Situation(
        "one traveller on two flights", (shows(1),), opened(1), expected=(Expected(1), Expected(1, OTHER_FLIGHT))
    ),
    Situation(
        "a lane of one flight", (shows(1, 4),), finger_wanted("no_match"), flight=OTHER_FLIGHT, holds=(among(1),)
    ),
)

SEEN = (
    Situation("a mask from the start", (shows(1, mask="worn", likeness=0.7),), opened(1), holds=(by_mask("worn"),)),
    Situation("bare, and just enough", (shows(1, likeness=0.41), time_is_up), opened(1)),
    Situation(
        "the same with a mask is not enough",
        (shows(1, likeness=0.41, mask="worn"), time_is_up),
        finger_wanted("no_match"),
        holds=(by_mask("worn"),),
    ),
    Situation(
        "a mask down at frame 3",
        (shows(1, 2, mask="worn", likeness=0.3), shows(1)),
        opened(1),
        holds=(by_mask("none"), by_one_frame),
    ),
    Situation(
        "a mask up at frame 2",
        (shows(1, likeness=0.3), shows(1, mask="worn", likeness=0.6)),
        opened(1),
        holds=(by_mask("worn"),),
    ),
    Situation(
        "a mask under the nose is held to the strictest curve",
        (shows(1, mask="under_nose", likeness=0.41), time_is_up),
        finger_wanted("no_match"),
        holds=(by_mask("under_nose"),),
    ),
    Situation("glasses on: enough at the second look", (shows(1, likeness=0.38), shows(1, likeness=0.38)), opened(1)),
    Situation("glasses on: never enough", (shows(1, 4, likeness=0.3),), finger_wanted("no_match")),
    Situation("glasses off at the third look", (shows(1, 2, likeness=0.3), shows(1)), opened(1)),
    Situation(
        "a second person enters",
        (shows(1, eye_distance_px=25), shows(1, 3, rival=0.9), time_is_up),
        officer("multiple_people"),
        holds=(advised("one_person_only"), nothing_compared),
    ),
    Situation("a second person leaves", (shows(1, 3, rival=0.9), shows(1)), opened(1)),
    Situation("somebody far behind", (shows(1, rival=0.4),), opened(1)),
    Situation(
        "somebody else steps in front: nobody's evidence is mixed",
        (shows(1, 2, likeness=0.3), shows(2)),
        opened(2),
        holds=(by_one_frame,),
    ),
    Situation(
        "a stranger steps in front",
        (shows(1, likeness=0.3), shows(STRANGER, 3)),
        finger_wanted("no_match"),
        holds=(no_more_like_than(0.3),),
    ),
    Situation(
        "somebody with a mask steps in front",
        (shows(1, 2, likeness=0.3), shows(2, mask="worn")),
        opened(2),
        holds=(by_mask("worn"), by_one_frame),
    ),
    Situation("nobody comes", (nobody(3), time_is_up), officer("no_face"), holds=(advised("step_into_view"),)),
    Situation("no picture comes", (time_is_up,), officer("no_face"), holds=(nothing_compared,)),
    Situation(
        "somebody far away",
        (shows(1, 3, eye_distance_px=20), time_is_up),
        finger_wanted("low_quality"),
        holds=(advised("come_closer"), nothing_compared),
    ),
    Situation("far, then near", (shows(1, 2, eye_distance_px=20), shows(1)), opened(1)),
    Situation(
        "blurred, then sharp",
        (shows(1, 3, sharpness=0.1), shows(1)),
        opened(1),
        holds=(advised("hold_still"), frames(4, used=1)),
    ),
    Situation(
        "dark", (shows(1, 3, brightness=10), time_is_up), finger_wanted("low_quality"), holds=(advised("too_dark"),)
    ),
    Situation(
        "the sun in the lens",
        (shows(1, brightness=250), time_is_up),
        finger_wanted("low_quality"),
        holds=(advised("too_bright"),),
    ),
    Situation(
        "looks away, then here", (shows(1, 2, yaw_deg=60), shows(1)), opened(1), holds=(advised("look_at_camera"),)
    ),
    Situation("leans out of the picture", (shows(1, 2, inside=0.5), leaves), finger_wanted("low_quality")),
    Situation(
        "comes, and goes again", (shows(1, eye_distance_px=20), nobody(2), time_is_up), finger_wanted("low_quality")
    ),
    Situation("the controller hangs up at once", (leaves,), officer("frames_ended")),
    Situation("the controller hangs up after a look", (shows(STRANGER), leaves), finger_wanted("no_match")),
    Situation("no more pictures come", (shows(STRANGER), frames_done), finger_wanted("no_match")),
)

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

ROWS = WHO + SEEN + MEANWHILE + RULES
