"""What gateways, mail and hands do to an interchange, and the text of one to begin with."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from gate.manifest.findings import FindingCode
from gate.manifest.paxlst import read_paxlst
from gate.manifest.reading import Reading
from gate.manifest.records import Manifest, Message, Person

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
READING = Reading(NOW)

HEAD = (
    "UNA:+.? 'UNB+UNOA:4+CARRIER+GATE+261122:0800+7'UNH+1+PAXLST:D:15B:UN:IATA'BGM+745'NAD+MS+++DESK'"
    "TDT+20+ZZ123+++ZZ'LOC+125+VIE'DTM+189:2611221000:201'LOC+87+LHR'DTM+232:2611221130:201'"
)
ADA = (
    "NAD+FL+++EXAMPLE:ADA'ATT+2++F'DTM+329:19720907'LOC+178+VIE'LOC+179+LHR'NAT+2+AUT'"
    "DOC+P+A1234567'DTM+36:20310101'LOC+91+AUT'"
)
BEN = (
    "NAD+FL+++SAMPLE:BEN'ATT+2++M'DTM+329:19810203'LOC+178+VIE'LOC+179+LHR'NAT+2+GBR'"
    "DOC+P+B7654321'DTM+36:20310101'LOC+91+GBR'"
)
PEOPLE = ADA + BEN


def interchange(head: str = HEAD, people: str = PEOPLE, total: str = "CNT+42:2'") -> str:
    """An interchange with right counts."""
    body = head[head.index("UNH") :] + people + total
    return head + people + total + f"UNT+{body.count(chr(39)) + 1}+1'UNZ+1+7'"


def read(text: str | bytes, reading: Reading = READING) -> Manifest:
    return read_paxlst(text.encode() if isinstance(text, str) else text, reading)


def only(manifest: Manifest) -> Message:
    (message,) = manifest.messages
    return message


def codes(manifest: Manifest) -> Counter[FindingCode]:
    return Counter(finding.code for finding in manifest.all_findings)


def names(people: tuple[Person, ...]) -> list[tuple[str, str]]:
    return [(person.surname, person.given_names) for person in people]


def wrapped(data: bytes, columns: int = 64, line_end: bytes = b"\n") -> bytes:
    """Cut every so many columns, wherever that is."""
    return line_end.join(data[start : start + columns] for start in range(0, len(data), columns))


def as_lines(data: bytes, line_end: bytes = b"\r\n", indentation: bytes = b"") -> bytes:
    """A segment a line. Only for text without released terminators."""
    lines = data.replace(b"'", b"'" + line_end).split(line_end)
    return line_end.join(indentation + line if line else line for line in lines)


def teletype(data: bytes) -> bytes:
    return b"QU GATEXY\r\n.CARRIER 220800\r\n" + data + b"\r\n\r\n\r\nEmail secured by UN Antivirus\r\n"
