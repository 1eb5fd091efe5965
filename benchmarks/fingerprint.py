"""How well fingers are told apart, by the protocol of the Fingerprint Verification Competitions, and how fast.

  gate bench fingerprint                                 every extractor and matcher there is; minutes, mostly LEADER's
  gate bench fingerprint --quick                         twenty prints, what the engine uses, for CI
  gate bench fingerprint --dataset DIR --json FILE       DIR/<set>/<finger>_<impression>.png, of 500 dpi
  gate bench fingerprint --templates out/fingerprint-cache
                                                         with templates of `python -m benchmarks.fingerprint_templates`

docs/fingerprint.md explains the figures, and what they do not say.
"""

from __future__ import annotations

import errno
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import figures as fig
from benchmarks import fingerprint_figures as figures
from benchmarks import fvc
from benchmarks.fingerprint_figures import Extracted, Result
from benchmarks.fingerprint_templates import cached, dataset_folder, load, read_image
from benchmarks.measured import Measured
from gate.errors import GateError
from gate.fingerprint.calibration.curve import FingerCalibration
from gate.fingerprint.choose import choose_extractor, installed
from gate.fingerprint.cylinders import similarity
from gate.fingerprint.extractor import Extractor
from gate.fingerprint.matcher import CylinderMatcher, PreparedFinger
from gate.fingerprint.template import FingerTemplate
from gate.settings import FingerprintSettings

MATCHERS: Mapping[str, Callable[[], CylinderMatcher]] = {
    "upright": lambda: CylinderMatcher(math.radians(FingerprintSettings().max_rotation_deg)),
    "cylinders": CylinderMatcher,
}
"""The first one is what the engine uses where nothing is set; the second lets fingers lie in any direction."""

_IMAGE = re.compile(r"(\d+)_(\d+)\.png")
_QUICK_FINGERS, _QUICK_IMPRESSIONS = 5, 4
_TIMED = 40
"""Comparisons a turn of the timing, and turns."""

_TURNS = 9


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: DIR/<set>/<finger>_<impression>.png.
        templates: where templates lie that are taken instead of extracting.
        quick: a few prints of one set, by what the engine uses.
        seed: of the resampling.
    """

    dataset: Path = field(default_factory=dataset_folder)
    templates: Path | None = None
    quick: bool = False
    seed: int = 7


def sets(dataset: Path) -> dict[str, dict[fvc.Print, Path]]:
    """The images of each set.

    Raises:
        FileNotFoundError: there is none.
    """
    found: dict[str, dict[fvc.Print, Path]] = {}
    for path in sorted(dataset.glob("*/*.png")):
        if name := _IMAGE.fullmatch(path.name):
            found.setdefault(path.parent.name, {})[int(name[1]), int(name[2])] = path
    if not found:
        raise FileNotFoundError(errno.ENOENT, "holds no <set>/<finger>_<impression>.png", str(dataset))
    return found


def some(prints: Mapping[fvc.Print, Path]) -> dict[fvc.Print, Path]:
    """The first fingers' first impressions."""
    fingers = sorted({finger for finger, _ in prints})[:_QUICK_FINGERS]
    chosen: dict[fvc.Print, Path] = {}
    for finger in fingers:
        own = sorted(print_ for print_ in prints if print_[0] == finger)[:_QUICK_IMPRESSIONS]
        chosen |= {print_: prints[print_] for print_ in own}
    return chosen


@contextmanager
def extractors() -> Iterator[dict[str, Extractor]]:
    """Those that are installed here, the one that the engine prefers first."""
    found: dict[str, Extractor] = {
        name: extractor for name in installed() if (extractor := choose_extractor(name)) is not None
    }
    try:
        yield found
    finally:
        for extractor in found.values():
            extractor.close()


def extract(extractor: Extractor, images: Mapping[fvc.Print, Path], kept: Path | None) -> Extracted:
    """Templates of all images, extracted or read. What an extractor refuses stays in the count, without a template."""
    templates: dict[fvc.Print, FingerTemplate | None] = {}
    took_ms = []
    for print_, path in images.items():
        if kept is not None and (file := cached(path, extractor.name, kept)).is_file():
            templates[print_] = load(file)
            continue
        image = read_image(path)
        start_s = time.perf_counter()
        try:
            templates[print_] = extractor.extract(image)
        except GateError:
            templates[print_] = None
        took_ms.append((time.perf_counter() - start_s) * 1e3)
    return Extracted(templates, took_ms)


