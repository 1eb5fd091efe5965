"""Guards against flame graphs that give a function's time to another, or hold more than names of functions."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

from benchmarks.flame import WIDTH_PX, draw, grown

STACKS = Counter(
    {
        (("observe", "gate"), ("look", "gate")): 30,
        (("observe", "gate"), ("look", "gate"), ("run", "other")): 50,
        (("close", "gate"),): 20,
        (("close", "gate"), ("rarely", "other")): 0,
    }
)


def test_a_function_has_the_time_of_what_it_calls() -> None:
    root = grown(STACKS)
    assert root.samples == 100
    assert root.called["observe"].samples == 80
    assert root.called["observe"].called["look"].called["run"].samples == 50


def test_blocks_are_as_wide_as_their_time_and_stand_below_their_callers() -> None:
    svg = ET.fromstring(draw(grown(STACKS), "a <title>", whole_ms=20.0))  # noqa: S314 -- our own
    space = "{http://www.w3.org/2000/svg}"
    blocks = {
        (group.findtext(f"{space}title") or "").rsplit(" ", 2)[0]: group.find(f"{space}rect")
        for group in svg.iter(f"{space}g")
    }
    assert list(blocks) == ["a <title>", "observe", "look", "run", "close"]
    run, look = blocks["run"], blocks["look"]
    assert run is not None
    assert look is not None
    assert abs(float(run.get("width", "0")) - WIDTH_PX / 2) < 1
    assert float(run.get("y", "0")) > float(look.get("y", "0"))
