"""How well fingers are told apart, by the protocol of the Fingerprint Verification Competitions, and how fast.

  gate bench fingerprint                                 every extractor and matcher there is; minutes, mostly LEADER's
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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import det, fvc, machine
from benchmarks import figures as fig
from benchmarks.fingerprint_templates import cached, dataset_folder, load, read_image
from gate.decision.finger import FingerBudget
from gate.decision.policy import Policy
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
_REPLICATES = 1000
_TIMED = 40
"""Comparisons a turn of the timing, and turns."""

_TURNS = 9


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        dataset: DIR/<set>/<finger>_<impression>.png.
        templates: where templates lie that are taken instead of extracting.
        plots: where DET plots are written.
        seed: of the resampling.
    """

    dataset: Path = field(default_factory=dataset_folder)
    templates: Path | None = None
    plots: Path = Path("out") / "fingerprint"
    seed: int = 7


_FACE_LLR = 3.0
"""Of a face that is some twenty times likelier to be the traveller's than not: behind a mask, for instance."""


@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """One set's templates by one extractor.

    Attributes:
        templates: None where the extractor refused the image.
        took_ms: of each extraction; empty where templates were there already.
    """

    templates: Mapping[fvc.Print, FingerTemplate | None]
    took_ms: list[float]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One set, one extractor, one matcher."""

    full: fvc.Scores
    first: fvc.Scores
    prepare_ms: list[float]
    match_ms: fig.Samples
    floor_ms: fig.Samples


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


def rates(name: str, result: Result, rng: np.random.Generator) -> Iterator[fig.Figure]:
    """Error rates in per cent, over the full cross-comparison and over FVC's own."""
    for prefix, scores in ((name, result.full), (f"{name}.fvc", result.first)):
        measured, resampled = fvc.Curve.of(scores), fvc.Curve.resampled(scores, _REPLICATES, rng)
        n = len(scores.mated) + len(scores.non_mated)
        for label, rate in (
            ("eer", fvc.Curve.eer),
            ("fmr100", lambda curve: curve.fnmr_at(1 / 100)),
            ("fmr1000", lambda curve: curve.fnmr_at(1 / 1000)),
        ):
            low, high = fvc.interval(rate(resampled))
            yield fig.Figure(f"{prefix}.{label}", 100 * float(rate(measured)[0]), "%", n, 100 * low, 100 * high)


def passages(
    name: str, calibration: FingerCalibration, scores: fvc.Scores, rng: np.random.Generator
) -> Iterator[fig.Figure]:
    """Share of fingers that open a gate at the first attempt, in per cent: the claimed traveller's own, and strangers'.

    By the pedestrian profile: alone, where the face said nothing, and beside a face that speaks a little for the
    traveller.
    """
    policy = Policy()
    budget = FingerBudget.of(policy, policy.fmr, face_comparisons=1)
    drawn = rng.multinomial(scores.fingers, [1 / scores.fingers] * scores.fingers, size=_REPLICATES)
    ours, theirs = scores.non_mated_fingers.T
    groups = (
        ("own", scores.mated, drawn[:, scores.mated_finger]),
        ("strangers", scores.non_mated, drawn[:, ours] * drawn[:, theirs]),
    )
    for whose, values, weights in groups:
        alone = np.array([calibration.rate(score).fmr <= budget.fmr for score in values])
        fused = np.array([calibration.llr(score) + _FACE_LLR >= budget.llr for score in values])
        for label, opens in (("alone", alone), ("with_face", fused)):
            shares = 100 * (weights @ opens) / np.maximum(weights.sum(axis=1), 1)
            low, high = fvc.interval(shares)
            yield fig.Figure(f"{name}.opens.{label}.{whose}", 100 * float(opens.mean()), "%", len(values), low, high)


def times(name: str, result: Result, rng: np.random.Generator) -> Iterator[fig.Figure]:
    """Processor time of preparing and comparing."""
    prepare = np.array([result.prepare_ms])
    yield fig.summarise(f"{name}.prepare_ms", "ms", prepare, fig.percentile(50), rng)
    yield fig.summarise(f"{name}.match_ms", "ms", result.match_ms, fig.percentile(50), rng)
    yield fig.summarise(f"{name}.match.p95_ms", "ms", result.match_ms, fig.percentile(95), rng)
    yield fig.compare(f"{name}.match.ratio_to_floor", "ratio", result.match_ms, result.floor_ms, np.divide, rng)


