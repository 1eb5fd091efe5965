"""UN/EDIFACT PAXLST, the advance passenger list of WCO, IATA and ICAO: bytes to messages.

Nothing raises, whatever the bytes: what cannot be read becomes a finding. Time is linear in the size of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gate.manifest.dates import Calendar
from gate.manifest.edifact import COMPONENT, ELEMENT, Numbered, Opening, Segments, Separators, find_interchange
from gate.manifest.findings import Finding, FindingCode
from gate.manifest.notes import Notes, Place
from gate.manifest.paxlst_message import Header, MessageReader, Parts, check_trailer
from gate.manifest.reading import Reading
from gate.manifest.records import Format, Manifest, Message
from gate.manifest.source import Source

_MESSAGE_TYPE = "PAXLST"
_TAG = 3
_FIRST_DIRECTORY = "02B"
_DIRECTORY = re.compile(r"[0-9]{2}[AB]")
_SYNTAX = re.compile(r"UNO[A-Y]|IAT[AB]")


def read_paxlst(data: bytes, reading: Reading) -> Manifest:
    """The whole file."""
    findings: list[Finding] = []
    messages = tuple(iter_paxlst(data, reading, findings))
    return Manifest(Format.PAXLST, messages, tuple(findings))


def iter_paxlst(data: bytes, reading: Reading, findings: list[Finding] | None = None) -> Iterator[Message]:
    """The messages, one after the other, so that only one is held.

    Args:
        findings: what is odd about the file and its envelopes is added here, after the last message.
    """
    file = _File(data, reading)
    yield from file.messages()
    if findings is not None:
        findings += file.notes.findings()


@dataclass(slots=True)
class _Envelope:
    """UNB or UNG: its reference, and what it holds so far."""

    reference: str = ""
    stated: bool = False
    messages: int = 0
    groups: int = 0


class _File:
    def __init__(self, data: bytes, reading: Reading) -> None:
        self._source = Source(data)
        self._reading = reading
        self._calendar = Calendar(reading.now)
        self._parts = Parts()
        self._end = 0  # of the last interchange, in the source's text
        self.notes = Notes(self._source)

    def messages(self) -> Iterator[Message]:
        text, notes = self._source.text, self.notes
        opening = find_interchange(text, 0)
        if opening is None:
            empty = not text.strip(" \t\x00")
            code = FindingCode.EMPTY if empty else FindingCode.FORMAT_UNKNOWN
            notes.add(code, "the file is empty" if empty else "no UNA, UNB or UNH begins an interchange")
            return
        if self._source.marked:
            notes.add(FindingCode.BYTE_ORDER_MARK, "the file begins with a byte order mark")
        if self._source.indented:
            notes.add(FindingCode.LINES_INDENTED, "lines are indented", at=Place(0, opening.found))
        while opening is not None:
            self._note_text_around(opening.found)
            yield from self._interchange(opening)
            opening = find_interchange(text, self._end)
        self._note_text_around(len(text))

    def _note_text_around(self, until: int) -> None:
        around = self._source.text[self._end : until].lstrip(" \t\x00\x1c")
        if around.strip(" \t\x00\x1a"):  # mail and old systems end files with blanks, NUL or SUB
            at = Place(0, until - len(around))
            self.notes.add(FindingCode.TEXT_AROUND, f"text outside of an interchange: {around[:40].rstrip()!r}", at=at)

    def _interchange(self, opening: Opening) -> Iterator[Message]:
        notes, segments = self.notes, Segments(self._source, opening)
        self._note_opening(opening)
        stream = iter(segments)
        interchange, group = _Envelope(), _Envelope()
        prepared: date | None = None
        closed = False
        pending: Numbered | None = None
        while not closed:
            item = pending or next(stream, None)
            pending = None
            if item is None:
                break
            notes.segment = item
            number, offset, segment = item
            elements = segment.split(ELEMENT)
            tag = elements[0]
            if (tag == "UNB" and number > 1) or tag.startswith("UNA"):
                self._end = offset  # the next one begins before this one ended
                break
            if tag == "UNB":
                interchange = _Envelope(_element(elements, 5), stated=True)
                prepared = self._calendar.day(_element(elements, 4).partition(COMPONENT)[0])
            elif tag in ("UNG", "UNE"):
                group = self._next_group(elements, group)
                interchange.groups += tag == "UNG"
            elif tag == "UNH":
                interchange.messages += 1
                group.messages += 1
                message, pending = self._message(elements, stream, segments, prepared)
                if message is not None:
                    yield message
            elif tag == "UNZ":
                self._check_group_ended(group)
                count, counted = (
                    (interchange.groups, "groups") if interchange.groups else (interchange.messages, "messages")
                )
                check_trailer(notes, elements, count, interchange.reference, counted)
                closed = True
            else:
                notes.add(FindingCode.SEGMENT_MISPLACED, "a segment outside of a message was skipped", tag[:3])
        if not closed:
            self._check_group_ended(group)
            if interchange.stated:
                notes.add(FindingCode.TRAILER_MISSING, "the interchange ends without UNZ", "UNZ")
        if closed or item is None:
            end = segments.end_of(offset) if closed else segments.rest
            # A header that a line break cuts is no segment and nothing was read: the search goes on behind its tag.
            self._end = max(end, opening.start + _TAG)
        self._note_writing(opening, segments)

    def _message(
        self, elements: list[str], stream: Iterator[Numbered], segments: Segments, prepared: date | None
    ) -> tuple[Message | None, Numbered | None]:
        notes = self.notes
        kind, version, release, *_ = [*_element(elements, 2).split(COMPONENT), "", "", ""]
        part, _, last = _element(elements, 4).partition(COMPONENT)
        header = Header(
            reference=_element(elements, 1),
            access=_element(elements, 3),
            part=int(part) if part.isascii() and part.isdigit() and len(part) < 3 else 0,
            last_part=last.upper() == "F",
            prepared=prepared,
            at=notes.here,
        )
        if kind and kind != _MESSAGE_TYPE:
            notes.add(FindingCode.MESSAGE_TYPE_OTHER, f"a message {kind!r} was skipped: expected PAXLST", "UNH")
            return None, self._skipped(stream, header)
        if (
            not kind
            or version != "D"
            or not _DIRECTORY.fullmatch(release)
            or _century(release) < _century(_FIRST_DIRECTORY)
        ):
            directory = f"{version}.{release}" if kind else "none"
            notes.add(FindingCode.VERSION_UNKNOWN, f"directory {directory!r}: expected D.02B or later", "UNH")
        self._note_stray_blanks(segments)
        reader = MessageReader(self._source, segments, self._calendar, self._reading, header, self._parts)
        message, ended_by = reader.read(stream)
        notes.segment = reader.last
        return message, ended_by

    def _skipped(self, stream: Iterator[Numbered], header: Header) -> Numbered | None:
        """Reads over a message of another type; the segment that ended it, where that is not UNT."""
        for item in stream:
            self.notes.segment = item
            number, _, segment = item
            tag = segment[:3]
            if tag == "UNT":
                count = number - header.at.number + 1
                elements = segment.split(ELEMENT)
                check_trailer(self.notes, elements, count, header.reference, "segments from UNH to UNT")
                return None
            if tag in ("UNA", "UNB", "UNG", "UNH", "UNE", "UNZ"):
                return item
        return None

    def _next_group(self, elements: list[str], group: _Envelope) -> _Envelope:
        """UNG begins one, UNE ends one: what follows belongs to another, perhaps to none."""
        if elements[0] == "UNG":
            self._check_group_ended(group)
            return _Envelope(_element(elements, 5), stated=True)
        if group.stated:
            check_trailer(self.notes, elements, group.messages, group.reference, "messages")
        else:
            self.notes.add(FindingCode.SEGMENT_MISPLACED, "UNE without UNG was skipped", "UNE")
        return _Envelope()

    def _check_group_ended(self, group: _Envelope) -> None:
        if group.stated:
            self.notes.add(FindingCode.TRAILER_MISSING, "the group ends without UNE", "UNE")

    def _note_opening(self, opening: Opening) -> None:
        at, notes, separators = Place(0, opening.found), self.notes, opening.separators
        usual = separators == Separators()
        signs = f"{separators.component} {separators.element} {separators.release} {separators.terminator}"
        if opening.contradicted:
            notes.add(FindingCode.UNA_CONTRADICTED, f"UNA does not fit what follows; read with {signs}", "UNA", at=at)
        elif opening.advice and not usual:
            notes.add(FindingCode.SEPARATORS_OTHER, f"component, element, release, terminator: {signs}", "UNA", at=at)
        elif not usual and separators.terminator >= " ":
            notes.add(FindingCode.SEPARATORS_UNSTATED, f"read with {signs}", "UNB", at=at)
        if opening.bare:
            notes.add(FindingCode.UNB_MISSING, "a message without an interchange header", "UNH", at=at)
        elif not _SYNTAX.fullmatch(opening.syntax):
            message = f"syntax identifier {opening.syntax or 'none'!r}: expected UNOA to UNOY"
            notes.add(FindingCode.SYNTAX_UNKNOWN, message, "UNB", at=Place(1, opening.start))

    def _note_writing(self, opening: Opening, segments: Segments) -> None:
        """What the segments themselves could not say while they were read."""
        notes = self.notes

        def note(code: FindingCode, message: str, offset: int) -> None:
            notes.add(code, message, at=Place(0, offset))

        if segments.wrapped is not None:
            note(FindingCode.LINES_WRAPPED, "lines end within segments", segments.wrapped)
        if segments.blank_tags:
            first, many = segments.blank_tags[0], len(segments.blank_tags)
            note(FindingCode.TAG_BLANKS, f"blanks around the tags of {many} segments", first)
        if segments.empty:
            note(FindingCode.SEGMENT_EMPTY, f"{len(segments.empty)} segments are empty", segments.empty[0])
        if segments.not_ascii and opening.charset == "ascii":
            message = (
                f"{len(segments.not_ascii)} segments hold characters that {opening.syntax or 'ASCII'} does not have"
            )
            note(FindingCode.NOT_ASCII, message, segments.not_ascii[0])
        if segments.unended is not None:
            note(FindingCode.SEGMENT_UNENDED, "the last segment has no terminator", segments.unended)
        self._note_stray_blanks(segments)

    def _note_stray_blanks(self, segments: Segments) -> None:
        while segments.stray and segments.stray[0][0] <= self.notes.segment[0]:
            number, offset, name = segments.stray.popleft()
            message = "blanks at the ends of values were removed"
            self.notes.add(FindingCode.STRAY_BLANKS, message, name, at=Place(number, offset))


def _element(elements: list[str], index: int) -> str:
    return elements[index] if index < len(elements) else ""


def _century(directory: str) -> str:
    """Directories in order: 96B, 02B, 24A."""
    return ("19" if directory >= "90" else "20") + directory
