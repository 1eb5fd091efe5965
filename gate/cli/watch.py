"""`gate watch`: several people at once, from a file, a stream or a camera."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, tls_of

if TYPE_CHECKING:
    from gate.client import PersonDecided, Tls, WatchNews
    from gate.sources import Source


def watch(
    source: str = typer.Argument(..., help="Folder of pictures, video file, RTSP address, or camera index."),
    server: str = SERVER,
    lane: str = typer.Option("lane-1", help="Lane, as the engine's settings name it."),
    fps: float | None = typer.Option(
        None, min=0.1, max=120, help="Frames a second for files; a video has its own, folders 12."
    ),
    profile: str = typer.Option("", help="Policy profile; empty: the lane's own."),
    flight: str = typer.Option("", help="Search among this flight's travellers only."),
    timeout_s: float | None = typer.Option(None, "--timeout", min=0.1, help="Deadline of the watch, seconds."),
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line, for machines."),
) -> None:
    """Watch people who walk through a lane, several at once, in real time.

    Prints what becomes of each of them. Exit code 0: whoever was decided about may pass; 21: somebody was referred.

    Examples:

    - `gate watch corridor.mp4 --lane corridor`: a video

    - `gate watch rtsp://camera.corridor/stream --json`: a camera, until it is interrupted
    """
    tls = tls_of(ca, cert, key)
    with explained():
        from gate.client import PersonDecided
        from gate.sources import open_source

        frames, show, referred = open_source(source, fps), printer(as_json=as_json), False

        def told(news: WatchNews) -> None:
            nonlocal referred
            referred = referred or (isinstance(news, PersonDecided) and not news.decision.opens)
            show(news)

        asyncio.run(_run(server, tls, frames, (lane, profile, flight), timeout_s, told))
        raise typer.Exit(Exit.OFFICER if referred else Exit.OK)


async def _run(
    server: str,
    tls: Tls | None,
    source: Source,
    start: tuple[str, str, str],
    timeout_s: float | None,
    on_news: Callable[[WatchNews], None],
) -> None:
    from gate.client import GateClient
    from gate.client.watch import follow
    from gate.sources import paced

    lane, profile, flight = start
    async with (
        GateClient(server, tls=tls) as client,
        client.watch(lane, profile=profile, flight=flight, timeout_s=timeout_s) as stream,
    ):
        await follow(stream, paced(source), on_news)


def printer(*, as_json: bool) -> Callable[[WatchNews], None]:
    """What prints news as they come."""
    return _print_json if as_json else _Printer().news


_KINDS = {
    "PersonSeen": "track_started",
    "PersonDecided": "track_decided",
    "PersonLost": "track_lost",
    "CrowdingAlarm": "crowding",
    "FrameRejection": "frame_rejected",
}


def _print_json(news: WatchNews) -> None:
    print(json.dumps({"event": _KINDS[type(news).__name__], **asdict(news)}), flush=True)


class _Printer:
    """News as lines for people."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)

    def news(self, news: WatchNews) -> None:
        """Prints one."""
        from gate.client import CrowdingAlarm, FrameRejection, PersonDecided, PersonLost, PersonSeen

        print_ = self._console.print
        match news:
            case PersonSeen():
                print_(f"[dim]track {news.track_id:<4} seen      frame {news.frame_sequence}[/]")
            case PersonDecided():
                print_(_decided(news))
            case PersonLost():
                print_(f"[dim]track {news.track_id:<4} gone{'' if news.decided else ', never near enough'}[/]")
            case CrowdingAlarm():
                state = "[red]crowded[/]" if news.on else "[green]not crowded any more[/]"
                print_(f"{state}  {news.people} people{', too many' if news.too_many else ''}")
            case FrameRejection():
                print_(f"[yellow]rejected[/]  frame {news.sequence}  {news.code}  [dim]{news.message}[/]")


def _decided(news: PersonDecided) -> str:
    decision = news.decision
    colour = "green" if decision.opens else "red"
    compared = ""
    if decision.similarity is not None and decision.threshold is not None:
        compared = f"similarity {decision.similarity:.3f}, needed {decision.threshold:.3f}, mask {decision.mask}"
    same = f", as track {news.same_as_track_id}" if news.same_as_track_id is not None else ""
    return (
        f"track {news.track_id:<4} [bold {colour}]{decision.outcome}[/]  {decision.reason}{same}  "
        f"[dim]{decision.traveller_reference or ''} {compared}[/]"
    )
