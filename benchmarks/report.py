"""The report a person reads and files: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.compare import Change, Difference
from benchmarks.figures import Figure
from benchmarks.measured import Measured
from benchmarks.svg import draw

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 1000px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid #ccc }
h2.part { margin-top: 3em; border-bottom: 2px solid #666 } h3 { font-size: 1em; margin-top: 1.6em }
table { border-collapse: collapse; margin: 1em 0 }
th, td { text-align: left; padding: .2em .9em .2em 0; vertical-align: top }
th { border-bottom: 1px solid #999 } tbody + tbody tr:first-child td { border-top: 1px solid #ddd }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.missed { color: #a40000; font-weight: bold } .held { color: #1a6b1a } svg { max-width: 100%; height: auto }
@media print { svg, tr { break-inside: avoid } h2, h3 { break-after: avoid } section { break-before: page } }
"""


ABOUT = {
    "latency": "From a camera's frame to the gate's decision, over gRPC, against the bare models and InsightFace.",
    "throughput": "One watched lane: frames a second against InsightFace and the plain loop; memory; cold start.",
    "lanes": "How many lanes at 10 frames a second one engine serves, and how long travellers wait at each count.",
    "decision": "How long a traveller waits from the first usable frame to the answer, on one lane.",
    "gallery": "Searching who is expected, against FAISS's indexes; restart, changes and withdrawal.",
    "corridor": "Several people at once: following, decisions, frame rate.",
    "policy": "What a lane does with travellers, strangers, and people with another's document.",
    "fingerprint": "How well fingers are told apart, by the protocol of the Fingerprint Verification Competitions.",
    "accuracy": "How well faces are told apart, bare and masked, from raw photographs: verification and flights.",
    "evidence": "What fusing the frames of an approach gains over its first and its best frame.",
    "fpir": "Whether strangers enter galleries as seldom as the policy states.",
    "watchlist": "How many ordinary travellers a watch list sends to an officer, and how many on it are found.",
}
"""What each benchmark says, for a reader of the report."""


def write(path: Path, measured: Measured, title: str, verdicts: Sequence[tuple[str, bool]] = ()) -> None:
    """Writes the report; makes the folder.

    Args:
        verdicts: sentences about bars, and whether each was held.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(measured, title, verdicts), "utf-8")


def html(measured: Measured, title: str, verdicts: Sequence[tuple[str, bool]] = ()) -> str:
    """The whole page: what was measured on, bars, then a section for each benchmark."""
    said = [f"<h1>{escape(title)}</h1>", _facts(measured.machine)]
    if verdicts:
        lines = (f'<li class="{"held" if held else "missed"}">{escape(line)}</li>' for line, held in verdicts)
        said.append(f"<h2>Bars</h2><ul>{''.join(lines)}</ul>")
    if measured.parts:
        links = (f'<a href="#{escape(name)}">{escape(name)}</a>' for name in measured.parts)
        said.append(f"<h2>Contents</h2><p>{' · '.join(links)}</p>")
        for name, part in measured.parts.items():
            heading = f'<h2 class="part">{escape(name)}</h2><p>{escape(ABOUT.get(name, ""))}</p>'
            said.append(f'<section id="{escape(name)}">{heading}{_section(part)}</section>')
    else:
        said.append(_section(measured))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(said)}</body></html>\n"
    )


def _section(measured: Measured) -> str:
    """What one benchmark found: what to know, plots, figures, how it was run."""
    said = []
    if measured.notes or measured.insufficient:
        too_few = (f"{i.name}: insufficient data: {i.found} {i.of}, it takes {i.needed}" for i in measured.insufficient)
        lines = (f"<li>{escape(line)}</li>" for line in (*measured.notes, *too_few))
        said.append(f"<h3>To know</h3><ul>{''.join(lines)}</ul>")
    drawings = [drawing for plot in measured.plots if (drawing := draw(plot))]
    if drawings:
        said.append("<h3>Plots</h3>" + "".join(f"<p>{drawing}</p>" for drawing in drawings))
    said.append(f"<h3>Figures</h3>{_table(measured.figures)}")
    said.append(f"<h3>How it was run</h3>{_facts(_flat(measured.run))}")
    return "".join(said)


def show(console: Console, measured: Measured, title: str) -> None:
    """The same on a terminal, without plots."""
    table = Table(title=title)
    for heading in ("figure", "value", "95 % interval", "unit", "n"):
        table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right", overflow="fold")
    for figure in measured.figures:
        interval = f"{_number(figure.ci_low)} to {_number(figure.ci_high)}"
        table.add_row(figure.name, _number(figure.value), interval, figure.unit, str(figure.n))
    console.print(table)
    for item in measured.insufficient:
        console.print(
            f"{item.name}: insufficient data: {item.found} {item.of}, it takes {item.needed}", highlight=False
        )
    for note in measured.notes:
        console.print(note, highlight=False)
    for key, value in {**measured.machine, **_flat(measured.run)}.items():
        console.print(f"[dim]{key:<28}[/]{value}", highlight=False)


def show_differences(
    console: Console, found: Sequence[Difference], circumstances: Sequence[str], *, everything: bool
) -> None:
    """What changed between two runs, on a terminal."""
    table = Table(title="beyond noise" if not everything else "changes")
    for heading in ("figure", "before", "after", "difference, 95 % interval", "unit", ""):
        table.add_column(heading, justify="left" if heading in {"figure", "unit", ""} else "right", overflow="fold")
    for item in found:
        if everything or item.change is not Change.NOISE:
            span = f"{item.value:+.4g} ({item.low:+.3g} to {item.high:+.3g})"
            name, unit = item.before.name, item.before.unit
            table.add_row(name, _number(item.before.value), _number(item.after.value), span, unit, item.change.value)
    console.print(table)
    counts = {change: sum(item.change is change for item in found) for change in Change}
    said = ", ".join(f"{count} {change.value}" for change, count in counts.items())
    by_chance = round(len(found) / 20, 1)
    console.print(f"{len(found)} figures: {said}; about {by_chance:g} would differ by chance alone", highlight=False)
    for line in circumstances:
        console.print(f"not the same: {line}", style="yellow", highlight=False)


def _table(figures: Iterable[Figure]) -> str:
    """A line above every group of names that begin alike."""
    head = "<tr><th>figure</th><th>value</th><th>95 % interval</th><th>unit</th><th>n</th></tr>"
    groups = groupby(figures, key=lambda figure: figure.name.rpartition(".")[0])
    bodies = (f"<tbody>{''.join(_row(figure) for figure in group)}</tbody>" for _, group in groups)
    return f"<table><thead>{head}</thead>{''.join(bodies)}</table>"


def _row(figure: Figure) -> str:
    return (
        f"<tr><td>{escape(figure.name)}</td><td class=number>{_number(figure.value)}</td>"
        f"<td class=number>{_number(figure.ci_low)} to {_number(figure.ci_high)}</td><td>{escape(figure.unit)}</td>"
        f"<td class=number>{figure.n}</td></tr>"
    )


def _facts(facts: Mapping[str, object]) -> str:
    rows = (f"<tr><td>{escape(key)}</td><td>{escape(_said(value))}</td></tr>" for key, value in facts.items())
    return f"<table>{''.join(rows)}</table>"


def _flat(run: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Nested facts under dotted names."""
    found: dict[str, object] = {}
    for key, value in run.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def _number(value: float) -> str:
    """Four significant digits, at least two decimals where it is small."""
    return (
        f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"
    )
