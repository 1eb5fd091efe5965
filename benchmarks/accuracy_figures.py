"""The accuracy benchmark's stable names, and its plots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks import accuracy_flights as flights
from benchmarks import accuracy_verification as verification
from benchmarks import rates
from benchmarks.accuracy_templates import Templates
from benchmarks.figures import Figure
from benchmarks.measured import Insufficient, Plot, Series
from gate.vision.probe import MaskState

_COVERED = (MaskState.WORN, MaskState.UNDER_NOSE)


@dataclass(slots=True)
class Found:
    """What has been found so far.

    Attributes:
        resampled: (r, people) see `rates.draws`; the same draws for every figure.
    """

    resampled: rates.Floats
    figures: list[Figure] = field(default_factory=list)
    insufficient: list[Insufficient] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    run: dict[str, object] = field(default_factory=dict)
    verified: dict[str, verification.Comparisons] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, rate: rates.Rate) -> None:
        """A rate, in per cent."""
        self.figures.append(Figure(name, rate.value, "%", rate.n, rate.low, rate.high))

    def too_few(self, name: str, found: int, needed: int, of: str) -> None:
        """A figure that cannot be had."""
        self.insufficient.append(Insufficient(name, found, needed, of))


def acquisition(found: Found, clean: Templates, masked: Templates, people: int) -> None:
    """Failures to acquire, what the engine's own rules would refuse, and how often the mask state is wrong."""
    own = clean.only(clean.person < people)
    sides: Mapping[str, Templates] = {
        "unmasked": own,
        "masked": masked.only(masked.person < people),
        "distractors": clean.only(clean.person >= people),
    }
    for name, side in sides.items():
        if len(side):
            found.add(f"fta.{name}", rates.rate_over_people(~side.found, side.person, found.resampled))
            found.run[f"fta.{name}"] = {
                why: int((side.failures == why).sum()) for why in np.unique(side.failures[~side.found])
            }
    found.add("enrolment.refused", rates.rate_over_people(own.enrolment_refuses, own.person, found.resampled))
    for name, side in sides.items():
        seen = side.only(side.found)
        if name == "distractors" or not len(seen):
            continue
        found.add(f"quality.{name}.refused", rates.rate_over_people(seen.gate_refuses, seen.person, found.resampled))
        if (seen.state == MaskState.UNKNOWN).all():
            found.notes.append("the pack tells no mask states")
            continue
        wrong = np.isin(seen.state, _COVERED) != (name == "masked")
        found.add(f"mask_state.{name}.wrong", rates.rate_over_people(wrong, seen.person, found.resampled))


def verify(found: Found, name: str, comparisons: verification.Comparisons) -> None:
    """FNMR at each FMR that the comparisons carry."""
    found.run[f"verification.{name}"] = {
        "mated": len(comparisons.mated),
        "of which failed to acquire": comparisons.failed,
        "non_mated": comparisons.non_mated,
    }
    thresholds = {}
    for fmr in verification.FMRS:
        label = f"verification.{name}.fnmr@fmr{_rate(fmr)}"
        if not len(comparisons.mated):
            found.too_few(label, 0, 1, "mated comparisons")
        elif not rates.enough(comparisons.non_mated, fmr):
            found.too_few(label, comparisons.non_mated, round(rates.NEEDED / fmr), "non-mated comparisons")
        else:
            rate, thresholds[f"FMR {_rate(fmr)}"] = verification.fnmr_at(comparisons, fmr, found.resampled)
            found.add(label, rate)
    found.verified[name] = comparisons
    found.plots.append(_histogram(name, comparisons, thresholds))


def pairs(found: Found, scores: verification.PairScores) -> None:
    """Balanced accuracy on named pairs."""
    mated, non_mated = int(scores.mated.sum()), int((~scores.mated).sum())
    failed = int((scores.similarity == rates.FAILED).sum())
    found.run["pairs"] = {"mated": mated, "non_mated": non_mated, "failed to acquire": failed}
    if min(mated, non_mated) < verification.FOLDS:
        found.too_few("pairs.balanced_accuracy", min(mated, non_mated), verification.FOLDS, "pairs of either kind")
        return
    found.add("pairs.balanced_accuracy", verification.balanced_accuracy(scores, found.resampled))


