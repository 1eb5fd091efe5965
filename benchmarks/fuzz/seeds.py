"""What mutation begins with: one example of every form that a reader knows, of people who do not exist."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image

from gate.claims.bcbp_items import REPEATED, UNIQUE
from gate.claims.write_bcbp import LegText, write_bcbp
from tests.manifest.face_records import LEFT_EYE, RIGHT_EYE, Portrait, dg2, face_image_data_block, face_record, tlv

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF portrait\xff\xd9"
_JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n portrait"

_PERSON = """NAD+FL+++TESTPERSON:ANNA:MARIA'
ATT+2++F'
DTM+329:850612'
MEA+CT++:2'
GEI+4+173'
FTX+BAG+++XY123456'
LOC+22+LHR'
LOC+178+VIE'
LOC+179+LHR'
LOC+174+UTO'
COM+00 555 0100:TE'
NAT+2+UTO'
RFF+AVF:ABC123'
RFF+ABO:PAX-1'
RFF+SEA:12A'
EMP+1+CR1:110:111'
DOC+P:110:111+L898902C3'
DTM+36:290415'
LOC+91+UTO'
DOC+V+V12345678'
DTM+36:20270101'
LOC+91+UTO'
"""
_FLIGHT = """TDT+20+ZZ123+++ZZ'
LOC+125+VIE'
DTM+189:2611221030:201'
LOC+87+LHR'
DTM+232:2611221430:201'
"""


def _interchange(
    body: str, *, function: str = "", una: str = "UNA:+.? '", group: bool = True, people: int = 1
) -> bytes:
    """One message round `body`, with every envelope."""
    head = f"""UNB+UNOA:4+SENDER+RECEIVER+261122:0930+1++APIS'
{"UNG+PAXLST+SENDER+RECEIVER+261122:0930+1+UN+D:12B'" if group else ""}
UNH+M1+PAXLST:D:12B:UN:IATA+ZZ123/261122/0930+01:F'
BGM+745{"+" + function if function else ""}'
RFF+TN:BART34567890:::1'
NAD+MS+++CONTACT PERSON'
COM+00 555 0101:TE+00 555 0102:FX'
"""
    tail = f"""CNT+42:{people}'
