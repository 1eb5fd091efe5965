"""How well the whole pipeline tells people apart, from raw photographs, after ISO/IEC 19795-1.

  gate bench accuracy --dataset DIR                        DIR/<person>/<photo>
  gate bench accuracy --dataset DIR --masked-dataset DIR   masked probes of the same people, under the same names
  gate bench accuracy --dataset DIR --distractors DIR      one photograph each of people who never match
  gate bench accuracy --dataset DIR --pairs FILE           CSV: image_a,image_b,mated

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import accuracy_checkpoint as checkpoint
from benchmarks import accuracy_figures as figures
from benchmarks import accuracy_flights as flights
from benchmarks import accuracy_verification as verification
from benchmarks import rates
from benchmarks.accuracy_groups import by_groups, read_labels
from benchmarks.accuracy_photos import Listing, Photo, list_distractors, list_people, read_lookalikes, read_pairs
from benchmarks.accuracy_templates import LIMITS, Acquisition, Seen, Templates, stacked
from benchmarks.measured import Measured
from gate.decision.policy import Policy
from gate.engine.build import read_pack_calibration
from gate.settings import DEFAULT_PACK
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pipeline import Vision
from gate.vision.probe import MaskState

FPIR = 0.003

_QUICK_PEOPLE, _QUICK_PHOTOS, _QUICK_DISTRACTORS = 500, 2, 100
_CHECKPOINT_FLIGHTS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: ``<person>/<photo>``.
        masked_dataset: the same people's masked probes; None draws masks onto the photographs.
        distractors: people who are nobody of the data set, one photograph each.
        crowd: folder of aligned crops that fill the checkpoint's gallery, see `checkpoint.read_crops`.
        pairs, lookalikes, groups: see `read_pairs`, `read_lookalikes` and `read_labels`.
        pack: model pack, by name.
        flights: simulated.
        replicates: resamplings of the people.
        quick: some of the people, with two photographs each.
        seed: of flights, masks and resampling.
        threads: photographs at a time; by default one a core.
    """

    dataset: Path
    masked_dataset: Path | None = None
    distractors: Path | None = None
    crowd: Path | None = None
    pairs: Path | None = None
    lookalikes: Path | None = None
    groups: Path | None = None
    pack: str = DEFAULT_PACK
    flights: int = 100
    replicates: int = 300
    quick: bool = False
    seed: int = 7
    threads: int = field(default_factory=lambda: len(psutil.Process().cpu_affinity() or (0,)))


def usual_faces() -> Path:
    """Where photographs usually lie: `../shared/data/faces` beside the checkout."""
    return Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"


def default_plan(dataset: Path | None, quick: bool) -> Plan:
    """The data set of `../shared` with all that belongs to it; of another data set, only itself."""
    faces = usual_faces()
    if dataset is None or dataset.resolve() == (faces / "lfw").resolve():
        crowd = faces / "train"
        return Plan(
            dataset or faces / "lfw",
            distractors=faces / "lfw-singles",
            crowd=crowd if crowd.is_dir() and not quick else None,
            pairs=faces / "lfw-pairs.csv",
            lookalikes=faces / "lookalikes.csv",
            quick=quick,
        )
    crowd = faces / "train"
    return Plan(dataset, crowd=crowd if crowd.is_dir() and not quick else None, quick=quick)


@dataclass(frozen=True, slots=True)
class Engine:
    """What is measured: a pipeline, and the thresholds that belong to it; None for a pack without calibration."""

    vision: Vision
    thresholds: flights.Thresholds | None


