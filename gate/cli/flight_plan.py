"""`gate flight plan`: where a flight boards, and when its touchpoints are open to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, asked

if TYPE_CHECKING:
    from gate.client import FlightPlan, GateClient, Window

AS_JSON = typer.Option(False, "--json", help="One JSON object a plan, for machines.")


def plan(
    flight: str = typer.Argument("", help="The flight, for example CX0830/2026-11-22. Without one: show every plan."),
    gate: str | None = typer.Option(None, help="Where it boards, as the lanes' settings name the gate."),
    opens: str = typer.Option("", help="From when, ISO 8601 with its time zone: 2026-11-22T12:00+08:00."),
    closes: str = typer.Option("", help="Until when, likewise."),
    at: str = typer.Option("boarding", help="The touchpoint that opens and closes then."),
    close: bool = typer.Option(False, "--close", help="Close the touchpoint now."),
    anew: bool = typer.Option(False, "--anew", help="Forget what the earlier plan said beside this."),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
) -> None:
    """Say where a flight boards and when its touchpoints are open to it, or show what was said.

    What is not given stays as the earlier plan has it: --gate alone moves the flight to another gate.
    """
    if close and closes:
        raise typer.BadParameter("give --closes or --close, not both")
    opens_at, closes_at = _moment(opens, "--opens"), datetime.now(UTC) if close else _moment(closes, "--closes")
    asks = gate is not None or opens_at is not None or closes_at is not None or anew
    if asks and not flight:
        raise typer.BadParameter("name the flight")
    with explained():
        from gate.client import Window

        window = Window(at, opens_at, closes_at) if opens_at or closes_at else None
        if asks:
            asked(server, ca, cert, key, lambda client: _set(client, flight, gate, window, anew=anew))
        plans = asked(server, ca, cert, key, lambda client: client.flight_plans(flight))
        if as_json:
            for known in plans:
                print(json.dumps(_facts(known)))
        else:
            _print(plans)


async def _set(client: GateClient, flight: str, gate: str | None, window: Window | None, *, anew: bool) -> None:
    from gate.client import FlightPlan

    known = () if anew else await client.flight_plans(flight)
    before = known[0] if known else FlightPlan(flight)
    windows = before.windows
    if window is not None:
        windows = (*(one for one in windows if one.touchpoint != window.touchpoint), _merged(before, window))
    await client.set_flight_plan(FlightPlan(flight, before.gate if gate is None else gate, windows))


def _merged(before: FlightPlan, window: Window) -> Window:
    """The window with the times of the earlier one where it has none itself."""
    known = before.window(window.touchpoint)
    if known is None:
        return window
    opens_at, closes_at = window.opens_at or known.opens_at, window.closes_at or known.closes_at
    # Closed before it was to open: then it never opens.
    if window.opens_at is None and opens_at and closes_at and opens_at >= closes_at:
        opens_at = None
    return replace(window, opens_at=opens_at, closes_at=closes_at)


def _moment(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: expected a time such as 2026-11-22T12:00+08:00") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{option}: expected a time zone, such as 2026-11-22T12:00+08:00 or …Z")
    return moment.astimezone(UTC)


def _facts(known: FlightPlan) -> dict[str, object]:
    return {
        "flight": known.flight,
        "gate": known.gate,
        "windows": [
            {
                "touchpoint": window.touchpoint,
                "opens_at": window.opens_at.isoformat() if window.opens_at else None,
                "closes_at": window.closes_at.isoformat() if window.closes_at else None,
            }
            for window in known.windows
        ],
    }


def _print(plans: tuple[FlightPlan, ...]) -> None:
    from rich.table import Table

    from gate.cli.safe import report_console, safe

    console = report_console()
    table = Table(
        "Flight", "Gate", "Touchpoint", "Opens (UTC)", "Closes (UTC)", header_style="bold", border_style="dim"
    )
    for known in plans:
        first = (safe(known.flight), safe(known.gate) or "not known")
        rows = [(safe(w.touchpoint), _clock(w.opens_at), _clock(w.closes_at)) for w in known.windows]
        for index, row in enumerate(rows or [("", "", "")]):
            table.add_row(*(first if index == 0 else ("", "")), *row)
    if plans:
        console.print(table)
    else:
        console.print("No plan is known.")


def _clock(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "—"
