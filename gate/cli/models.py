"""`gate models`: the packs there are, their papers, and whether their files are right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained

if TYPE_CHECKING:
    from rich.console import Console

    from gate.vision.registry import ModelFile, Registry

app = typer.Typer(no_args_is_help=True, help="Model packs: list, papers, check, fetch, choose.")


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
def show(name: str = typer.Argument(..., help="A pack, a liveness set, or one model of the registry.")) -> None:
    """Show a pack's models: files, hashes, licences, origins."""
    with explained():
        registry = _registry()
        every: dict[str, ModelFile] = {
            **registry.detectors,
            **registry.embedders,
            **registry.masks,
            **registry.heads,
            **registry.liveness,
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


@app.command()
def pull(
    name: str = typer.Argument(..., help="An InsightFace pack, such as buffalo_s or insightface:buffalo_s."),
    root: Path = typer.Option(Path("~/.insightface"), help="The insightface library's folder."),
) -> None:
    """Fetch an InsightFace pack through the library. Without a network: says what to bring by hand, and whereto.

    Its terms allow research only, unless you hold a licence. Afterwards: `gate models use insightface:NAME`.
    """
    with explained():
        from gate.vision.insightface_fetch import fetch_insightface_pack
        from gate.vision.insightface_packs import PREFIX

        pack = fetch_insightface_pack(name.removeprefix(PREFIX), root)
        console = _console()
        for role, model in pack.models.items():
            console.print(f"{role:<9} {model.path}  [dim]sha256 {model.entry.sha256}[/]")
        console.print(f"[yellow]{pack.embedder.entry.licence}.[/]")
        console.print(f"Next: gate models use {pack.name}")


@app.command()
def use(
    name: str = typer.Argument(..., help="A pack, as `gate models list` names it, or insightface:NAME."),
    config: Path = typer.Option(Path("gate.toml"), "--config", "-c", help="Settings to write it to; made when absent."),
) -> None:
    """Choose the pack that `gate serve` runs: checks it, then writes `[models] pack` into the settings.

    Everything else in the file stays as it is. Templates of another pack cannot be compared: the travellers
    expected now must be enrolled again after the change.
    """
    with explained():
        import tomlkit
        from tomlkit.exceptions import ParseError

        from gate.engine.build import read_pack_calibration
        from gate.errors import Code, SettingsError
        from gate.settings import load_settings
        from gate.vision.load import find_pack

        before = load_settings(config) if config.is_file() else None
        root = before.models.insightface_root if before else None
        pack = find_pack(name, insightface_root=root)
        read_pack_calibration(pack)
        try:
            document = tomlkit.parse(config.read_text() if before else "")
        except ParseError as error:
            raise SettingsError(Code.SETTINGS_INVALID, f"{config} is not valid TOML: {error}.") from error
        document.setdefault("models", tomlkit.table())["pack"] = name
        config.write_text(tomlkit.dumps(document))
        console = _console()
        console.print(f"{config}: [bold]pack = {name}[/] ({pack.pack_id})")
        if before and before.models.pack != name:
            console.print(f"Was {before.models.pack}: restart the engine, and enrol again whoever is expected now.")


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
    if name in registry.liveness_sets:
        return list(registry.liveness_sets[name].models)
    pack = registry.pack(name)
    alive = registry.liveness_sets[pack.liveness].models if pack.liveness in registry.liveness_sets else ()
    return [model for model in (pack.detector, pack.embedder, pack.mask, pack.head, *alive) if model is not None]


def _describe(console: Console, name: str, model: ModelFile) -> None:
    from gate.vision.registry import DetectorFile

    console.print(f"[bold]{name}[/] ({model.family}{', our own' if model.own else ''})")
    for field, value in (
        ("file", model.file),
        ("sha256", model.sha256),
        ("licence", model.licence),
        ("origin", model.origin),
    ):
        console.print(f"  [dim]{field:<9}[/]{value}")
    if isinstance(model, DetectorFile) and model.refiner is not None:
        _describe(console, f"{name}-refiner", model.refiner)


def _registry() -> Registry:
    from gate.vision.registry import load_registry

    return load_registry()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
