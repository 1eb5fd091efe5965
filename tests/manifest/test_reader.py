"""The one entry of all readers: it knows what it is given, says what it was not, and no bytes break it."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.manifest.findings import FindingCode, Severity
from gate.manifest.reader import format_of, read_manifest
from gate.manifest.reading import Reading
from gate.manifest.records import Format, Manifest

READING = Reading(datetime(2026, 11, 22, 12, tzinfo=UTC), "UTC")
PAXLST = (
    b"UNA:+.? 'UNB+UNOA:4+AIRLINE+STATE+261122:0900+1++APIS'UNH+1+PAXLST:D:05B:UN:IATA'BGM+745'"
    b"NAD+MS+++DESK'TDT+20+CX830'LOC+125+HKG'DTM+189:2611221305:201'LOC+87+JFK'DTM+232:2611221600:201'"
    b"NAD+FL+++DOE:JANE'ATT+2++F'DTM+329:800101'DOC+P:110:111+X1'CNT+42:1'UNT+13+1'UNZ+1+1'"
)
CSV = b"surname,flight,date,time,from\nDOE,CX830,2026-11-22,13:05,HKG\n"
JSON = b'{"surname": "DOE", "flight": "CX830", "date": "2026-11-22", "time": "13:05", "from": "HKG"}\n'


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("people.csv", CSV)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PAXLST, Format.PAXLST),
        (PAXLST[9:], Format.PAXLST),
        (b"\r\n\r\nQU HKGAPXS\r\n.HDQCX1A 220900\r\n" + PAXLST, Format.PAXLST),
        (b"Kind regards\r\n\r\n" + PAXLST.replace(b"UNA", b"UN\r\nA").replace(b"UNB", b"UN\r\nB"), Format.PAXLST),
        (b"\xef\xbb\xbf" + PAXLST, Format.PAXLST),
        (CSV, Format.CSV),
        (b"\xef\xbb\xbf\r\n\r\n" + CSV, Format.CSV),
        (CSV.decode().encode("utf-16"), Format.CSV),
        (JSON, Format.JSON_LINES),
        (b"\n  [" + JSON + b"]", Format.JSON_LINES),
        (JSON.decode().encode("utf-16"), Format.JSON_LINES),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_format_is_found_and_the_person_read(data: bytes, expected: Format) -> None:
    manifest = read_manifest(data, READING)
    assert manifest.format is expected
    (message,) = manifest.messages
    assert [person.surname for person in message.people] == ["DOE"]
    assert message.legs[0].flight == "CX0830/2026-11-22"


@pytest.mark.parametrize("data", [b"", b"\n\r\n  \t", b"\0\0\0", b"\xef\xbb\xbf\n", b"\xff\xfe"])
def test_nothing_is_said_to_be_nothing(data: bytes) -> None:
    manifest = read_manifest(data, READING)
    assert [(f.code, f.severity) for f in manifest.all_findings] == [(FindingCode.EMPTY, Severity.ERROR)]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (archive(), "ZIP"),
        (gzip.compress(CSV), "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"\xff\xd8\xff\xe0JFIF", "JPEG"),
        (b"Dear all, please find the list attached.", "Dear all"),
    ],
)
def test_another_kind_of_file_is_named_and_the_expected_ones_too(data: bytes, named: str) -> None:
    manifest = read_manifest(data, READING)
    (finding,) = manifest.findings
    assert (manifest.messages, finding.code) == ((), FindingCode.FORMAT_UNKNOWN)
    assert named in finding.message
    assert "PAXLST" in finding.message
    assert "JSON Lines" in finding.message


def test_rows_without_a_header_are_told_which_names_are_accepted() -> None:
    manifest = read_manifest(b"DOE,JANE,CX830,2026-11-22\nROE,RICHARD,CX830,2026-11-22\n", READING)
    assert {finding.code for finding in manifest.findings} == {FindingCode.COLUMNS_MISSING}
    assert any("last_name" in finding.message for finding in manifest.findings)


def test_a_file_over_the_limit_is_not_read() -> None:
    manifest = read_manifest(CSV, READING, largest_bytes=len(CSV) - 1)
    assert [finding.code for finding in manifest.findings] == [FindingCode.TOO_LARGE]
    assert read_manifest(CSV, READING, largest_bytes=len(CSV)).messages


def test_every_sample_is_known_for_what_it_is(shared: Path) -> None:
    samples = sorted((shared / "data" / "manifests").glob("*.edi"))
    assert samples
    for sample in samples:
        assert format_of(sample.read_bytes()) is Format.PAXLST, sample.name


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(read_manifest(data, READING), Manifest)


_SIGNS = [bytes([sign]) for sign in b"\"\n\r,;\0{}[]\xff\xfe'+:?<"]
_SCRAPS = st.sampled_from([*_SIGNS, b"\xef\xbb\xbf", b"\\u", b"\\ud800", b"1" * 5000, b"[" * 3000, b"e9"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([PAXLST, CSV * 3, JSON * 3, b"[" + JSON + b"]"]), st.data())
def test_no_spoilt_file_raises(data: bytes, draw: st.DataObject) -> None:
    for _ in range(draw.draw(st.integers(1, 5))):
        at = draw.draw(st.integers(0, len(data)))
        data = data[:at] + draw.draw(_SCRAPS | st.binary(max_size=6)) + data[at + draw.draw(st.integers(0, 3)) :]
    manifest = read_manifest(data, READING)
    assert all(message.people or manifest.format is Format.PAXLST for message in manifest.messages)
    # Whatever was read can be shown: no half characters.
    for finding in manifest.all_findings:
        finding.message.encode()
    for message in manifest.messages:
        for person in message.people:
            f"{person.surname} {person.given_names} {person.photo}".encode()
