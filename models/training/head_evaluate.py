"""Heads against their backbone in one table: `python -m models.training.head_evaluate --runs main`.

The development set of `head_photos` and the measures of `evaluate`, on the joined models as the engine runs them. Also

* fnmr_masked: percent of mated comparisons of a masked probe refused at the threshold of FMR 1e-3;
* cosine: mean similarity of a masked face's template to the template of the same photograph unmasked;
* masked_found, clean_touched: percent of masked faces, and of clean ones, that are taken for masked;
* foreign_tpir: TPIR as above with masks that somebody else drew (`mask-nomask`: gallery of the unmasked photographs,
  the same photographs masked as probes; strangers are the development set's masked faces);
* samples: pictures that the head was trained on.

`--quick` gives the masked columns alone, in bfloat16 and in a fifth of the time: enough to compare runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.head import join
from models.training.devset import load
from models.training.evaluate import FPIR, pairs_accuracy, tar, tpir
from models.training.head_backbone import ConvolutionalNetwork
from models.training.head_export import export
from models.training.head_features import BACKBONES, Backbone
from models.training.head_network import Head
from models.training.head_photos import foreign_pairs
from models.training.head_train import load_head, run_inside
from models.training.paths import train_dir
from models.training.teacher import normalise, session, to_input

Array = NDArray[np.float32]
_BATCH = 8


def views(model: bytes, crops: dict[str, NDArray[np.uint8]], threads: int) -> dict[str, list[Array]]:
    """Unit embeddings, and what else the model says, of each set of crops (n, 112, 112, 3); cached by the model."""
    folder = train_dir("head", "views", hashlib.sha256(model).hexdigest()[:12])
    runner = session(model, threads)
    feed = runner.get_inputs()[0].name
    answers: dict[str, list[Array]] = {}
    for name, pictures in crops.items():
        # Other photographs under the same name are not what was cached.
        cache = folder / f"{name}-{hashlib.sha256(pictures.tobytes()).hexdigest()[:12]}.npz"
        if not cache.is_file():
            parts = [
                runner.run(None, {feed: to_input(pictures[start : start + _BATCH])})
                for start in tqdm(range(0, len(pictures), _BATCH), desc=name, mininterval=10)
            ]
            np.savez(cache, *[np.concatenate(column) for column in zip(*parts, strict=True)])
        with np.load(cache) as stored:
            raw, *others = (stored[key] for key in stored.files)
        answers[name] = [normalise(raw), *others]
    return answers


def foreign_tpir(bare: Array, masked: Array, strangers: Array) -> float:
    """Percent of foreign masked faces named correctly above the threshold that names `FPIR` of `strangers`."""
    threshold = np.quantile((strangers @ bare.T).max(axis=1), 1 - FPIR)
    similarity = masked @ bare.T
    right = similarity.argmax(axis=1) == np.arange(len(bare))
    return float(100 * (right & (similarity.max(axis=1) >= threshold)).mean())


class Table:
    """The development set, and figures of any model on it."""

    def __init__(self, threads: int) -> None:
        self._dev = load()
        bare, covered = foreign_pairs()
        self._crops = {"clean": self._dev.clean, "masked": self._dev.masked, "bare": bare, "covered": covered}
        self._threads = threads
        self._bare: dict[str, Array] = {}

    def row(self, name: str, model: bytes) -> dict[str, Any]:
        """All figures of a backbone, or of one joined to a head."""
        seen = views(model, self._crops, self._threads)
        clean, masked, bare, covered = (seen[part][0] for part in ("clean", "masked", "bare", "covered"))
        tar_masked = tar(masked, clean, self._dev)
        figures = {
            "pairs": pairs_accuracy(clean, self._dev),
            "tar_unmasked": tar(clean, clean, self._dev),
            "tar_masked": tar_masked,
            "fnmr_masked": 100 - tar_masked,
            **{f"tpir_{state}": value for state, value in tpir(clean, masked, self._dev).items()},
            "foreign_tpir": foreign_tpir(bare, covered, masked),
            "cosine": float((masked * clean).sum(axis=1).mean()),
        }
        if len(seen["clean"]) > 1:
            parts = {"masked_found": "masked", "clean_touched": "clean", "foreign_found": "covered"}
            figures |= {key: float(100 * (seen[part][1][:, 0] > 0.5).mean()) for key, part in parts.items()}
        return {"head": name, **{key: round(value, 3) for key, value in figures.items()}}

    def quick(self, name: str, head: Head | None, backbone: Backbone) -> dict[str, Any]:
        """The masked columns of a head, or of the backbone alone, by the training's own arithmetic."""
        network = ConvolutionalNetwork(backbone.path)
        clean = self._fast("clean", network, backbone, None)
        masked = self._fast("masked", network, backbone, head)
        named = tpir(clean, masked, self._dev)
        figures = {
            "tar_masked": tar(masked, clean, self._dev),
            "tpir_masked": named["masked"],
            "tpir_masked_at_unmasked_threshold": named["masked_at_unmasked_threshold"],
            "cosine": float((masked * clean).sum(axis=1).mean()),
        }
        return {"head": name, **{key: round(value, 3) for key, value in figures.items()}}

    def _fast(self, part: str, network: ConvolutionalNetwork, backbone: Backbone, head: Head | None) -> Array:
        """Unit embeddings (n, 512); those of the backbone alone are kept."""
        if head is None and part in self._bare:
            return self._bare[part]
        rows = []
        for start in tqdm(range(0, len(self._crops[part]), 16), desc=part, mininterval=10):
            pictures = to_input(self._crops[part][start : start + 16])
            if head is None:
                rows.append(network.run(pictures, backbone.embedding))
            else:
                with torch.inference_mode():
                    rows.append(run_inside(head, network, backbone, pictures, None)[0].numpy())
        embeddings = normalise(np.concatenate(rows))
        if head is None:
            self._bare[part] = embeddings
        return embeddings


def joined(run: str, name: str, backbone: Backbone) -> tuple[bytes, Head, int]:
    """The model of a run as it would ship, its head, and how many pictures it was trained on."""
    folder = train_dir("head", name, "runs", run)
    head = load_head(folder / "checkpoint.pt")
    export(head, backbone, folder / "head.onnx")
    state = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    model = join(backbone.path.read_bytes(), (folder / "head.onnx").read_bytes(), run)
    return model, head, state["step"] * state["plan"]["size"]


def main() -> None:
    """Print one line for the backbone and one a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--runs", nargs="*", default=["main"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    backbone, table = BACKBONES[arguments.backbone], Table(arguments.threads)
    rows = []
    for run in [None, *arguments.runs]:
        model, head, samples = backbone.path.read_bytes(), None, {}
        if run:
            model, head, count = joined(run, arguments.backbone, backbone)
            samples = {"samples": count}
        name = run or "backbone alone"
        row = table.quick(name, head, backbone) if arguments.quick else table.row(name, model)
        rows.append(row | samples)
        print(json.dumps(rows[-1]), flush=True)
    if arguments.json:
        document = {"backbone": arguments.backbone, "goal": "half of the backbone's masked errors", "rows": rows}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
