"""Bar-coded boarding passes: IATA Resolution 792, versions 1 to 8.

Nothing is repaired in silence: what is odd stands in the findings. A boarding pass is signed by nobody whose key this
engine knows and can be copied from a picture, so it only says whom to look for: see `gate.claims.fit`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from gate.claims import julian
from gate.claims.bcbp_items import (
    FORMAT,
    HEAD_WIDTH,
    LEG,
    LEG_WIDTH,
    LEGS,
    MAX_CHARS,
    NAME_WIDTH,
    REPEATED,
    SECURITY_MARK,
    SIZE_WIDTH,
    UNIQUE,
    UNREAD,
    VERSION_MARK,
    VERSIONS,
    Item,
    cut,
    width_of,
)
from gate.claims.boarding_pass import TITLES, BoardingPass, PassLeg, SecurityData
from gate.claims.findings import ClaimFinding, Oddity, Severity, finding

_AIM = re.compile(r"\A\][A-Za-z]\d", re.ASCII)
"""The symbology identifier that scanners may put first (ISO/IEC 15424)."""

_SIZE = re.compile("[0-9A-Fa-f]{2}")
_PLAUSIBLE: Mapping[str, re.Pattern[str]] = {
    "record_locator": re.compile(r"[A-Z0-9]{2,7}"),
    "origin": re.compile(r"[A-Z]{3}"),
    "destination": re.compile(r"[A-Z]{3}"),
    "carrier": re.compile(r"(?=.*[A-Z])[A-Z0-9]{2,3}"),
    "number": re.compile(r"\d{1,4}[A-Z]?", re.ASCII),
    "day": re.compile(r"\d{3}", re.ASCII),
    "compartment": re.compile(r"[A-Z]"),
    "seat": re.compile(r"\d{1,3}[A-Z]|INF|GATE|STBY|NS|JMP", re.ASCII),
    "sequence": re.compile(r"\d{1,4}[A-Z]?|[A-Z]\d{1,4}", re.ASCII),
    "status": re.compile(r"[0-9A-Z]"),
}
_NEEDED = frozenset({"carrier", "number", "day"})
_NAME = re.compile(r"[A-Z' .-]*")


def looks_like_bcbp(text: str) -> bool:
    """Whether a text begins as a boarding pass does."""
    return bool(re.match(rf"(?:{_AIM.pattern})?[Mm][1-9][A-Za-z]", text.lstrip("\x02\ufeff\r\n ")))


def read_bcbp(text: str, now: datetime | date) -> BoardingPass:
    """Reads a boarding pass.

    Args:
        text: as the scanner gave it; a symbology identifier before it and line ends behind it are taken off.
        now: decides the year of its dates.

    Returns:
        Always a record, never an exception: what is wrong stands in its findings.
    """
    return _Reader(now.date() if isinstance(now, datetime) else now).read(text)


class _Reader:
    """One boarding pass being read: collects what is odd on the way."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._findings: list[ClaimFinding] = []
        self._version = ""
        self._unique: dict[str, str] = {}

    def read(self, raw: str) -> BoardingPass:
        text = self._tidied(raw)
        if not self._begins_well(text):
            return BoardingPass(findings=tuple(self._findings))
        surname, given_names, title = self._name(self._raised(text[2 : 2 + NAME_WIDTH]))
        legs, rest = self._legs(text, int(text[1]))
        security = self._security(rest)
        issued = self._issued(legs)
        return BoardingPass(
            surname=surname,
            given_names=given_names,
            title=title,
            name_truncated=text[1 + NAME_WIDTH] != " ",
            electronic_ticket=text[2 + NAME_WIDTH].upper() == "E",
            version=self._version,
            issued=issued,
            details=self._unique,
            legs=legs,
            security=security,
            findings=tuple(self._findings),
        )

    def _note(self, code: Oddity, message: str, item: str = "", leg: int = 0, severity: Severity | None = None) -> None:
        self._findings.append(finding(code, message, item, leg, severity))

    def _tidied(self, raw: str) -> str:
        # The blanks at the end stay: they may belong to the last item.
        text = _AIM.sub("", raw[: 2 * MAX_CHARS].lstrip("\x02\ufeff\r\n "), count=1).rstrip("\x03\x00\r\n\t")
        if text != raw[: 2 * MAX_CHARS]:
            self._note(Oddity.BCBP_TIDIED, "line ends or a scanner's marks were taken off")
        return text

    def _begins_well(self, text: str) -> bool:
        if len(text) > MAX_CHARS:
            self._note(Oddity.BCBP_TOO_LONG, f"more than {MAX_CHARS} characters")
        elif strange := sorted({c for c in text if not " " <= c <= "~"}):
            self._note(Oddity.BCBP_CHARACTER, f"{' '.join(ascii(c) for c in strange[:8])}: expected printable ASCII")
        elif text[:1].upper() != FORMAT:
            self._note(Oddity.BCBP_FORMAT, f"format code {text[:1] or 'missing'}, expected {FORMAT}")
        elif text[1:2] not in {str(count) for count in LEGS}:
            self._note(Oddity.BCBP_LEGS, f"{text[1:2] or 'no'} legs, expected 1 to {LEGS[-1]}")
        elif len(text) < HEAD_WIDTH + LEG_WIDTH:
            self._note(Oddity.BCBP_SHORT, f"{len(text)} characters, expected at least {HEAD_WIDTH + LEG_WIDTH}")
        else:
            return True
        return False

    def _raised(self, text: str) -> str:
        """Mandatory items have capitals only, other items both; a scanner's keyboard may have had the wrong case."""
        if text != text.upper() and not any(f.item == "case" for f in self._findings):
            self._note(Oddity.BCBP_TIDIED, "capitals were made", "case")
        return text.upper()

    def _name(self, printed: str) -> tuple[str, str, str]:
        surname, oblique, given = (part.strip() for part in printed.partition("/"))
        if not surname:
            self._note(Oddity.NAME_MISSING, "no surname before the oblique", "name")
        if "/" in given or not _NAME.fullmatch(surname) or not _NAME.fullmatch(given.replace("/", "")):
            self._note(Oddity.NAME_UNUSUAL, "expected letters as SURNAME/GIVEN NAMES TITLE", "name")
        elif surname and not oblique:
            self._note(Oddity.NAME_UNUSUAL, "there are no given names", "name", severity=Severity.NOTE)
        if printed[-1] != " ":
            self._note(Oddity.NAME_TRUNCATED, f"all {NAME_WIDTH} characters are used", "name")
        words = given.replace("/", " ").split()
        title = words.pop() if len(words) > 1 and words[-1] in TITLES else ""
        return " ".join(surname.split()), " ".join(words), title

    def _legs(self, text: str, count: int) -> tuple[tuple[PassLeg, ...], str]:
        legs: list[PassLeg] = []
        at = HEAD_WIDTH
        for number in range(1, count + 1):
            mandatory = text[at : at + LEG_WIDTH]
            if len(mandatory) < LEG_WIDTH:
                self._note(Oddity.BCBP_SHORT, f"the text ends before leg {number} of {count}", severity=Severity.ERROR)
                return tuple(legs), ""
            at += LEG_WIDTH
            if number < count and not _SIZE.fullmatch(text[at : at + SIZE_WIDTH]):
                # Where the next leg begins is not known; a flight read from elsewhere could be a true one.
                self._note(Oddity.BCBP_SIZE, f"no size behind leg {number} of {count}", severity=Severity.ERROR)
                return tuple(legs), ""
            at, variable = self._sized(text, at, "size of variable field", number)
            legs.append(self._leg(self._raised(mandatory), variable, number))
        named = [leg.flight for leg in legs if leg.flight]
        if len(set(named)) < len(named):
            self._note(Oddity.LEGS_REPEATED, "two legs name the same flight")
        return tuple(legs), text[at:]

    def _sized(self, text: str, at: int, item: str, leg: int) -> tuple[int, str]:
        """Where the text goes on behind a section that begins with its size, and the section."""
        stated = text[at : at + SIZE_WIDTH]
        if not _SIZE.fullmatch(stated):
            # Scanners cut blanks off: a pass that ends here has nothing more to say.
            severity = Severity.WARNING if stated.strip() else Severity.NOTE
            self._note(Oddity.BCBP_SIZE, f"{stated or 'nothing'}, expected two hexadecimal digits", item, leg, severity)
            return min(at + SIZE_WIDTH, len(text)), ""
        begin, size = at + SIZE_WIDTH, int(stated, 16)
        section = text[begin : begin + size]
        if len(section) < size:
            self._note(Oddity.BCBP_SIZE, f"{size} characters are stated, {len(section)} are there", item, leg)
        return begin + len(section), section

    def _leg(self, mandatory: str, variable: str, number: int) -> PassLeg:
        items = {name: raw.strip() for name, raw in cut(LEG, mandatory)}
        for name, value in items.items():
            self._look_at(name, value, number)
        departs = julian.nearest(int(items["day"]), self._today) if _PLAUSIBLE["day"].fullmatch(items["day"]) else None
        details, airline_data = self._conditional(variable, number)
        leg = PassLeg(
            record_locator=items["record_locator"],
            origin=items["origin"],
            destination=items["destination"],
            carrier=items["carrier"] if _PLAUSIBLE["carrier"].fullmatch(items["carrier"]) else "",
            number=items["number"],
            day=items["day"],
            compartment=items["compartment"],
            seat=items["seat"].lstrip("0"),
            sequence=items["sequence"].lstrip("0"),
            status=items["status"],
            departs=departs,
            details=details,
            airline_data=airline_data,
        )
        if departs is None:
            message = f"day {items['day'] or 'missing'} of the year, expected 001 to 366, near {self._today}"
            self._note(Oddity.DATE_INVALID, message, "day", number)
        if not leg.flight:
            self._note(Oddity.FLIGHT_UNNAMED, "carrier, flight number or day cannot be used", leg=number)
        return leg

    def _look_at(self, name: str, value: str, leg: int) -> None:
        if not value:
            severity = Severity.WARNING if name in _NEEDED else None
            self._note(Oddity.ITEM_MISSING, f"{name} is blank", name, leg, severity)
        elif not _PLAUSIBLE[name].fullmatch(value):
            self._note(Oddity.ITEM_UNUSUAL, f"{name}: {value}", name, leg)

    def _conditional(self, variable: str, number: int) -> tuple[Mapping[str, str], str]:
        """The repeated items of a leg and what is the airline's own; keeps the unique items of the first leg."""
        at = 0
        if number == 1:
            if variable and variable[0] != VERSION_MARK:
                self._note(Oddity.BCBP_VERSION, f"expected {VERSION_MARK} and a version; all is taken as the airline's")
                return {}, variable
            self._version = variable[1:2].strip()
            if variable and self._version not in set(VERSIONS):
                self._note(Oddity.BCBP_VERSION, f"version {self._version or 'missing'}, expected 1 to {VERSIONS[-1]}")
            at = 2
            if len(variable) <= at:
                return {}, ""
            at, unique = self._sized(variable, at, "size of unique items", number)
            self._unique = self._items(unique, UNIQUE, number)
        if len(variable) <= at:
            return {}, ""
        at, repeated = self._sized(variable, at, "size of repeated items", number)
        return self._items(repeated, REPEATED, number), variable[at:]

    def _items(self, section: str, layout: tuple[Item, ...], leg: int) -> dict[str, str]:
        if len(section) > width_of(layout):
            message = f"{len(section) - width_of(layout)} characters behind the last item known; not read"
            self._note(Oddity.BCBP_SURPLUS, message, leg=leg)
        return {name: raw.strip() for name, raw in cut(layout, section) if raw.strip() and name not in UNREAD}

    def _issued(self, legs: tuple[PassLeg, ...]) -> date | None:
        """Date of issue: the last digit of the year and the day of it."""
        stated = self._unique.get("issued", "")
        if not stated:
            return None
        found = re.fullmatch(r"(\d)(\d{3})", stated, re.ASCII)
        issued = julian.nearest_with_digit(int(found[1]), int(found[2]), self._today) if found else None
        if issued is None:
            self._note(Oddity.ITEM_UNUSUAL, f"issued: {stated}, expected a digit of the year and a day of it", "issued")
            return None
        last = max((leg.departs for leg in legs if leg.departs), default=None)
        # One day more: the flight's date is local, and the issuer's clock another.
        if last is not None and (issued - last).days > 1:
            self._note(Oddity.ISSUED_AFTER_FLIGHT, f"issued on {issued}, the last flight is on {last}", "issued")
        return issued

    def _security(self, rest: str) -> SecurityData | None:
        if not rest.startswith(SECURITY_MARK):
            if rest.strip():
                self._note(Oddity.BCBP_SURPLUS, f"{len(rest)} characters behind the last leg")
            return None
        kind, stated, data = rest[1:2].strip(), rest[2:4], rest[4:]
        size = int(stated, 16) if _SIZE.fullmatch(stated) else None
        if size is None:
            self._note(Oddity.BCBP_SIZE, f"{stated or 'nothing'}, expected two hexadecimal digits", "size of security")
            return SecurityData(kind, data)
        if len(data) < size:
            self._note(Oddity.SECURITY_SHORT, f"{size} characters are stated, {len(data)} are there", "security data")
        elif data[size:].strip():
            self._note(Oddity.BCBP_SURPLUS, f"{len(data) - size} characters behind the security data")
        if data:
            self._note(Oddity.SECURITY_UNCHECKED, "security data are there, and are not checked", "security data")
        return SecurityData(kind, data[:size])
