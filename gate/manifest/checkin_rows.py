"""A row of check-in data, whatever the file: values by field, still as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gate.manifest.checkin_fields import Field

Cells = Mapping[Field, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        number: of the row, from 1, the header not counted.
        line: in the file where it begins, from 1.
        cells: values that are not empty, without blanks around them.
        documents: nested ones of a JSON object, the same way.
    """

    number: int
    line: int
    cells: Cells
    documents: tuple[Cells, ...] = ()
