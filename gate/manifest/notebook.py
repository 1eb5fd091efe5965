"""Where a reader of rows writes down what it finds: bounded, whatever the file."""

from __future__ import annotations

from collections import Counter

from gate.manifest.findings import CATALOGUE, Finding, FindingCode, Severity

_LISTED_PER_CODE = 1000


class Notebook:
    """Findings of one file: the first thousand of each code, and how many more there were.

    A file of fifty million bad bytes must not become fifty million findings.
    """

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._seen: Counter[FindingCode] = Counter()
        self._last_line = 0

    def note(
        self,
        code: FindingCode,
        message: str,
        *,
        line: int = 0,
        column: str = "",
        row: int = 0,
        of_person: bool = False,
        severity: Severity | None = None,
    ) -> None:
        """Write one down; `severity` where it is not the code's usual one."""
        self._seen[code] += 1
        self._last_line = max(self._last_line, line)
        if self._seen[code] <= _LISTED_PER_CODE:
            severity = severity or CATALOGUE[code].severity
            self._findings.append(Finding(line, column, row, severity, code, message, of_person))

    def findings(self) -> tuple[Finding, ...]:
        """All that is listed, and what is not."""
        omitted = [
            Finding(
                line=self._last_line,
                segment="",
                segment_number=0,
                severity=CATALOGUE[FindingCode.FINDINGS_OMITTED].severity,
                code=FindingCode.FINDINGS_OMITTED,
                message=f"{code}: {count} in all, the first {_LISTED_PER_CODE} are listed",
            )
            for code, count in self._seen.items()
            if count > _LISTED_PER_CODE
        ]
        return (*self._findings, *omitted)
