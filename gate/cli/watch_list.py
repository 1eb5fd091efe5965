"""`gate watch-list`: whom officers want to see. Shows numbers only; references are the authority's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, asked

if TYPE_CHECKING:
    from gate.client import WatchListDescription

app = typer.Typer(no_args_is_help=True, help="The watch list: add a photograph, remove somebody, show it in numbers.")

AS_JSON = typer.Option(False, "--json", help="One JSON object, for machines.")


@app.command()
def add(
    photo: Path = typer.Argument(..., help="JPEG, PNG or JPEG 2000 of one person, or data group 2 of a chip."),
    reference: str = typer.Option(..., "--reference", help="The authority's opaque name for the person, no name."),
    list_name: str = typer.Option(..., "--list", help="Which of the authority's lists it is: one word."),
    hours: float = typer.Option(..., "--hours", min=0.01, max=744, help="For how long; at most 31 days."),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
) -> None:
    """Put a photograph of somebody on the watch list. Another one of the same person makes them easier to find."""
    with explained():
        from gate.client import EnrolStatus, Watched

        person = Watched(reference, list_name, datetime.now(UTC) + timedelta(hours=hours))
        data = photo.read_bytes()
        status = asked(server, ca, cert, key, lambda client: client.enrol_watched(person, data))
        done = "had this photograph already" if status is EnrolStatus.ALREADY_ENROLLED else "is on the list"
        print(f"The person {done}, until {person.expires_at:%Y-%m-%d %H:%M} UTC.")


@app.command()
def remove(
    reference: str = typer.Argument(..., help="The authority's opaque name for the person."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Destroy what the engine holds of somebody on the list, and print the receipt. Exit 3 when something was left."""
    if not yes:
        typer.confirm(f"Take {reference} off the watch list?", abort=True)
    with explained():
        from gate.cli.receipts import print_receipt, receipt_facts
        from gate.cli.safe import report_console

        receipt = asked(server, ca, cert, key, lambda client: client.withdraw_watched(reference))
        if as_json:
            print(json.dumps(receipt_facts(receipt)))
        else:
            print_receipt(report_console(), receipt, of="watch list")
        if not receipt.complete:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


@app.command()
def show(
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Show the watch list in numbers, list by list."""
    with explained():
        found = asked(server, ca, cert, key, lambda client: client.watch_list())
        if as_json:
            print(json.dumps(_facts(found)))
        else:
            _print(found)


def _facts(found: WatchListDescription) -> dict[str, object]:
    lists = [
        {
            "list": each.name,
            "people": each.people,
            "templates": each.templates,
            "first_expiry": each.first_expiry.isoformat(),
            "last_expiry": each.last_expiry.isoformat(),
        }
        for each in found.lists
    ]
    return {"lists": lists, "to_enrol": found.to_enrol, "pack_id": found.pack_id}


def _print(found: WatchListDescription) -> None:
    from rich.table import Table

    from gate.cli.safe import report_console, safe

    console = report_console()
    if not found.lists:
        console.print("Nobody is on the watch list.")
    else:
        table = Table("List", header_style="bold", border_style="dim")
        for name in ("People", "Templates"):
            table.add_column(name, justify="right")
        table.add_column("Destroyed at the latest (UTC)")
        for each in found.lists:
            table.add_row(safe(each.name), str(each.people), str(each.templates), f"{each.last_expiry:%Y-%m-%d %H:%M}")
        console.print(table)
    if found.to_enrol:
        console.print(
            f"[yellow]{found.to_enrol} people are not found until they are enrolled again:[/] another model pack."
        )
