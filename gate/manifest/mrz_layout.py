"""Where each field of a machine-readable zone stands: ICAO Doc 9303 parts 4 to 7."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.manifest.mrz_check import FILLER, Covered, Span


class MrzKind(enum.StrEnum):
    """The five sizes."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"
    MRV_A = "MRV-A"
    MRV_B = "MRV-B"


@dataclass(frozen=True, slots=True)
class Layout:
    """One size of zone.

    Attributes:
        kind: which.
        width: characters a line.
        least: per line, how many characters must be there before only fillers can be missing at its end; None: all.
        code, issuing_state, names, number, nationality, birth_date, sex, expires: where they stand.
        optional: optional data, in one or two places.
        optional_check: a check digit over the optional data (TD3).
        composite: what the composite check digit, the last character but for the names, covers; empty: there is none.
    """

    kind: MrzKind
    width: int
    least: tuple[int | None, ...]
    code: Span
    issuing_state: Span
    names: Span
    number: Span
    nationality: Span
    birth_date: Span
    sex: Span
    expires: Span
    optional: tuple[Span, ...]
    optional_check: bool = False
    composite: tuple[Span, ...] = ()

    def number_in_full(self, lines: tuple[str, ...]) -> tuple[tuple[Span, ...], Span]:
        """Where the document number and its check digit stand.

        A number of more than nine characters has a filler for its check digit and goes on in the optional data, where
        its check digit follows it and a filler follows that (9303-5, 4.2.4 note j; 9303-6, 4.2.4 note j).
        """
        digit = _after(self.number)
        if self.kind not in (MrzKind.TD1, MrzKind.TD2) or digit.of(lines) != FILLER:
            return (self.number,), digit
        first = self.optional[0]
        run = len(first.of(lines).partition(FILLER)[0])
        if run < 2:  # at least one more character of the number, and the digit
            return (self.number,), digit
        end = first.start + run
        return (self.number, Span(first.line, first.start, end - 1)), Span(first.line, end - 1, end)

    def checks(self, lines: tuple[str, ...]) -> tuple[Covered, ...]:
        """Every check digit, in the order of the zone, the composite last."""
        number, number_digit = self.number_in_full(lines)
        found = [
            Covered("number", number, number_digit),
            Covered("birth_date", (self.birth_date,), _after(self.birth_date), digits_only=True),
            Covered("expires", (self.expires,), _after(self.expires), digits_only=True),
        ]
        if self.optional_check:
            found.append(Covered("optional_data", self.optional, _after(self.optional[-1]), filler_for_empty=True))
        if self.composite:
            found.append(Covered("composite", self.composite, Span(1, self.width - 1, self.width)))
        return tuple(found)


def _after(span: Span) -> Span:
    return Span(span.line, span.stop, span.stop + 1)


def _two_lines(kind: MrzKind, width: int, optional_stop: int, *, composite: bool) -> Layout:
    """TD2, TD3 and visas differ only in width, in where the optional data end, and in the composite check digit."""
    return Layout(
        kind=kind,
        width=width,
        least=(6, None if composite else 28),
        code=Span(0, 0, 2),
        issuing_state=Span(0, 2, 5),
        names=Span(0, 5, width),
        number=Span(1, 0, 9),
        nationality=Span(1, 10, 13),
        birth_date=Span(1, 13, 19),
        sex=Span(1, 20, 21),
        expires=Span(1, 21, 27),
        optional=(Span(1, 28, optional_stop),),
        optional_check=kind is MrzKind.TD3,
        composite=(Span(1, 0, 10), Span(1, 13, 20), Span(1, 21, width - 1)) if composite else (),
    )


LAYOUTS = {
    MrzKind.TD1: Layout(
        kind=MrzKind.TD1,
        width=30,
        least=(15, None, 1),
        code=Span(0, 0, 2),
        issuing_state=Span(0, 2, 5),
        names=Span(2, 0, 30),
        number=Span(0, 5, 14),
        nationality=Span(1, 15, 18),
        birth_date=Span(1, 0, 6),
        sex=Span(1, 7, 8),
        expires=Span(1, 8, 14),
        optional=(Span(0, 15, 30), Span(1, 18, 29)),
        composite=(Span(0, 5, 30), Span(1, 0, 7), Span(1, 8, 15), Span(1, 18, 29)),
    ),
    MrzKind.TD2: _two_lines(MrzKind.TD2, 36, 35, composite=True),
    MrzKind.TD3: _two_lines(MrzKind.TD3, 44, 42, composite=True),
    MrzKind.MRV_A: _two_lines(MrzKind.MRV_A, 44, 44, composite=False),
    MrzKind.MRV_B: _two_lines(MrzKind.MRV_B, 36, 36, composite=False),
}
