"""A run's learning curve as a picture, and what more samples would bring: `… learning_figure RUN/curve.csv OUT.png`.

Errors fall about as a power of the samples seen. The power is fitted by least squares on the logarithms of all points
of `curve.csv`; it says how many samples a wanted error asks for, if the curve goes on as it began. It will not quite:
errors end at the teacher's own, and the last points weigh no more than the first.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.chart import chart

_ERRORS = {
    "pairs": "pairs",
    "tar_masked": "1 - TAR, masked",
    "tpir_unmasked": "1 - TPIR, bare",
    "tpir_masked": "1 - TPIR, masked",
}


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """`samples` (n,) and the error (n,) in percent of each measure of a `curve.csv`; nan where a field is empty.

    Raises:
        ValueError: a measure has fewer than three points.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([100 - float(row[name] or "nan") for row in rows]) for name in _ERRORS}
    for name, column in columns.items():
        if (known := int(np.isfinite(column).sum())) < 3:
            raise ValueError(f"{path}: expected three points or more of {name}, found {known}")
    return {"samples": np.array([float(row["samples"]) for row in rows]), **columns}


def fall(samples: NDArray[np.float64], error: NDArray[np.float64]) -> tuple[float, float]:
    """Factor and exponent (negative while it learns) of error = factor * samples ** exponent, where it is known."""
    known = np.isfinite(error)
    exponent, offset = np.polyfit(np.log(samples[known]), np.log(error[known]), 1)
    return float(np.exp(offset)), float(exponent)


def needed(factor: float, exponent: float, error: float) -> float:
    """Samples at which the fitted curve comes down to an error; infinite where it does not fall."""
    return float((error / factor) ** (1 / exponent)) if exponent < 0 else float("inf")


def draw(points: dict[str, NDArray[np.float64]]) -> NDArray[np.uint8]:
    """The errors over the samples, both as powers of ten."""
    x = np.log10(points["samples"])
    lines = {title: np.stack([x, np.log10(points[name])], axis=1) for name, title in _ERRORS.items()}
    lines = {title: line[np.isfinite(line[:, 1])] for title, line in lines.items()}
    lowest = min(0.0, *(float(np.floor(line[:, 1].min())) for line in lines.values()))
    limits = (float(np.floor(x.min())), float(np.ceil(x.max())), lowest, 2.5)
    return chart(lines, "errors by samples seen", "powers of ten: samples; error, percent", limits)


def main() -> None:
    """Draw it, and print each measure's last error, its fall a doubling, and the samples for half the error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curve", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--error", type=float, default=1.0, help="percent to ask for (default: 1)")
    arguments = parser.parse_args()
    points = read(arguments.curve)
    cv2.imwrite(str(arguments.out), draw(points))
    for name in _ERRORS:
        factor, exponent = fall(points["samples"], points[name])
        said = {
            "measure": name,
            "samples": int(points["samples"][-1]),
            "error": round(float(points[name][-1]), 2),
            "error_times_per_doubling": round(2**exponent, 3),
            f"samples_for_{arguments.error:g}_percent": f"{needed(factor, exponent, arguments.error):.2g}",
        }
        print(json.dumps(said))


if __name__ == "__main__":
    main()
