"""Machine-readable zones made from their fields: for tests and demonstrations. ICAO Doc 9303 parts 3 to 7."""

from __future__ import annotations

from gate.manifest.mrz_check import FILLER, check_digit
from gate.manifest.mrz_layout import LAYOUTS, MrzKind


def write_mrz(
    kind: MrzKind,
    *,
    code: str,
    issuing_state: str,
    number: str,
    surname: str,
    given_names: str,
    nationality: str,
    birth_date: str,
    sex: str,
    expires: str,
    optional_data: str = "",
) -> str:
    """The zone, its lines apart by line feeds.

    Args:
        kind: which size.
        code, issuing_state, nationality: as they stand there, without filler.
        number: a number of more than nine characters runs on into the optional data, on TD1 and TD2 only.
        surname, given_names: A to Z and blanks; cut where they do not fit.
        birth_date, expires: ``YYMMDD``; a birth date may have ``<<`` for an unknown part.
        sex: ``M``, ``F``, or ``<`` for unspecified.
        optional_data: A to Z and digits.
    """
    layout = LAYOUTS[kind]
    names = f"{surname}{FILLER * 2}{given_names}".replace(" ", FILLER)
    first_nine, rest = number[:9].ljust(9, FILLER), number[9:]
    number_digit = FILLER if rest else _digit(first_nine)
    if rest:
        optional_data = f"{rest}{_digit(number)}{FILLER}{optional_data}"
    birth, expiry = birth_date + _digit(birth_date), expires + _digit(expires)
    if kind is MrzKind.TD1:
        first = _fill(f"{code.ljust(2, FILLER)}{_state(issuing_state)}{first_nine}{number_digit}{optional_data}", 30)
        second = f"{birth}{sex}{expiry}{_state(nationality)}{FILLER * 11}"
        lines = [first, second, _fill(names, 30)]
    else:
        optional = _fill(optional_data, layout.optional[0].stop - layout.optional[0].start)
        optional += _digit(optional) if layout.optional_check else ""
        second = f"{first_nine}{number_digit}{_state(nationality)}{birth}{sex}{expiry}{optional}"
        lines = [_fill(f"{code.ljust(2, FILLER)}{_state(issuing_state)}{names}", layout.width), second]
    if layout.composite:
        lines[1] += _digit("".join(span.of(tuple(lines)) for span in layout.composite))
    return "\n".join(lines)


def _digit(text: str) -> str:
    digit = check_digit(text)
    if digit is None:
        raise ValueError(f"expected A-Z, 0-9 and <, found {text!r}")
    return digit


def _state(code: str) -> str:
    return _fill(code, 3)


def _fill(text: str, width: int) -> str:
    return text[:width].ljust(width, FILLER)
