"""A walk-through for the demo: people down a corridor, played against a running engine, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from gate.client import CrowdingAlarm, GateClient, PersonDecided, PersonSeen, WatchNews
from gate.client.watch import follow
from gate.demo.people import Person
from gate.synth.camera import Camera
from gate.synth.corridor import CorridorFrame, Walker, crowd, render

_GOES_ON_S = 2.5
"""The camera goes on so long when everybody has left."""

CAMERA = Camera(width_px=1280, height_px=720, focal_px=2000.0, fps=12.0)
"""As the demo's other scenes; a longer lens, because people are decided about before they arrive."""


@dataclass(frozen=True, slots=True)
class Corridor:
    """What came of a walk-through.

    Attributes:
        decisions: in the order in which they came.
        tracks: how many people were followed.
        alarms: how often crowding was alarmed.
        frames: JPEG files that were sent.
        faults: what is not as expected, in words; empty when all is.
    """

    decisions: tuple[PersonDecided, ...]
    tracks: int
    alarms: int
    frames: tuple[bytes, ...]
    faults: tuple[str, ...]


async def play_corridor(
    client: GateClient,
    lane: str,
    people: Sequence[Person],
    expected: frozenset[str],
    names: Mapping[str, str],
    console: Console,
    *,
    seed: int = 4,
) -> Corridor:
    """Lets people walk down a corridor in real time, and prints a table of what became of them.

    Args:
        client: of a running engine.
        lane: that it serves.
        people: who walks, in any number that a corridor holds.
        expected: labels of those who must be let through. Whoever else passes is a fault.
        names: traveller reference -> label.
        console: for the table.
        seed: of their ways.
    """
    # Painted before, so that this does not compete with the engine for the processor.
    video = await asyncio.to_thread(lambda: _film(people, seed))
    news: list[WatchNews] = []
    async with client.watch(lane) as watch:
        await follow(watch, _paced(video), news.append)
    decisions = tuple(each for each in news if isinstance(each, PersonDecided))
    console.print(table(decisions, names))
    return Corridor(
        decisions,
        sum(isinstance(each, PersonSeen) for each in news),
        sum(isinstance(each, CrowdingAlarm) and each.on for each in news),
        tuple(frame.jpeg for frame in video),
        faults(decisions, expected, names),
    )


def table(decisions: Sequence[PersonDecided], names: Mapping[str, str]) -> Table:
    """What a person reads."""
    shown = Table(title="Walk-through")
    for heading in ("track", "outcome", "reason", "traveller", "similarity", "needed", "mask", "frames compared"):
        shown.add_column(heading, justify="right" if heading in {"track", "similarity", "needed"} else "left")
    for each in decisions:
        found = each.decision
        colour = "green" if found.opens else "red"
        shown.add_row(
            str(each.track_id),
            f"[{colour}]{found.outcome}[/]",
            str(found.reason),
            names.get(found.traveller_reference or "", found.traveller_reference or ""),
            "" if found.similarity is None else f"{found.similarity:.3f}",
            "" if found.threshold is None else f"{found.threshold:.3f}",
            str(found.mask),
            str(found.frames.used),
        )
    return shown


def faults(decisions: Sequence[PersonDecided], expected: frozenset[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """What is not as expected, in words."""
    references = [each.decision.traveller_reference for each in decisions if each.decision.traveller_reference]
    passed = [names.get(reference, reference) for reference in references]
    found = [f"expected {label} to pass, who did not" for label in sorted(expected - set(passed))]
    found += [f"{label} passed, who is not expected" for label in sorted(set(passed) - expected)]
    found += [f"{label} passed twice" for label in sorted({label for label in passed if passed.count(label) > 1})]
    return tuple(found)


def _film(people: Sequence[Person], seed: int) -> tuple[CorridorFrame, ...]:
    walks = crowd(len(people), seed)
    walkers = [Walker(person.portrait, walk, _face(person)) for person, walk in zip(people, walks, strict=True)]
    return tuple(render(walkers, max(walk.ends_s for walk in walks) + _GOES_ON_S, CAMERA, seed))


def _face(person: Person) -> tuple[float, float, float, float]:
    """About where the face is; only the truth of the video hangs on it, which the demo does not ask for."""
    (x, y), unit = person.portrait.eyes_xy, person.portrait.eye_distance_px
    return x - 1.1 * unit, y - 1.2 * unit, x + 1.1 * unit, y + 1.7 * unit


async def _paced(video: Sequence[CorridorFrame]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for frame in video:
        await asyncio.sleep(began_s + frame.at_s - loop.time())
        yield frame.jpeg
