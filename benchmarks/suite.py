"""What every bench command does with what it measured: show it, and write JSON and HTML where they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmarks import machine, report
from benchmarks.check import State, check, read_bars
from benchmarks.measured import Measured


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go besides the terminal."""

    json: Path | None = None
    html: Path | None = None


def run(title: str, measure: Callable[[Console], Measured], output: Output) -> Measured:
    """Measures, shows and writes.

    Raises:
        OSError: a file cannot be written, or what `measure` says.
    """
    console = Console()
    facts = machine.describe()  # before the load of the run itself
    measured = replace(measure(console), machine=facts)
    finish(console, measured, title, output)
    return measured


def finish(console: Console, measured: Measured, title: str, output: Output) -> None:
    """Shows and writes."""
    report.show(console, measured, title)
    if output.json is not None:
        measured.write(output.json)
        console.print(f"written: {output.json}")
    if output.html is not None:
        judged = (verdict for verdict in check(measured, read_bars()) if verdict.state in {State.HELD, State.MISSED})
        report.write(output.html, measured, title, [(v.line, v.state is State.HELD) for v in judged])
        console.print(f"written: {output.html}")
