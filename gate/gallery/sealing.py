"""A traveller as sealed bytes and back, under the data key of the flight."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from typing import Any

from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.storage.seal import Seal

TAG_BYTES = 16

KINDS = ("traveller", "template", "photo", "journey", "finger")
"""Of sealed records."""


class FlightSeal:
    """Seals the records of one flight. Each is bound to its table, flight and traveller, and opens nowhere else.

    Args:
        number: the flight's row in the store.
        seal: of the flight's data key.
    """

    __slots__ = ("_prefixes", "_tag_key", "flight", "number", "seal")

    def __init__(self, flight: str, number: int, seal: Seal) -> None:
        self.flight = flight
        self.number = number
        self.seal = seal
        self._tag_key = seal.derived("traveller tag")
        self._prefixes = {kind: f"{kind}\0{flight}\0".encode() for kind in KINDS}

    def tag(self, reference: str) -> bytes:
        """Stands for the reference in the store: a keyed digest, meaningless once the data key is gone."""
        return hmac.digest(self._tag_key, reference.encode(), hashlib.sha256)[:TAG_BYTES]

    def close(self, kind: str, tag: bytes, content: bytes) -> bytes:
        """Sealed content."""
        return self.seal.seal(content, self._prefixes[kind] + tag)

    def open(self, kind: str, tag: bytes, sealed: bytes) -> bytes:
        """The content.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        return self.seal.open(sealed, self._prefixes[kind] + tag)


def pack_traveller(traveller: Traveller) -> bytes:
    """Everything but the flight, as compact JSON."""
    documents = [[d.number, d.issuing_state, _iso(d.expires)] for d in traveller.documents]
    record: list[object] = [traveller.reference, traveller.expires_at.astimezone(UTC).isoformat(), documents]
    if traveller.particulars is not None:
        said = dataclasses.asdict(traveller.particulars)
        record.append({name: _iso(value) for name, value in said.items() if value not in ("", None)})
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def unpack_traveller(content: bytes, flight: str) -> Traveller:
    """What `pack_traveller` packed."""
    record = json.loads(content)
    reference, expires_at, documents = record[:3]
    return Traveller(
        reference,
        flight,
        datetime.fromisoformat(expires_at),
        tuple(TravelDocument(number, state, _date(expires)) for number, state, expires in documents),
        _particulars(record[3]) if len(record) > 3 else None,
    )


def _particulars(said: dict[str, Any]) -> Particulars:
    if "birth_date" in said:
        said["birth_date"] = _date(said["birth_date"])
    return Particulars(**said)


def _iso(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
