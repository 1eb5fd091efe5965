"""Words of each format: a mutation that inserts one gets further into a reader than random bytes do."""

from __future__ import annotations


def _encoded(text: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in text.split())


def _bytes(*lines: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(word) for line in lines for word in line.split())


EDIFACT = (
    b"UNA:+.? '",
    b"' ",
    b"??",
    b"?'",
    b"?",
    b" ",
    b"\n",
    *_encoded(
        """' + : UNB+ UNG+ UNH+ UNT+ UNE+ UNZ+ BGM+745 BGM+250 BGM+266 CL CLNB CLOB XR CP CF PAXLST:D:02B
        RFF+TN: RFF+AVF: RFF+ABO: RFF+SEA: RFF+CR: NAD+FL NAD+FM NAD+DDU NAD+DDT NAD+MS NAD+GR TDT+20 TDT+34
        LOC+125 LOC+87 LOC+92 LOC+130 LOC+178 LOC+179 LOC+174 LOC+22 LOC+91 DTM+189: DTM+232: DTM+329: DTM+36: DTM+182:
        :201 :102 :101 ATT+2 GEI+4+173 FTX+BAG COM+ NAT+2 DOC+P DOC+V DOC+I EMP+1 MEA+CT CNT+42: CNT+41: CNT+41+8
        PAXLST:D:15B:UN"""
    ),
)
CHECKIN = (
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\t",
    b"\r",
    b"\x00",
    *_encoded(
        r"""surname given_names birth_date nationality document_number flight departure photo mrz consent seat , ; |
        " "" { } [ ] null true NaN 1e999 \ud800 \u0000 12/06/85 31.02.2026 2026-11-22T10:30Z data:image/jpeg;base64,
        "documents": 10000-01-01 0001-01-01 ß İ"""
    ),
)
MRZ = (b"\n", b" ", *_encoded("< << <<< P< I< V< AC UTO D<< XXX O 0 I 1 K « ß \u0660 \u2028"))
BCBP = (
    b" ",
    b"\r\n",
    b"\x02",
    *_encoded("M1 M2 M4 S1 / > >6 >5 00 0A 18 2A FF ^ ^1 ]Q3 ]L0 001 326 366 INF 0001A ß \u2028"),
)
DG2 = _bytes(
    "75 7f61 7f60 a1 5f2e 7f2e 020101 65 a0 30 80 8180 82ffff 84ffffffff 00000000 ffff",
    "46414300 30313000 30333000 ffd8ff ff4fff51 0000000c6a5020200d0a870a",
)
JPEG2000 = _bytes(
    "ff4f ff51 ff52 ff53 ff5c ff5d ff5e ff5f ff60 ff64 ff90 ff93 ffd9",
    "0000 ffff 6a703263 70636c72 00000001",
)
