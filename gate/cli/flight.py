"""`gate flight`: who is expected, and destroying it with a receipt."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained
from gate.cli.flight_finger import enrol_finger
from gate.cli.flight_pass import record_pass
from gate.cli.flight_plan import plan
from gate.cli.server_options import CA, CERT, KEY, SERVER, asked

if TYPE_CHECKING:
    from gate.client import Expected, Receipt

app = typer.Typer(
    no_args_is_help=True,
    help="Flights in the gallery: show, plan, close, withdraw a traveller or let one pass, enrol a finger.",
)
app.command()(plan)
app.command("pass")(record_pass)
app.command()(enrol_finger)

AS_JSON = typer.Option(False, "--json", help="One JSON object, for machines.")
YES = typer.Option(False, "--yes", "-y", help="Do not ask.")


class Reason(StrEnum):
    """Why a traveller is withdrawn."""

    WITHDRAWN = "withdrawn"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    BOARDED = "boarded"


@app.command()
def show(
    flight: str = typer.Argument("", help="Only this flight, for example CX0830/2026-11-22."),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Show who is expected, in numbers, flight by flight."""
    with explained():
        expected = asked(server, ca, cert, key, lambda client: client.describe(flight))
        if as_json:
            print(json.dumps(_facts(expected)))
        else:
            _print(expected)


@app.command()
def close(
    flight: str = typer.Argument(..., help="The flight, for example CX0830/2026-11-22."),
    yes: bool = YES,
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Destroy everything the engine holds of a flight, and print the receipt. Exit code 3 when something was left."""
    if not yes:
        typer.confirm(f"Destroy every template and all data of {flight}?", abort=True)
    with explained():
        _finish(asked(server, ca, cert, key, lambda client: client.close_flight(flight)), as_json=as_json)


@app.command()
def withdraw(
    reference: str = typer.Argument(..., help="The traveller's reference, as the engine or the enrolment named it."),
    flight: str = typer.Option("", help="Only on this flight; by default on every one."),
    why: Reason = typer.Option(Reason.WITHDRAWN, help="Stands in the receipt and the audit journal."),
    yes: bool = YES,
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Destroy what the engine holds of one traveller, and print the receipt. Exit code 3 when something was left."""
    if not yes:
        typer.confirm(f"Destroy the templates and data of {reference}?", abort=True)
    with explained():
        from gate.client import Why

        done = asked(server, ca, cert, key, lambda client: client.withdraw(reference, flight, Why(why.value)))
        _finish(done, as_json=as_json)


def _finish(receipt: Receipt, *, as_json: bool) -> None:
    from gate.cli.receipts import print_receipt, receipt_facts
    from gate.cli.safe import report_console

    if as_json:
        print(json.dumps(receipt_facts(receipt)))
    else:
        print_receipt(report_console(), receipt)
    if not receipt.complete:
        raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _facts(expected: Expected) -> dict[str, object]:
    return {
        "flights": [
            {
                "flight": flight.flight,
                "travellers": flight.travellers,
                "without_face": flight.without_template,
                "templates": flight.templates,
                "fingers": flight.fingers,
                "first_expiry": flight.first_expiry.isoformat(),
                "last_expiry": flight.last_expiry.isoformat(),
            }
            for flight in expected.flights
        ],
        "travellers": expected.travellers,
        "templates": expected.templates,
        "fingers": expected.fingers,
        "generation": expected.generation,
        "pack_id": expected.pack_id,
    }


def _print(expected: Expected) -> None:
    from rich.table import Table

    from gate.cli.safe import report_console, safe

    console = report_console()
    table = Table("Flight", header_style="bold", border_style="dim")
    for name in ("Travellers", "Without a face", "Templates", "Fingers"):
        table.add_column(name, justify="right")
    table.add_column("Destroyed at the latest (UTC)")
    for flight in expected.flights:
        counts = (flight.travellers, flight.without_template, flight.templates, flight.fingers)
        first, last = flight.first_expiry, flight.last_expiry
        until = f"{last:%Y-%m-%d %H:%M}" if first == last else f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
        table.add_row(safe(flight.flight), *map(str, counts), until)
    if expected.flights:
        console.print(table)
    total = f"{expected.travellers} travellers, {expected.templates} templates, {expected.fingers} fingers"
    console.print(total if expected.flights else "Nobody is expected.")
