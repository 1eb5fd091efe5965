"""Machine-readable zones of passports, cards and visas: ICAO Doc 9303 parts 3 to 7.

Nothing is repaired: a value whose check digit does not fit stays as read and is named in `Mrz.doubtful`, and a finding
says which confusion of an optical reader would explain it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gate.manifest import century
from gate.manifest.findings import CATALOGUE, Finding, FindingCode, Severity
from gate.manifest.mrz_check import DIGIT_FOR, FILLER, LETTER_FOR, Covered, Span, check_digit, explain
from gate.manifest.mrz_layout import Layout, MrzKind
from gate.manifest.mrz_text import Odd, fit, layout_of, lines_of

__all__ = ["CheckResult", "Mrz", "MrzKind", "read_mrz"]

_SHOWN_EXPLANATIONS = 3
_ALLOWED = re.compile(r"[A-Z0-9<]*")
_DATE = re.compile(r"(\d\d|<<)(\d\d|<<)(\d\d|<<)", re.ASCII)
_STATE = re.compile(r"[A-Z]{3}|D")
_SEX = {"M": "M", "F": "F", FILLER: "X", "X": "X"}
_CODES = {MrzKind.TD1: "ACI", MrzKind.TD2: "ACIP", MrzKind.TD3: "P", MrzKind.MRV_A: "V", MrzKind.MRV_B: "V"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check digit.

    Attributes:
        field: ``number``, ``birth_date``, ``expires``, ``optional_data`` or ``composite``.
        read: the digit as read.
        expected: what it should be for the characters as read; None when they include one that no zone holds.
        fits: it is right.
        explanations: confusions of an optical reader that would each make it right, for a person to read.
    """

    field: str
    read: str
    expected: str | None
    fits: bool
    explanations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mrz:
    """What a zone says; fields are empty or None when they could not be read.

    Attributes:
        kind: which size; None when the text has the shape of no zone.
        document_code: without filler, such as ``P``, ``V``, ``ID``.
        issuing_state, nationality: without filler: ``UTO``, ``D``.
        number: document number without filler, in full even where it runs on into the optional data.
        surname, given_names: components joined by one blank; given names empty when the holder has none.
        names_truncated: the names fill their field and may have been cut.
        birth_date: None also when the zone says that part of it is unknown.
        birth_date_read: the six characters as read.
        sex: ``M``, ``F``, ``X`` for unspecified, or empty.
        expires: last day of validity.
        optional_data: without trailing filler and without the rest of a long document number.
        checks: each check digit of the zone, in its order.
        findings: ERROR when nothing or only a part could be read. Line is that of the zone, segment the field.
    """

    kind: MrzKind | None
    document_code: str = ""
    issuing_state: str = ""
    number: str = ""
    surname: str = ""
    given_names: str = ""
    names_truncated: bool = False
    nationality: str = ""
    birth_date: date | None = None
    birth_date_read: str = ""
    sex: str = ""
    expires: date | None = None
    optional_data: str = ""
    checks: tuple[CheckResult, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def doubtful(self) -> frozenset[str]:
        """Fields whose check digit does not fit; ``composite``: the zone as a whole."""
        return frozenset(check.field for check in self.checks if not check.fits)

    @property
    def readable(self) -> bool:
        """Every field could be located, whatever its value."""
        return self.kind is not None and not any(finding.severity is Severity.ERROR for finding in self.findings)


def read_mrz(text: str, now: datetime | date, *, explained: bool = True) -> Mrz:
    """Read a zone, tolerant of lower case, blanks, and lines written as one.

    Args:
        text: the zone; lines apart by line ends or ``|``, or all in one.
        now: decides the century of its dates.
        explained: look for confusions that explain a wrong check digit; ten times the work for such a zone.

    Returns:
        Always a record, never an exception: what is wrong stands in its findings.
    """
    today = now.date() if isinstance(now, datetime) else now
    lines, odd = lines_of(text)
    layout = layout_of(lines)
    if layout is None:
        if not odd or odd[0].code is not FindingCode.MRZ_UNREADABLE:
            shape = "+".join(str(len(line)) for line in lines[:5]) or "no"
            odd.append(Odd(0, "", FindingCode.MRZ_UNREADABLE, f"{shape} characters, expected 30+30+30, 36+36 or 44+44"))
        return Mrz(kind=None, findings=_findings(odd))
    fitted, lengths = fit(lines, layout)
    return _Zone(layout, fitted, today, [*odd, *lengths], explained=explained).read()


class _Zone:
    """One zone being read: collects what is odd on the way."""

    def __init__(
        self, layout: Layout, lines: tuple[str | None, ...], today: date, odd: list[Odd], *, explained: bool
    ) -> None:
        self._layout = layout
        self._there = tuple(line is not None for line in lines)
        # A line that cannot be read stands as fillers, so that spans stay valid; `_there` says not to believe them.
        self._lines = tuple(FILLER * layout.width if line is None else line for line in lines)
        self._today = today
        self._odd = odd
        self._explained = explained

    def read(self) -> Mrz:
        layout, lines = self._layout, self._lines
        self._look_for_strangers()
        checks = self._checks()
        number_spans, number_digit = layout.number_in_full(lines)
        surname, given_names, truncated = self._names()
        first, *further = layout.optional
        if len(number_spans) > 1:
            first = Span(first.line, number_digit.stop, first.stop)
        optional = (span.of(lines).strip(FILLER) for span in (first, *further))
        return Mrz(
            kind=layout.kind,
            document_code=self._code(),
            issuing_state=self._state("issuing_state", layout.issuing_state),
            number="".join(span.of(lines) for span in number_spans).strip(FILLER),
            surname=surname,
            given_names=given_names,
            names_truncated=truncated,
            nationality=self._state("nationality", layout.nationality),
            birth_date=self._birth_date(),
            birth_date_read=layout.birth_date.of(lines) if self._has(layout.birth_date) else "",
            sex=self._sex(),
            expires=self._expires(),
            optional_data=" ".join(part for part in optional if part),
            checks=checks,
            findings=_findings(self._odd),
        )

    def _has(self, span: Span) -> bool:
        return self._there[span.line]

    def _note(self, span: Span, field: str, code: FindingCode, message: str) -> None:
        self._odd.append(Odd(span.line + 1, field, code, message))

    def _look_for_strangers(self) -> None:
        for at, line in enumerate(self._lines):
            strangers = sorted({character for character in line if not _ALLOWED.fullmatch(character)})
            if strangers:
                listed = " ".join(ascii(character) for character in strangers[:8])
                self._note(Span(at, 0, 0), "", FindingCode.MRZ_CHARACTER, f"{listed}: expected A-Z, 0-9 and <")

    def _checks(self) -> tuple[CheckResult, ...]:
        every = [
            check
            for check in self._layout.checks(self._lines)
            if self._has(check.digit) and all(self._has(span) for span in check.spans)
        ]
        return tuple(self._check(check, every) for check in every)

    def _check(self, check: Covered, every: list[Covered]) -> CheckResult:
        text, digit = check.text(self._lines), check.digit.of(self._lines)
        expected = check_digit(text)
        if check.fits(self._lines):
            return CheckResult(check.field, digit, expected, fits=True)
        found = explain(check, every, self._lines, self._plausible) if self._explained else ()
        explanations = tuple(" and ".join(str(change) for change in changes) for changes in found)
        message = f"{check.field}: {text} has check digit {digit}, expected {expected or 'none'}"
        if explanations:
            more = " (and others)" if len(explanations) > _SHOWN_EXPLANATIONS else ""
            message += "; it would fit if " + ", or ".join(explanations[:_SHOWN_EXPLANATIONS]) + more
        self._note(check.digit, check.field, FindingCode.MRZ_CHECK_DIGIT, message)
        return CheckResult(check.field, digit, expected, fits=False, explanations=explanations)

    def _plausible(self, meant: tuple[str, ...]) -> bool:
        """A correction must leave both dates dates."""
        return all(_DATE.fullmatch(span.of(meant)) for span in (self._layout.birth_date, self._layout.expires))

    def _code(self) -> str:
        span = self._layout.code
        if not self._has(span):
            return ""
        code = span.of(self._lines).rstrip(FILLER)
        expected = _CODES[self._layout.kind]
        if not code or code[0] not in expected:
            wanted = " or ".join(expected)
            message = f"{code or 'no'} document code, expected one that begins with {wanted} on a {self._layout.kind}"
            self._note(span, "document_code", FindingCode.MRZ_CODE, message)
        return code

    def _state(self, field: str, span: Span) -> str:
        if not self._has(span):
            return ""
        state = span.of(self._lines).rstrip(FILLER)
        if not _STATE.fullmatch(state):
            message = f"{field}: {state or 'nothing'}, expected three letters or D" + _letters_for(state)
            self._note(span, field, FindingCode.MRZ_CODE, message)
        return state

    def _sex(self) -> str:
        span = self._layout.sex
        if not self._has(span):
            return ""
        read = span.of(self._lines)
        if read not in _SEX:
            self._note(span, "sex", FindingCode.MRZ_CODE, f"sex: {read}, expected M, F or <")
        return _SEX.get(read, "")

    def _names(self) -> tuple[str, str, bool]:
        span = self._layout.names
        if not self._has(span):
            return "", "", False
        field = span.of(self._lines)
        primary, _, secondary = field.partition(FILLER * 2)
        surname, given_names = _words(primary), _words(secondary)
        if not surname:
            self._note(span, "names", FindingCode.MRZ_NAME, "there is no surname")
        if FILLER * 2 in secondary.rstrip(FILLER):
            self._note(span, "names", FindingCode.MRZ_NAME, "more than two parts; all after the first are given names")
        if any(character.isdigit() for character in field):
            message = f"a digit in {surname} {given_names}".rstrip() + _letters_for(field)
            self._note(span, "names", FindingCode.MRZ_NAME, message)
        truncated = not field.endswith(FILLER)
        if truncated:
            self._note(span, "names", FindingCode.MRZ_NAME_TRUNCATED, "the names fill their field to its end")
        return surname, given_names, truncated

    def _birth_date(self) -> date | None:
        span = self._layout.birth_date
        found = _DATE.fullmatch(span.of(self._lines)) if self._has(span) else None
        if found and FILLER * 2 in found.groups():
            message = f"{found.group()}: year, month or day is not known"
            self._note(span, "birth_date", FindingCode.MRZ_DATE_UNKNOWN, message)
            return None
        born = century.birth(*_numbers(found), self._today) if found else None
        return self._date("birth_date", span, born)

    def _expires(self) -> date | None:
        span = self._layout.expires
        found = _DATE.fullmatch(span.of(self._lines)) if self._has(span) else None
        last = century.near(*_numbers(found), self._today) if found and FILLER not in found.group() else None
        return self._date("expires", span, last)

    def _date(self, field: str, span: Span, found: date | None) -> date | None:
        if found is None and self._has(span):
            read = span.of(self._lines)
            hint = "".join(DIGIT_FOR.get(character, character) for character in read)
            message = f"{field}: {read}, expected a date as YYMMDD" + (f"; may be {hint}" if hint != read else "")
            self._note(span, field, FindingCode.MRZ_DATE, message)
        return found


def _words(part: str) -> str:
    return " ".join(word for word in part.split(FILLER) if word)


def _numbers(found: re.Match[str]) -> tuple[int, int, int]:
    year, month, day = (int(group) for group in found.groups())
    return year, month, day


def _letters_for(read: str) -> str:
    """A hint where a digit stands among letters."""
    confused = sorted({character for character in read if character in LETTER_FOR})
    return "".join(f"; {character} may be {LETTER_FOR[character]}" for character in confused)


def _findings(odd: Iterable[Odd]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            line=each.line,
            segment=each.field,
            segment_number=each.line,
            severity=each.severity or CATALOGUE[each.code].severity,
            code=each.code,
            message=each.message,
        )
        for each in odd
    )
