"""Situations of lanes: touchpoints in their order, gates and their flights, two lanes at once, and a large gallery."""

from __future__ import annotations

from tests.claims.makers import FLIGHT
from tests.engine.happenings import (
    after_search,
    by_document,
    called,
    finger,
    passed,
    shows,
    time_is_up,
    tries_the_busy_lane,
    waits,
    while_embedding,
    withdraws,
)
from tests.engine.situation import Situation, among, asked, destroyed, finger_wanted, gone, officer, opened
from tests.engine.stage import OTHER_FLIGHT, Expected

UP_TO_THE_GATE = (passed("security", 1), passed("border", 1))
MINUTES = 60.0

TOUCHPOINTS = (
    Situation("the bags, then security", (shows(1),), opened(1), lane="security", before=(passed("bags", 1),)),
    Situation(
        "security twice", (shows(1),), officer("already_passed"), lane="security-2", before=(passed("security", 1),)
    ),
    Situation(
        "security again after a while",
        (shows(1),),
        opened(1),
        lane="security",
        before=(passed("security", 1), waits(20 * MINUTES)),
    ),
    Situation("the border before security", (shows(1),), officer("out_of_order"), lane="border"),
    Situation(
        "back at the bags, and security anew",
        (shows(1),),
        officer("out_of_order"),
        lane="border",
        before=(passed("security", 1), passed("bags", 1)),
    ),
    Situation(
        "nobody walks so fast",
        (shows(1),),
        officer("out_of_order"),
        lane="border",
        before=(passed("security", 1, wait_s=1.0),),
    ),
    Situation("somebody else passed before", (shows(2),), opened(2), lane="security", before=(passed("security", 1),)),
    Situation(
        "no photograph, and the finger opens security",
        (finger(1),),
        opened(1, "finger_matched"),
        lane="security",
        expected=(Expected(1, photo=None, finger=1),),
        claim=by_document(1),
        sensor=True,
        holds=(asked("no_reference"),),
    ),
    Situation(
        "time is up when the face was found at security",
        (after_search(time_is_up), shows(1)),
        finger_wanted("low_quality"),
        lane="security",
    ),
    Situation(
        "withdrawn when the face was found at security",
        (after_search(withdraws(1)), shows(1)),
        officer("expired"),
        lane="security",
        holds=(gone(1),),
    ),
)

GATES = (
    Situation(
        "boarding ends the journey",
        (shows(1),),
        opened(1),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called()),
        holds=(gone(1), destroyed("boarded")),
    ),
    Situation(
        "a flight without a plan", (shows(1),), officer("flight_not_open"), lane="gate-b12", before=UP_TO_THE_GATE
    ),
    Situation(
        "a flight that is not open",
        (shows(1),),
        officer("flight_not_open"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called(opens_h=0.5)),
        holds=(destroyed(),),
    ),
    Situation(
        "a flight that is closed",
        (shows(1),),
        officer("flight_closed"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called(closes_h=-0.1)),
    ),
    Situation(
        "a flight that closes mid-passage",
        (while_embedding(waits(6 * MINUTES)), shows(1)),
        officer("flight_closed"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called(closes_h=0.1)),
    ),
    Situation(
        "the wrong gate",
        (shows(1),),
        officer("wrong_gate"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called(gate="A1")),
        holds=(destroyed(),),
    ),
    Situation(
        "the gate is moved mid-passage",
        (while_embedding(called(gate="A1")), shows(1)),
        officer("wrong_gate"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called()),
    ),
    Situation("boarding without security", (shows(1),), officer("out_of_order"), lane="gate-b12", before=(called(),)),
    Situation(
        "already boarded",
        (shows(1, 4),),
        finger_wanted("no_match"),
        lane="gate-b12-2",
        before=(*UP_TO_THE_GATE, called(), passed("gate-b12", 1)),
        holds=(gone(1), destroyed("boarded")),
    ),
    Situation(
        "already boarded, with a document",
        (shows(1),),
        officer("claim_unknown"),
        lane="gate-b12-2",
        before=(*UP_TO_THE_GATE, called(), passed("gate-b12", 1)),
        claim=by_document(1),
    ),
)

LANES = (
    Situation(
        "boarded at another gate lane at the same moment",
        (after_search(passed("gate-b12-2", 1)), shows(1)),
        officer("expired"),
        lane="gate-b12",
        before=(*UP_TO_THE_GATE, called()),
        holds=(gone(1), destroyed("boarded")),
    ),
    Situation(
        "passed at another lane at the same moment",
        (after_search(passed("security-2", 1)), shows(1)),
        officer("already_passed"),
        lane="security",
    ),
    Situation(
        "one traveller at two lanes where no journey is kept",
        (after_search(passed("lane-2", 1)), shows(1)),
        opened(1),
    ),
    Situation("a lane that is busy", (tries_the_busy_lane, shows(1)), opened(1)),
)

CROWD = 41_997
SIZES = (
    Situation("1:N at 42,000", (shows(1, likeness=0.9),), opened(1), crowd=CROWD, holds=(among(42_000),)),
    Situation(
        "1:N at 42,000 asks for more",
        (shows(1, 4, likeness=0.72),),
        finger_wanted("no_match"),
        crowd=CROWD,
        holds=(among(42_000),),
    ),
    Situation("what is enough among three", (shows(1, likeness=0.72),), opened(1), holds=(among(3),)),
    Situation(
        "a claim among 42,000 is 1:1",
        (shows(1, likeness=0.72),),
        opened(1),
        crowd=CROWD,
        claim=by_document(1),
        holds=(among(1),),
    ),
    Situation(
        "a lane of one flight among 42,000",
        (shows(1, likeness=0.72),),
        opened(1),
        crowd=CROWD,
        flight=FLIGHT,
        expected=(Expected(1), Expected(2), Expected(3, OTHER_FLIGHT)),
        holds=(among(2),),
    ),
)

ROWS = TOUCHPOINTS + GATES + LANES + SIZES
