"""What `gate bench accuracy` measures, and what it takes where nothing is said."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from gate.settings import DEFAULT_PACK


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    threads: int = field(default_factory=_cores)


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
