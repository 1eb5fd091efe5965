"""Build, write, dirty, read: the same people, whatever gateways did; and no bytes at all that break the reader."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate.manifest import edifact
from gate.manifest.edifact import Segments, Separators, find_interchange
from gate.manifest.findings import FindingCode as F
from gate.manifest.paxlst import iter_paxlst, read_paxlst
from gate.manifest.records import Action, Document, Leg, Message, Person, Reference, Role
from gate.manifest.source import Source
from gate.manifest.write_paxlst import write_paxlst
from tests.manifest import paxlst_dirt as dirt
from tests.manifest.paxlst_dirt import NOW, READING

LEGS = (
    Leg("ZZ", "123", "VIE", "LHR", datetime(2026, 11, 22, 10, 0), datetime(2026, 11, 22, 11, 30)),  # noqa: DTZ001
    Leg("ZZ", "124", "LHR", "JFK", datetime(2026, 11, 22, 14, 0), datetime(2026, 11, 22, 17, 0)),  # noqa: DTZ001
)

_letters = string.ascii_uppercase
_tags = st.sampled_from(["UNZ", "UNT", "UNA", "UNB", "NAD", "CNT", "UNH"])
_words = st.one_of(
    _tags, st.text(_letters, min_size=1, max_size=12), st.text(_letters + "'+:?*.-", min_size=1).map(str.strip)
)
_names = st.lists(_words.filter(bool), min_size=1, max_size=3).map(" ".join)
_codes = st.text(_letters + string.digits, min_size=1, max_size=9)
_states = st.sampled_from(["AUT", "GBR", "D", "XXA", "UTO", ""])
_days = st.dates(date(1930, 1, 1), date(2026, 11, 22))
_documents = st.builds(
    Document,
    st.sampled_from(["P", "V", "I", "AC"]),
    _codes,
    _states,
    st.none() | st.dates(date(2020, 1, 1), date(2040, 1, 1)),
)
_references = st.builds(Reference, st.sampled_from(["AVF", "ABO", "AEA", "CR"]), _codes)


@st.composite
def _people(draw: st.DrawFn) -> Person:
    embarkation, debarkation = draw(st.sampled_from([("VIE", "LHR"), ("VIE", "JFK"), ("LHR", "JFK"), ("", "")]))
    return Person(
        draw(st.sampled_from(Role)),
        draw(_words.filter(bool)),
        draw(st.just("") | _names),
        birth_date=draw(st.none() | _days),
        sex=draw(st.sampled_from(["M", "F", "X", ""])),
        nationality=draw(_states),
        residence=draw(_states),
        documents=tuple(draw(st.lists(_documents, max_size=3))),
        embarkation=embarkation,
        debarkation=debarkation,
        references=tuple(draw(st.lists(_references, max_size=3))),
        seat=draw(st.sampled_from(["", "12A", "1F"])),
        contacts=tuple(draw(st.lists(st.from_regex(r"[0-9]{3,9}", fullmatch=True), max_size=2))),
        verified=draw(st.none() | st.booleans()),
    )


_lists = st.lists(
    _people(), max_size=5, unique_by=lambda person: (person.surname, person.given_names, person.birth_date)
)
_separators = st.sampled_from(
    [Separators(), Separators("|", "*", "\\", "~"), Separators(":", "+", "?", "$"), Separators("<", ">", "!", "=")]
)


def _message(people: list[Person], action: Action, *, crew: bool) -> Message:
    return Message(action, crew, "", "DESK", "LIST1", 0, False, LEGS, tuple(people), None, ())


def _essence(person: Person) -> tuple[object, ...]:
    """All but where it stands; a seat is a reference too."""
    return (
        person.role,
        person.surname,
        person.given_names,
        person.birth_date,
        person.sex,
        person.nationality,
        person.residence,
        person.documents,
        person.embarkation,
        person.debarkation,
        tuple(reference for reference in person.references if reference.qualifier != "SEA"),
        person.seat,
        person.contacts,
        person.verified,
    )


_ways = st.sampled_from(
    ["plain", "wrapped", "wrapped and indented", "a segment a line", "teletype", "wrong counts", "blanks"]
)


@given(
    _lists,
    st.sampled_from(sorted(set(Action) - {Action.BOARDED})),
    st.booleans(),
    _separators,
    st.booleans(),
    st.booleans(),
    _ways,
    st.integers(20, 80),
)
@settings(max_examples=250, deadline=None)
def test_the_same_people_come_back(
    people: list[Person],
    action: Action,
    crew: bool,
    signs: Separators,
    advice: bool,
    group: bool,
    way: str,
    columns: int,
) -> None:
    line_end = "\r\n" if way == "a segment a line" else ""
    data = write_paxlst(
        [_message(people, action, crew=crew)],
        prepared=NOW,
        separators=signs,
        advice=advice or signs != Separators(),
        group=group,
        line_end=line_end,
    )
    expected: set[F] = set()
    if way.startswith("wrapped") and len(data) > columns:
        data = dirt.wrapped(data, columns)
        expected |= {F.LINES_WRAPPED}
        if way.endswith("indented"):
            data = b"\n".join(b"  " + line for line in data.split(b"\n"))
            expected |= {F.LINES_INDENTED}
    elif way == "teletype":
        data = dirt.teletype(data)
        expected |= {F.TEXT_AROUND}
    elif way == "wrong counts":
        element, end = signs.element.encode(), signs.terminator.encode()
        data = data.replace(end + b"UNT" + element, end + b"UNT" + element + b"9")
        expected |= {F.TRAILER_COUNT}
    elif way == "blanks":
        element, end = signs.element.encode(), signs.terminator.encode()
        data = data.replace(end + b"BGM" + element, end + b" BGM " + element + b" ")
        expected |= {F.TAG_BLANKS, F.STRAY_BLANKS}
    manifest = read_paxlst(data, READING)
    (message,) = manifest.messages
    assert [_essence(person) for person in message.people] == [_essence(person) for person in people]
    assert (message.action, message.crew) == (
        action,
        crew and action not in (Action.CLOSE, Action.NOT_ON_BOARD, Action.ON_BOARD),
    )
    assert [(leg.carrier, leg.number, leg.origin, leg.destination) for leg in message.legs] == [
        (leg.carrier, leg.number, leg.origin, leg.destination) for leg in LEGS
    ]
    assert [leg.departure_local for leg in message.legs] == [leg.departure_local for leg in LEGS]
    found = {finding.code for finding in manifest.all_findings}
    assert expected <= found
    written = {
        F.TRAILER_COUNT,
        F.TRAILER_REFERENCE,
        F.TRAILER_MISSING,
        F.COUNT_MISMATCH,
        F.LINES_WRAPPED,
        F.TEXT_AROUND,
        F.SEGMENT_UNKNOWN,
        F.SEGMENT_MISPLACED,
        F.STRAY_BLANKS,
        F.TAG_BLANKS,
        F.LINES_INDENTED,
    }
    assert found & written == expected


def test_the_writer_numbers_parts_and_counts() -> None:
    people = [Person(Role.PASSENGER, "EXAMPLE", "ADA BEA", date(1980, 1, 1), documents=(Document("P", "X1", "AUT"),))]
    text = write_paxlst([_message(people, Action.LIST, crew=False)] * 2, prepared=NOW, line_end="\n").decode()
    assert "UNH+2+PAXLST:D:15B:UN:IATA'\n" in text
    assert "NAD+FL+++EXAMPLE:ADA:BEA'\n" in text
    assert text.endswith("UNE+2+1'\nUNZ+1+1'\n")


_PIECES = (
    "UNA:+.? '|UNB+UNOA:4+A+B+261122:0800+1|UNG+PAXLST|UNH+1+PAXLST:D:02B:UN:IATA+A+1|BGM+745|BGM|TDT+20+Z1|TDT|"
    "LOC+125+VIE|LOC+92|LOC|DTM+189:2611220100|DTM+36:1|DTM|NAD+FL+++A:B|NAD+MS|NAD+XX+++A|NAD|ATT+2|NAT|RFF+SEA:1|"
    "RFF|DOC+P+1|DOC|GEI+4|COM|CNT+42:9|CNT+41|CNT|UNT+1+1|UNT|UNE+1|UNZ+1+1|UNZ|'|?|??|'\n|\r| |\x00|\x1c\x1d\x1f|"
    "\xff|+|:"
)
_pieces = st.sampled_from(_PIECES.split("|"))


@given(st.lists(_pieces, max_size=40).map("'".join).map(lambda text: text.encode("latin-1")))
@example(b"UNA")
@example(b"UNB+UNOA")
@example(b"UNA:+.? 'UNB")
@example("UNB+UNOA:4'UNH'NAD+FL+++²:²'DTM+329:²²²²²²'CNT+42:²'UNT+²'".encode())
@settings(max_examples=400, deadline=None)
def test_segments_in_any_order_break_nothing(data: bytes) -> None:
    manifest = read_paxlst(data, READING)
    assert manifest.messages or manifest.findings
    for finding in manifest.all_findings:
        assert 1 <= finding.line <= data.count(b"\n") + data.count(b"\r") + 1


@given(st.binary(max_size=400), st.sampled_from([b"", b"UNA:+.? '", b"UNB+UNOA:4+", b"UNH+1+PAXLST:D:15B'"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_break_nothing(data: bytes, before: bytes) -> None:
    read_paxlst(before + data, READING)


class _Counted(Segments):
    """Counts the characters that it looks at."""

    looked_at = 0

    def _canonical(self, chunk: str) -> str:
        _Counted.looked_at += len(chunk)
        return super()._canonical(chunk)


def _work(text: str) -> int:
    _Counted.looked_at = 0
    source = Source(text.encode())
    opening = find_interchange(source.text, 0)
    assert opening is not None
    for _ in _Counted(source, opening):
        pass
    return _Counted.looked_at


@pytest.mark.parametrize(
    "unit",
    ["FTX+A'", "X", "?'", "'", "+", " ", "UNH+", "NAD+FL+++A:B'LOC+178+VIE'"],
    ids=["segments", "no terminator", "released", "empty", "elements", "blanks", "headers", "people"],
)
def test_work_grows_with_the_file(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file twice as long is at most a little more than twice the work, however it is made."""
    monkeypatch.setattr(edifact, "_CHUNK", 1 << 12)
    one, two = (_work("UNB+UNOA:4+A+B'" + unit * (size // len(unit))) for size in (100_000, 200_000))
    assert two <= 2.2 * one
    assert two <= 4 * 200_000


def test_messages_come_one_after_the_other() -> None:
    """The first is there before the second is read: memory is bounded by a message, not by the file."""
    people = [Person(Role.PASSENGER, "EXAMPLE", f"ADA {letter}", date(1980, 1, 1)) for letter in _letters]
    data = write_paxlst([_message(people, Action.LIST, crew=False)] * 400, prepared=NOW)
    assert len(data) > 4 * edifact._FIRST_CHUNK
    counted = []
    original = edifact.Segments._numbered

    def numbered(self: Segments, canonical: str, start: int) -> object:
        counted.append(start)
        return original(self, canonical, start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edifact.Segments, "_numbered", numbered)
        first = next(iter_paxlst(data, READING))
    assert len(first.people) == 26
    assert max(counted) < 20_000 < len(data)


def test_local_times_are_converted() -> None:
    data = write_paxlst([_message([], Action.CLOSE, crew=False)], prepared=NOW)
    (message,) = read_paxlst(data, READING).messages
    assert message.legs[1].departure == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    assert message.legs[1].arrival == datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
    assert message.legs[0].departure == NOW + timedelta(hours=1)
