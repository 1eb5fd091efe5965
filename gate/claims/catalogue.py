"""The oddities of claims as the table in docs/claims.md: ``python -m gate.claims.catalogue`` prints it."""

from __future__ import annotations

import sys

from gate.claims.findings import CATALOGUE


def table() -> str:
    """The catalogue in Markdown, one row a code."""
    head = ["| Code | Severity | What it means |", "|---|---|---|"]
    rows = [f"| `{code}` | {kind.severity} | {kind.meaning} |" for code, kind in CATALOGUE.items()]
    return "\n".join(head + rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
