"""`gate flight enrol-finger`: a fingerprint for a traveller who is expected."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.failures import explained
from gate.cli.server_options import CA, CERT, KEY, SERVER, tls_of

if TYPE_CHECKING:
    from gate.client import FingerEnrolled, FingerSample, Tls


class Finger(StrEnum):
    """Which finger, in words."""

    UNKNOWN = "unknown"
    RIGHT_THUMB = "right_thumb"
    RIGHT_INDEX = "right_index"
    RIGHT_MIDDLE = "right_middle"
    RIGHT_RING = "right_ring"
    RIGHT_LITTLE = "right_little"
    LEFT_THUMB = "left_thumb"
    LEFT_INDEX = "left_index"
    LEFT_MIDDLE = "left_middle"
    LEFT_RING = "left_ring"
    LEFT_LITTLE = "left_little"


def enrol_finger(
    reference: str = typer.Argument(..., help="The traveller's reference, as the engine or the enrolment named it."),
    flight: str = typer.Argument(..., help="The flight, for example CX0830/2026-11-22."),
    file: Path = typer.Argument(..., exists=True, dir_okay=False, help="The fingerprint."),
    finger: Finger = typer.Option(Finger.UNKNOWN, help="Which finger it is; of a record: whose view is meant."),
    dpi: float = typer.Option(500.0, help="Resolution of an image, pixels an inch. What the file says is ignored."),
    size: str = typer.Option("", help="WIDTHxHEIGHT of raw grey pixels, 8 bits each; other files say it themselves."),
    server: str = SERVER,
    ca: Path | None = CA,
    cert: Path | None = CERT,
    key: Path | None = KEY,
    as_json: bool = typer.Option(False, "--json", help="One JSON object, for machines."),
) -> None:
    """Enrol a finger of a traveller who is expected: an image or a minutiae record.

    FILE is PNG, BMP, WSQ, raw grey pixels (with --size), or a record of ISO/IEC 19794-2 or ANSI/INCITS 378; which one,
    its first bytes say. Records are compared with records only, unless the engine's settings say what made them
    (docs/fingerprint.md).

    Enrol two or three fingers, and say which they are: a finger that is cut or dry on the day has a stand-in. Up to 3
    pictures of one finger help where the sensor is small; each is another chance of a false match, too. The finger is
    destroyed with the traveller, and stands in the receipt.
    """
    with explained():
        sample = _sample(file.read_bytes(), finger, dpi, size)
        done = asyncio.run(_enrolled(server, tls_of(ca, cert, key), reference, flight, sample))
        if as_json:
            print(json.dumps(_facts(done)))
        else:
            _print(done)


def _sample(data: bytes, finger: Finger, dpi: float, size: str) -> FingerSample:
    from gate.client import FingerEncoding, FingerPosition, FingerSample
    from gate.fingerprint.read import guess_encoding

    width_px, height_px = _size(size)
    encoding = FingerEncoding.GREY8 if size else guess_encoding(data)
    if encoding is None:
        raise typer.BadParameter("neither PNG, BMP, WSQ nor a minutiae record; for raw pixels give --size")
    return FingerSample(encoding, data, width_px, height_px, dpi, FingerPosition[finger.name])


def _size(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter("expected --size as WIDTHxHEIGHT, for example 388x374")
    return int(width), int(height)


async def _enrolled(server: str, tls: Tls | None, reference: str, flight: str, sample: FingerSample) -> FingerEnrolled:
    from gate.client import GateClient

    async with GateClient(server, tls=tls) as client:
        return await client.enrol_fingerprint(reference, flight, sample)


def _facts(done: FingerEnrolled) -> dict[str, object]:
    return {
        "already": done.already,
        "finger": done.finger.name.lower(),
        "minutiae": done.minutiae,
        "extractor": done.extractor,
        "quality": done.quality,
        "advice": [advice.value for advice in done.advice],
    }


def _print(done: FingerEnrolled) -> None:
    from gate.cli.safe import report_console, safe
    from gate.fingerprint.advice import ADVICE_TEXT

    console = report_console()
    name = "a finger" if not done.finger else done.finger.name.lower().replace("_", " ")
    quality = "" if done.quality is None else f", quality {done.quality} of 100"
    what = "was enrolled already" if done.already else "is enrolled"
    console.print(f"[green]✓[/] {name} {what}: {done.minutiae} minutiae by {safe(done.extractor)}{quality}")
    if done.advice:
        console.print(f"  [dim]better still: {'; '.join(ADVICE_TEXT[advice] for advice in done.advice)}[/]")
