"""Situations of fingers: after the face, with it, or where one cannot be; and of a proof of life."""

from __future__ import annotations

from typing import Any

from gate.engine.fingers import FingerReader, FingerSample
from gate.errors import Code, EngineFault
from gate.fingerprint.template import FingerTemplate
from tests.engine import prints
from tests.engine.happenings import (
    by_document,
    finger,
    flight_closes,
    frames_done,
    lays,
    leaves,
    nobody,
    shows,
    shuts_down,
    time_is_up,
    waits,
    wet_finger,
    withdraws,
)
from tests.engine.situation import (
    Situation,
    asked,
    finger_wanted,
    gone,
    nobody_asked,
    officer,
    opened,
    refused_with,
    samples,
)
from tests.engine.stage import STRANGER, Expected

UNCLEAR = {"likeness": 0.32}
"""A face that says a little for the traveller, never enough: with a good finger it is."""

BARE = (Expected(1, photo=None, finger=1), Expected(2, finger=2))
"""The first without a photograph."""
ALIKE = (Expected(1, finger=1), Expected(2, face_of=1, photo={"likeness": 0.9, "other": 7}, finger=2))


class BrokenReader(FingerReader):
    """Its extractor's process has died."""

    def read(self, sample: FingerSample) -> FingerTemplate:
        raise EngineFault(
            Code.EXTRACTION_FAILED, f"expected minutiae of {len(sample.data)} bytes, the process has ended"
        )


def lane(name: str, happens: tuple[Any, ...], ends: tuple[str, str, int | None], **more: Any) -> Situation:
    """At a lane with a sensor, of somebody who shows a document and has no photograph."""
    return Situation(name, happens, ends, **{"expected": BARE, "claim": by_document(1), "sensor": True} | more)


AFTER = (
    lane(
        "no photograph, and the right finger", (finger(1),), opened(1, "finger_matched"), holds=(asked("no_reference"),)
    ),
    lane(
        "a wrong finger, then the right one",
        (finger(2), finger(1)),
        opened(1, "finger_matched"),
        holds=(samples(2),),
    ),
    lane("three wrong fingers", (finger(2), finger(5), finger(6)), officer("finger_no_match"), holds=(samples(3),)),
    lane(
        "a wet finger until the samples run out",
        (wet_finger(1, 10),),
        officer("finger_unusable"),
        holds=(samples(0, 10), refused_with(*["FINGER_LOW_QUALITY"] * 10)),
    ),
    lane(
        "a wet finger, then a dry one",
        (wet_finger(1, 2), finger(1)),
        opened(1, "finger_matched"),
        holds=(samples(1, 2),),
    ),
    lane("wrong and wet, until time is up", (finger(2), wet_finger(2), time_is_up), officer("finger_no_match")),
    lane("no finger at all", (time_is_up,), officer("finger_unusable"), holds=(samples(0),)),
    lane(
        "a picture of a finger, where only records are read",
        (lays(prints.image()), time_is_up),
        officer("finger_unusable"),
    ),
    lane("no finger enrolled", (), officer("finger_unavailable"), expected=(Expected(1, photo=None),)),
    lane("no reader in the engine", (finger(1),), officer("finger_unavailable"), reader=None),
    lane(
        "a controller without sensor", (finger(1),), finger_wanted("no_reference"), sensor=False, holds=(nobody_asked,)
    ),
    lane("the controller hangs up while asked", (leaves,), officer("finger_unusable")),
    lane("the engine shuts down while asking", (shuts_down,), officer("shutting_down")),
    lane("the reader breaks", (finger(1),), officer("engine_fault"), reader=BrokenReader()),
    lane("withdrawn while asked", (withdraws(1), finger(1)), officer("expired"), holds=(gone(1),)),
    lane(
        "the flight is closed while asked", (flight_closes(), finger(1)), officer("expired"), holds=(gone(1), gone(2))
    ),
    lane(
        "expired while asked",
        (waits(4), finger(1)),
        officer("expired"),
        expected=(Expected(1, photo=None, finger=1, hours=0.001),),
    ),
    lane(
        "no usable picture, and the right finger",
        (nobody(), shows(1, eye_distance_px=20), frames_done, finger(1)),
        opened(1, "finger_matched"),
        expected=(Expected(1, finger=1),),
        holds=(asked("low_quality"),),
    ),
    lane(
        "pictures go on while a finger is asked for",
        (shows(2, 3), finger(1)),
        opened(1, "finger_matched"),
        holds=(asked("no_reference"),),
    ),
)

FACES = (Expected(1, finger=1), Expected(2, finger=2), Expected(3))

