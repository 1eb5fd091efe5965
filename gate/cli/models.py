"""`gate models`: the packs there are, their papers, and whether their files are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained

if TYPE_CHECKING:
    from rich.console import Console

    from gate.vision.registry import ModelFile, Registry

app = typer.Typer(no_args_is_help=True, help="Model packs: list, papers, check.")


@app.command("list")
def list_packs() -> None:
    """List the packs of the registry, and whether each can run here."""
    with explained():
        from rich.table import Table

        registry = _registry()
        table = Table("Pack", "Detector", "Embedder", "Masks by", "Here", header_style="bold", border_style="dim")
        for name, pack in registry.packs.items():
            table.add_row(name, pack.detector, pack.embedder, pack.mask or pack.head or "–", _state(name))
        console = _console()
        console.print(table)
        console.print("Each also as PACK+DETECTOR, and any InsightFace pack on this machine as insightface:NAME.")


@app.command()
def show(name: str = typer.Argument(..., help="A pack, or one model of the registry.")) -> None:
    """Show a pack's models: files, hashes, licences, origins."""
    with explained():
        registry = _registry()
        every: dict[str, ModelFile] = {
            **registry.detectors,
            **registry.embedders,
            **registry.masks,
            **registry.heads,
        }
        names = [name] if name in every and name not in registry.packs else _models_of(registry, name)
        for model in names:
            _describe(_console(), model, every[model])


@app.command()
def verify(name: str | None = typer.Argument(None, help="A pack; by default all of them.")) -> None:
    """Read a pack's files, and compare their SHA-256 with the registry. Exit code 3 when one is not right."""
    with explained():
        names = [name] if name else list(_registry().packs)
        states = {pack: _state(pack) for pack in names}
        for pack, state in states.items():
            _console().print(f"{pack:<24} {state}")
        if any(not state.startswith("ready") for state in states.values()):
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _state(name: str) -> str:
    """Whether a pack can run here, in words."""
    from gate.engine.build import read_pack_calibration
    from gate.errors import GateError
    from gate.vision.load import find_pack

    try:
        read_pack_calibration(find_pack(name))
    except GateError as error:
        return f"{error.code}: {error.message}"
    return "ready"


def _models_of(registry: Registry, name: str) -> list[str]:
    pack = registry.pack(name)
    return [model for model in (pack.detector, pack.embedder, pack.mask, pack.head) if model is not None]


def _describe(console: Console, name: str, model: ModelFile) -> None:
    console.print(f"[bold]{name}[/] ({model.family}{', our own' if model.own else ''})")
    for field, value in (
        ("file", model.file),
        ("sha256", model.sha256),
        ("licence", model.licence),
        ("origin", model.origin),
    ):
        console.print(f"  [dim]{field:<9}[/]{value}")


def _registry() -> Registry:
    from gate.vision.registry import load_registry

    return load_registry()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
