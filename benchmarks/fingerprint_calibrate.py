"""Calibrations of the fingerprint matcher: what its scores mean, by extractor, measured on every set there is.

  python -m benchmarks.fingerprint_calibrate                    writes gate/fingerprint/calibration/*.json
  python -m benchmarks.fingerprint_calibrate --templates out/fingerprint-cache

Different fingers are compared within a set, never across two: another sensor would tell them apart too easily.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.fingerprint import MATCHERS, compare, extract, extractors, sets
from benchmarks.fingerprint_figures import Extracted
from benchmarks.fingerprint_templates import dataset_folder
from gate.fingerprint import calibration
from gate.fingerprint.calibration.fit import Comparisons, fit
from gate.fingerprint.matcher import CylinderMatcher


def pooled(matcher: CylinderMatcher, by_set: Mapping[str, Extracted]) -> Comparisons:
    """All comparisons of all sets; the same number in two sets is two fingers."""
    return Comparisons(*(np.concatenate(column) for column in zip(*_columns(matcher, by_set), strict=True)))


def _columns(matcher: CylinderMatcher, by_set: Mapping[str, Extracted]) -> Iterator[tuple[np.ndarray, ...]]:
    before = 0
    for extracted in by_set.values():
        found = compare(matcher, extracted.templates).full
        ours, theirs = (column + before for column in found.non_mated_fingers.T)
        mated = found.mated_finger + before
        yield np.append(found.mated, found.non_mated), np.append(mated, ours), np.append(mated, theirs)
        before += found.fingers


def main() -> None:
    """Extract, compare, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fingerprint_calibrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", type=Path, default=dataset_folder())
    parser.add_argument("--templates", type=Path, help="take templates from here instead of extracting")
    parser.add_argument("--out", type=Path, default=Path(str(calibration.__file__)).parent)
    parser.add_argument("--matcher", choices=list(MATCHERS), action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    images = sets(options.dataset)
    with extractors() as present:
        all_templates = {
            extractor.name: {name: extract(extractor, paths, options.templates) for name, paths in images.items()}
            for extractor in present.values()
        }
    for extractor_name, by_set in all_templates.items():
        for matcher_name in options.matcher or MATCHERS:
            matcher = MATCHERS[matcher_name]()
            found = fit(
                pooled(matcher, by_set),
                extractor=extractor_name,
                matcher=matcher.name,
                data=f"{', '.join(images)}, on which the matcher was also tuned; fingers compared within a set",
                rng=np.random.default_rng(7),
            )
            path = options.out / f"{extractor_name}.{matcher.name}.json"
            path.write_text(found.model_dump_json(indent=1) + "\n")
            rate = found.rate(found.threshold(1e-3))
            print(f"{path.name}: FMR 0.1 % at {found.threshold(1e-3):.3f} (95 %: {rate.low:.2%} to {rate.high:.2%})")


if __name__ == "__main__":
    main()
