"""What the fingerprint benchmark's scores and times come to: rates, shares that open, milliseconds, plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks import figures as fig
from benchmarks import fvc
from benchmarks.measured import Plot, Series
from benchmarks.rates import interval
from gate.decision.finger import FingerBudget
from gate.decision.policy import Policy
from gate.fingerprint.calibration.curve import FingerCalibration
from gate.fingerprint.template import FingerTemplate

REPLICATES = 1000

_FACE_LLR = 3.0
"""Of a face that is some twenty times likelier to be the traveller's than not: behind a mask, for instance."""

_BINS = 50


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


def rates(name: str, result: Result, rng: np.random.Generator) -> Iterator[fig.Figure]:
    """Error rates in per cent, over the full cross-comparison and over FVC's own."""
    for prefix, scores in ((name, result.full), (f"{name}.fvc", result.first)):
        measured, resampled = fvc.Curve.of(scores), fvc.Curve.resampled(scores, REPLICATES, rng)
        n = len(scores.mated) + len(scores.non_mated)
        for label, rate in (
            ("eer", fvc.Curve.eer),
            ("fmr100", lambda curve: curve.fnmr_at(1 / 100)),
            ("fmr1000", lambda curve: curve.fnmr_at(1 / 1000)),
        ):
            found = interval(float(rate(measured)[0]), rate(resampled), n, scores.fingers)
            yield fig.Figure(f"{prefix}.{label}", found.value, "%", n, found.low, found.high)


def passages(
    name: str, calibration: FingerCalibration, scores: fvc.Scores, rng: np.random.Generator
) -> Iterator[fig.Figure]:
    """Share of fingers that open a gate at the first attempt, in per cent: the claimed traveller's own, and strangers'.

    By the pedestrian profile: alone, where the face said nothing, and beside a face that speaks a little for the
    traveller.
    """
    policy = Policy()
    budget = FingerBudget.of(policy, policy.fmr, face_comparisons=1)
    drawn = rng.multinomial(scores.fingers, [1 / scores.fingers] * scores.fingers, size=REPLICATES)
    ours, theirs = scores.non_mated_fingers.T
    groups = (
        ("own", scores.mated, drawn[:, scores.mated_finger]),
        ("strangers", scores.non_mated, drawn[:, ours] * drawn[:, theirs]),
    )
    for whose, values, weights in groups:
        alone = np.array([calibration.rate(score).fmr <= budget.fmr for score in values])
        fused = np.array([calibration.llr(score) + _FACE_LLR >= budget.llr for score in values])
        for label, opens in (("alone", alone), ("with_face", fused)):
            shares = (weights @ opens) / np.maximum(weights.sum(axis=1), 1)
            found = interval(float(opens.mean()), shares, len(values), scores.fingers)
            yield fig.Figure(f"{name}.opens.{label}.{whose}", found.value, "%", len(values), found.low, found.high)


def times(name: str, result: Result, rng: np.random.Generator) -> Iterator[fig.Figure]:
    """Processor time of preparing and comparing."""
    prepare = np.array([result.prepare_ms])
    yield fig.summarise(f"{name}.prepare_ms", "ms", prepare, fig.percentile(50), rng)
    yield fig.summarise(f"{name}.match_ms", "ms", result.match_ms, fig.percentile(50), rng)
    yield fig.summarise(f"{name}.match.p95_ms", "ms", result.match_ms, fig.percentile(95), rng)
    yield fig.compare(f"{name}.match.ratio_to_floor", "ratio", result.match_ms, result.floor_ms, np.divide, rng)


def extraction(name: str, extracted: Extracted, rng: np.random.Generator) -> Iterator[fig.Figure]:
    """Images refused, and time an image on the wall where they were extracted here."""
    refused = sum(template is None for template in extracted.templates.values())
    n = len(extracted.templates)
    yield fig.Figure(f"{name}.failures_to_extract", float(refused), "images", n, float(refused), float(refused))
    if extracted.took_ms:
        yield fig.summarise(f"{name}.extract_ms", "ms", np.array([extracted.took_ms]), fig.percentile(50), rng)


def det(set_name: str, curves: Mapping[str, fvc.Curve]) -> Plot:
    """The detection error trade-off of each extractor and matcher on a set."""
    lines = tuple(_line(name, curve) for name, curve in curves.items())
    return Plot(
        f"fingers, {set_name}: detection error trade-off",
        "false match rate, %",
        "false non-match rate, %",
        lines,
        "normal",
        "normal",
    )


def _line(name: str, curve: fvc.Curve) -> Series:
    """Its points, rising: each threshold once."""
    points = {(100 * x, 100 * y): None for x, y in zip(curve.fmr[0].tolist(), curve.fnmr[0].tolist(), strict=True)}
    rising = sorted(points, key=lambda point: (point[0], -point[1]))
    return Series(name, tuple(x for x, _ in rising), tuple(y for _, y in rising))


def histogram(set_name: str, scores: fvc.Scores) -> Plot:
    """Mated and non-mated scores of what the engine uses; comparisons with a refused print count as 0."""
    edges = np.linspace(0, 1, _BINS + 1)
    series = []
    for label, values in (("mated", scores.mated), ("non-mated", scores.non_mated)):
        counts, _ = np.histogram(np.clip(values, 0, 1), edges)
        shares = 100 * counts / max(1, len(values))
        series.append(Series(label, tuple(edges[:-1].round(3).tolist()), tuple(shares.tolist()), steps=True))
    return Plot(f"fingers, {set_name}: scores", "score", "share of comparisons, %", tuple(series))
