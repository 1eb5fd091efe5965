"""Inputs that a reader once fell over, as short as they could be made."""

from __future__ import annotations

import pytest

from benchmarks.fuzz.targets import TARGETS


@pytest.mark.parametrize(
    ("target", "data"),
    [
        pytest.param(
            "paxlst", b"UNH\n++PAXLST", id="a header cut by a line break at the end of the file: read for ever"
        ),
        pytest.param("paxlst", b"UNA:+.? 'UNB+\r\nUNOA:4+X", id="the same behind service string advice"),
    ],
)
def test_it_is_read_to_its_end(target: str, data: bytes) -> None:
    TARGETS[target].run(data, patience_s=5.0)
