"""Measures what a similarity means: false match rate and evidence of a model pack, without and with a mask.

  python -m models.training.calibrate                        every registered pack whose models are here
  python -m models.training.calibrate --pack edgeface-xs     one pack
  python -m models.training.calibrate --pack edgeface-xs --limit 400 --dry-run
                                                             a quick try: 400 photographs, nothing written
  python -m models.training.calibrate --faces DIR --set staff --set visitors
                                                             your own photographs: DIR/<set>/<person>/<photo>,
                                                             or DIR/<set>/<person>.jpg where there is one each

Every photograph goes through the engine's own pipeline (decode, detect, align, embed). Then a second time with a
random mask from `gate.synth` drawn onto it. Every probe is compared with every reference of another person, which a
gallery would keep of their unmasked photograph (`gate.vision.covered`).
The result is `models/packs/<pack>/calibration.json`, which `gate.decision` reads, and tables: thresholds with
95 % intervals, how often people match themselves there, and a check on people whom the curve has not seen.
Crops and templates are kept in EGATE_TRAIN_DIR (default .train/), so a second pack costs only its embeddings.
models/training/calibration.md explains the method.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gate.decision.calibration import Calibration, Fused
from gate.decision.likelihood import Likelihood
from gate.errors import ModelPackError
from gate.vision.covered import SHARE
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pack import ModelPack
from gate.vision.probe import MaskState
from gate.vision.registry import load_registry
from models.training import calibration_report as report
from models.training.acquisition import Crops, Photo, acquire, embed, found_by, list_lookalikes, list_photos
from models.training.calibration_curve import Estimate, ScoreTail, estimate
from models.training.comparisons import Mated, Side, mated, non_mated
from models.training.fused_scale import fit_fused
from models.training.likelihood_fit import fit_likelihood
from models.training.paths import packs_dir, shared_dir, train_dir

# CelebA is left out: its people are numbered, and many of them are in LFW under their names.
DEFAULT_SETS = ("lfw", "lfw-singles")
STATES = (MaskState.NONE, MaskState.WORN)


@dataclass(frozen=True, slots=True)
class Data:
    """The photographs, their identities as numbers (n,), and pairs of identities (E, 2) not to be compared."""

    photos: list[Photo]
    identity: NDArray[np.int64]
    identities: int
    excluded: NDArray[np.int64]
    description: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One pack's scores by mask state of the probe, and what they came from: probes, and what a gallery keeps."""

    sides: dict[MaskState, Side]
    references: Side
    tails: dict[MaskState, ScoreTail]
    mated: dict[MaskState, Mated]


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    console = Console()
    data = read_data(options.faces, tuple(options.set or DEFAULT_SETS), options.limit)
    console.print(f"{data.description}; {len(data.excluded)} lookalike pairs left out")
    if options.fresh:
        for stored in train_dir("calibration").glob("*/*.np[yz]"):
            stored.unlink()
    for name in options.pack or list(load_registry().packs):
        try:
            pack = find_pack(name)
        except ModelPackError as error:
            console.print(f"[yellow]{name}: left out: {error}[/]")
            continue
        measured = measure(pack, data, options.seed, console)
        rng = np.random.default_rng(options.seed)
        estimates = {state: estimate(measured.tails[state], rng, options.replicates) for state in STATES}
        checks = {state: report.held_back(_split(measured, state, data), rng) for state in STATES}
        likelihoods = _likelihoods(measured, estimates, rng, options.replicates, console)
        calibration = Calibration(
            # Version 1 says how often strangers match, and nothing of evidence.
            schema_version=2 if likelihoods else 1,
            pack_id=pack.pack_id,
            data=f"{data.description}; masks drawn by gate.synth, seed {options.seed}",
            curves={state: estimates[state].curve for state in STATES},
            likelihoods=likelihoods,
            fused={s: _fused(measured, s, data, rng, options.replicates) for s in STATES},
        )
        report.show(console, pack.name, estimates, measured.mated, measured.sides, checks, rng)
        _write(pack, calibration, estimates, checks, options.dry_run, console)


def read_data(faces: Path, sets: tuple[str, ...], limit: int | None) -> Data:
    """What to compare. With `limit`, about as many photographs, of whole identities spread over the sets."""
    photos = list_photos(faces, sets)
    if limit is not None and limit < len(photos):
        photos = _some(photos, limit)
    number = {identity: i for i, identity in enumerate(sorted({photo.identity for photo in photos}))}
    pairs = [(a, b) for one, other in list_lookalikes(faces) for a in named(number, one) for b in named(number, other)]
    described = []
    for name in sets:
        ours = [photo.identity for photo in photos if photo.identity.startswith(f"{name}/")]
        described.append(f"{name}: {len(ours)} photographs of {len(set(ours))} identities")
    return Data(
        photos,
        np.array([number[photo.identity] for photo in photos], np.int64),
        len(number),
        np.array(pairs, np.int64).reshape(-1, 2),
        "; ".join(described),
    )


