"""What became of a pass by an officer's decision. A plain record, which the client can import without an engine."""

from __future__ import annotations

from dataclasses import dataclass

from gate.gallery.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `Desk.record_pass` did.

    Attributes:
        already: the traveller had passed there already; nothing was changed or written.
        journal_position: of the entry, from 1; 0 when nothing was written.
        receipt: of the traveller's record, where the last touchpoint was passed.
    """

    already: bool
    journal_position: int = 0
    receipt: Receipt | None = None
