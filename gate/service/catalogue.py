"""The error catalogue as the table in docs/errors.md: ``python -m gate.service.catalogue`` prints it."""

from __future__ import annotations

import sys

from gate.errors import CATALOGUE


def table() -> str:
    """The catalogue in Markdown, one row a code."""
    head = ["| Code | gRPC status | What it says | What to do |", "|---|---|---|---|"]
    rows = [f"| `{code}` | {entry.status} | {entry.public} | {entry.remedy} |" for code, entry in CATALOGUE.items()]
    return "\n".join(head + rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
