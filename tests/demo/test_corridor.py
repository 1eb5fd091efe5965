"""The demo's walk-through: real models, real photographs, real gRPC."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gate.client import PersonDecided
from gate.demo import stage
from gate.demo.corridor import faults, play_corridor
from gate.demo.people import Person
from gate.engine.build import Built

pytestmark = pytest.mark.shared


async def test_people_walk_through_and_only_the_expected_pass(built: Built, people: tuple[Person, ...]) -> None:
    expected, stranger = people[:3], people[6]
    shown = io.StringIO()
    async with stage.open_stage(built) as client:
        loaded = await stage.load(client, expected)
        labels = frozenset(person.label for person in expected)
        console = Console(file=shown, width=120)
        played = await play_corridor(client, stage.LANE, [*expected, stranger], labels, loaded.names, console)
        await client.close_flight(loaded.flight)
    passed = {loaded.names[d.decision.traveller_reference or ""] for d in played.decisions if d.decision.opens}
    # How many are recognised hangs on how many frames a busy machine looks at; who is, does not.
    assert passed
    assert passed <= labels
    assert not any("not expected" in fault or "twice" in fault for fault in played.faults)
    assert played.tracks >= len(passed)
    assert "Walk-through" in shown.getvalue()


def test_faults_are_named(people: tuple[Person, ...]) -> None:
    """A demo that shows a stranger pass must not say that all is well."""
    del people
    assert faults((), frozenset("A"), {}) == ("expected A to pass, who did not",)


def test_a_fault_for_each_who_passes_without_being_expected() -> None:
    class Decision:
        traveller_reference = "r"

    decided = PersonDecided(1, Decision(), (0, 0, 1, 1), 1)  # type: ignore[arg-type]
    assert faults((decided, decided), frozenset(), {"r": "B"}) == ("B passed, who is not expected", "B passed twice")
