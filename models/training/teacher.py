"""What the teacher says of every training crop, and of blends of two people as new ones.

The default teacher is EdgeFace-XS (BSD-3-Clause), read by path. `python -m models.training.teacher` writes, under
the training folder:

* `teacher.npy` (n, 512) float16, L2-normalised embeddings of the clean crops;
* `blends.npz`  `pair` (m, 2) int32, `share` (m,) float32, `embedding` (m, 512) float16: the teacher's answer to
                `share * first + (1 - share) * second`, both aligned, which is somebody new.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.crops import Crops, load
from models.training.paths import shared_dir, train_dir

TEACHER = "edgeface_xs.onnx"
_BATCH = 64
_AT_ONCE = 32


def session(model: Path | bytes, threads: int = 2) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU; spinning off, because other work shares the cores."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def to_input(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Crops (n, 112, 112, 3) RGB uint8 to network input (n, 3, 112, 112) in -1..1."""
    scaled = (rgb.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def outputs_of(
    model: Path | bytes, crops: NDArray[np.uint8], names: Sequence[str] = (), threads: int = 2
) -> list[NDArray[np.float32]]:
    """What a model says of RGB crops (n, 112, 112, 3): its outputs of these names, (n, …) each, or its first one."""
    runner = session(model, threads)
    feed, wanted = runner.get_inputs()[0].name, list(names) or [runner.get_outputs()[0].name]
    title = model.stem if isinstance(model, Path) else "model"
    parts = [
        runner.run(wanted, {feed: to_input(crops[start : start + _AT_ONCE])})
        for start in tqdm(range(0, len(crops), _AT_ONCE), desc=title, mininterval=10, leave=False)
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def normalise(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows (n, d) at unit length."""
    values = np.asarray(embeddings, dtype=np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-9), dtype=np.float32)


def _batches(count: int, text: str) -> Iterator[slice]:
    for start in tqdm(range(0, count, _BATCH), desc=text, mininterval=10):
        yield slice(start, min(start + _BATCH, count))


def label_clean(crops: Crops, teacher: Path, threads: int) -> None:
    """Embeddings of every clean crop."""
    runner = session(teacher, threads)
    feed = runner.get_inputs()[0].name
    embeddings = np.empty((len(crops), 512), dtype=np.float16)
    for part in _batches(len(crops), "teacher"):
        embeddings[part] = normalise(runner.run(None, {feed: to_input(crops.rgb[part])})[0])
    np.save(train_dir() / "teacher.npy", embeddings)


def label_blends(crops: Crops, teacher: Path, count: int, threads: int, seed: int = 0) -> None:
    """The teacher's embeddings of `count` blends of two crops."""
    rng = np.random.default_rng(seed)
    pair = rng.integers(0, len(crops), (count, 2), dtype=np.int32)
    share = rng.uniform(0.3, 0.7, count).astype(np.float32)
    runner = session(teacher, threads)
    feed = runner.get_inputs()[0].name
    embeddings = np.empty((count, 512), dtype=np.float16)
    for part in _batches(count, "blends"):
        mixed = blend(crops.rgb, pair[part], share[part])
        embeddings[part] = normalise(runner.run(None, {feed: to_input(mixed)})[0])
    np.savez(train_dir() / "blends.npz", pair=pair, share=share, embedding=embeddings)


def blend(rgb: NDArray[np.uint8], pair: NDArray[np.int32], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mixed faces (m, 112, 112, 3) of crops `pair` (m, 2), `share` (m,) of the first."""
    weight = share[:, None, None, None]
    first, second = (rgb[pair[:, k]].astype(np.float32) for k in (0, 1))
    return np.asarray(first * weight + second * (1 - weight) + 0.5, dtype=np.uint8)


def main() -> None:
    """Label the crops and the blends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, default=shared_dir() / "models" / TEACHER)
    parser.add_argument("--blends", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    crops = load()
    label_clean(crops, arguments.teacher, arguments.threads)
    label_blends(crops, arguments.teacher, arguments.blends, arguments.threads)


if __name__ == "__main__":
    main()
