"""Which finger, and how it met the sensor: plain enumerations, without anything that handles pictures."""

from __future__ import annotations

import enum


class FingerPosition(enum.IntEnum):
    """Which finger, as ISO/IEC 19794-2:2005 table 2 numbers them."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10


class Impression(enum.IntEnum):
    """How the finger met the sensor, as ISO/IEC 19794-2:2011 table 7 numbers it (2005 knows 0 to 3 and 8)."""

    LIVE_PLAIN = 0
    LIVE_ROLLED = 1
    NONLIVE_PLAIN = 2
    NONLIVE_ROLLED = 3
    LATENT_IMPRESSION = 4
    LATENT_TRACING = 5
    LATENT_PHOTO = 6
    LATENT_LIFT = 7
    LIVE_SWIPE = 8
    LIVE_VERTICAL_ROLL = 9
    LIVE_CONTACTLESS_PLAIN = 24
    LIVE_CONTACTLESS_ROLLED = 25
    LIVE_CONTACTLESS_FIXED = 26
    OTHER = 28
    UNKNOWN = 29