def identification(
    found: Found, name: str, searches: Mapping[str, flights.Searches], fpir: float, *, calibrated: bool
) -> None:
    """TPIR at the wanted FPIR by mode, and both at the engine's own thresholds."""
    # People beyond the gallery's named ones are of no draw: each counts once, always.
    resampled = np.hstack([found.resampled, np.ones((len(found.resampled), 1))])
    lines = []
    for mode, part in searches.items():
        label = f"{name}.{mode}.tpir@fpir{fpir:g}"
        if not len(part.mated):
            found.too_few(label, 0, 1, "mated searches: nobody expected has a second photograph")
            continue
        if not len(part.other):
            found.too_few(label, 0, round(rates.NEEDED / fpir), "non-mated searches")
            continue
        both = mode == flights.MIXED and calibrated
        result = flights.identify(part, fpir, resampled, by_lead=both)
        found.thresholds[label] = result.threshold
        if result.enough:
            found.add(label, result.tpir)
        else:
            found.too_few(label, len(part.other), round(rates.NEEDED / fpir), "non-mated searches")
        if both and result.enough:
            plain = flights.identify(part, fpir, resampled, by_lead=False)
            found.add(f"{name}.{mode}.one_threshold.tpir@fpir{fpir:g}", plain.tpir)
        if calibrated:
            found.add(f"{name}.{mode}.calibrated.tpir", result.tpir_calibrated)
            found.add(f"{name}.{mode}.calibrated.fpir", result.fpir_calibrated)
        swept = "over the engine's threshold" if both else "similarity"
        found.run[f"{name}.{mode}"] = {
            "flights": part.flights,
            "gallery": part.gallery,
            "mated searches": len(part.mated),
            "non-mated searches": len(part.other),
            f"threshold, {swept}": round(result.threshold, 4),
        }
        mated, other = (part.mated_lead, part.other_lead) if both else (part.mated, part.other)
        lines.append(_line(mode, flights.curve(mated, other)))
    if lines:
        found.plots.append(
            Plot(
                f"identification, {name}: missed travellers against strangers named",
                "false positive identification rate, %",
                "false negative identification rate, %",
                tuple(lines),
                "log",
                "log",
                {f"FPIR {100 * fpir:g} %": 100 * fpir},
            )
        )


def scaled_identification(
    found: Found, name: str, searches: Mapping[str, flights.Searches], fpir: float, scaled: float, *, calibrated: bool
) -> None:
    """TPIR in a larger gallery than was searched, from the smaller rate `scaled` in the searched one."""
    resampled = np.hstack([found.resampled, np.ones((len(found.resampled), 1))])
    for mode, part in searches.items():
        label = f"{name}.{mode}.tpir@fpir{fpir:g}"
        if not len(part.mated) or not rates.enough(len(part.other), scaled):
            found.too_few(label, len(part.other), round(rates.NEEDED / scaled), "non-mated searches")
            continue
        by_lead = mode == flights.MIXED and calibrated
        found.add(label, flights.identify(part, scaled, resampled, by_lead=by_lead).tpir)


def det(found: Found) -> None:
    """The detection error trade-off of every verification."""
    lines = tuple(_line(name, verification.curve(part)) for name, part in found.verified.items())
    found.plots.insert(
        0,
        Plot(
            "verification: detection error trade-off",
            "false match rate, %",
            "false non-match rate, %",
            tuple(line for line in lines if line.x),
            "normal",
            "normal",
        ),
    )


def _line(name: str, points: Iterable[tuple[float, float]]) -> Series:
    pairs_ = [(100 * x, 100 * y) for x, y in points]
    return Series(name, tuple(x for x, _ in pairs_), tuple(y for _, y in pairs_))


def _histogram(name: str, comparisons: verification.Comparisons, marks: Mapping[str, float]) -> Plot:
    """Shares of the comparisons by similarity, in steps of 0.02."""
    step = verification.BINS // 100
    edges = np.linspace(-1, 1, 101)
    series = []
    for label, bins in (("mated", comparisons.mated_bins), ("non-mated", comparisons.non_mated_bins)):
        shares = bins.reshape(-1, step).sum(axis=1) / max(1, int(bins.sum()))
        series.append(Series(label, tuple(edges[:-1].round(2).tolist()), tuple((100 * shares).tolist()), steps=True))
    return Plot(f"scores, {name}", "similarity", "share of comparisons, %", tuple(series), marks=dict(marks))


def _rate(value: float) -> str:
    """1e-3, as the names have it."""
    mantissa, exponent = f"{value:e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"