UNT+{1 + head.count("'") + body.count("'") - group}+M1'
{"UNE+1+1'" if group else ""}
UNZ+1+1'
"""
    return (una + "\n" + head + body + tail).encode()


def paxlst() -> list[bytes]:
    """UN/EDIFACT interchanges: passengers, crew, legs, function codes, separators of their own, teletype."""
    crew = _PERSON.replace("NAD+FL", "NAD+FM")
    second_leg = (
        _FLIGHT.replace("LHR", "JFK").replace("VIE", "LHR").replace("ZZ123", "ZZ8A").replace("2611221", "2611232")
    )
    whole = _interchange(_FLIGHT + _PERSON)
    one_line = whole.replace(b"\n", b"")
    return [
        whole,
        one_line,
        _interchange(_FLIGHT + _PERSON + crew, people=2).replace(b"BGM+745", b"BGM+250"),
        _interchange(_FLIGHT + second_leg + _PERSON, group=False),
        _interchange(_FLIGHT + _PERSON.replace("ANNA", "O?'NEIL?+UNZ??").replace("NAD+FL", "NAD+DDU")),
        *(_interchange(_FLIGHT + _PERSON, function=code) for code in ("CL", "CLNB", "CLOB", "XR", "CP", "CF")),
        _interchange(_FLIGHT).translate(bytes.maketrans(b"+:'?", b"\x1d\x1f\x1c\x11")),
        b"QU ABCDEFG\r\n.HIJKLMN 220930\r\n\x02" + b"\r\n".join(_wrapped(one_line, 64)) + b"\r\n\x03",
        one_line[: one_line.index(b"UNT+")] * 2 + one_line[one_line.index(b"UNT+") :],
        whole.replace(b"TESTPERSON", "MÜLLER-ØÅ".encode("latin-1")),
        # Headers that nothing follows: each must not be looked behind to the end of the file.
        b"UNB+UNOA:4+SENDER\n" * 8,
        b"UNB+UNOA:4+SENDER?'\n" * 8,
    ]


def _wrapped(data: bytes, columns: int) -> list[bytes]:
    return [data[at : at + columns] for at in range(0, len(data), columns)]


def checkin() -> list[bytes]:
    """Tables and lines of JSON, with their usual headers, encodings and delimiters."""
    td3 = mrz()[0].decode().replace("\n", "")
    columns = (
        "surname,given_names,birth_date,sex,nationality,document_type,document_number,document_expiry,issuing_state,"
        "carrier,flight_number,origin,destination,departure_date,departure_time,seat,reference,photo,mrz,role,consent,"
        "status,contact,record_locator"
    )
    row = 'TESTPERSON,"ANNA, MARIA",1985-06-12,F,UTO,P,L898902C3,2029-04-15,UTO'
    rest = ",ZZ,123,VIE,LHR,2026-11-22,10:30,12A,PAX-1,anna.jpg,,passenger,yes,checked in,+43 555 0100,ABC123"
    table = f"{columns}\n{row}{rest}\n{row.replace('ANNA', 'BEA')}{rest}\n"
    german = "Nachname;Vorname;Geburtsdatum;Flug;Abflugdatum\nTESTPERSON;JÖRG;12.06.1985;ZZ123;22.11.2026\n"
    line = (
        '{"surname": "TESTPERSON", "given_names": "ANNA", "birth_date": "1985-06-12", "nationality": "UTO", '
        '"flight": "ZZ0123", "departure_date": "2026-11-22", "departure_time": "10:30", "origin": "VIE", "documents": '
        '[{"document_type": "P", "document_number": "L898902C3"}], "photo": "anna.jpg", "consent": true, "seat": "12A"}'
    )
    return [
        table.encode(),
        ("\ufeff" + table).encode(),
        table.encode("utf-16"),
        table.replace(",", "\t").encode(),
        german.encode("cp1252"),
        german.replace(".", "/").encode("utf-16-le"),
        b"surname,flight,departure_date,birth_date\nA,ZZ1,11/22/2026,06/12/85\nB,ZZ1,11/22/26,6/1/1985\nC,ZZ1,2026-11-22,1.2.3\n",
        b'sep=;\nsurname;flight;departure_date\n"A""\n;B";ZZ1;22NOV26\n\nC;ZZ1;20261122;more;columns\n"D;ZZ1',
        b'[{"surname": "A", "flight": "ZZ1", "departure_date": "22NOV26"},\n{"surname": "B"}]',
        (line + "\n" + line.replace("ANNA", "BEA") + "\n").encode(),
        ('{"surname": "\\ud800", "birth_date": 19850612, "nationality": null}\n[]\n3\n' + line).encode(),
        (line.replace('"photo": "anna.jpg"', '"photo_base64": "/9j/4AAQ"') + "\n").encode(),
        f"surname,flight,departure_date,origin,mrz,photo_base64\nTESTPERSON,ZZ1,22NOV26,VIE,{td3},/9j/4AAQ\n".encode(),
    ]


def mrz() -> list[bytes]:
    """The specimens of ICAO Doc 9303 by kind, and what optical readers make of them."""
    td3 = b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
    return [
        td3,
        b"I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        b"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6",
        b"V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<",
        b"V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<",
        td3.lower(),
        td3.replace(b"<", b"< "),
        td3.replace(b"0", b"O").replace(b"1", b"I"),
        td3.replace(b"\n", b""),
    ]


def bcbp() -> list[bytes]:
    """Boarding passes of one leg and of four, with nothing and with every section, and what scanners make of them."""
    filled = {item.field: "7" * item.width for item in REPEATED}
    legs = [LegText("ZZ", f"{number}A", 320 + number, "HKG", "LHR", "ABC123", seat="12A") for number in range(1, 4)]
    full = LegText("ZZ", "42", 326, "HKG", "LHR", "ABC123", "Y", "12A", "7", "1", filled, "own data")
    details = {item.field: "6" * item.width for item in UNIQUE}
    plain = write_bcbp("MUSTER/ANNA MRS", LegText("ZZ", "42", 326), version="").encode()
    every = write_bcbp("MUSTER/ANNA", full, *legs, details=details, security=("1", "x" * 100)).encode()
    return [plain, every, b"]Q3" + plain + b"\r\n", plain.lower(), every[:100]]


def photo() -> list[bytes]:
    """Face records of each edition, by themselves and in a DG2, and pictures."""
    points = ((*LEFT_EYE, 250, 200), (*RIGHT_EYE, 160, 200))
    old = face_record(Portrait(_JPEG, points=points), Portrait(_JP2, kind=2, stated=1))
    new = face_record(Portrait(_JP2, stated=2, qualities=2, points=points), edition="2011")
    newest = face_image_data_block(_JP2, _JPEG)
    return [
        dg2(old),
        dg2(new),
        dg2(newest, tag=0x7F2E),
        dg2(old, new),
        dg2(newest[2:], tag=0x7F2E, header=b"\x87\x02\x01\x01\x88\x02\x00\x2a"),
        dg2(old)[2:],
        tlv(0x75, b"\x00\x00", tlv(0x7F61, b"\x02\x01\x01", tlv(0x7F60, b"\x00", tlv(0x5F2E, old)))) + bytes(16),
        old,
        new,
        _JPEG,
        _JP2,
        struct.pack(">BBI", 0x75, 0x84, len(old)) + old,
    ]


def jpeg2000() -> list[bytes]:
    """Small pictures in every form that the decoder of photographs takes."""
    grey = np.outer(np.arange(40), np.arange(36)).astype(np.uint8)
    colour = np.dstack((grey, grey[::-1], grey[:, ::-1]))
    lossy = {"irreversible": True, "quality_mode": "rates", "quality_layers": [20, 5]}
    tiled = {"tile_size": (32, 32), "num_resolutions": 2, "precinct_size": (16, 16), "codeblock_size": (8, 8)}
    forms = [
        (picture, form, bare) for picture in (grey, colour) for form in ({}, lossy, tiled) for bare in (True, False)
    ]
    return [_saved(picture, no_jp2=bare, **form) for picture, form, bare in forms]


def _saved(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG2000", **options)
    return out.getvalue()
