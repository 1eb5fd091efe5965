"""How an interchange is written: separators, lines, wraps, envelopes, characters. The people stay the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.manifest.edifact import COMPONENT, ELEMENT, Segments, find_interchange
from gate.manifest.findings import FindingCode as F
from gate.manifest.source import Source
from tests.manifest import paxlst_dirt as dirt
from tests.manifest.paxlst_dirt import ADA, BEN, HEAD, PEOPLE, codes, interchange, names, only, read

BOTH = [("EXAMPLE", "ADA"), ("SAMPLE", "BEN")]


def _segments(text: str) -> list[str]:
    source = Source(text.encode("latin-1"))
    opening = find_interchange(source.text, 0)
    assert opening is not None
    return [s.replace(ELEMENT, "+").replace(COMPONENT, ":") for _, _, s in Segments(source, opening)]


@pytest.mark.parametrize(
    ("released", "plain"),
    [
        ("O?'NEIL", "O'NEIL"),
        ("A?+B?:C", "A+B:C"),
        ("WHY??", "WHY?"),
        ("WHY???'", "WHY?'"),
        ("A?BC", "ABC"),
        ("????", "??"),
    ],
)
def test_release_characters(released: str, plain: str) -> None:
    source = Source(f"UNB+UNOA:4+{released}+X'UNZ+0'".encode())
    opening = find_interchange(source.text, 0)
    assert opening is not None
    first = next(iter(Segments(source, opening)))[2]
    assert first.split(ELEMENT)[2] == plain


@given(st.lists(st.text("AB'+:?* ", max_size=6), min_size=1, max_size=6))
def test_what_is_released_comes_back(values: list[str]) -> None:
    text = "".join(f"FTX+{''.join('?' + sign if sign in chr(39) + '+:?' else sign for sign in v)}'" for v in values)
    source = Source(f"UNB+UNOA:4+A+B'{text}".encode())
    opening = find_interchange(source.text, 0)
    assert opening is not None
    found = [segment.partition(ELEMENT)[2] for _, _, segment in list(Segments(source, opening))[1:]]
    assert found == [value.strip(" ") for value in values]


@pytest.mark.parametrize("size", [500, 511, 512, 513, 1535, 1536, 5000])
def test_a_chunk_may_end_anywhere(size: int) -> None:
    """Between a release character and what it releases, too."""
    values = ["X" * (size - 20), "?'" * 40, "END"]
    text = "UNB+UNOA:4+A+B'" + "".join(f"FTX+{value}'" for value in values)
    source = Source(text.encode())
    opening = find_interchange(source.text, 0)
    assert opening is not None
    found = list(Segments(source, opening))
    assert [segment.partition(ELEMENT)[2] for _, _, segment in found[1:]] == ["X" * (size - 20), "'" * 40, "END"]
    assert all(source.text.startswith(segment[:3], offset) for _, offset, segment in found)


@pytest.mark.parametrize(
    ("advice", "code"),
    [
        ("UNA:+.? '", None),
        ("UNA:+.?*'", None),
        ("  UNA:+.? '", F.LINES_INDENTED),
        ("UNA:+.?'", None),  # the blank was lost
        ("UNA:+.?  '", None),  # one was added
        ("", None),
        ("UNA:*.? '", F.UNA_CONTRADICTED),
        ("UNA:::::'", F.UNA_CONTRADICTED),
    ],
)
def test_service_string_advice(advice: str, code: F | None) -> None:
    manifest = read(interchange().replace("UNA:+.? '", advice))
    assert codes(manifest) == ({code: 1} if code else {})
    assert names(only(manifest).people) == BOTH


def _translated(signs: str) -> str:
    return interchange().replace("UNA:+.? '", "").translate(str.maketrans(":+?'", signs))


@pytest.mark.parametrize("signs", ["|^~\x85", ":*?$", "<>=~", "\x1f\x1d \x1c"])
def test_other_separators_with_and_without_advice(signs: str) -> None:
    component, element, release, terminator = signs
    advised = f"UNA{component}{element}.{release} {terminator}" + _translated(signs)
    assert names(only(read(advised.encode("latin-1"))).people) == BOTH
    assert names(only(read(_translated(signs).encode("latin-1"))).people) == BOTH


def test_line_breaks_as_terminators() -> None:
    text = interchange().replace("'", "\r\n")
    assert names(only(read(text)).people) == BOTH


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 64, 80])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_wraps_anywhere(columns: int, line_end: bytes) -> None:
    """Within UNA, UNB, tags and values."""
    manifest = read(dirt.wrapped(interchange().encode(), columns, line_end))
    assert names(only(manifest).people) == BOTH
    assert codes(manifest) == {F.LINES_WRAPPED: 1}


@pytest.mark.parametrize("indentation", [b"", b" ", b"    ", b"\t"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_segment_a_line(line_end: bytes, indentation: bytes) -> None:
    manifest = read(dirt.as_lines(interchange(total="CNT+42:3'").encode(), line_end, indentation))
    assert names(only(manifest).people) == BOTH
    assert codes(manifest) == {F.COUNT_MISMATCH: 1} | ({F.LINES_INDENTED: 1} if indentation else {})
    finding = next(f for f in manifest.all_findings if f.code is F.COUNT_MISMATCH)
    assert (finding.line, finding.segment_number) == (29, 28)  # UNA is a line and no segment


def test_wrapped_and_indented_lines() -> None:
    data = b"\n".join(b"   " + line for line in dirt.wrapped(interchange().encode()).split(b"\n"))
    manifest = read(data)
    assert names(only(manifest).people) == BOTH
    assert codes(manifest) == {F.LINES_INDENTED: 1, F.LINES_WRAPPED: 1}


def test_blank_lines_and_blanks_behind_terminators() -> None:
    manifest = read(interchange().replace("'", "'  \r\n \r\n", 12))
    assert names(only(manifest).people) == BOTH
    assert set(codes(manifest)) <= {F.TAG_BLANKS}


def test_teletype_headers_and_footers() -> None:
    manifest = read(dirt.teletype(interchange().encode()))
    assert codes(manifest) == {F.TEXT_AROUND: 2}
    assert names(only(manifest).people) == BOTH


def test_a_footer_on_the_heels_of_a_trailer_without_terminator() -> None:
    manifest = read(interchange().removesuffix("'") + "\nScanned, nothing found\n")
    assert codes(manifest) == {F.SEGMENT_UNENDED: 1, F.TEXT_AROUND: 1}


@pytest.mark.parametrize("name", ["UNZ", "UNT", "NAD", "UNZEN:UNTERUNB", "UNA", "UNB?+UNOA?:4", "CNTUNH"])
def test_names_that_hold_tags(name: str) -> None:
    manifest = read(interchange(people=ADA.replace("EXAMPLE:ADA", name) + BEN))
    assert len(only(manifest).people) == 2
    assert set(codes(manifest)) <= {F.NAME_UNUSUAL}


def test_groups() -> None:
    text = interchange().replace("UNH+1", "UNG+PAXLST+A+B+261122:0800+5+UN+D:15B'UNH+1").replace("UNZ", "UNE+1+5'UNZ")
    assert not read(text).all_findings
    assert codes(read(text.replace("UNE+1+5", "UNE+2+6"))) == {F.TRAILER_COUNT: 1, F.TRAILER_REFERENCE: 1}
    assert codes(read(text.replace("UNE+1+5'", ""))) == {F.TRAILER_MISSING: 1}


def test_several_messages() -> None:
    message = interchange()[interchange().index("UNH") : interchange().index("UNZ")]
    text = HEAD[: HEAD.index("UNH")] + message + message.replace("UNH+1+", "UNH+2+").replace("+1'UNZ", "") + "UNZ+2+7'"
    text = text.replace("UNT+28+1'UNZ", "UNT+28+2'UNZ")
    manifest = read(text)
    assert not manifest.all_findings
    assert [message.number for message in manifest.messages] == ["1", "2"]


def test_a_message_that_never_ends_leaves_the_next_one_alone() -> None:
    message = interchange()[interchange().index("UNH") : interchange().index("UNZ")]
    text = HEAD[: HEAD.index("UNH")] + message.replace("UNT+28+1'", "") + message + "UNZ+2+7'"
    manifest = read(text)
    assert codes(manifest) == {F.TRAILER_MISSING: 1}
    assert [len(message.people) for message in manifest.messages] == [2, 2]


def test_several_interchanges_with_separators_of_their_own() -> None:
    manifest = read(
        (interchange() + "\n" + "UNA|^.~ \x85" + _translated("|^~\x85") + "\n" + interchange()).encode("latin-1")
    )
    assert [len(message.people) for message in manifest.messages] == [2, 2, 2]
    assert codes(manifest) == {F.SEPARATORS_OTHER: 1}


def test_an_interchange_without_end_before_the_next() -> None:
    manifest = read(interchange().replace("UNZ+1+7'", "") + interchange())
    assert [len(message.people) for message in manifest.messages] == [2, 2]
    assert codes(manifest) == {F.TRAILER_MISSING: 1}


def test_another_message_type_is_skipped() -> None:
    other = "UNH+9+CUSRES:D:05B:UN:IATA'BGM+132'RFF+TN:1'UNT+4+9'"
    manifest = read(interchange().replace("UNH+1", other + "UNH+1").replace("UNZ+1", "UNZ+2"))
    assert codes(manifest) == {F.MESSAGE_TYPE_OTHER: 1}
    assert names(only(manifest).people) == BOTH


def test_a_message_without_envelope() -> None:
    text = interchange()
    manifest = read(text[text.index("UNH") : text.index("UNZ")])
    assert codes(manifest) == {F.UNB_MISSING: 1}
    assert names(only(manifest).people) == BOTH


@pytest.mark.parametrize(
    ("encoding", "syntax", "expected"),
    [
        ("utf-8", "UNOA", {F.NOT_ASCII: 1}),
        ("latin-1", "UNOA", {F.NOT_ASCII: 1}),
        ("latin-1", "UNOC", {}),
        ("utf-8", "UNOY", {}),
        ("utf-8-sig", "UNOY", {F.BYTE_ORDER_MARK: 1}),
        ("utf-16", "UNOY", {F.BYTE_ORDER_MARK: 1}),
    ],
)
def test_characters_beyond_ascii(encoding: str, syntax: str, expected: dict[F, int]) -> None:
    text = interchange(HEAD.replace("UNOA", syntax), PEOPLE.replace("SAMPLE", "MÜSTÉR"))
    manifest = read(text.encode(encoding))
    assert codes(manifest) == expected
    assert only(manifest).people[1].surname == "MÜSTÉR"


def test_nothing_and_something_else() -> None:
    assert codes(read(b"")) == {F.EMPTY: 1}
    assert codes(read(b" \r\n\r\n")) == {F.EMPTY: 1}
    assert codes(read(b"surname,given_names\nEXAMPLE,ADA\n")) == {F.FORMAT_UNKNOWN: 1}


def test_line_and_segment_of_a_finding_in_a_wrapped_file() -> None:
    text = interchange(people=PEOPLE.replace("NAT+2+GBR", "NAT+2+ABC"))
    (finding,) = (f for f in read(dirt.wrapped(text.encode())).all_findings if f.code is F.STATE_UNKNOWN)
    assert finding.line == text.index("NAT+2+ABC") // 64 + 1
    assert finding.segment_number == text[: text.index("NAT+2+ABC")].count("'")  # UNA does not count


def test_documents_and_references_without_end_are_bounded() -> None:
    """Repeated entries are merged: without a bound, that work would grow with the square of the file."""
    people = "".join(f"NAD+FL+++EXAMPLE:ADA'RFF+AVF:A{n}'DOC+P+A1'DOC+V+V{n}'" for n in range(300)) + "RFF+CR:1'" * 200
    manifest = read(interchange(people=people, total="CNT+42:300'"))
    (person,) = only(manifest).people
    assert (len(person.documents), len(person.references)) == (99, 99)
    assert codes(manifest)[F.VALUES_OMITTED] == 102


def test_findings_without_end_are_counted_and_not_kept() -> None:
    manifest = read(interchange(people=PEOPLE + "XYZ+1'" * 5000))
    found = codes(manifest)
    assert found[F.SEGMENT_UNKNOWN] == 1000
    assert found[F.FINDINGS_OMITTED] == 1
