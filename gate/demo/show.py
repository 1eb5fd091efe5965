"""The whole demo, from models to pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from gate.audit.chain import Verification
from gate.client import GateClient
from gate.demo import journey, pictures, stage
from gate.demo.corridor import play_corridor
from gate.demo.people import built_in, from_folder
from gate.demo.scenarios import Cast, Scenario, epilogue, script
from gate.demo.stage import Loaded, Played
from gate.demo.table import LiveTable
from gate.engine.build import Built
from gate.gallery.receipt import Receipt
from gate.settings import OWN_PACK


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown.

    Attributes:
        faces: folder with a folder a person; None takes the photographs inside the installed packages.
        people: how many of that folder.
        seed: chooses them.
        out: where the pictures go.
        journey: instead of the usual passages, one traveller from touchpoint to touchpoint.
        corridor: instead, everybody at once down a corridor.
    """

    faces: Path | None = None
    people: int = 10
    seed: int = 1
    out: Path = Path("out/demo")
    journey: bool = False
    corridor: bool = False


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


@dataclass(frozen=True, slots=True)
class Shown:
    """A demo that was played.

    Attributes:
        played: every passage.
        receipt: of the flight's destruction.
        journal: the audit journal, checked at the end.
        faults: of the corridor, in words; empty when all is as expected.
    """

    played: tuple[Played, ...]
    receipt: Receipt
    journal: Verification
    faults: tuple[str, ...] = ()


async def show(built: Built, plan: Plan, console: Console) -> Shown:
    """Loads the flight, plays every passage, closes the flight, plays one more; shows the table, saves the pictures.

    Raises:
        SourceError: there are no photographs.
        GateError: the engine cannot start.
    """
    with console.status("Cutting the travellers out of their photographs …"):
        cast = cast_for(plan, built)
    async with stage.open_stage(built) as client:
        loaded = await stage.load(client, cast.enrolled)
        _say_loaded(loaded, console)
        cast = _without(cast, loaded.refused, console)
        if plan.corridor:
            return await _walk_through(client, built, cast, loaded, console)
        if plan.journey:
            await client.set_flight_plan(journey.plan(loaded.flight, datetime.now(UTC)))
        with LiveTable(console) as table:
            scenarios = (
                journey.journey(cast) if plan.journey else script(cast, sees_little=built.papers.name == OWN_PACK)
            )
            played = [await _play(client, scenario, loaded, table) for scenario in scenarios]
            receipt = await client.close_flight(loaded.flight)
            played.append(await _play(client, epilogue(cast), loaded, table))
    _save(tuple(played), cast, plan, built, console)
    return Shown(tuple(played), receipt, built.journal.verify())


async def _walk_through(client: GateClient, built: Built, cast: Cast, loaded: Loaded, console: Console) -> Shown:
    expected = frozenset(person.label for person in cast.travellers)
    with console.status("Everybody walks down the corridor …"):
        everybody = [*cast.travellers, *cast.impostors]
        walked = await play_corridor(client, stage.LANE, everybody, expected, loaded.names, console)
    receipt = await client.close_flight(loaded.flight)
    console.print(f"{walked.tracks} people followed in {len(walked.frames)} frames, {walked.alarms} crowding alarms.")
    return Shown((), receipt, built.journal.verify(), walked.faults)


async def _play(client: GateClient, scenario: Scenario, loaded: Loaded, table: LiveTable) -> Played:
    table.begin(scenario)
    played = await stage.play(client, scenario, loaded.names, table.event)
    table.end(played)
    return played


def _say_loaded(loaded: Loaded, console: Console) -> None:
    report = loaded.report
    for leg in (leg for message in report.messages for leg in message.legs):
        until = f"{leg.expires_at:%H:%M} UTC" if leg.expires_at else "no time"
        console.print(
            f"Flight [bold]{leg.flight}[/] {leg.origin}-{leg.destination}: PAXLST manifest of {report.summary.named} "
            f"people, {report.summary.enrolled} enrolled from photographs beside it; kept until {until} at the latest.",
            soft_wrap=True,
        )


def _without(cast: Cast, refused: Mapping[str, str], console: Console) -> Cast:
    """The cast without those whose photograph was refused."""
    for label, message in refused.items():
        console.print(f"[yellow]Traveller {label} is not enrolled:[/] {message}")
    travellers = tuple(person for person in cast.travellers if person.label not in refused)
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
