"""The page that integrators read says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.manifest.catalogue import TABLES, main, with_tables
from gate.manifest.findings import CATALOGUE, FindingCode

PAGE = Path(__file__).parents[2] / "docs" / "manifests.md"


@pytest.mark.parametrize("code", FindingCode)
def test_every_code_has_a_meaning(code: FindingCode) -> None:
    assert CATALOGUE[code].meaning.endswith(".")


def test_the_page_lists_every_field_status_and_finding() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- table: {name} -->" in page for name in TABLES)
    assert with_tables(page) == page, "docs/manifests.md is out of date: run `python -m gate.manifest.catalogue`"


def test_a_page_out_of_date_is_brought_up_to_date(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: statuses -->\nold\n<!-- end -->\nafter\n")
    main(page)
    assert "no-show" in page.read_text(encoding="utf-8")
    assert "old" not in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").endswith("<!-- end -->\nafter\n")
