"""How many ordinary travellers a watch list sends to an officer, and how many of those on it are found.

  python -m benchmarks.watchlist                         the development set, bare and with drawn masks
  python -m benchmarks.watchlist --json out/watchlist.json

People with four photographs or more are ordinary travellers: their passage is four looks, at the rate that the policy
states for all of them. Watch lists are drawn from everybody else, one photograph each. Whoever is on a list and has
further photographs walks up as well. docs/watchlist.md explains the figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import machine
from benchmarks.figures import Figure
from benchmarks.measured import Measured
from gate.clock import SystemClock
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.engine.lookout import Lookout
from gate.gallery.watched import Watched
from gate.gallery.watchlist import WatchList
from gate.settings import DEFAULT_PACK
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe, Sighting
from models.training import devset

SIZES = (100, 1_000)
LOOKS = 4
_DRAWS = 20
_REPLICATES = 400
_SEED = 7


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Everybody's probes by mode and person, and who is never compared with whom."""

    probes: Mapping[str, Mapping[int, list[Probe]]]
    barred: Mapping[int, frozenset[int]]


def embed(vision: Vision, data: devset.DevSet) -> Faces:
    """The development set through the pack's embedder."""
    probes: dict[str, dict[int, list[Probe]]] = {}
    for mode, crops in (("bare", data.clean), ("masked", data.masked)):
        people: dict[int, list[Probe]] = {}
        for crop, person in zip(crops, data.person.tolist(), strict=True):
            aligned = np.ascontiguousarray(crop[:, :, ::-1])
            people.setdefault(person, []).append(vision.probe(Sighting(112, 112, (), None, 0.0, None, aligned, {})))
        probes[mode] = people
    barred: dict[int, set[int]] = {}
    for one, other in data.excluded.tolist():
        barred.setdefault(one, set()).add(other)
        barred.setdefault(other, set()).add(one)
    return Faces(probes, {person: frozenset(others) for person, others in barred.items()})


def measure(faces: Faces, policy: Policy, pack_name: str) -> Measured:
    """Shares over random lists of each size."""
    pack = find_pack(pack_name)
    calibration = read_pack_calibration(pack)
    rng = np.random.default_rng(_SEED)
    ordinary = sorted(person for person, known in faces.probes["bare"].items() if len(known) >= LOOKS)
    others = sorted(set(faces.probes["bare"]) - set(ordinary))
    figures: list[Figure] = []
    for size in SIZES:
        referred = {mode: np.zeros((_DRAWS, len(ordinary)), bool) for mode in faces.probes}
        found: dict[str, list[bool]] = {mode: [] for mode in faces.probes}
        for draw in range(_DRAWS):
            listed = frozenset(rng.choice(others, min(size, len(others)), replace=False).tolist())
            watch_list = listing(listed, faces, pack.pack_id)
            for mode, people in faces.probes.items():

                def seen(looks: list[Probe], watch_list: WatchList = watch_list) -> bool:
                    lookout = Lookout(watch_list, policy, calibration)
                    return any(lookout(probe, datetime.now(UTC)) for probe in looks)

                for column, person in enumerate(ordinary):
                    # A pair that may be one person says nothing about strangers.
                    alone = not faces.barred.get(person, frozenset()) & listed
                    referred[mode][draw, column] = alone and seen(people[person][:LOOKS])
                found[mode] += [seen(people[p][1 : 1 + LOOKS]) for p in sorted(listed) if len(people[p]) > 1]
        for mode in faces.probes:
            figures.append(_share(f"watchlist.referred.{mode}.{size}", referred[mode], rng))
            figures.append(_share(f"watchlist.found.{mode}.{size}", np.array([found[mode]]), rng))
    run = {
        "pack": pack_name,
        "stated_percent": 100 * policy.watchlist_fpir,
        "ordinary": len(ordinary),
        "others": len(others),
        "draws": _DRAWS,
        "looks": LOOKS,
        "seed": _SEED,
    }
    notes = ("those on the list who are looked for have one or two further photographs: fewer looks than at a gate",)
    return Measured(tuple(figures), run, notes=notes)


def listing(people: frozenset[int], faces: Faces, pack_id: str) -> WatchList:
    """A watch list of the first bare photograph of each."""
    made = WatchList(pack_id, SystemClock())
    until = datetime.now(UTC) + timedelta(hours=12)
    for person in sorted(people):
        made.enrol(Watched(str(person), "drawn", until), faces.probes["bare"][person][0])
    return made


def _share(name: str, events: NDArray[np.bool_], rng: np.random.Generator) -> Figure:
    """Per cent of all events (draws, people), with its interval by resampling people; the exact one where none was."""
    of_person = events.mean(axis=0)
    if not of_person.any():
        return Figure(name, 0.0, "%", int(events.size), 0.0, 100 * (1 - 0.025 ** (1 / len(of_person))))
    drawn = of_person[rng.integers(0, len(of_person), (_REPLICATES, len(of_person)))].mean(axis=1)
    low, high = np.percentile(100 * drawn, (2.5, 97.5))
    return Figure(name, float(100 * of_person.mean()), "%", int(events.size), float(low), float(high))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console(highlight=False)
    faces = embed(build_pipeline(find_pack(options.pack)), devset.load())
    found = measure(faces, Policy(), options.pack)
    for figure in found.figures:
        console.print(
            f"{figure.name:<34} {figure.value:7.3f} %   {figure.ci_low:.3f} to {figure.ci_high:.3f}   n {figure.n}"
        )
    if options.json is not None:
        replace(found, machine=machine.describe()).write(options.json)


if __name__ == "__main__":
    main()
