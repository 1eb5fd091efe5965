"""Situations of a face alone: who stands there, and how well they are seen."""

from __future__ import annotations

from tests.engine.happenings import (
    by_document,
    frames_done,
    leaves,
    nobody,
    shows,
    time_is_up,
    withdraws,
)
from tests.engine.situation import (
    Situation,
    advised,
    among,
    by_mask,
    by_one_frame,
    finger_wanted,
    frames,
    gone,
    no_more_like_than,
    nothing_compared,
    officer,
    opened,
)
from tests.engine.stage import OTHER_FLIGHT, STRANGER, Expected

TWIN = {"likeness": 0.9, "other": 7}
"""The face of somebody whose twin is number 1."""
TWINS = (Expected(1, finger=1), Expected(2, face_of=1, photo=TWIN, finger=2))
TWICE = (Expected(1), Expected(2, face_of=1))
"""One photograph under two references."""
SIBLINGS = (Expected(1), Expected(2, face_of=1, photo={"likeness": 0.55, "other": 7}))
"""Less alike than what is marked."""

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
    Situation("bare, and just enough", (shows(1, likeness=0.449), time_is_up), opened(1)),
    Situation(
        "the same with a mask is not enough",
        (shows(1, likeness=0.449, mask="worn"), time_is_up),
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
        (shows(1, mask="under_nose", likeness=0.449), time_is_up),
        finger_wanted("no_match"),
        holds=(by_mask("under_nose"),),
    ),
    Situation("glasses on: enough at the second look", (shows(1, likeness=0.395), shows(1, likeness=0.395)), opened(1)),
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

ROWS = WHO + SEEN
