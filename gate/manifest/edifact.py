"""UN/EDIFACT interchanges to segments (ISO 9735 part 1, syntax versions 1 to 4), from files as they really arrive.

Segments come in one form, whatever separators the interchange has: elements parted by `ELEMENT`, components by
`COMPONENT`, released characters as plain text. Those two cannot occur in a value.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, count

from gate.manifest.source import Source

ELEMENT = "\x1d"
COMPONENT = "\x1f"
_TERMINATOR = "\x1c"

Numbered = tuple[int, int, str]
"""A segment: its number in the interchange, from 1, its offset in the source's text, and itself."""

_FILLER = "\x00"  # where a release character stood, so that places stay what they are in the file

_FIRST_CHUNK = 1 << 9
_CHUNK = 1 << 20
_HEADER = 1000
"""Characters within which an interchange header is followed by a group or message header."""

_START = re.compile(
    r"UNA(?P<advice>[^A-Za-z0-9]{4,9}?)[ \t]*(?=UN[BGH])"
    r"|UNB *(?P<element>[^A-Za-z0-9 \t]) *(?P<syntax>[A-Z]{4}) *(?:(?P<component>[^A-Za-z0-9 \t]) *[0-9])?"
    r"|UNH *(?P<bare>[^A-Za-z0-9 \t])[^'\x1c]{1,60}?PAXLST"
)
_SEGMENT = re.compile(f" *[A-Z]{{3}} *{ELEMENT}")
_SYNTAX = re.compile(r"UNB.{0,4}?([A-Z]{4})")
_CHARSETS = {
    **{
        f"UNO{letter}": f"iso8859-{part}"
        for letter, part in zip("CDEFGHIJKL", (1, 2, 5, 7, 3, 4, 6, 8, 9, 15), strict=True)
    },
    "UNOW": "utf-8",
    "UNOY": "utf-8",
}


