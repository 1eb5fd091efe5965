"""`gate passage`: recordings of passages: what they show, and whether their decision comes out the same again."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.decision.outcome import Decision
    from gate.engine.recording import Recording
    from gate.engine.replay import Difference
    from gate.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Recordings of passages: look at one, replay its decision.")

FILE = typer.Argument(
    ..., help="A recording of [recording] folder.", show_default=False, exists=True, dir_okay=False, readable=True
)
CONFIG = typer.Option(None, "--config", "-c", help="Settings file; without it gate.toml here, where there is one.")
AS_JSON = typer.Option(False, "--json", help="One JSON object, for machines.")


@app.command()
def show(file: Path = FILE, config: Path | None = CONFIG, as_json: bool = AS_JSON) -> None:
    """Show a recording: its rules, what was seen and compared, and the decision. Travellers are T1, T2, …"""
    with explained(), _opened(file, config) as (recording, _):
        if as_json:
            print(json.dumps(_summary(recording)))
            return
        for name, value in _summary(recording).items():
            print(f"{name:<12} {value}")
        print()
        for line in _events(recording):
            print(line)


@app.command()
def replay(
    file: Path = FILE,
    config: Path | None = CONFIG,
    models: bool = typer.Option(True, help="Run the models over the frames again; else the decision alone."),
    as_json: bool = AS_JSON,
) -> None:
    """Decide a recorded passage again: from its events, then from its frames. Exit code 3 when a bit differs."""
    from gate.engine.replay import replay_decision, replay_models

    with explained(), _opened(file, config) as (recording, settings):
        decision, decided = replay_decision(recording)
        differences, checked, skipped = list(decided.differences), decided.checked, 0
        made: tuple[Difference, ...] = ()
        if models:
            from gate.engine.remake import remade

            vision, made = remade(recording.made, settings.models.insightface_root, settings.server.max_message_bytes)
            seen = replay_models(recording, vision)
            differences += seen.differences
            checked, skipped = checked + seen.checked, seen.skipped
        if as_json:
            said = {"agrees": not differences, "checked": checked, "skipped_frames": skipped} | _told(decision)
            said["differences"] = [asdict(difference) for difference in differences]
            said["made_by"] = [asdict(difference) for difference in made]
            print(json.dumps(said))
        else:
            _report(decision, differences, checked, skipped, made)
        if differences:
            raise typer.Exit(Exit.NOT_AS_EXPECTED)


@app.command()
def attention(
    file: Path = FILE,
    out: Path = typer.Option(..., help="Folder for the pictures; made where it is not there.", file_okay=False),
    config: Path | None = CONFIG,
    with_face: bool = typer.Option(
        False, "--with-face", help="Lay it over the traveller's face, which leaves the seal."
    ),
) -> None:
    """Draw where the embedder looked at each face that was compared. For packs that are mask-aware."""
    import cv2

    from gate.engine.remake import remade
    from gate.vision.attention import attention_picture, on_eyes

    with explained(), _opened(file, config) as (recording, settings):
        vision, _ = remade(recording.made, settings.models.insightface_root, settings.server.max_message_bytes)
        for look in recording.looks:
            if look.embedding is None or not look.frame.data:
                continue
            sighting = vision.look(look.frame)
            found = vision.attention(sighting)
            if found is None:
                fail(f"Pack {recording.made.pack} does not say where it looks.", "Mask-aware packs do.", Exit.MODELS)
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = out / f"{recording.passage_id}-{look.frame.sequence}.png"
            cv2.imwrite(str(path), attention_picture(found, sighting.aligned if with_face else None))
            print(f"{path}  {on_eyes(found):.0%} on the rows of the eyes")


@contextmanager
def _opened(file: Path, config: Path | None) -> Iterator[tuple[Recording, Settings]]:
    """The recording, while the store that has its keys is open to read; an engine may run."""
    from gate.engine.recordings import open_recording
    from gate.errors import Code, SettingsError
    from gate.settings import load_settings
    from gate.storage.database import Database
    from gate.storage.keys import KeySources

    settings = load_settings(config)
    storage = settings.storage
    if storage.path is None:
        raise SettingsError(Code.SETTINGS_INVALID, "[storage] path: expected the store that has the recording's key.")
    with Database.open_to_read(storage.path, KeySources(storage.master_key_file, os.environ).find) as database:
        yield open_recording(file, database), settings


def _summary(recording: Recording) -> dict[str, object]:
    compared = sum(look.embedding is not None for look in recording.looks)
    return {
        "passage": recording.passage_id,
        "lane": recording.lane_id,
        "closed_at": recording.closed_at.isoformat(),
        "version": recording.version,
        "pack": recording.made.pack_id,
        "provider": recording.made.provider,
        "profile": recording.profile,
        "policy": recording.policy_digest,
        "claimed": recording.rules.claimed,
        "frames": len(recording.looks),
        "compared": compared,
        "candidates": len(recording.references),
        **_told(recording.decision),
    }


def _told(decision: Decision | None) -> dict[str, object]:
    if decision is None:
        return {"outcome": "abandoned", "reason": ""}
    said: dict[str, object] = {"outcome": decision.outcome.value, "reason": decision.reason.value}
    if decision.comparison is not None:
        said |= {"similarity": decision.comparison.similarity, "threshold": decision.comparison.threshold}
    return said


def _events(recording: Recording) -> Iterator[str]:
    from gate.decision.event import Compared, Looked

    for event in recording.events:
        match event:
            case Looked():
                quality = event.sighting.quality
                seen = f"{len(event.sighting.faces)} faces" + (
                    f", eyes {quality.eye_distance_px:.1f} px, sharpness {quality.sharpness:.2f}" if quality else ""
                )
                yield f"frame {event.frame_sequence:<5} seen       {seen}"
            case Compared():
                ranked = event.candidates.ranked
                best = ", ".join(f"{c.traveller.reference} {c.similarity:.4f}" for c in ranked[:3]) or "nobody"
                yield f"frame {event.frame_sequence:<5} compared   {best}; mask {event.mask.value}, {event.live.value}"
            case _:
                yield f"            {type(event).__name__}: {getattr(event, 'reason', None) or event}"


def _report(
    decision: Decision | None,
    differences: list[Difference],
    checked: int,
    skipped: int,
    made: tuple[Difference, ...],
) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    told = _told(decision)
    console.print(f"[bold]{told['outcome']}[/]  {told['reason']}")
    for difference in made:
        console.print(f"[yellow]{difference.what}[/]: recorded with {difference.recorded}, here {difference.found}")
    if skipped:
        console.print(f"[yellow]{skipped} frames were too many to be kept, and are not looked at again.[/]")
    for difference in differences:
        console.print(f"[red]✗[/] {difference.where}: {difference.what}")
        console.print(f"    recorded {difference.recorded}", markup=False)
        console.print(f"    found    {difference.found}", markup=False)
    verdict = "every bit agrees" if not differences else f"{len(differences)} differ"
    console.print(f"{checked} numbers and records held against the recording: {verdict}.")
