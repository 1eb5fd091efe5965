"""One table for any embedder: `python -m models.training.evaluate MODEL.onnx ... [--baselines] [--json OUT]`.

On the development set, percent:

* pairs: balanced accuracy on the standard LFW pairs, threshold chosen on nine folds, judged on the tenth;
* tar: mated comparisons accepted at the threshold that accepts 1 in 1000 of all non-mated ones; masked: probe wears a
  rendered mask, the reference does not, threshold from masked non-mated comparisons;
* tpir: travellers named correctly at rank one above the threshold that names 0.3 % of strangers, galleries of 420
  people with one photo each, mean of 20 draws; masked likewise, and masked at the threshold of the unmasked.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.devset import DevSet, load
from models.training.paths import shared_dir
from models.training.teacher import normalise, outputs_of

BASELINES = ("w600k_mbf.onnx", "edgeface_xs.onnx", "edgeface_xxs.onnx")
FMR = 1e-3
FPIR = 3e-3
GALLERY = 420
DRAWS = 20
Array = NDArray[np.float32]


def embed(model: Path, crops: NDArray[np.uint8], threads: int = 2) -> Array:
    """Normalised embeddings (n, 512) of RGB crops (n, 112, 112, 3); the model's first output is taken."""
    return normalise(outputs_of(model, crops, threads=threads)[0])


def pairs_accuracy(clean: Array, dev: DevSet, folds: int = 10) -> float:
    """Balanced accuracy in percent, mean over the folds."""
    similarity = (clean[dev.pairs[:, 0]] * clean[dev.pairs[:, 1]]).sum(axis=1)
    fold = np.random.default_rng(0).permutation(len(similarity)) % folds
    grid = np.linspace(-0.2, 0.8, 1001)

    def balanced(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        mated, other = np.sort(similarity[rows & dev.mated]), np.sort(similarity[rows & ~dev.mated])
        accepted = 1 - np.searchsorted(mated, grid) / len(mated)
        rejected = np.searchsorted(other, grid) / len(other)
        return (accepted + rejected) / 2

    scores = [balanced(fold == k)[np.argmax(balanced(fold != k))] for k in range(folds)]
    return float(100 * np.mean(scores))


def tar(probe: Array, reference: Array, dev: DevSet) -> float:
    """Percent of mated comparisons accepted at `FMR`."""
    similarity = probe @ reference.T
    threshold = np.quantile(similarity[dev.impostors()], 1 - FMR)
    return float(100 * (similarity[dev.mates()] >= threshold).mean())


def tpir(clean: Array, masked: Array, dev: DevSet) -> dict[str, float]:
    """Identification rates in percent: `unmasked`, `masked`, `masked_at_unmasked_threshold`."""
    rng = np.random.default_rng(1)
    count = np.bincount(dev.person)
    alike = set(dev.excluded.ravel().tolist())
    enrollable = np.array([p for p in np.flatnonzero(count >= 2) if p not in alike])
    results: dict[str, list[float]] = {"unmasked": [], "masked": [], "masked_at_unmasked_threshold": []}
    for _ in range(DRAWS):
        people = rng.choice(enrollable, GALLERY, replace=False)
        enrolled = np.array([rng.choice(np.flatnonzero(dev.person == p)) for p in people])
        mated = np.setdiff1d(np.flatnonzero(np.isin(dev.person, people)), enrolled)
        strangers = np.flatnonzero(~np.isin(dev.person, people) & ~np.isin(dev.person, list(alike)))
        thresholds = {}
        for state, probes in (("unmasked", clean), ("masked", masked)):
            thresholds[state] = np.quantile((probes[strangers] @ clean[enrolled].T).max(axis=1), 1 - FPIR)
            similarity = probes[mated] @ clean[enrolled].T
            right = people[similarity.argmax(axis=1)] == dev.person[mated]
            best = similarity.max(axis=1)
            results[state].append(float((right & (best >= thresholds[state])).mean()))
            if state == "masked":
                at_unmasked = right & (best >= thresholds["unmasked"])
                results["masked_at_unmasked_threshold"].append(float(at_unmasked.mean()))
    return {name: float(100 * np.mean(values)) for name, values in results.items()}


def evaluate(model: Path, dev: DevSet, threads: int = 2) -> dict[str, Any]:
    """All figures of one embedder, percent, rounded to 0.01."""
    return {"model": model.stem, **judge(embed(model, dev.clean, threads), embed(model, dev.masked, threads), dev)}


def judge(clean: Array, masked: Array, dev: DevSet) -> dict[str, float]:
    """The same of embeddings (n, D) of the development set."""
    figures = {
        "pairs": pairs_accuracy(clean, dev),
        "tar_unmasked": tar(clean, clean, dev),
        "tar_masked": tar(masked, clean, dev),
        **{f"tpir_{name}": value for name, value in tpir(clean, masked, dev).items()},
    }
    return {name: round(value, 2) for name, value in figures.items()}


def quick(model: Path, threads: int = 2) -> dict[str, float]:
    """`judge` of a model file, and `score` to steer a training run by: the mean of what a gate lives by, both TPIR."""
    dev = load()
    figures = judge(embed(model, dev.clean, threads), embed(model, dev.masked, threads), dev)
    figures["score"] = round((figures["tpir_unmasked"] + figures["tpir_masked"]) / 2, 2)
    return figures


def main() -> None:
    """Evaluate and print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*")
    parser.add_argument("--baselines", action="store_true", help="also the three embedders in the shared folder")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    models = list(arguments.models)
    if arguments.baselines:
        models += [shared_dir() / "models" / name for name in BASELINES]
    dev = load()
    rows = []
    for model in models:
        rows.append(evaluate(model, dev))
        print(json.dumps(rows[-1]), flush=True)
    if arguments.json:
        document = {
            "faces": len(dev.person),
            "people": len(set(dev.person.tolist())),
            "pairs": len(dev.pairs),
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
