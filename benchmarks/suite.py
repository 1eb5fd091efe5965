"""What every bench command does with what it measured: show it, and write JSON and HTML where they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from benchmarks import machine, report
from benchmarks.check import State, check, read_bars
from benchmarks.measured import Measured, joined


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


def everything(console: Console, *, quick: bool, pack: str) -> Measured:
    """Every benchmark, one after the other; the quick form leaves out what has no short one (changes of a gallery,
    fingers).

    Raises:
        OSError: the data that a benchmark needs is not there.
    """
    from benchmarks import accuracy, gallery, index, lanes, latency, throughput  # noqa: PLC0415 -- slow to import

    searches = index.Plan.quick() if quick else index.Plan()
    ways = throughput.Plan.quick() if quick else throughput.Plan()
    counts = lanes.Plan.quick() if quick else lanes.Plan()

    def gallery_() -> Measured:
        if quick:
            return index.measure(searches, console)
        return gallery.run(gallery.usual_plan(), searches, console)

    whole: dict[str, Callable[[], Measured]] = {
        "latency": lambda: latency.run(latency.plan(pack, quick=quick), console),
        "throughput": lambda: throughput.measure(replace(ways, pack=pack), console),
        "lanes": lambda: lanes.measure(replace(counts, pack=pack), console),
        "gallery": gallery_,
        "accuracy": lambda: accuracy.run(replace(accuracy.default_plan(None, quick), pack=pack), console),
    }
    found: dict[str, Measured] = {}
    for name, measure in whole.items():
        console.rule(name)
        found[name] = measure()
    return joined(found, {})