def load_engine(pack: str) -> Engine:
    """The pack's own pipeline.

    Raises:
        ModelPackError: see `find_pack`.
    """
    papers = find_pack(pack)
    vision = build_pipeline(papers, limits=LIMITS)
    if papers.calibration_json is None:
        return Engine(vision, None)
    calibration = read_pack_calibration(papers)
    known: dict[tuple[str, int], float] = {}

    def threshold(state: str, templates: int) -> float:
        key = (state, templates)
        if key not in known:
            known[key] = calibration.threshold(MaskState(state), FPIR, templates).similarity
        return known[key]

    return Engine(vision, threshold)


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Everybody as templates.

    Attributes:
        clean: photographs of the data set, then those that only the pairs name, then distractors.
        masked: masked probes.
        people: of the data set, numbers 0 to people - 1.
        distractors: further people.
        barred: see `flights.Crowd`.
        photo_of: where each photograph's row is.
        number: of each person, by name.
    """

    clean: Templates
    masked: Templates
    people: int
    distractors: int
    barred: Mapping[int, frozenset[int]]
    photo_of: Mapping[Path, int]
    number: Mapping[str, int]


def measure(plan: Plan, engine: Engine, console: Console) -> Measured:
    """Every figure.

    Raises:
        OSError: a folder or file is not there, or not what it should be.
        EngineFault: a model failed.
    """
    cv2.setNumThreads(1)  # photographs are looked at side by side
    listing, strangers, notes = _list(plan)
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        sides, more = _acquire(plan, engine.vision, listing, strangers, progress)
        notes += more
        rng = np.random.default_rng(plan.seed)
        resampled = rates.draws(sides.people + sides.distractors, plan.replicates, rng)
        found = figures.Found(resampled)
        figures.acquisition(found, sides.clean, sides.masked, sides.people)
        _verify(plan, sides, found, progress)
        _simulate(plan, engine, sides, found, progress)
    notes += found.notes
    if engine.thresholds is None:
        notes.append(f"pack {plan.pack} has no calibration: no figures at the engine's own thresholds")
    run = {
        "pack": plan.pack,
        "pack_id": engine.vision.pack_id,
        "policy": f"FPIR {FPIR:g}, one photograph, one look",
        "dataset": plan.dataset.name,
        "people": sides.people,
        "photographs": int((sides.clean.person < sides.people).sum()),
        "distractors": sides.distractors,
        "masked_probes": len(sides.masked),
        "masks": plan.masked_dataset.name if plan.masked_dataset else f"drawn by gate.synth, seed {plan.seed}",
        "distractors_masks": "drawn by gate.synth",
        "flights": plan.flights,
        "replicates": plan.replicates,
        "quick": plan.quick,
        "seed": plan.seed,
        **found.run,
    }
    return Measured(tuple(found.figures), run, tuple(found.insufficient), tuple(notes), tuple(found.plots))


def _list(plan: Plan) -> tuple[Listing, Listing, list[str]]:
    listing = list_people(plan.dataset)
    notes = listing.notes("dataset")
    strangers = list_distractors(plan.distractors) if plan.distractors else Listing(())
    notes += strangers.notes("distractors")
    known = {photo.person for photo in listing.photos}
    others = tuple(photo for photo in strangers.photos if photo.person not in known)
    if len(others) < len(strangers.photos):
        notes.append(f"distractors: {len(strangers.photos) - len(others)} bear a name of the data set, left out")
    if plan.quick:
        listing = replace(listing, photos=_some(listing.photos))
        others = others[:: max(1, len(others) // _QUICK_DISTRACTORS)]
        notes.append(f"quick: {len(listing.photos)} photographs of {len({p.person for p in listing.photos})} people")
    return listing, replace(strangers, photos=others), notes


def _some(photos: tuple[Photo, ...]) -> tuple[Photo, ...]:
    """Some people, of those with several photographs first, with two photographs each."""
    by_person: dict[str, list[Photo]] = {}
    for photo in photos:
        by_person.setdefault(photo.person, []).append(photo)
    several = [person for person, own in by_person.items() if len(own) > 1]
    single = [person for person, own in by_person.items() if len(own) == 1]
    step = max(1, len(several) // _QUICK_PEOPLE)
    chosen = (several[::step] + single)[:_QUICK_PEOPLE]
    return tuple(photo for person in sorted(chosen) for photo in by_person[person][:_QUICK_PHOTOS])


def _acquire(
    plan: Plan, vision: Vision, listing: Listing, strangers: Listing, progress: Progress
) -> tuple[Sides, list[str]]:
    """Templates of everybody, clean and masked."""
    work = Acquisition(vision, Policy().quality, plan.seed, plan.threads)
    number = {person: i for i, person in enumerate(dict.fromkeys(photo.person for photo in listing.photos))}
    people = len(number)
    number |= {photo.person: people + i for i, photo in enumerate(strangers.photos)}
    photos = (*listing.photos, *strangers.photos)
    person = np.array([number[photo.person] for photo in photos], np.int64)
    notes: list[str] = []

    def look(name: str, chosen: Iterable[Photo], *, masked: bool) -> tuple[list[Seen], list[Seen]]:
        paths = [photo.path for photo in chosen]
        if not paths:
            return [], []
        tick = partial(progress.advance, progress.add_task(name, total=len(paths)))
        return work.with_masks(paths, tick) if masked else (work.plain(paths, tick), [])

    numbers = np.arange(len(photos), dtype=np.int64)
    own_masks = plan.masked_dataset is None
    clean, drawn = look("photographs", listing.photos, masked=own_masks)
    clean_others, drawn_others = look("distractors", strangers.photos, masked=True)
    bare = stacked([*clean, *clean_others]).of(person, numbers)
    if own_masks:
        masked = stacked([*drawn, *drawn_others]).of(person, numbers)
    else:
        theirs, owner, shown, more = _masked_photos(plan, listing, number)
        notes += more
        seen, _ = look("masked photographs", theirs, masked=False)
        masked = stacked([*seen, *drawn_others]).of(
            np.concatenate([owner, person[len(clean) :]]), np.concatenate([shown, numbers[len(clean) :]])
        )
    barred = _barred(read_lookalikes(plan.lookalikes) if plan.lookalikes else [], number)
    photo_of = {photo.path.resolve(): i for i, photo in enumerate(photos)}
    return Sides(bare, masked, people, len(strangers.photos), barred, photo_of, number), notes


def _masked_photos(
    plan: Plan, listing: Listing, number: Mapping[str, int]
) -> tuple[
    list[Photo], np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]], list[str]
]:
    """Masked probes of people of the data set, who each is, and which clean photograph each shows (-1: none)."""
    if plan.masked_dataset is None:
        raise ValueError("expected a plan with a masked data set")
    masked = list_people(plan.masked_dataset)
    notes = masked.notes("masked dataset")
    by_name = {(photo.person, photo.path.stem.lower()): i for i, photo in enumerate(listing.photos)}
    known = [photo for photo in masked.photos if photo.person in number]
    if len(known) < len(masked.photos):
        notes.append(
            f"masked dataset: {len(masked.photos) - len(known)} photographs are of nobody of the data set, ignored"
        )
    if plan.quick:
        known = [photo for photo in known if (photo.person, photo.path.stem.lower()) in by_name] or known
    shown = np.array([_shows(photo, by_name) for photo in known], np.int64)
    if (shown < 0).any():
        notes.append(f"masked dataset: {int((shown < 0).sum())} photographs bear no name of a clean one")
    return known, np.array([number[photo.person] for photo in known], np.int64), shown, notes


def _shows(photo: Photo, by_name: Mapping[tuple[str, str], int]) -> int:
    """The clean photograph of the same name, or whose name goes on after a sign: ``0001.jpg``, ``0001_masked.png``."""
    stem = photo.path.stem.lower()
    for end in range(len(stem), 0, -1):
        if (end == len(stem) or not stem[end].isalnum()) and (photo.person, stem[:end]) in by_name:
            return by_name[photo.person, stem[:end]]
    return -1


def _barred(pairs: Iterable[tuple[str, str]], number: Mapping[str, int]) -> dict[int, frozenset[int]]:
    barred: dict[int, set[int]] = {}
    for one, other in pairs:
        if one in number and other in number and one != other:
            barred.setdefault(number[one], set()).add(number[other])
            barred.setdefault(number[other], set()).add(number[one])
    return {person: frozenset(others) for person, others in barred.items()}


def _verify(plan: Plan, sides: Sides, found: figures.Found, progress: Progress) -> None:
    task = progress.add_task("verification", total=2)
    sources = sides.clean.only(sides.clean.person < sides.people)
    for name, probes in (("unmasked", sources), ("masked", sides.masked.only(sides.masked.person < sides.people))):
        figures.verify(found, name, verification.compare(probes, sources, sides.barred))
        progress.advance(task)
    figures.det(found)
    if plan.pairs is None:
        return
    roots = (plan.dataset, plan.dataset.parent, plan.pairs.parent, Path())
    pairs, missing = read_pairs(plan.pairs, roots)
    usable = [pair for pair in pairs if pair.one.resolve() in sides.photo_of and pair.other.resolve() in sides.photo_of]
    left_out = len(pairs) - len(usable)
    if missing:
        found.notes.append(f"pairs: {missing} name a file that is not there, left out")
    if left_out:
        found.notes.append(f"pairs: {left_out} name a photograph outside of what was looked at, left out")
    one = np.array([sides.photo_of[pair.one.resolve()] for pair in usable], np.int64)
    other = np.array([sides.photo_of[pair.other.resolve()] for pair in usable], np.int64)
    mated = np.array([pair.mated for pair in usable], np.bool_)
    figures.pairs(found, verification.score_pairs(sides.clean.only(one), sides.clean.only(other), mated))


def _simulate(plan: Plan, engine: Engine, sides: Sides, found: figures.Found, progress: Progress) -> None:
    everybody = np.arange(sides.people + sides.distractors, dtype=np.int64)
    crowd = flights.Crowd(
        sides.clean,
        {flights.UNMASKED: sides.clean, flights.MASKED: sides.masked},
        everybody[: sides.people],
        everybody[sides.people :],
        sides.barred,
    )
    thresholds = engine.thresholds or (lambda _state, _templates: 0.0)
    calibrated = engine.thresholds is not None
    size = flights.gallery_size(sides.people, sides.distractors)
    if not size:
        needed = flights.LEAST_GALLERY + flights.LEAST_STRANGERS
        found.too_few(f"flight{flights.GALLERY}", sides.people + sides.distractors, needed, "people")
        return
    tick = partial(progress.advance, progress.add_task("flights", total=plan.flights))
    seated = flights.seats(sides.people, size)
    searches = flights.simulate(crowd, seated, plan.flights, thresholds, plan.seed, tick)
    if size < flights.GALLERY:
        found.notes.append(
            f"{sides.people + sides.distractors} people do not fill galleries of {flights.GALLERY} and leave "
            f"{flights.LEAST_STRANGERS} outside: figures are of galleries of {size}, and named flight{size}"
        )
    if seated.fillers:
        found.notes.append(f"flights: {seated.fillers} of {size} expected travellers are distractors, who never come")
    figures.identification(found, f"flight{size}", searches, FPIR, calibrated=calibrated)
    if plan.groups is not None:
        labels = read_labels(plan.groups)
        for mode in (flights.UNMASKED, flights.MASKED):
            threshold = found.thresholds.get(f"flight{size}.{mode}.tpir@fpir{FPIR:g}")
            if threshold is not None:
                by_groups(found, f"flight{size}.{mode}", searches[mode], threshold, labels, sides.number)
    if plan.quick:
        return
    crops = checkpoint.read_crops(plan.crowd) if plan.crowd else ()
    tick = partial(progress.advance, progress.add_task("crowd of the checkpoint", total=len(crops)))
    filled = checkpoint.fill(crowd, crops, engine.vision, plan.threads, tick)
    tick = partial(progress.advance, progress.add_task("checkpoint", total=_CHECKPOINT_FLIGHTS))
    searches = flights.simulate(filled.crowd, filled.seated, _CHECKPOINT_FLIGHTS, thresholds, plan.seed, tick)
    found.notes.append(filled.note)
    figures.identification(found, f"checkpoint{filled.size}", searches, FPIR, calibrated=calibrated)
    if filled.size < checkpoint.SIZE:
        rate = checkpoint.scaled_rate(FPIR, filled.size)
        figures.scaled_identification(
            found, f"checkpoint{checkpoint.SIZE}", searches, FPIR, rate, calibrated=calibrated
        )


def run(plan: Plan, console: Console) -> Measured:
    """Loads the pack and measures it; see `measure`."""
    return measure(plan, load_engine(plan.pack), console)