FUSED = (
    Situation(
        "an unclear face and the right finger",
        (shows(1, 4, **UNCLEAR), finger(1)),
        opened(1, "finger_matched"),
        expected=FACES,
        sensor=True,
        holds=(asked("no_match"),),
    ),
    Situation(
        "an unclear face, claimed, and the right finger",
        (shows(1, 4, **UNCLEAR), finger(1)),
        opened(1, "finger_matched"),
        claim=by_document(1),
        sensor=True,
    ),
    Situation(
        "somebody else's document, an unclear face, and one's own finger",
        (shows(2, 4, **UNCLEAR, other=3), finger(1), finger(1, 2), finger(1, 3)),
        officer("finger_no_match"),
        claim=by_document(2),
        sensor=True,
        holds=(samples(3),),
    ),
    Situation(
        "somebody else's document, and one's own finger: no one is asked for it",
        (shows(1, 4), finger(1)),
        officer("claim_mismatch"),
        claim=by_document(2),
        sensor=True,
        holds=(nobody_asked,),
    ),
    Situation(
        "a face refused so clearly that no finger can help",
        (shows(STRANGER, 4), finger(1)),
        officer("no_match"),
        claim=by_document(1),
        sensor=True,
        holds=(nobody_asked,),
    ),
    Situation(
        "a stranger with a finger",
        (shows(STRANGER, 4), finger(1)),
        officer("no_match"),
        sensor=True,
        holds=(nobody_asked,),
    ),
    Situation(
        "twins, told apart by the finger",
        (shows(1, 4), finger(2)),
        opened(2, "finger_matched"),
        expected=ALIKE,
        sensor=True,
        holds=(asked("ambiguous"),),
    ),
    Situation(
        "twins, and a third person's finger",
        (shows(1, 4), finger(5), finger(6), finger(7)),
        officer("finger_no_match"),
        expected=ALIKE,
        sensor=True,
    ),
    Situation(
        "twins with one finger under both names",
        (shows(1, 4), finger(1)),
        officer("ambiguous"),
        expected=(ALIKE[0], Expected(2, face_of=1, photo={"likeness": 0.9, "other": 7}, finger=1)),
        sensor=True,
    ),
    Situation(
        "no finger of theirs is enrolled",
        (shows(3, 4, **UNCLEAR),),
        officer("finger_unavailable"),
        expected=FACES,
        claim=by_document(3),
        sensor=True,
    ),
    Situation(
        "nobody is seen, and nobody claimed",
        (nobody(3), time_is_up),
        officer("no_face"),
        sensor=True,
        holds=(nobody_asked,),
    ),
)

VEHICLE = (
    Situation(
        "a vehicle: face and finger",
        (shows(1), finger(1)),
        opened(1, "finger_matched"),
        lane="vehicle",
        sensor=True,
        holds=(asked("matched"),),
    ),
    Situation(
        "a vehicle: the face alone", (shows(1), time_is_up), officer("finger_unusable"), lane="vehicle", sensor=True
    ),
    Situation(
        "a vehicle: the finger alone",
        (finger(1),),
        officer("no_reference"),
        lane="vehicle",
        sensor=True,
        expected=BARE,
        claim=by_document(1),
        holds=(nobody_asked,),
    ),
    Situation(
        "a vehicle: the face of one, the finger of another",
        (shows(1), finger(2), finger(2, 2), finger(2, 3)),
        officer("finger_no_match"),
        lane="vehicle",
        sensor=True,
    ),
    Situation(
        "a vehicle: a poor face and a good finger",
        (shows(1, 4, **UNCLEAR), finger(1)),
        opened(1, "finger_matched"),
        lane="vehicle",
        sensor=True,
        holds=(asked("no_match"),),
    ),
    Situation("a vehicle: no sensor", (shows(1),), officer("finger_unavailable"), lane="vehicle"),
    Situation(
        "a vehicle: no finger enrolled",
        (shows(3),),
        officer("finger_unavailable"),
        lane="vehicle",
        sensor=True,
        expected=FACES,
    ),
    Situation(
        "a vehicle: nobody at the window", (nobody(2), time_is_up), officer("no_face"), lane="vehicle", sensor=True
    ),
)

LIVE = (
    Situation("a living face where that is required", (shows(1, live=0.9),), opened(1), lane="careful"),
    Situation("a picture of a face", (shows(1, 4, live=0.1),), officer("not_live"), lane="careful"),
    Situation("nothing says whether it is alive", (shows(1, 4),), officer("liveness_unavailable"), lane="careful"),
    Situation("a face that seems dead once", (shows(1, live=0.1), shows(1, 2, live=0.9)), opened(1), lane="careful"),
    Situation(
        "a face that lives once",
        (shows(1, live=0.9, **UNCLEAR), shows(1, 3, live=0.1)),
        officer("not_live"),
        lane="careful",
    ),
    Situation(
        "no finger stands in for a proof of life",
        (shows(1, 4, live=0.1), finger(1)),
        officer("not_live"),
        lane="careful",
        sensor=True,
        claim=by_document(1),
        holds=(nobody_asked,),
    ),
    Situation("a picture of a face where nobody asks", (shows(1, live=0.1),), opened(1)),
)

ROWS = AFTER + FUSED + VEHICLE + LIVE
