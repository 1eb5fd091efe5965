"""`gate flight pass`: an officer let a traveller through a touchpoint, and the gates that follow shall know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, asked

if TYPE_CHECKING:
    from gate.client import Recorded


def record_pass(
    reference: str = typer.Argument(..., help="The traveller's reference, as the engine or the enrolment named it."),
    flight: str = typer.Argument(..., help="The flight, for example CX0830/2026-11-22."),
    officer: str = typer.Option(..., help="The officer's opaque name, never a person's."),
    reason: str = typer.Option(..., help="One word of the authority's own list, such as document_checked."),
    at: str = typer.Option(
        "",
        help="The touchpoint; by default the last one, which destroys the traveller's record and prints the receipt.",
    ),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = typer.Option(False, "--json", help="One JSON object, for machines."),
) -> None:
    """Record that an officer let a traveller through a touchpoint, so that the gates that follow open for them.

    Exit code 3 when a destruction left something.
    """
    with explained():
        told = (reference, flight, officer, reason, at)
        done = asked(server, ca, cert, key, lambda client: client.record_pass(*told))
        if as_json:
            print(json.dumps(_facts(done)))
        else:
            _print(done)
        if done.receipt is not None and not done.receipt.complete:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _facts(done: Recorded) -> dict[str, object]:
    from gate.cli.receipts import receipt_facts

    receipt = receipt_facts(done.receipt) if done.receipt is not None else None
    return {"already": done.already, "journal_position": done.journal_position, "receipt": receipt}


def _print(done: Recorded) -> None:
    from gate.cli.receipts import print_receipt
    from gate.cli.safe import report_console

    console = report_console()
    if done.already:
        console.print("The traveller has passed there already; nothing was changed.")
    else:
        console.print(f"Recorded; audit journal: position {done.journal_position}.")
    if done.receipt is not None:
        print_receipt(console, done.receipt)