@dataclass(frozen=True, slots=True)
class Separators:
    """Service characters (ISO 9735-1, 7.1). An empty `release`: none."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    terminator: str = "'"

    @property
    def distinct(self) -> bool:
        """They can be told apart."""
        every = (self.component, self.element, self.terminator, *self.release)
        return len(set(every)) == len(every)


@dataclass(frozen=True, slots=True)
class Opening:
    """Where an interchange begins, and how it is written.

    Attributes:
        found: offset of the first character. start: of the first segment.
        advice: the separators were stated by UNA.
        contradicted: UNA says what the interchange does not do.
        syntax: identifier such as ``UNOA``; empty when not stated.
        bare: it begins with a message: no interchange header.
    """

    found: int
    start: int
    separators: Separators
    advice: bool
    contradicted: bool
    syntax: str
    bare: bool

    @property
    def charset(self) -> str:
        """Of its text as stated: ASCII unless the syntax identifier names another."""
        return _CHARSETS.get(self.syntax, "ascii")


def find_interchange(text: str, start: int) -> Opening | None:
    """The next interchange from `start` on; None when there is none."""
    found = _START.search(text, start)
    if found is None:
        return None
    syntax = _SYNTAX.match(text, found.end() if found["advice"] else found.start())
    stated = _advised(found["advice"]) if found["advice"] else None
    first = found.end() if found["advice"] else found.start()
    fits = stated is not None and stated.distinct and _follows(text, first, stated)
    separators = stated if fits and stated is not None else _deduced(text, first)
    return Opening(
        found=found.start(),
        start=first,
        separators=separators,
        advice=stated is not None,
        contradicted=stated is not None and not fits,
        syntax=syntax[1] if syntax else "",
        bare=text.startswith("UNH", first),
    )


def _advised(advice: str) -> Separators:
    """Of a UNA segment. Blanks in it may have been lost or added, so its last sign is the terminator."""
    release, rest = advice[3].strip(" "), advice[4:].strip(" \t")
    if not rest:  # one sign short: the release character was a blank, and got lost
        release, rest = "", advice[3]
    return Separators(advice[0], advice[1], release, rest[-1])


def _follows(text: str, start: int, stated: Separators) -> bool:
    return text[start + 3 : start + 10].lstrip(" ").startswith(stated.element)


def _deduced(text: str, start: int) -> Separators:
    """What the header itself shows: the sign after UNB, the one before the version, the one before the next header."""
    header = text[start : start + _HEADER]
    element = header[3:].lstrip(" ")[:1] or "+"
    version = re.match(rf"UN. *{re.escape(element)} *[A-Z]{{4}} *([^A-Za-z0-9 \t]) *[0-9]", header)
    ending = re.search(rf"([^A-Za-z0-9 \t]) *(?:UNG|UNH|BGM) *{re.escape(element)}", header[3:])
    if element == ELEMENT:  # UNOB, syntax versions 1 to 3
        return Separators(COMPONENT, ELEMENT, "", _TERMINATOR)
    guessed = Separators(version[1] if version else ":", element, "?", ending[1] if ending else "'")
    return guessed if guessed.distinct else Separators()


class Segments:
    """The segments of one interchange and of whatever follows it, as (number, offset, segment), once.

    Attributes:
        wrapped: offset of the first segment that was cut by a line break; None: none was.
        not_ascii: offsets of segments with characters beyond ASCII.
        blank_tags: offsets of segments with blanks around the tag.
        empty: offsets of segments without anything.
        stray: (number, offset, name) of segments with blanks around values that were removed; the reader takes them.
        unended: offset of a last segment without terminator; None: there is none.
        rest: offset of what follows the last segment.
    """

    def __init__(self, source: Source, opening: Opening) -> None:
        self._source = source
        self._opening = opening
        separators = opening.separators
        table = dict.fromkeys(range(32), " ")
        table |= {
            ord(separators.component): COMPONENT,
            ord(separators.element): ELEMENT,
            ord(separators.terminator): _TERMINATOR,
        }
        self._table = table
        self.wrapped: int | None = None
        self.not_ascii: list[int] = []
        self.blank_tags: list[int] = []
        self.empty: list[int] = []
        self.stray: deque[tuple[int, int, str]] = deque()
        self.unended: int | None = None
        self.rest = len(source.text)
        self._count = 0

    def __iter__(self) -> Iterator[Numbered]:
        return chain.from_iterable(self._batches())

    def _batches(self) -> Iterator[Iterable[Numbered]]:
        text = self._source.text
        position, size = self._opening.start, _FIRST_CHUNK
        until = self._source.unterminated.get(self._opening.separators, len(text))
        while position < until:
            chunk = text[position : position + size]
            canonical = self._canonical(chunk)
            end = canonical.rfind(_TERMINATOR)
            if end >= 0:
                yield self._numbered(canonical[:end], position)
                position += end + 1
            elif position + size >= len(text):
                self._source.unterminated[self._opening.separators] = position
                break
            # Small at first, for files of many small interchanges; larger as it goes on, so that work stays linear.
            size = min(2 * size, _CHUNK) if end >= 0 else 2 * size
        self.rest = position
        yield self._last(position)

    def end_of(self, offset: int) -> int:
        """Where the segment at `offset` of the text ends, its terminator included."""
        if offset == self.unended:
            return self.rest
        return self._source.text.index(self._opening.separators.terminator, offset) + 1

    def _last(self, position: int) -> Iterable[Numbered]:
        """What no terminator follows, up to the end of its line, where it looks like a segment."""
        text = self._source.text
        first = self._source.after_blanks(position)
        line = self._source.line_end(first)
        canonical = self._canonical(text[position:line])
        if _SEGMENT.match(canonical):
            self.unended, self.rest = position, line
            return self._numbered(canonical, position)
        return ()

    def _canonical(self, chunk: str) -> str:
        """The chunk with our separators, character by character: places stay."""
        release = self._opening.separators.release
        if not release or release not in chunk:
            return chunk.translate(self._table)
        first, *others = chunk.split(release)
        parts = [first.translate(self._table)]
        doubled = False  # the release character before this piece was released itself
        for piece in others:
            if doubled:
                parts.append(release + piece.translate(self._table))
                doubled = False
            elif piece:
                plain = piece[0] if piece[0] >= " " else " "
                parts.append(_FILLER + plain + piece[1:].translate(self._table))
            else:
                parts.append(_FILLER)
                doubled = True
        return "".join(parts)

    def _numbered(self, canonical: str, start: int) -> Iterator[Numbered]:
        segments = canonical.split(_TERMINATOR)
        offsets = list(accumulate([len(segment) + 1 for segment in segments], initial=start))
        end = offsets.pop()
        self._look_for_wraps(offsets, end)
        if _FILLER in canonical:
            segments = [segment.replace(_FILLER, "") for segment in segments]
        if not canonical.isascii():
            segments = [self._decoded(s, at) if not s.isascii() else s for s, at in zip(segments, offsets, strict=True)]
        if "" in segments or " " in canonical:
            offsets, segments = self._tidied(offsets, segments)
        first = self._count + 1
        self._count += len(segments)
        return zip(count(first), offsets, segments)

    def _decoded(self, segment: str, offset: int) -> str:
        self.not_ascii.append(offset)
        octets = segment.encode("latin-1")
        for charset in ("utf-8", self._opening.charset):
            try:
                return octets.decode(charset)
            except UnicodeDecodeError:
                continue
        return segment

    def _tidied(self, offsets: list[int], segments: list[str]) -> tuple[list[int], list[str]]:
        """Without the blanks around tags and values, and without empty segments."""
        kept_offsets, kept = [], []
        for offset, segment in zip(offsets, segments, strict=True):
            tidy = _without_blanks(segment) if " " in segment else segment
            if not tidy:
                if segment == "":
                    self.empty.append(offset)
                continue
            kept_offsets.append(offset)
            kept.append(tidy)
            if tidy is not segment and tidy != segment:
                tag, _, values = segment.partition(ELEMENT)
                if tag.strip(" ") != tag or " " in tag:
                    self.blank_tags.append(offset)
                # UNA here begins another interchange; a blank is one of its signs.
                if values != tidy.partition(ELEMENT)[2] and tag[:3] != "UNA":
                    self.stray.append((self._count + len(kept), offset, name_of(tidy)))
        return kept_offsets, kept

    def _look_for_wraps(self, offsets: list[int], end: int) -> None:
        if self.wrapped is not None:
            return
        starts = iter([*offsets[1:], end])
        begin, following = offsets[0], next(starts)
        first = self._source.after_blanks(begin)
        for place in self._source.breaks_within(offsets[0], end - 1):
            if following <= place:
                while following <= place:
                    begin, following = following, next(starts)
                first = self._source.after_blanks(begin)
            if first < place:
                self.wrapped = begin
                return


def name_of(segment: str) -> str:
    """Tag and qualifier, such as ``DTM+329``."""
    tag, _, rest = segment.partition(ELEMENT)
    qualifier = rest.partition(ELEMENT)[0].partition(COMPONENT)[0]
    return f"{tag[:3]}+{qualifier[:6]}" if qualifier else tag[:3]


def shown(segment: str) -> str:
    """A segment for a person to read, with the usual separators and not too long."""
    text = segment.replace(ELEMENT, "+").replace(COMPONENT, ":")
    return repr(text[:40] + "…" if len(text) > 40 else text)


def _without_blanks(segment: str) -> str:
    """Without blanks at the ends of every component, and without any in the tag."""
    tag, separator, rest = segment.partition(ELEMENT)
    tag = tag.replace(" ", "")
    if f" {ELEMENT}" in rest or f"{ELEMENT} " in rest or f" {COMPONENT}" in rest or f"{COMPONENT} " in rest:
        rest = ELEMENT.join(
            COMPONENT.join(value.strip(" ") for value in element.split(COMPONENT)) for element in rest.split(ELEMENT)
        )
    return tag + separator + rest.strip(" ")
