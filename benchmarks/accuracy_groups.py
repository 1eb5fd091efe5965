"""Error rates by groups of people, where a file says who belongs to which, and how far the groups lie apart.

All groups at the one threshold of all people: a gate has no other (ISO/IEC 19795-10).
"""

from __future__ import annotations

import csv
import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import rates
from benchmarks.accuracy_figures import Found
from benchmarks.accuracy_flights import Searches

LEAST_PEOPLE = 20
"""In a group: fewer say next to nothing of it."""

Labels = Mapping[str, Mapping[str, str]]
"""Column to person to label."""


def read_labels(path: Path) -> Labels:
    """A CSV file with the column ``identity``, with or without a set's name before a slash, and one column a label.

    Raises:
        OSError: it cannot be read, or is no such file.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        columns = [name for name in rows.fieldnames or () if name != "identity"]
        if not columns or "identity" not in (rows.fieldnames or ()):
            raise OSError(errno.EINVAL, "expected the column identity and one or more of labels", str(path))
        known: dict[str, dict[str, str]] = {column: {} for column in columns}
        for row in rows:
            person = row["identity"].strip().rpartition("/")[2]
            for column in columns:
                if label := (row[column] or "").strip():
                    known[column][person] = label
    return known


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """Searches of one kind: whether each is a hit, and of whom."""

    hit: NDArray[np.bool_]
    person: NDArray[np.int64]


def by_groups(
    found: Found, name: str, searches: Searches, threshold: float, labels: Labels, number: Mapping[str, int]
) -> None:
    """TPIR and FPIR of each group at the threshold of all, and the largest difference between two groups.

    Args:
        name: of the mode, before the label.
        threshold: similarity.
        number: of each person.
    """
    kinds = {
        "tpir": _Events(searches.mated >= threshold, searches.mated_person),
        "fpir": _Events(searches.other >= threshold, searches.other_person),
    }
    for column, of_person in labels.items():
        values = sorted(set(of_person.values()))
        group = np.full(found.resampled.shape[1], -1, np.int64)
        for person, label in of_person.items():
            if person in number:
                group[number[person]] = values.index(label)
        for kind, events in kinds.items():
            _one_kind(found, f"{name}.{column}", kind, events, group, values)


def _one_kind(found: Found, name: str, kind: str, events: _Events, group: NDArray[np.int64], values: list[str]) -> None:
    shares, measured = [], []
    for index, value in enumerate(values):
        own = group[events.person] == index
        people = len(np.unique(events.person[own]))
        label = f"{name}.{value}.{kind}"
        if people < LEAST_PEOPLE:
            found.too_few(label, people, LEAST_PEOPLE, "people")
            continue
        rate = rates.rate_over_people(events.hit[own], events.person[own], found.resampled)
        found.add(label, rate)
        measured.append(rate.value)
        shares.append(_shares(events.hit[own], events.person[own], found.resampled))
    if len(shares) > 1:
        spread = np.ptp(np.stack(shares), axis=0)
        low, high = np.percentile(100 * spread, (2.5, 97.5))
        gap = max(measured) - min(measured)
        found.add(f"{name}.{kind}_gap", rates.Rate(gap, len(events.hit), float(low), float(high)))


def _shares(hit: NDArray[np.bool_], person: NDArray[np.int64], resampled: rates.Floats) -> rates.Floats:
    people = resampled.shape[1]
    counts = np.bincount(person, minlength=people).astype(np.float64)
    hits = np.bincount(person, weights=hit.astype(np.float64), minlength=people)
    return np.asarray((resampled @ hits) / np.maximum(resampled @ counts, 1e-12))
