"""From text as somebody typed, scanned or exported it to the lines of a machine-readable zone."""

from __future__ import annotations

import re
from typing import NamedTuple

from gate.manifest.findings import FindingCode, Severity
from gate.manifest.mrz_check import FILLER
from gate.manifest.mrz_layout import LAYOUTS, Layout, MrzKind

_LONGEST_TEXT = 1000
_WIDTHS = frozenset(layout.width for layout in LAYOUTS.values())
_ALL_IN_ONE = {90: 30, 72: 36, 88: 44}
_FURTHEST_FROM_WIDTH = 6
_LINE_BREAK = re.compile(r"[\r\n|]+|\\r?\\n|\\r")
_QUOTED_FILLERS = str.maketrans({"«": FILLER * 2, "‹": FILLER})


class Odd(NamedTuple):
    """Something odd: line from 1, 0 for all of it; field, empty when it is none."""

    line: int
    field: str
    code: FindingCode
    message: str
    severity: Severity | None = None


def lines_of(text: str) -> tuple[tuple[str, ...], list[Odd]]:
    """The lines in upper case without blanks, and what had to be tidied. No line is made longer or shorter."""
    if len(text) > _LONGEST_TEXT:
        return (), [Odd(0, "", FindingCode.MRZ_UNREADABLE, f"{len(text)} characters, expected 72, 88 or 90")]
    odd: list[Odd] = []
    found = [line.strip() for line in _LINE_BREAK.split(text.translate(_QUOTED_FILLERS)) if line.strip()]
    if any(any(character.isspace() for character in line) for line in found):
        odd.append(Odd(0, "", FindingCode.MRZ_TIDIED, "blanks within the zone"))
    all_blank = FILLER not in text
    lines = tuple(_without_blanks(line, fillers=all_blank) for line in found)
    if len(lines) == 1 and (width := _ALL_IN_ONE.get(len(lines[0]))):
        lines = tuple(lines[0][start : start + width] for start in range(0, len(lines[0]), width))
    if any(line != line.upper() for line in lines):
        odd.append(Odd(0, "", FindingCode.MRZ_TIDIED, "lower case"))
    return tuple(_upper(line) for line in lines), odd


def layout_of(lines: tuple[str, ...]) -> Layout | None:
    """Which size of zone these lines are of, or come closest to."""
    if len(lines) == 3:
        kind, wide = MrzKind.TD1, False
    elif len(lines) == 2:
        wide = sum(abs(len(line) - 44) for line in lines) <= sum(abs(len(line) - 36) for line in lines)
        visa = lines[0].startswith("V")
        kind = (MrzKind.MRV_A if visa else MrzKind.TD3) if wide else (MrzKind.MRV_B if visa else MrzKind.TD2)
    else:
        return None
    layout = LAYOUTS[kind]
    # One line must be nearly whole: otherwise this is some other text of two or three lines.
    near = min(abs(len(line) - layout.width) for line in lines)
    return layout if near <= _FURTHEST_FROM_WIDTH else None


def fit(lines: tuple[str, ...], layout: Layout) -> tuple[tuple[str | None, ...], list[Odd]]:
    """Each line at its full width, None where that cannot be: fields of such a line cannot be told apart."""
    fitted: list[str | None] = []
    odd: list[Odd] = []
    for number, (line, least) in enumerate(zip(lines, layout.least, strict=True), start=1):
        says = f"line {number} has {len(line)} characters, expected {layout.width}"
        surplus = line[layout.width :]
        if len(line) == layout.width:
            fitted.append(line)
        elif least is not None and len(line) >= least and not surplus.strip(FILLER):
            fitted.append(line[: layout.width].ljust(layout.width, FILLER))
            ending = "only fillers are too many" if surplus else "read as if fillers were missing at its end"
            odd.append(Odd(number, "", FindingCode.MRZ_LENGTH, f"{says}; {ending}", Severity.WARNING))
        else:
            fitted.append(None)
            odd.append(Odd(number, "", FindingCode.MRZ_LENGTH, f"{says}; nothing is read from it"))
    return tuple(fitted), odd


def _without_blanks(line: str, *, fillers: bool) -> str:
    """Blanks go, unless they stand for fillers: there are no others, or the line has its full length with them."""
    compact = "".join(line.split())
    if fillers or (len(line) in _WIDTHS and not {len(compact)} & (_WIDTHS | set(_ALL_IN_ONE))):
        return "".join(FILLER if character.isspace() else character for character in line)
    return compact


def _upper(line: str) -> str:
    """Upper case character by character: some letters would become two, and move all that follows."""
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in line)
