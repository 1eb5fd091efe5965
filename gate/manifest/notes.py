"""Where a reader of segments stands, and what it found there."""

from __future__ import annotations

from typing import NamedTuple

from gate.manifest.edifact import Numbered
from gate.manifest.findings import Finding, FindingCode, Severity
from gate.manifest.notebook import Notebook
from gate.manifest.source import Source


class Place(NamedTuple):
    """A segment: its number in the interchange, from 1, and its offset in the source's text."""

    number: int
    offset: int


_BEFORE: Numbered = (0, 0, "")


class Notes:
    """Findings of one message, or of a file's envelopes, each with its segment and line.

    Attributes:
        segment: the one being read.
        of_person: it belongs to somebody.
    """

    def __init__(self, source: Source) -> None:
        self.segment = _BEFORE
        self.of_person = False
        self._source = source
        self._notebook = Notebook()

    @property
    def here(self) -> Place:
        """The segment being read."""
        return Place(*self.segment[:2])

    @property
    def line(self) -> int:
        """Of the segment being read, from 1."""
        return self._source.line(self.segment[1])

    def add(
        self,
        code: FindingCode,
        message: str,
        segment: str = "",
        *,
        at: Place | None = None,
        of_person: bool | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Writes one down: at the segment being read unless `at` names another; `segment` is tag and qualifier."""
        number, offset = at or self.here
        self._notebook.note(
            code,
            message,
            line=self._source.line(offset),
            column=segment,
            row=number,
            of_person=self.of_person if of_person is None else of_person,
            severity=severity,
        )

    def findings(self) -> tuple[Finding, ...]:
        """In the order of the file."""
        return tuple(sorted(self._notebook.findings(), key=lambda finding: (finding.line, finding.segment_number)))
