"""`gate manifest`: what a manifest would do, and doing it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, tls_of

if TYPE_CHECKING:
    from gate.cli.manifest_report import Checked
    from gate.client import LoadReport, Tls
    from gate.engine.legs import LoadRules
    from gate.manifest.reading import Reading

app = typer.Typer(no_args_is_help=True, help="Manifests: check what would load and why not; load it.")

PHOTO_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".jp2", ".j2k", ".jpf", ".dg2", ".bin"})

FILES = typer.Argument(..., metavar="FILE...", help="PAXLST, CSV or JSON Lines; - is standard input.")
PHOTOS = typer.Option(None, help="Folder of photographs, named as the manifest or a document number names them.")
AS_JSON = typer.Option(False, "--json", help="One JSON object, for machines (docs/manifests.md).")
ALL = typer.Option(False, "--all", help="Everybody, also of long lists.")


@app.command()
def check(
    files: list[str] = FILES,
    photos: Path | None = PHOTOS,
    now: str | None = typer.Option(None, help="Judge as at this time (ISO 8601, UTC unless it says otherwise)."),
    port: str | None = typer.Option(None, help="IATA code of this place, instead of [manifest] port."),
    config: Path | None = typer.Option(None, "--config", "-c", help="Settings, of which [manifest] counts."),
    as_json: bool = AS_JSON,
    everybody: bool = ALL,
) -> None:
    """Show what would load, what would not, and why, line by line. Needs no engine, and changes nothing.

    Exit code 3 when something would not load.

    Examples:

    - `gate manifest check flight.edi --photos faces/`

    - `gate manifest check flight.csv --port HKG --json`
    """
    at, here = _moment(now) if now else datetime.now(UTC), _port(port)
    with explained():
        from gate.cli.serve import load_with
        from gate.engine.engine import load_rules
        from gate.manifest.reading import Reading

        settings = load_with(config)
        manifest = settings.manifest if here is None else settings.manifest.model_copy(update={"port": here})
        rules = load_rules(manifest, settings.gallery.max_retention_h)
        reading = Reading(at, manifest.default_time_zone or None)
        checked = list(_checked(files, _photos(photos), rules, reading, manifest.max_bytes))
        _finish(checked, as_json=as_json, everybody=everybody, done=False)


@app.command()
def load(
    files: list[str] = FILES,
    photos: Path | None = PHOTOS,
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = AS_JSON,
    everybody: bool = ALL,
) -> None:
    """Load manifests and their photographs into a running engine, and show what it made of them.

    Loading is idempotent: repeat it whole when it breaks off. Exit code 3 when something was not loaded.

    Examples:

    - `gate manifest load flight.edi --photos faces/`

    - `carrier-feed | gate manifest load - --server gate-box:50151 --ca ca.pem`
    """
    tls = tls_of(ca, cert, key)
    with explained():
        from gate.cli.manifest_report import Checked
        from gate.manifest.reader import read_manifest
        from gate.manifest.reading import Reading

        pictures, checked = _photos(photos), []
        for name in files:
            data = _read(name)
            report = asyncio.run(_load(server, tls, name, data, pictures, quiet=as_json))
            # Read once more for the names, which the engine does not send back.
            checked.append(Checked(name, read_manifest(data, Reading(datetime.now(UTC))), report))
        _finish(checked, as_json=as_json, everybody=everybody, done=True)


def _checked(
    files: list[str], photos: list[Path], rules: LoadRules, reading: Reading, largest_bytes: int
) -> Iterator[Checked]:
    """Each file as an engine would load it that expects nobody yet, one after the other."""
    from gate.cli.manifest_report import Checked
    from gate.client.manifest import LoadReport, news
    from gate.engine.loader import ManifestLoad, ManifestLoader
    from gate.gallery.memory import MemoryGallery
    from gate.manifest.reader import read_manifest
    from gate.service.convert_manifest import instalment

    clock = _At(reading.now)
    loader = ManifestLoader(MemoryGallery(""), _never, rules, clock)
    roster = loader.roster()
    for name in files:
        manifest, report = read_manifest(_read(name), reading, largest_bytes), LoadReport()
        run = ManifestLoad(loader, manifest, name, roster)
        for given in [*run.load(), *(run.photo(photo.name, b"") for photo in photos), run.finish()]:
            report.add(news(instalment(given, 0)))  # through the wire's own words: the report is then the same
        yield Checked(name, manifest, report)


async def _load(server: str, tls: Tls | None, name: str, data: bytes, photos: list[Path], *, quiet: bool) -> LoadReport:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from gate.client import GateClient, LoadNews

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        messages = bar.add_task("messages", total=None)
        pictures = bar.add_task("photographs", total=len(photos) or None, visible=bool(photos))

        def show(given: LoadNews) -> None:
            progress = given.progress
            bar.update(messages, completed=progress.messages_done, total=progress.messages)
            bar.update(pictures, completed=progress.photos_done)

        async with GateClient(server, tls=tls) as client:
            sent = ((photo.name, photo.read_bytes()) for photo in photos)
            return await client.load_manifest(data, sent, name=_opaque(name), on_news=show)


def _finish(checked: list[Checked], *, as_json: bool, everybody: bool, done: bool) -> None:
    from gate.cli.manifest_report import facts, print_report
    from gate.cli.safe import report_console

    if as_json:
        print(json.dumps(facts(checked), ensure_ascii=False))
    else:
        for one in checked:
            print_report(report_console(), one, everybody=everybody, done=done)
    if any(one.report.summary.errors for one in checked):
        raise typer.Exit(Exit.NOT_AS_EXPECTED)


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _photos(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_ENDINGS)


def _opaque(name: str) -> str:
    """The file's name for the journal: without its folder, and no longer than the protocol allows."""
    plain = "".join(sign for sign in Path(name).name if sign.isprintable())
    return "" if name == "-" else plain[-64:]


def _port(text: str | None) -> str | None:
    if text is None:
        return None
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise typer.BadParameter(f"expected three letters, got {text!r}", param_hint="--port")
    return text.upper()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"expected a time such as 2026-11-22T12:00, got {text!r}", param_hint="--now"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _never(_photo: bytes) -> NoReturn:
    raise RuntimeError("a check looks at no photograph")


class _At:
    """A clock that stands at the time of the check."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def monotonic(self) -> float:
        """See `Clock`."""
        return 0.0

    def utc(self) -> datetime:
        """See `Clock`."""
        return self._now
