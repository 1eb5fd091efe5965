"""What several photographs a traveller, or several frames, are worth: `python -m models.training.fused MODEL.onnx ...`.

The flight simulation of `evaluate` (420 travellers, FPIR 0.3 %), on the people who have enough photographs, always the
same people and probes in a row, so that only the number of photographs differs. Ways to fuse:

* best: the highest similarity of any enrolled photograph, as the engine's gallery has it;
* mean: of the embeddings, normalised again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.devset import DevSet, load
from models.training.evaluate import DRAWS, FPIR, GALLERY, Array, embed
from models.training.paths import shared_dir
from models.training.teacher import normalise

PLANS = ((3, (1, 2), (1,)), (5, (1, 2, 4), (1,)), (3, (1,), (1, 2)), (5, (1,), (1, 2, 4)))
"""Photographs that a person must have; how many are enrolled; how many frames are fused."""


@dataclass(frozen=True, slots=True)
class Row:
    """TPIR in percent; `people` who could be mated, mean a draw; `probes` compared, over all draws."""

    model: str
    photos_needed: int
    enrolled: int
    frames: int
    fusion: str
    unmasked: float
    masked: float
    people: int
    probes: int


@dataclass(frozen=True, slots=True)
class _Flight:
    """One draw: gallery rows a traveller, and what each mated traveller shows at the gate. Rows of the dev set."""

    people: NDArray[np.int64]
    gallery: list[NDArray[np.int64]]
    mated: dict[int, NDArray[np.int64]]
    strangers: NDArray[np.int64]


def flights(dev: DevSet, needed: int, most: int, seed: int = 1) -> Iterator[_Flight]:
    """Draws of `GALLERY` people; who has `needed` photographs is mated: `most` to enrol, the others to show.

    The rest of the gallery has one photograph a person.
    """
    rng = np.random.default_rng(seed)
    alike = set(dev.excluded.ravel().tolist())
    everybody = np.array([p for p in np.unique(dev.person) if p not in alike])
    rows = {int(p): np.flatnonzero(dev.person == p) for p in everybody}
    rich = np.array([p for p in everybody if len(rows[int(p)]) >= needed])
    for _ in range(DRAWS):
        chosen = rng.permutation(rich)[: GALLERY // 2]
        others = rng.permutation(np.setdiff1d(everybody, chosen))
        people = np.concatenate([chosen, others[: GALLERY - len(chosen)]])
        shuffled = {int(p): rng.permutation(rows[int(p)]) for p in people}
        gallery = [shuffled[int(p)][: most if i < len(chosen) else 1] for i, p in enumerate(people)]
        mated = {i: shuffled[int(p)][most:] for i, p in enumerate(chosen)}
        outside = np.concatenate([rows[int(p)] for p in others[GALLERY - len(chosen) :]])
        yield _Flight(people, gallery, mated, outside)


def similarities(probes: Array, enrolled: list[Array], fusion: str) -> Array:
    """(n, travellers) similarity of each probe (n, 512) to each traveller's enrolled embeddings (k, 512)."""
    if fusion == "mean":
        means = np.stack([normalise(rows.mean(axis=0, keepdims=True))[0] for rows in enrolled])
        return np.asarray(probes @ means.T, dtype=np.float32)
    starts = np.cumsum([0, *(len(rows) for rows in enrolled[:-1])])
    best: Array = np.maximum.reduceat(probes @ np.concatenate(enrolled).T, starts, axis=1)
    return best


def rate(dev: DevSet, clean: Array, shown: Array, plan: tuple[int, int, int], fusion: str) -> tuple[float, int, int]:
    """TPIR in percent for (photographs needed, enrolled, frames), mated people a draw, and probes over all draws.

    Frames are fused by the mean of their embeddings. Strangers show as many as they have, at most as travellers do:
    fewer frames resemble somebody by chance more often, so the threshold errs on the strict side.
    """
    needed, enrolled, frames = plan
    most = needed - 1 if frames == 1 else 1
    hits = probes = people = 0
    for flight in flights(dev, needed, most):
        gallery = [clean[rows[:enrolled]] for rows in flight.gallery]
        travellers = [(i, rows[:frames]) for i, rows in flight.mated.items() if len(rows) >= frames]
        views = np.stack([normalise(shown[rows].mean(axis=0, keepdims=True))[0] for _, rows in travellers])
        who = np.array([i for i, _ in travellers])
        similarity = similarities(views, gallery, fusion)
        threshold = np.quantile(similarities(_strangers(dev, shown, flight, frames), gallery, fusion).max(1), 1 - FPIR)
        hits += int(((similarity.argmax(1) == who) & (similarity.max(1) >= threshold)).sum())
        probes += len(who)
        people += len(who)
    return 100 * hits / probes, people // DRAWS, probes


def _strangers(dev: DevSet, shown: Array, flight: _Flight, frames: int) -> Array:
    if frames == 1:
        return shown[flight.strangers]
    person = dev.person[flight.strangers]
    groups = [flight.strangers[person == p] for p in np.unique(person)]
    return np.stack([normalise(shown[rows[:frames]].mean(axis=0, keepdims=True))[0] for rows in groups])


def table(model: Path, dev: DevSet) -> list[Row]:
    """Every plan and fusion for one embedder."""
    clean, masked = embed(model, dev.clean), embed(model, dev.masked)
    rows = []
    for needed, counts, frames in PLANS:
        for enrolled in counts:
            for shown in frames:
                for fusion in ("best", "mean") if enrolled > 1 else ("best",):
                    plan = (needed, enrolled, shown)
                    unmasked, people, probes = rate(dev, clean, clean, plan, fusion)
                    with_mask, _, _ = rate(dev, clean, masked, plan, fusion)
                    figures = (round(unmasked, 2), round(with_mask, 2))
                    rows.append(Row(model.stem, *plan, fusion, *figures, people, probes))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dev = load()
    rows: list[Row] = []
    for model in arguments.models or [shared_dir() / "models" / "edgeface_xs.onnx"]:
        for row in table(model, dev):
            rows.append(row)
            print(json.dumps(asdict(row)), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
