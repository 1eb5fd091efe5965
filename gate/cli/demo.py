"""`gate demo`: the whole engine at work, on real photographs."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained

if TYPE_CHECKING:
    from rich.console import Console

    from gate.demo.show import Plan
    from gate.engine.build import Built
    from gate.settings import Settings


def demo(
    faces: Path | None = typer.Option(
        None, help="Folder with a folder of photographs a person: the first enrols, another one plays."
    ),
    camera: int | None = typer.Option(None, help="A camera's index: enrols whoever stands there, then verifies them."),
    people: int = typer.Option(10, min=4, max=200, help="With --faces: how many people."),
    seed: int = typer.Option(1, help="With --faces: chooses them."),
    out: Path = typer.Option(Path("out/demo"), help="Where the pictures go."),
    journey: bool = typer.Option(False, "--journey", help="One traveller's way through security, border and boarding."),
    corridor: bool = typer.Option(False, "--corridor", help="Everybody at once down a corridor, without stopping."),
    pack: str | None = typer.Option(None, help="Model pack; see `gate models list`."),
    config: Path | None = typer.Option(None, "--config", "-c", help="Settings, of which [models] counts."),
) -> None:
    """See the engine at work: real gRPC, real models, real photographs.

    Starts an engine on loopback with a sealed store, loads a flight from a PAXLST manifest, plays camera passages
    (travellers, an impostor, a mask, two people, a blurred approach …), and compares every outcome with what it must
    be. Then closes the flight, and prints the receipt of its destruction. Exit code 3 when something is wrong.

    Examples:

    - `gate demo`: with the photographs inside the installed packages

    - `gate demo --faces photos/ --people 20`: with your own, different photographs of each person

    - `gate demo --camera 0`: with yourself

    - `gate demo --journey`: one face from security to boarding, each touchpoint once (docs/journeys.md)

    - `gate demo --corridor`: several people at once, who are followed and decided about one by one
    """
    with explained():
        from rich.console import Console

        from gate.cli.serve import load_with
        from gate.telemetry.logs import set_up_logs

        set_up_logs("console", "warning")
        if camera is not None:
            _camera(camera, load_with(config, pack=pack), Console(highlight=False))
        else:
            from gate.demo.show import Plan

            _photographs(load_with(config, pack=pack), Plan(faces, people, seed, out, journey, corridor))


def _photographs(settings: Settings, plan: Plan) -> None:
    from gate.cli.receipts import print_receipt
    from gate.demo.show import show
    from gate.demo.table import console_for_table

    console = console_for_table()
    with tempfile.TemporaryDirectory(prefix="egate-demo-") as folder, _built(settings, console, Path(folder)) as built:
        _say_photographs(console, plan.faces)
        shown = asyncio.run(show(built, plan, console))
    print_receipt(console, shown.receipt)
    whole = shown.journal.whole
    console.print(f"Audit journal: {shown.journal.entries} entries, the chain is {'whole' if whole else 'BROKEN'}.")
    wrong = [result for result in shown.played if not result.right]
    for result in wrong:
        console.print(f"[red]✗ {result.scenario.title}:[/] {'; '.join(result.faults)}", soft_wrap=True)
    for fault in shown.faults:
        console.print(f"[red]✗[/] {fault}")
    if shown.played:
        console.print(f"[bold]{len(shown.played) - len(wrong)} of {len(shown.played)} passages ended as expected.[/]")
    if wrong or shown.faults or not whole or not shown.receipt.complete:
        raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _camera(index: int, settings: Settings, console: Console) -> None:
    from gate.cli.play import exit_of_outcome, printer
    from gate.demo.camera import verify_person_before
    from gate.sources import Live

    with tempfile.TemporaryDirectory(prefix="egate-demo-") as folder, _built(settings, console, Path(folder)) as built:
        console.print("Stand before the camera. The first good picture is enrolled; then look into it once more.")
        decision = asyncio.run(verify_person_before(Live(index), built, printer(as_json=False)))
    raise typer.Exit(exit_of_outcome(decision))


def _built(settings: Settings, console: Console, folder: Path) -> Built:
    from gate.demo.stage import demo_settings
    from gate.engine.build import build_engine
    from gate.errors import Code, ModelPackError
    from gate.settings import DEFAULT_PACK, OWN_PACK

    with console.status("Loading the models …"):
        try:
            built = build_engine(demo_settings(settings, folder))
        except ModelPackError as error:
            # Said, and only here: an engine that serves never takes another pack than the one it was told.
            if error.code is not Code.MODEL_MISSING or settings.models.pack != DEFAULT_PACK:
                raise
            console.print(_ANOTHER_PACK.format(DEFAULT_PACK, OWN_PACK), soft_wrap=True)
            own = settings.model_copy(update={"models": settings.models.model_copy(update={"pack": OWN_PACK})})
            # The folder has the store's key already.
            inner = folder / "own"
            inner.mkdir()
            built = build_engine(demo_settings(own, inner))
    console.print(f"Engine: pack [bold]{built.papers.name}[/] on {settings.models.provider}, thresholds measured on")
    console.print(f"  {built.papers.calibration_data}", soft_wrap=True)
    if research := built.papers.research_only:
        console.print(f"[yellow]For research only:[/] {', '.join(research)}.", soft_wrap=True)
    if foreign := [model.name for model in built.papers.models if not model.own]:
        console.print(
            f"Third-party models, not part of this project: {', '.join(foreign)}.",
            soft_wrap=True,
        )
    return built


_ANOTHER_PACK = (
    "[yellow]The model files of {0} are not on this machine[/]: the demo plays with our own pack {1}, which recognises "
    "fewer travellers (models/packs/{1}/card.md). `gate doctor` says where better files go."
)


def _say_photographs(console: Console, faces: Path | None) -> None:
    if faces is None:
        text = (
            "Photographs: those inside insightface and scikit-image. There is one of each person, so what is played is "
            "the enrolled photograph shot again (size, place, light, noise, compression): similarities are higher than "
            "at a gate. `--faces DIR` plays other photographs than it enrols."
        )
    else:
        text = f"Photographs: {faces}. Who is played is seen on another photograph than the one enrolled."
    console.print(text, style="dim", soft_wrap=True)