def measure(plan: Plan, say: Callable[[str], None]) -> tuple[list[fig.Figure], dict[str, object]]:
    """Every figure, and what they were measured with."""
    with extractors() as present:
        return _measure(plan, present, say)


def _measure(
    plan: Plan, present: Mapping[str, Extractor], say: Callable[[str], None]
) -> tuple[list[fig.Figure], dict[str, object]]:
    rng = np.random.default_rng(plan.seed)
    images = sets(plan.dataset)
    found: list[fig.Figure] = []
    curves: dict[str, dict[str, fvc.Curve]] = {name: {} for name in images}
    for extractor_name, extractor in present.items():
        for set_name, paths in images.items():
            say(f"{set_name}: {extractor_name}")
            extracted = extract(extractor, paths, plan.templates)
            found += _extraction(f"fingerprint.{set_name}.{extractor_name}", extracted, rng)
            for matcher_name, make in MATCHERS.items():
                result = compare(make(), extracted.templates)
                name = f"fingerprint.{set_name}.{extractor_name}.{matcher_name}"
                own = [*rates(name, result, rng), *times(name, result, rng)]
                found += own
                if (extractor_name, matcher_name) == (next(iter(present)), next(iter(MATCHERS))):
                    default = f"fingerprint.{set_name}.default"
                    found += [_renamed(figure, name, default) for figure in own]
                    calibration = FingerCalibration.all_of(make().name).get(extractor.name)
                    found += passages(default, calibration, result.full, rng) if calibration is not None else []
                curves[set_name][f"{extractor_name}, {matcher_name}"] = fvc.Curve.of(result.full)
    for set_name, lines in curves.items():
        det.plot(lines, set_name, plan.plots / f"{set_name}.png")
    return found, {
        "dataset": {name: len(paths) for name, paths in images.items()},
        "extractors": {name: extractor.name for name, extractor in present.items()},
        "matchers": {name: make().name for name, make in MATCHERS.items()},
        "default": f"{next(iter(present), None)}, {next(iter(MATCHERS))}",
        "templates": "read" if plan.templates is not None else "extracted",
        "replicates": _REPLICATES,
        "seed": plan.seed,
    }


def _extraction(name: str, extracted: Extracted, rng: np.random.Generator) -> Iterator[fig.Figure]:
    refused = sum(template is None for template in extracted.templates.values())
    n = len(extracted.templates)
    yield fig.Figure(f"{name}.failures_to_extract", float(refused), "images", n, float(refused), float(refused))
    if extracted.took_ms:
        yield fig.summarise(f"{name}.extract_ms", "ms", np.array([extracted.took_ms]), fig.percentile(50), rng)


def _renamed(figure: fig.Figure, name: str, other: str) -> fig.Figure:
    return fig.Figure(
        other + figure.name.removeprefix(name), figure.value, figure.unit, figure.n, figure.ci_low, figure.ci_high
    )


def run(plan: Plan, write_to: Path | None) -> None:
    """Measures, prints, and writes the JSON document where one is wanted."""
    console = Console()
    facts = machine.describe()  # before the load of the run itself
    with console.status("set-up") as status:
        found, run_facts = measure(plan, status.update)
    console.print(_table(found))
    fig.report(console, found, facts, run_facts, write_to)
    console.print(f"DET plots: {plan.plots}")


def _table(found: list[fig.Figure]) -> Table:
    """A row a set, extractor and matcher; the rest is in the JSON document."""
    by_name = {figure.name: figure for figure in found}
    table = Table(title="every finger with every other; 95 % intervals by resampling fingers")
    columns = {"eer": "EER, %", "fmr100": "FMR100, %", "fmr1000": "FMR1000, %", "match_ms": "match, ms"}
    table.add_column("fingerprint.…", overflow="fold")
    for heading in columns.values():
        table.add_column(heading, justify="right")
    for name in (name.removesuffix(".match_ms") for name in by_name if name.endswith(".match_ms")):
        cells = (by_name[f"{name}.{label}"] for label in columns)
        table.add_row(
            name.removeprefix("fingerprint."), *(f"{c.value:.2f} ({c.ci_low:.2f}–{c.ci_high:.2f})" for c in cells)
        )
    return table
