"""How long a flight takes to load: a PAXLST manifest and a photograph of each passenger, into a sealed store.

  python -m benchmarks.enrolment --faces ~/photographs        420 passengers (<person>/<photo>), about two minutes
  python -m benchmarks.enrolment --faces … --photos 60        for a first look

By turns, some photographs each:

  load     a real client, real gRPC, the engine in a process of its own; every passenger written down before the answer
  floor    the same photographs through bare ONNX Runtime: decode, detector, embedder, mask model, on tensors made
           beforehand, one after the other on as many threads as the engine has for inference

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from benchmarks import figures as fig
from benchmarks import machine
from benchmarks.engine_process import engine_process
from benchmarks.floor import Floor, Prepared
from gate.client import GateClient
from gate.engine.build import build_engine
from gate.errors import InputError
from gate.manifest.records import Action, Document, Leg, Message, Person, Role
from gate.manifest.write_paxlst import write_paxlst
from gate.settings import DEFAULT_PACK, ModelSettings, ServerSettings, Settings, StorageSettings
from gate.storage.keys import MasterKey, write_key_file
from gate.vision.enrolment import EnrolmentRules, check_photo
from gate.vision.frame import Encoding, Frame
from gate.vision.load import find_pack
from gate.vision.pipeline import Vision

_SUFFIXES = {".jpg", ".jpeg"}


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph that can be enrolled, and the floor's tensors for it."""

    jpeg: bytes
    prepared: Prepared


def usable(faces: Path, vision: Vision, floor: Floor, count: int, size_px: int) -> Iterator[Photo]:
    """The first usable photograph of each person of a folder, at most `count`."""
    found = 0
    for home in sorted(path for path in faces.iterdir() if path.is_dir()):
        path = next((file for file in sorted(home.iterdir()) if file.suffix.lower() in _SUFFIXES), None)
        if path is None or found == count:
            continue
        jpeg = path.read_bytes()
        try:
            sighting = vision.look(Frame(0, 0, Encoding.JPEG, 0, 0, jpeg))
            check_photo(sighting, EnrolmentRules())
        except InputError:
            continue
        if sighting.traveller is not None:
            found += 1
            yield Photo(jpeg, floor.prepare(jpeg, sighting.traveller.landmarks, size_px))


def manifest(flight: int, people: int, now: datetime) -> bytes:
    """A list of `people` invented passengers of a flight in an hour."""
    departs = (now + timedelta(hours=1)).replace(tzinfo=None, second=0, microsecond=0)
    # Reykjavik keeps UTC all year.
    leg = Leg("ZZ", str(flight), "KEF", "AMS", departs, departs + timedelta(hours=3))
    named = tuple(
        Person(
            Role.PASSENGER,
            "PASSENGER",
            f"NUMBER{chr(65 + number // 26)}{chr(65 + number % 26)}",
            documents=(Document("P", f"B{flight:04}{number:04}", "UTO"),),
        )
        for number in range(people)
    )
    message = Message(Action.LIST, False, "1", "BENCH", "", 0, False, (leg,), named, people, ())
    return write_paxlst([message], prepared=now)


async def load(address: str, flight: int, photos: list[Photo]) -> float:
    """Seconds for a whole load; every photograph must be enrolled."""
    data = manifest(flight, len(photos), datetime.now(UTC))
    named = [(f"B{flight:04}{number:04}.jpg", photo.jpeg) for number, photo in enumerate(photos)]
    async with GateClient(address) as client:
        await client.wait_until_serving()
        start = time.perf_counter()
        report = await client.load_manifest(data, named)
        took_s = time.perf_counter() - start
    if report.summary.enrolled != len(photos):
        raise RuntimeError(f"expected {len(photos)} enrolled, found {report.summary}")
    return took_s


def bare(floor: Floor, photos: list[Photo], workers: int) -> float:
    """Seconds for the same photographs through the bare models, `workers` at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda photo: floor.run(photo.prepared), photos))
    return time.perf_counter() - start


def measure(options: argparse.Namespace) -> tuple[list[fig.Figure], int]:
    """The figures, and how many photographs they stand on."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "master.key"
        write_key_file(key, MasterKey.generate())
        settings = Settings(
            server=ServerSettings(address="127.0.0.1:0", inference_threads=options.workers),
            models=ModelSettings(pack=options.pack),
            storage=StorageSettings(path=Path(folder) / "egate.db", master_key_file=key),
        )
        plain = settings.model_copy(update={"storage": StorageSettings()})
        floor, vision = Floor(find_pack(options.pack), 1), build_engine(plain).vision
        photos = list(usable(options.faces, vision, floor, options.photos, settings.models.detect_size))
        turns = [photos[start :: options.turns] for start in range(options.turns)]
        ours, other, one = [], [], []
        with engine_process(settings) as address:
            asyncio.run(load(address, 1, photos[:4]))  # warm
            bare(floor, photos[:4], options.workers)
            for number, part in enumerate(track(turns, "by turns"), 2):
                ours.append(1000 * asyncio.run(load(address, number, part)) / len(part))
                other.append(1000 * bare(floor, part, options.workers) / len(part))
                one.append(1000 * bare(floor, part, 1) / len(part))
    return _figures(ours, other, one, options.seed), len(photos)


def _figures(ours: list[float], other: list[float], one: list[float], seed: int) -> list[fig.Figure]:
    rng = np.random.default_rng(seed)
    load_ms, floor_ms, single_ms = (np.array(values)[:, None] for values in (ours, other, one))
    median = fig.percentile(50)
    return [
        fig.summarise("enrolment.load.ms_a_photo", "ms", load_ms, median, rng),
        fig.summarise("enrolment.floor.ms_a_photo", "ms", floor_ms, median, rng),
        fig.summarise("enrolment.floor_one_thread.ms_a_photo", "ms", single_ms, median, rng),
        fig.compare("enrolment.ratio_to_floor", "ratio", load_ms, floor_ms, np.divide, rng),
        fig.compare("enrolment.ratio_to_floor_one_thread", "ratio", load_ms, single_ms, np.divide, rng),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder with a folder of photographs a person")
    parser.add_argument("--photos", type=int, default=420)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2, help="photographs looked at side by side, by both")
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    facts = machine.describe()
    found, count = measure(options)
    console = Console(highlight=False)
    for figure in found:
        console.print(
            f"{figure.name:<40} {figure.value:8.2f} {figure.unit:<6} [{figure.ci_low:.2f}, {figure.ci_high:.2f}]"
        )
    run = {
        "photos": count,
        "turns": options.turns,
        "workers": options.workers,
        "pack": options.pack,
        "seed": options.seed,
    }
    fig.report(console, found, facts, run, options.json)


if __name__ == "__main__":
    main()
