"""Check digits of a machine-readable zone, and which confusion of the optical reader would explain a wrong one.

ICAO Doc 9303-3, 4.9: weights 7, 3, 1 repeating; digits count as themselves, A to Z as 10 to 35, the filler as 0; the
sum modulo 10. Any one wrong character is noticed unless its value differs by a multiple of 10 (``6`` and ``G``, ``0``
and the filler): no reader can tell those by the check digit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

FILLER = "<"
_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {FILLER: 0}
_WEIGHTS = (7, 3, 1)
_LOOKALIKES = ("0OQD", "1IL", "2Z", "4A", "5S", "6G", "7T", "8B")
_CONFUSED = {
    read: "".join(dict.fromkeys(meant for group in _LOOKALIKES if read in group for meant in group if meant != read))
    for read in "".join(_LOOKALIKES)
}
DIGIT_FOR = {
    "O": "0",
    "Q": "0",
    "D": "0",
    "I": "1",
    "L": "1",
    "Z": "2",
    "A": "4",
    "S": "5",
    "G": "6",
    "T": "7",
    "B": "8",
}
LETTER_FOR = {"0": "O", "1": "I", "2": "Z", "4": "A", "5": "S", "6": "G", "7": "T", "8": "B"}


class Span(NamedTuple):
    """Part of a zone: line from 0, characters `start` to before `stop` from 0."""

    line: int
    start: int
    stop: int

    def of(self, lines: tuple[str, ...]) -> str:
        """Its characters."""
        return lines[self.line][self.start : self.stop]

    def positions(self) -> Iterator[tuple[int, int]]:
        """Line and character of each, from 0."""
        return ((self.line, at) for at in range(self.start, self.stop))


class Misreading(NamedTuple):
    """One character that may have been meant to be another. Line and column from 1."""

    line: int
    column: int
    read: str
    meant: str

    def __str__(self) -> str:
        """As a person would say it."""
        return f"{self.read} in line {self.line}, column {self.column}, may be {self.meant}"


@dataclass(frozen=True, slots=True)
class Covered:
    """A check digit in its place, and what it covers."""

    field: str
    spans: tuple[Span, ...]
    digit: Span
    filler_for_empty: bool = False
    digits_only: bool = False

    def text(self, lines: tuple[str, ...]) -> str:
        """All that it covers."""
        return "".join(span.of(lines) for span in self.spans)

    def fits(self, lines: tuple[str, ...]) -> bool:
        """The digit is there and right."""
        text, digit = self.text(lines), self.digit.of(lines)
        if self.filler_for_empty and digit == FILLER:
            return not text.strip(FILLER)
        return digit == check_digit(text)


def check_digit(text: str) -> str | None:
    """The check digit over `text`; None when it holds anything but A-Z, 0-9 and the filler."""
    if any(character not in _VALUES for character in text):
        return None
    weighted = (_VALUES[character] * weight for character, weight in zip(text, itertools.cycle(_WEIGHTS), strict=False))
    return str(sum(weighted) % 10)


def explain(
    wrong: Covered, every: Iterable[Covered], lines: tuple[str, ...], plausible: Callable[[tuple[str, ...]], bool]
) -> tuple[tuple[Misreading, ...], ...]:
    """Confusions that would each make `wrong` right without making any other check wrong.

    Args:
        wrong: the check that does not fit.
        every: all checks of the zone.
        lines: of the zone.
        plausible: whether the zone so corrected could be one, for instance holds real dates.

    Returns:
        Each explanation as the characters to change: one, or all the letters of a date. Those that make the most checks
        right come alone; empty when no usual confusion explains it.
    """
    others = [check for check in every if check is not wrong]
    before = {check.field for check in others if check.fits(lines)}
    best: list[tuple[Misreading, ...]] = []
    most = -1
    for misreadings in _candidates(wrong, lines):
        meant = _apply(misreadings, lines)
        if not wrong.fits(meant) or not plausible(meant):
            continue
        after = {check.field for check in others if check.fits(meant)}
        if before <= after and len(after) >= most:
            best = best if len(after) == most else []
            best.append(misreadings)
            most = len(after)
    return tuple(best)


def _candidates(wrong: Covered, lines: tuple[str, ...]) -> Iterator[tuple[Misreading, ...]]:
    places = [place for span in (*wrong.spans, wrong.digit) for place in span.positions()]
    for line, at in places:
        read = lines[line][at]
        for meant in _CONFUSED.get(read, ""):
            yield (Misreading(line + 1, at + 1, read, meant),)
    if wrong.digits_only:
        yield from _all_letters(places, lines)


def _all_letters(places: list[tuple[int, int]], lines: tuple[str, ...]) -> Iterator[tuple[Misreading, ...]]:
    letters = tuple(
        Misreading(line + 1, at + 1, lines[line][at], DIGIT_FOR[lines[line][at]])
        for line, at in places
        if lines[line][at] in DIGIT_FOR
    )
    if len(letters) > 1:
        yield letters


def _apply(misreadings: tuple[Misreading, ...], lines: tuple[str, ...]) -> tuple[str, ...]:
    meant = list(lines)
    for line, column, _, character in misreadings:
        meant[line - 1] = meant[line - 1][: column - 1] + character + meant[line - 1][column:]
    return tuple(meant)
