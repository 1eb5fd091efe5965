"""`gate doctor`: what stands in the way of the engine, with the repair beside it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained

if TYPE_CHECKING:
    from gate.doctor.finding import Finding

_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[bold red]✗[/]"}


def doctor(
    config: Path | None = typer.Option(None, "--config", "-c", help="Settings to examine; by default gate.toml."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line: check, health, found, repair."),
) -> None:
    """Find out what stands in the way of the engine, with the repair beside each finding.

    Looks at Python and packages, ONNX Runtime and its providers, the configured model pack (files, SHA-256,
    calibration, licences), address and certificates, clocks and folders. Exit code 3 when something must be repaired.

    Examples:

    - `gate doctor`

    - `gate doctor --config /etc/egate/gate.toml --json`
    """
    with explained():
        from gate.doctor.examine import examine
        from gate.doctor.finding import Health

        failed = 0
        for finding in examine(config):
            failed += finding.health is Health.FAIL
            print(json.dumps(asdict(finding)), flush=True) if as_json else _print(finding)
        if failed:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _print(finding: Finding) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{_MARKS[finding.health]} [bold]{finding.check:<17}[/] {escape(finding.found)}")
    if finding.repair:
        console.print(f"  [cyan]{'→ repair':<17}[/] {escape(finding.repair)}")
