"""What to ask of a traveller whose finger could not be read, or could be read better."""

from __future__ import annotations

import enum


class Advice(enum.StrEnum):
    """What to ask of the traveller, the most helpful first."""

    PLACE_FINGER = "place_finger"
    CENTRE_FINGER = "centre_finger"
    PRESS_HARDER = "press_harder"
    PRESS_LESS = "press_less"
    CLEAN_FINGER = "clean_finger"
    HOLD_STILL = "hold_still"


ADVICE_TEXT: dict[Advice, str] = {
    Advice.PLACE_FINGER: "place your finger on the sensor",
    Advice.CENTRE_FINGER: "centre your finger",
    Advice.PRESS_HARDER: "press a little harder; moisten a dry finger",
    Advice.PRESS_LESS: "press a little less; dry a wet finger",
    Advice.CLEAN_FINGER: "clean your finger and the sensor",
    Advice.HOLD_STILL: "hold still",
}
