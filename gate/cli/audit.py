"""`gate audit`: look at the journal, check that nobody changed it, and take it elsewhere."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.audit.event import EventKind
from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

if TYPE_CHECKING:
    from gate.audit.chain import Entry, Head, Verification
    from gate.storage.database import Database

app = typer.Typer(no_args_is_help=True, help="The audit journal: show, verify, export. Also while the engine runs.")

_CONFIG = typer.Option(None, "--config", "-c", help="Settings; by default gate.toml, where there is one.")
_STORE = typer.Option(None, "--store", help="A store instead of [storage] path, e.g. a copy kept as evidence.")
_KEY_FILE = typer.Option(None, "--key-file", help="A master key instead of the engine's.")

_COLOURS = {
    EventKind.DECISION: "",
    EventKind.DESTRUCTION: "yellow",
    EventKind.OVERRIDE: "magenta",
    EventKind.KEY: "cyan",
    EventKind.CLOCK: "bold red",
    EventKind.ACCESS_REFUSED: "bold red",
    EventKind.FRAMES_ALARM: "bold red",
    EventKind.REPAIRED: "red",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@app.command()
def verify(
    config: Path | None = _CONFIG,
    store: Path | None = _STORE,
    key_file: Path | None = _KEY_FILE,
    head: str | None = typer.Option(None, "--head", help="A head that you noted earlier: POSITION:LINK."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object: whole, entries, head, problems."),
) -> None:
    """Check every entry: none removed, changed, moved or added. Exit code 3 when one is, and where.

    It ends with the journal's head, one line. Note it where nobody who can write to this machine can change it: given
    back with `--head`, it also finds a store that was put back to an older state as a whole.

    Examples:

    - `gate audit verify`

    - `gate audit verify --head 1204:5f0c…`: and everything up to the entry noted then is still here
    """
    noted = _noted(head)
    with explained():
        from gate.audit.journal import SealedJournal

        with _opened(config, store, key_file, sealed=True) as database:
            found = SealedJournal(database).verify(noted)
        _print_as_json(found) if as_json else _print_verification(found)
        if not found.whole:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


@app.command()
def show(
    config: Path | None = _CONFIG,
    store: Path | None = _STORE,
    kind: list[EventKind] = typer.Option([], "--kind", "-k", help="Only this kind; may be given several times."),
    since: str | None = typer.Option(None, help="Not before: 30m, 12h, 7d, or a UTC time like 2026-11-22T06:00."),
    last: int = typer.Option(50, "--last", "-n", min=1, help="At most so many, the newest."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line: position, at, kind, facts, link."),
) -> None:
    """Show what was recorded, oldest first. Needs no key; `gate audit verify` says whether it can be believed.

    Examples:

    - `gate audit show --last 20`

    - `gate audit show --kind destruction --kind clock --since 7d`

    - `gate audit show --since 2026-11-22T06:00 --last 100000 --json > morning.jsonl`
    """
    start = _moment(since)
    with explained():
        from gate.audit.table import read_last

        with _opened(config, store, None, sealed=False) as database:
            entries = read_last(database, last, kinds=frozenset(kind), since=start)
        if as_json:
            for entry in entries:
                print(_line(entry))
        else:
            _print_entries(entries)


@app.command()
def export(
    file: Path = typer.Argument(..., help="The file to make; it must not exist yet."),
    config: Path | None = _CONFIG,
    store: Path | None = _STORE,
    key_file: Path | None = _KEY_FILE,
) -> None:
    """Write the whole journal to a file: JSON Lines with every entry's link, and the head at the end.

    It is checked as `gate audit verify` does; the last line says what was found. Exit code 3 when something is wrong.
    """
    with explained():
        from gate.audit.journal import SealedJournal
        from gate.storage import files

        with _opened(config, store, key_file, sealed=True) as database:
            journal = SealedJournal(database)
            found = journal.verify()
            last = found.head.position if found.head else None
            entries = (_line(entry) for entry in journal.entries() if last is None or entry.position <= last)
            lines = chain(entries, [json.dumps(_as_dict(found))])
            try:
                files.write_new(file, (f"{line}\n".encode() for line in lines))
            except FileExistsError:
                fail(f"{file} exists already.", "Name another file.", Exit.SETTINGS)
        print(f"{file}: the journal as it was recorded, and its head")
        _print_verification(found)
        if not found.whole:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _opened(config: Path | None, store: Path | None, key_file: Path | None, *, sealed: bool) -> Database:
    import os

    from gate.errors import Code, StoreError
    from gate.settings import load_settings
    from gate.storage.database import Database
    from gate.storage.keys import KeySources, read_key_file

    settings = load_settings(config).storage
    path = store or settings.path
    if path is None:
        raise StoreError(Code.STORE_MISSING, "[storage] path is not set: the journal ends with the process.")
    if not sealed:
        return Database.open_to_read(path)
    if key_file is not None:
        return Database.open_to_read(path, read_key_file(key_file))
    return Database.open_to_read(path, KeySources(settings.master_key_file, os.environ).find)


def _noted(text: str | None) -> Head | None:
    from gate.audit.chain import Head

    try:
        return Head.parse(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--head") from error


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if ago := re.fullmatch(r"(\d+)([smhd])", text):
        return datetime.now(UTC) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            "expected 30m, 12h, 7d, or a UTC time like 2026-11-22T06:00", param_hint="--since"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry))


def _as_dict(found: Verification) -> dict[str, object]:
    problems = [{"position": p.position, "last": p.last, "what": p.what} for p in found.problems]
    head = str(found.head) if found.head else None
    return {"whole": found.whole, "entries": found.entries, "head": head, "problems": problems}


def _print_as_json(found: Verification) -> None:
    print(json.dumps(_as_dict(found)))


def _print_verification(found: Verification) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for problem in found.problems:
        console.print(f"[bold red]✗[/] {problem}")
    if found.whole:
        console.print(f"[green]✓[/] {found.entries:,} entries, whole: none removed, changed, moved or added.")
    else:
        console.print(f"[bold red]{found.entries:,} entries, not whole.[/] Keep the file as it is: it is evidence.")
    if found.head:
        console.print(f"head: {found.head}")


def _print_entries(entries: list[Entry]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "UTC", "What", "Particulars", header_style="bold", border_style="dim")
    table.columns[0].justify = "right"
    for entry in entries:
        colour = _COLOURS.get(EventKind(entry.kind), "") if entry.kind in set(EventKind) else "bold red"
        what = escape(_printable(entry.kind.replace("_", " ")))
        facts = "  ".join(
            f"[dim]{escape(_printable(name))}[/] {escape(_value(value))}" for name, value in entry.facts.items()
        )
        table.add_row(
            str(entry.position),
            escape(_printable(entry.at[:19].replace("T", " "))),
            f"[{colour}]{what}[/]" if colour else what,
            facts,
        )
    console = Console(highlight=False)
    console.print(table if entries else "Nothing recorded that fits.")


def _value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "–"
        case float():
            return f"{value:.4g}"
        case _:
            return _printable(str(value))


def _printable(text: str) -> str:
    """Entries are shown unchecked: one that somebody changed must not command the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
