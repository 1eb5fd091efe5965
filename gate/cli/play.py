"""`gate play`: one passage from a file, a stream or a camera."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.claimed import Claimed
from gate.cli.exits import Exit
from gate.cli.failures import explained

if TYPE_CHECKING:
    from gate.client import Claim, PassageDecision, PassageEvent, Tls
    from gate.sources import Source


@dataclass(frozen=True, slots=True)
class Start:
    """What the command line says about the passage."""

    lane: str
    claim: Claim
    flight: str
    timeout_s: float | None


def play(
    source: str = typer.Argument(..., help="Folder of pictures, picture, video file, RTSP address, or camera index."),
    server: str = typer.Option("127.0.0.1:50151", "--server", "-s", help="The engine: host:port or unix:PATH."),
    lane: str = typer.Option("lane-1", help="Lane, as the engine's settings name it."),
    fps: float | None = typer.Option(
        None, min=0.1, max=120, help="Frames a second for files; a video has its own, folders 12."
    ),
    document: str = typer.Option("", help="Number of the document that the traveller presents (1:1)."),
    issuing_state: str = typer.Option("", help="Three-letter code of the document's issuing state."),
    reference: str = typer.Option("", help="Reference of the traveller who is claimed (1:1)."),
    mrz: str = typer.Option("", "--claim-mrz", help="Lines of a machine-readable zone; - reads them from the input."),
    boarding_pass: str = typer.Option("", "--claim-pass", help="Text of a boarding pass; - reads it from the input."),
    token: str = typer.Option("", "--claim-token", help="A travel token; - reads it from the input."),
    code: str = typer.Option("", "--claim-code", help="Text of either as a barcode; - reads it from the input."),
    picture: Path | None = typer.Option(None, "--claim-picture", help="A JPEG or PNG of such a barcode."),
    flight: str = typer.Option("", help="Search among this flight's travellers only."),
    timeout_s: float | None = typer.Option(None, "--timeout", min=0.1, help="Deadline of the passage, seconds."),
    ca: Path | None = typer.Option(None, help="PEM of the authority that signed the engine's certificate: TLS."),
    cert: Path | None = typer.Option(None, help="PEM of our own certificate, where the engine asks for one."),
    key: Path | None = typer.Option(None, help="PEM of its private key."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line, for machines."),
) -> None:
    """Play one passage against a running engine, in real time.

    Prints guidance and the decision as they come. Exit code 0: the gate opens; 20: fingerprint; 21: officer.

    Examples:

    - `gate play frames/ --lane lane-1`: a folder of pictures, in the order of their names

    - `gate play passage.mp4 --document X1234567`: against one document (1:1)

    - `gate token issue … | gate play frames/ --claim-token -`: with a travel token, where no other user sees it

    - `gate play rtsp://camera.lane-1/stream --server gate-box:50151 --ca ca.pem`: a lane's own camera

    - `gate play 0 --json`: the first camera of this machine
    """
    claimed = Claimed(document, reference, mrz, boarding_pass, token, code, picture, issuing_state)
    if bool(cert) != bool(key):
        raise typer.BadParameter("--cert and --key belong together")
    with explained():
        from gate.client import Tls
        from gate.sources import open_source

        frames = open_source(source, fps)
        tls = Tls(ca, cert, key) if ca or cert else None
        start = Start(lane, claimed.claim(), flight, timeout_s)
        decision = asyncio.run(_run(server, tls, frames, start, printer(as_json=as_json)))
        raise typer.Exit(exit_of_outcome(decision))


def exit_of_outcome(decision: PassageDecision) -> Exit:
    """The exit code of a passage."""
    from gate.decision.outcome import Outcome

    return {Outcome.OPEN: Exit.OK, Outcome.FINGERPRINT: Exit.FINGERPRINT, Outcome.OFFICER: Exit.OFFICER}[
        decision.outcome
    ]


async def _run(
    server: str, tls: Tls | None, source: Source, start: Start, on_event: Callable[[PassageEvent], None]
) -> PassageDecision:
    from gate.client import GateClient
    from gate.sources import paced

    async with GateClient(server, tls=tls) as client:
        return await client.verify(
            start.lane,
            paced(source),
            claim=start.claim,
            flight=start.flight,
            timeout_s=start.timeout_s,
            on_event=on_event,
        )


def printer(*, as_json: bool) -> Callable[[PassageEvent], None]:
    """What prints a passage's events as they come."""
    return _JsonPrinter().event if as_json else _Printer().event


class _Printer:
    """Events as lines for people."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)

    def event(self, event: PassageEvent) -> None:
        """Prints one event."""
        from gate.client import FingerRejection, FingerRequested, FrameRejection, GuidanceGiven

        if isinstance(event, GuidanceGiven):
            self._console.print(
                f"[cyan]guidance[/]  {event.guidance}  [dim]{event.text} (frame {event.frame_sequence})[/]"
            )
        elif isinstance(event, FrameRejection):
            self._console.print(f"[yellow]rejected[/]  frame {event.sequence}  {event.code}  [dim]{event.message}[/]")
        elif isinstance(event, FingerRejection):
            self._console.print(f"[yellow]rejected[/]  finger  {event.code}  [dim]{event.message}[/]")
        elif isinstance(event, FingerRequested):
            fingers = ", ".join(finger.name.lower().replace("_", " ") for finger in event.fingers)
            self._console.print(
                f"[cyan]finger[/]    {fingers}  [dim]after {event.reason}; {event.attempts_left} attempts left[/]"
            )
        else:
            self._decision(event)

    def _decision(self, decision: PassageDecision) -> None:
        colour = {"open": "green", "fingerprint": "yellow", "officer": "red"}[decision.outcome]
        print_ = self._console.print
        print_(f"[bold {colour}]{decision.outcome}[/]  {decision.reason}  [dim]{decision.traveller_reference or ''}[/]")
        if decision.similarity is not None and decision.threshold is not None:
            print_(
                f"  similarity {decision.similarity:.3f}, needed {decision.threshold:.3f} "
                f"(false positive rate {decision.false_positive_rate:.2%}, {decision.gallery_size} expected), "
                f"mask {decision.mask}"
            )
        frames = decision.frames
        print_(
            f"  frames: {frames.seen} seen, {frames.used} compared, {frames.dropped} overtaken, "
            f"{frames.rejected} rejected; {decision.elapsed_ms:.0f} ms in all"
        )
        if decision.incident_id:
            print_(f"  incident {decision.incident_id}: see the engine's log")


class _JsonPrinter(_Printer):
    """Events as JSON lines."""

    def event(self, event: PassageEvent) -> None:
        """Prints one event."""
        from gate.client import FingerRejection, FingerRequested, FrameRejection, GuidanceGiven

        kinds: dict[type, str] = {
            GuidanceGiven: "guidance",
            FrameRejection: "frame_rejected",
            FingerRequested: "fingerprint_request",
            FingerRejection: "fingerprint_rejected",
        }
        kind = kinds.get(type(event), "decision")
        print(json.dumps({"event": kind, **asdict(event)}), flush=True)
