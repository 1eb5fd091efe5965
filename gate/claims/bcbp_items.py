"""How a boarding pass is laid out: its items and their widths. IATA Resolution 792, attachment A.

::

    M1 name e-ticket │ leg 1: 35 characters, size XX │ > version size unique… size repeated… airline's own
                     │ leg 2: 35 characters, size XX │                        size repeated… airline's own
                     │ ^ type size security data

Sizes are two hexadecimal digits and count characters. A conditional section may end after any item: what is behind
its size is absent. All versions (1 to 8) agree in order and width; later ones only have more at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Item(NamedTuple):
    """One item: the field of our record, its width in characters."""

    field: str
    width: int


FORMAT = "M"
LEGS = range(1, 5)
VERSIONS = "12345678"
VERSION_MARK = ">"
SECURITY_MARK = "^"
SIZE_WIDTH = 2

NAME_WIDTH = 20
HEAD_WIDTH = 1 + 1 + NAME_WIDTH + 1

LEG = (
    Item("record_locator", 7),
    Item("origin", 3),
    Item("destination", 3),
    Item("carrier", 3),
    Item("number", 5),
    Item("day", 3),
    Item("compartment", 1),
    Item("seat", 4),
    Item("sequence", 5),
    Item("status", 1),
)
LEG_WIDTH = sum(item.width for item in LEG)

UNIQUE = (
    Item("passenger_description", 1),
    Item("source_of_check_in", 1),
    Item("source_of_issue", 1),
    Item("issued", 4),
    Item("document_type", 1),
    Item("issuer", 3),
    Item("baggage_tag", 13),
    Item("baggage_tag_2", 13),
    Item("baggage_tag_3", 13),
)

REPEATED = (
    Item("airline_code", 3),
    Item("document_serial", 10),
    Item("selectee", 1),
    Item("verification", 1),
    Item("marketing_carrier", 3),
    Item("frequent_flyer_carrier", 3),
    Item("frequent_flyer_number", 16),
    Item("id_ad_indicator", 1),
    Item("baggage_allowance", 3),
    Item("fast_track", 1),
)

UNREAD = frozenset({"frequent_flyer_carrier", "frequent_flyer_number"})
"""Passed over: they say who somebody is, and a gate needs them for nothing."""

MAX_SIZE = 0xFF
MAX_CHARS = HEAD_WIDTH + LEGS[-1] * (LEG_WIDTH + SIZE_WIDTH + MAX_SIZE) + 2 + SIZE_WIDTH + MAX_SIZE
"""Of the longest boarding pass that the sizes allow."""


def cut(items: tuple[Item, ...], text: str) -> Iterator[tuple[str, str]]:
    """Each item's field and raw text, as far as the text goes; the last may be short."""
    at = 0
    for item in items:
        if at >= len(text):
            return
        yield item.field, text[at : at + item.width]
        at += item.width


def width_of(items: tuple[Item, ...]) -> int:
    """Of all of them together."""
    return sum(item.width for item in items)