def compare(matcher: CylinderMatcher, templates: Mapping[fvc.Print, FingerTemplate | None]) -> Result:
    """Every comparison of the protocol, and how long it takes."""
    prepared, prepare_ms = {}, []
    for print_, template in templates.items():
        if template is not None:
            start_s = time.process_time()
            prepared[print_] = matcher.prepare(template)
            prepare_ms.append((time.process_time() - start_s) * 1e3)
    known: dict[fvc.Pair, float] = {}

    def score(pair: fvc.Pair) -> float:
        if pair not in known:
            ours, theirs = (prepared.get(print_) for print_ in pair)
            known[pair] = fvc.REFUSED if ours is None or theirs is None else matcher.score(ours, theirs)
        return known[pair]

    prints = list(templates)
    mated = fvc.mated_pairs(prints)
    full = fvc.Scores.of(mated, fvc.full_pairs(prints), score)
    first = fvc.Scores.of(mated, fvc.first_pairs(prints), score)
    return Result(full, first, prepare_ms, *_timed(matcher, list(prepared.values())))


def _timed(matcher: CylinderMatcher, prepared: list[PreparedFinger]) -> tuple[fig.Samples, fig.Samples]:
    """Processor milliseconds of a comparison and of its floor, the cylinders' bare similarity, by turns."""
    rng = np.random.default_rng(0)
    pairs = [(prepared[i], prepared[j]) for i, j in rng.integers(len(prepared), size=(_TIMED, 2))]

    def floor(probe: PreparedFinger, reference: PreparedFinger) -> None:
        if probe.cylinders is not None and reference.cylinders is not None:
            similarity(probe.cylinders, reference.cylinders)

    turns = [[[_cpu_ms(what, *pair) for pair in pairs] for what in (matcher.score, floor)] for _ in range(_TURNS)]
    samples = np.array(turns)
    return samples[:, 0], samples[:, 1]


def _cpu_ms(
    what: Callable[[PreparedFinger, PreparedFinger], object], probe: PreparedFinger, reference: PreparedFinger
) -> float:
    start_s = time.process_time()
    what(probe, reference)
    return (time.process_time() - start_s) * 1e3


def measure(plan: Plan, console: Console) -> Measured:
    """Every figure.

    Raises:
        FileNotFoundError: there are no prints.
    """
    with extractors() as present, console.status("prints") as status:
        if not present:
            raise FileNotFoundError(
                errno.ENOENT, "expected an extractor of fingers, found none", "gate doctor says why"
            )
        return _measure(plan, present, status.update)


def _measure(plan: Plan, present: Mapping[str, Extractor], say: Callable[[str], None]) -> Measured:
    rng = np.random.default_rng(plan.seed)
    images = sets(plan.dataset)
    preferred = (next(iter(present)), next(iter(MATCHERS)))
    matchers: Mapping[str, Callable[[], CylinderMatcher]] = MATCHERS
    if plan.quick:
        first = next(iter(images))
        images = {first: some(images[first])}
        present = {preferred[0]: present[preferred[0]]}
        matchers = {preferred[1]: MATCHERS[preferred[1]]}
    found: list[fig.Figure] = []
    usual: dict[str, Result] = {}
    curves: dict[str, dict[str, fvc.Curve]] = {name: {} for name in images}
    for extractor_name, extractor in present.items():
        for set_name, paths in images.items():
            say(f"{set_name}: {extractor_name}")
            extracted = extract(extractor, paths, plan.templates)
            found += figures.extraction(f"fingerprint.{set_name}.{extractor_name}", extracted, rng)
            for matcher_name, make in matchers.items():
                result = compare(make(), extracted.templates)
                name = f"fingerprint.{set_name}.{extractor_name}.{matcher_name}"
                own = [*figures.rates(name, result, rng), *figures.times(name, result, rng)]
                found += own
                if (extractor_name, matcher_name) == preferred:
                    default = f"fingerprint.{set_name}.default"
                    usual[set_name] = result
                    found += [replace(figure, name=default + figure.name.removeprefix(name)) for figure in own]
                    calibration = FingerCalibration.all_of(make().name).get(extractor.name)
                    found += figures.passages(default, calibration, result.full, rng) if calibration is not None else []
                curves[set_name][f"{extractor_name}, {matcher_name}"] = fvc.Curve.of(result.full)
    run = {
        "dataset": plan.dataset.name,
        "prints": {name: len(paths) for name, paths in images.items()},
        "extractors": {name: extractor.name for name, extractor in present.items()},
        "matchers": {name: make().name for name, make in matchers.items()},
        "default": ", ".join(preferred),
        "templates": "read" if plan.templates is not None else "extracted",
        "replicates": figures.REPLICATES,
        "quick": plan.quick,
        "seed": plan.seed,
    }
    plots = [figures.det(name, lines) for name, lines in curves.items()]
    plots += [figures.histogram(name, result.full) for name, result in usual.items()]
    return Measured(tuple(found), run, notes=_NOTES, plots=tuple(plots))


_NOTES = (
    "an image that an extractor refuses makes all its comparisons non-matches at every threshold; intervals resample "
    "fingers, of which there are few",
    "the matcher's tolerances and weights were chosen on these prints: docs/benchmarks.md says what they come to on "
    "fingers left out",
)
