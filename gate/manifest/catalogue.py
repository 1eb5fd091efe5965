"""The tables of docs/manifests.md: ``python -m gate.manifest.catalogue`` brings the page up to date."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from gate.manifest.checkin_fields import SCHEMA
from gate.manifest.checkin_values import STATUS
from gate.manifest.findings import CATALOGUE


def fields() -> str:
    """The schema of check-in data, one row a field."""
    rows = (
        (f"`{name}`", ", ".join(schema.names), schema.holds, f"`{schema.example}`") for name, schema in SCHEMA.items()
    )
    return _table(("Field", "Also called", "Holds", "Example"), rows)


def statuses() -> str:
    """What a row's status asks for, one row an action."""
    return _table(("Status", "Action"), ((", ".join(words), f"`{action}`") for action, words in STATUS.items()))


def findings() -> str:
    """Every kind of finding, one row a code."""
    rows = ((f"`{code}`", kind.severity, kind.meaning) for code, kind in CATALOGUE.items())
    return _table(("Code", "Severity", "Meaning"), rows)


TABLES = {"fields": fields, "statuses": statuses, "findings": findings}
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """The page with each table between its marks as it should be."""
    return _MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", page)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main(path: Path) -> None:
    """Bring the page up to date where it lies."""
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/manifests.md"))
