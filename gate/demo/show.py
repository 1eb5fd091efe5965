"""The whole demo, from models to pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from gate.client import EnrolResult
from gate.demo import pictures, stage
from gate.demo.people import built_in, from_folder
from gate.demo.scenarios import Cast, script
from gate.demo.stage import Played
from gate.demo.table import LiveTable
from gate.engine.build import Built


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown.

    Attributes:
        faces: folder with a folder a person; None takes the photographs inside the installed packages.
        people: how many of that folder.
        seed: chooses them.
        out: where the pictures go.
    """

    faces: Path | None = None
    people: int = 10
    seed: int = 1
    out: Path = Path("out/demo")


def cast_for(plan: Plan, built: Built) -> Cast:
    """Who plays.

    Raises:
        SourceError: there are no photographs.
    """
    if plan.faces is None:
        *travellers, absent, looks_away, impostor = built_in(built.vision)
        return Cast(tuple(travellers), (impostor,), (absent,), looks_away)
    people = from_folder(built.vision, plan.faces, plan.people, plan.seed)
    impostors = 1 if len(people) < 6 else 2
    return Cast(people[:-impostors], people[-impostors:])


async def show(built: Built, plan: Plan, console: Console) -> tuple[Played, ...]:
    """Plays every passage, shows the table, saves the pictures.

    Raises:
        SourceError: there are no photographs.
        GateError: the engine cannot start.
    """
    with console.status("Cutting the travellers out of their photographs …"):
        cast = cast_for(plan, built)
    async with stage.open_stage(built) as client:
        refused = await stage.enrol(client, cast.enrolled)
        cast = _without(cast, refused, console)
        with LiveTable(console) as table:
            played = []
            for scenario in script(cast):
                table.begin(scenario)
                result = await stage.play(client, scenario, table.event)
                table.end(result)
                played.append(result)
    _save(tuple(played), cast, plan, built, console)
    return tuple(played)


def _without(cast: Cast, refused: tuple[EnrolResult, ...], console: Console) -> Cast:
    """The cast without those whose photograph was refused."""
    for result in refused:
        console.print(f"[yellow]Traveller {result.traveller_reference} is not enrolled:[/] {result.message}")
    gone = {result.traveller_reference for result in refused}
    travellers = tuple(person for person in cast.travellers if person.label not in gone)
    return replace(cast, travellers=travellers)


def _save(played: tuple[Played, ...], cast: Cast, plan: Plan, built: Built, console: Console) -> None:
    with console.status("Drawing the pictures …"):
        drawn = [pictures.annotate(result, built.vision, _enrolled(result, cast)) for result in played]
        for number, (result, picture) in enumerate(zip(played, drawn, strict=True), start=1):
            pictures.save(picture, plan.out / f"{number:02d}-{result.scenario.key}.jpg")
        right = sum(result.right for result in played)
        note = f"{right} of {len(played)} passages as expected · model pack {built.papers.name}"
        sheet = pictures.contact_sheet(drawn, "gate demo", note)
        path = pictures.save(sheet, plan.out / "contact-sheet.png")
    console.print(f"Pictures of every passage: [bold]{plan.out}[/], all on one sheet: [bold]{path}[/]", soft_wrap=True)


def _enrolled(played: Played, cast: Cast) -> bytes | None:
    """The enrolled photograph of whoever was recognised."""
    reference = played.decision.traveller_reference
    return next((person.photo for person in cast.enrolled if person.label == reference), None)
