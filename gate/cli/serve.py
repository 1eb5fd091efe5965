"""`gate serve`: the engine, until SIGTERM."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gate.cli.failures import explained

if TYPE_CHECKING:
    from rich.progress import TaskID

    from gate.engine.build import Built, PackPapers
    from gate.gallery.sealed import Restored
    from gate.settings import Settings


class LogForm(StrEnum):
    """How logs are written."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


def serve(
    config: Path | None = typer.Option(
        None, "--config", "-c", help="Settings; by default gate.toml, where there is one."
    ),
    address: str | None = typer.Option(
        None, help="host:port or unix:PATH instead of [server] address; port 0 takes any."
    ),
    pack: str | None = typer.Option(None, help="Model pack instead of [models] pack; see `gate models list`."),
    log: LogForm = typer.Option(LogForm.AUTO, help="Lines for people or JSON for machines; auto asks the terminal."),
) -> None:
    """Run the engine until SIGTERM or Ctrl-C; passages in flight are finished first.

    Examples:

    - `gate serve`: loopback, port 50151, one lane called lane-1

    - `gate serve --config /etc/egate/gate.toml --log json`: as a service

    - `EGATE_MODELS__PROVIDER=cuda gate serve`: a setting from the environment

    Health (grpc.health.v1) says SERVING once the models are warm.
    """
    with explained():
        _serve(load_with(config, address, pack), log)


def load_with(config: Path | None, address: str | None = None, pack: str | None = None) -> Settings:
    """The settings, with what the command line says on top."""
    from gate.settings import load_settings

    server: dict[str, Any] = {} if address is None else {"server": {"address": address}}
    models: dict[str, Any] = {} if pack is None else {"models": {"pack": pack}}
    return load_settings(config, **server, **models)


def _serve(settings: Settings, log: LogForm) -> None:
    import sys

    from gate.service.server import GateServer
    from gate.service.server import serve as serve_until_stopped
    from gate.telemetry.logs import set_up_logs

    people = log is LogForm.CONSOLE or (log is LogForm.AUTO and sys.stderr.isatty())
    set_up_logs("console" if people else "json")

    def ready(server: GateServer) -> None:
        facts = startup_facts(settings, built.papers, server.address)
        if people:
            _print(facts)
        else:
            import structlog

            structlog.get_logger("gate").info("ready", **facts)

    with _built(settings, people) as built:
        asyncio.run(serve_until_stopped(built.engine, settings.server, ready))


def _built(settings: Settings, people: bool) -> Built:
    """The engine. People see how far the store is opened, and machines a line that it was."""
    from gate.engine.build import build_engine

    if not people:
        import structlog

        built = build_engine(settings)
        if built.restored is not None:
            structlog.get_logger("gate").info("restored", **restored_facts(built.restored))
        return built
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    names = {"open": "opening the store, flights", "embed": "photographs embedded again"}
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(names.get(what, what))
            bars.update(tasks[what], completed=done, total=of)

        built = build_engine(settings, progress=tell)
    if built.restored is not None and built.restored.to_enrol:
        console.print(
            f"[yellow]{len(built.restored.to_enrol)} travellers have templates of another model pack only:[/] they are "
            "expected, but without a face until they are enrolled again; `gate flight show` counts them."
        )
    if built.restored is not None and built.engine.fingers is not None:
        others = built.engine.fingers.incomparable(built.restored.fingers)
        if others:
            found = f"{sum(others.values())} fingers are of {', '.join(others)}"
            console.print(f"[yellow]{found}:[/] nothing read here can be compared with them; enrol them again.")
    return built


def restored_facts(restored: Restored) -> dict[str, int]:
    """What the store brought back, in numbers."""
    return {
        "flights": restored.flights,
        "travellers": restored.travellers,
        "templates": restored.templates,
        "fingers": sum(restored.fingers.values()),
        "expired": sum(receipt.travellers for receipt in restored.receipts),
        "embedded_again": restored.embedded,
        "to_enrol_again": len(restored.to_enrol),
    }


def startup_facts(settings: Settings, papers: PackPapers, address: str) -> dict[str, str]:
    """What an operator wants to see at start, in reading order."""
    research = ", ".join(papers.research_only)
    return {
        "address": address + (" (TLS)" if settings.server.tls else ""),
        "pack": f"{papers.name} ({papers.pack_id})",
        "licence": f"research only, not for a live border: {research}" if research else "see `gate models show`",
        "calibration": papers.calibration_data,
        "provider": settings.models.provider,
        "lanes": ", ".join(f"{name} ({lane.checkpoint}, {lane.profile})" for name, lane in settings.lanes.items()),
    }


def _print(facts: dict[str, str]) -> None:
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    console.print("\n[bold]The engine serves.[/] Ctrl-C ends it.")
    for key, value in facts.items():
        console.print(f"  [dim]{key:<12}[/]{value}", style="yellow" if "research only" in value else None)
    console.print()