def named(number: dict[str, int], name: str) -> list[int]:
    """Identities that ``<source>/<person>`` may stand for.

    A source may be spread over several sets (LFW's people with one photograph lie in `lfw-singles`), so the person
    counts in every set. Leaving out a namesake costs a few comparisons; comparing somebody with themselves is an error.
    """
    person = name.partition("/")[2]
    return [i for identity, i in number.items() if identity.partition("/")[2] == person]


def _some(photos: list[Photo], limit: int) -> list[Photo]:
    """About `limit` photographs: every n-th identity, with all of its photographs."""
    identities = sorted({photo.identity for photo in photos})
    kept = set(identities[:: max(1, round(len(photos) / limit))])
    return [photo for photo in photos if photo.identity in kept]


def measure(pack: ModelPack, data: Data, seed: int, console: Console) -> Measured:
    """Templates and all comparisons of a pack."""
    cache = found_by(pack.detector)
    pipeline = build_pipeline(pack)
    made_by = "-".join(pack.models[role].entry.sha256[:8] for role in ("embedder", "head") if role in pack.models)
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    templates = {}
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"faces, {pack.detector.name}", total=len(data.photos))
        crops: Crops = acquire(pipeline, data.photos, seed, cache, partial(progress.advance, task))
        progress.update(task, completed=len(data.photos))
        for state in STATES:
            task = progress.add_task(f"templates, {pack.name}, {state}", total=len(data.photos))
            templates[state] = embed(pipeline.probe, made_by, crops, state, cache, partial(progress.advance, task))
            progress.update(task, completed=len(data.photos))
        task = progress.add_task(f"references, {pack.name}", total=len(data.photos))
        tick = partial(progress.advance, task)
        kept = embed(
            lambda sighting: pipeline.reference(sighting, pipeline.probe(sighting)),
            f"{made_by}-reference-{SHARE}",
            crops,
            MaskState.NONE,
            cache,
            tick,
        )
        progress.update(task, completed=len(data.photos))
    sides = {state: Side(templates[state], data.identity, crops.found[state]) for state in STATES}
    references = Side(kept, data.identity, crops.found[MaskState.NONE])
    tails = {s: non_mated(sides[s], references, data.identities, data.excluded, symmetric=False) for s in STATES}
    return Measured(sides, references, tails, {s: mated(sides[s], references, symmetric=False) for s in STATES})


def _likelihoods(
    measured: Measured,
    estimates: dict[MaskState, Estimate],
    rng: np.random.Generator,
    replicates: int,
    console: Console,
) -> dict[MaskState, Likelihood]:
    """Of every mask state, or none where too few people have a second photograph."""
    try:
        return {s: fit_likelihood(measured.tails[s], measured.mated[s], estimates[s], rng, replicates) for s in STATES}
    except ValueError as error:
        console.print(f"[yellow]no evidence, false match rates only: {error}[/]")
        return {}


def _fused(measured: Measured, state: MaskState, data: Data, rng: np.random.Generator, replicates: int) -> Fused:
    return fit_fused(
        measured.sides[state], measured.references, data.identities, data.excluded, rng, min(replicates, 100)
    )


def _split(measured: Measured, state: MaskState, data: Data) -> report.Split:
    """Comparisons among a part of the people only."""

    def of(identities: NDArray[np.bool_]) -> ScoreTail:
        keep = identities[data.identity]
        probes, references = measured.sides[state].only(keep), measured.references.only(keep)
        inside = data.excluded[identities[data.excluded].all(axis=1)]
        return non_mated(probes, references, data.identities, inside, symmetric=False)

    return report.Split(of, data.identities)


def _write(
    pack: ModelPack,
    calibration: Calibration,
    estimates: dict[MaskState, Estimate],
    checks: dict[MaskState, list[report.HeldBack]],
    dry_run: bool,
    console: Console,
) -> None:
    full = train_dir("calibration") / f"report-{pack.name.replace(':', '-')}.json"
    full.write_text(json.dumps(report.document(calibration, estimates, checks), indent=1) + "\n", "utf-8")
    console.print(f"report: {full}")
    if dry_run:
        return
    path = packs_dir() / pack.name.replace(":", "-") / "calibration.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = calibration.model_dump(mode="json")
    Calibration.parse(document, pack.pack_id)
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    console.print(f"calibration: {path}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training.calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--pack", action="append", help="a registered pack, or insightface:NAME; may be repeated")
    add("--faces", type=Path, default=shared_dir() / "data" / "faces", help="folder of the sets and lookalikes.csv")
    add("--set", action="append", help=f"a folder in --faces; may be repeated (default: {', '.join(DEFAULT_SETS)})")
    add("--limit", type=int, help="only about this many photographs: a quick try, use it with --dry-run")
    add("--seed", type=int, default=7, help="of masks, resampling and splits (default: 7)")
    add("--replicates", type=int, default=300, help="resamplings of the identities (default: 300)")
    add("--fresh", action="store_true", help="detect again, for example after a change to gate.synth")
    add("--dry-run", action="store_true", help="show the tables, leave models/packs alone")
    return parser


if __name__ == "__main__":
    main()
