"""Receipts of destructions, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate.cli.safe import safe

if TYPE_CHECKING:
    from rich.console import Console

    from gate.gallery.receipt import Counts, Receipt


def print_receipt(console: Console, receipt: Receipt, of: str = "") -> None:
    """One receipt as a person wants to read it; `of` what, where it is not of a flight."""
    from rich.table import Table

    flight = safe(of or receipt.flight or "several flights")
    why = receipt.why.value.replace("_", " ")
    console.print(f"[bold]Receipt[/]  {flight} · {why} · {receipt.at:%Y-%m-%d %H:%M:%S} UTC", soft_wrap=True)
    table = Table("", "Before", "After", box=None, header_style="dim", padding=(0, 2))
    for place, before in receipt.before.items():
        table.add_row(place.value, _in_words(before), _in_words(receipt.after[place]))
    console.print(table)
    if receipt.complete:
        console.print("  [green]✓[/] Counted again in every place: nothing is left.")
    else:
        console.print("  [bold red]✗ Something was left when it was counted again.[/] Tell the engine's operator.")
    position = f"position {receipt.journal_position}" if receipt.journal_position else "not journalled"
    console.print(f"  [dim]audit journal: {position}; generation {receipt.generation}[/]")


def receipt_facts(receipt: Receipt) -> dict[str, object]:
    """One receipt as JSON has it."""
    return {
        "flight": receipt.flight,
        "why": receipt.why.value,
        "at": receipt.at.isoformat(),
        "generation": receipt.generation,
        "complete": receipt.complete,
        "journal_position": receipt.journal_position,
        "places": {
            place.value: {"before": _facts(before), "after": _facts(receipt.after[place])}
            for place, before in receipt.before.items()
        },
    }


def _facts(counts: Counts) -> dict[str, int]:
    return {
        "travellers": counts.travellers,
        "templates": counts.templates,
        "photos": counts.photos,
        "keys": counts.keys,
        "journeys": counts.journeys,
        "fingers": counts.fingers,
    }


def _in_words(counts: Counts) -> str:
    named = [(number, name) for name, number in _facts(counts).items() if number]
    return ", ".join(f"{number} {name if number != 1 else name[:-1]}" for number, name in named) or "nothing"
