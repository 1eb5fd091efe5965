"""What the teacher says of every training crop: embeddings, stage features, and blends of two people as new ones.

The default teacher is EdgeFace-XS (BSD-3-Clause), read by path. `python -m models.training.teacher` writes, under
the training folder:

* `teacher.npy`       (n, 512) float16, L2-normalised embeddings of the clean crops;
* `teacher-stages.npz` names, shapes, mean and deviation of the stage features; `stage-K.npy` (n, C, H, W) float16;
* `blends.npz`        `pair` (m, 2) int32, `share` (m,) float32, `embedding` (m, 512) float16: the teacher's answer to
                       `share * first + (1 - share) * second`, both aligned, which is somebody new.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.crops import Crops, load
from models.training.paths import shared_dir, train_dir

TEACHER = "edgeface_xs.onnx"
_BATCH = 64


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


def normalise(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows (n, d) at unit length."""
    values = np.asarray(embeddings, dtype=np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-9), dtype=np.float32)


def stage_outputs(model: onnx.ModelProto) -> list[str]:
    """The tensors in which the teacher's four stages end: what each down-sampling, and at last the pooling, reads."""
    producer = {name: node for node in model.graph.node for name in node.output}
    ends = []
    for node in model.graph.node:
        down_sampling = node.op_type == "LayerNormalization" and "downsample" in node.name
        if down_sampling or node.op_type == "GlobalAveragePool":
            name = node.input[0]
            while name in producer and producer[name].op_type == "Transpose":
                name = producer[name].input[0]
            ends.append(name)
    return ends


def with_stages(path: Path) -> tuple[bytes, list[str]]:
    """The teacher's model with its stage features as further outputs, and their names."""
    model = onnx.load(path)
    ends = stage_outputs(model)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in ends)
    return model.SerializeToString(), ends


def _batches(count: int, text: str) -> Iterator[slice]:
    for start in tqdm(range(0, count, _BATCH), desc=text, mininterval=10):
        yield slice(start, min(start + _BATCH, count))


def label_clean(crops: Crops, teacher: Path, threads: int) -> None:
    """Embeddings and stage features of every clean crop."""
    folder = train_dir()
    model, names = with_stages(teacher)
    runner = session(model, threads)
    feed = runner.get_inputs()[0].name
    embeddings = np.empty((len(crops), 512), dtype=np.float16)
    stages: list[NDArray[np.float16]] = []
    for part in _batches(len(crops), "teacher"):
        embedding, *features = runner.run(None, {feed: to_input(crops.rgb[part])})
        if not stages:
            stages = [
                np.lib.format.open_memmap(
                    folder / f"stage-{k}.npy", mode="w+", dtype=np.float16, shape=(len(crops), *f.shape[1:])
                )
                for k, f in enumerate(features)
            ]
        embeddings[part] = normalise(embedding)
        for stage, feature in zip(stages, features, strict=True):
            stage[part] = feature
    sample = np.random.default_rng(0).choice(len(crops), min(2000, len(crops)), replace=False)
    statistics = {}
    for k, stage in enumerate(stages):
        values = stage[np.sort(sample)].astype(np.float32)
        statistics[f"mean_{k}"] = values.mean(axis=(0, 2, 3))
        statistics[f"deviation_{k}"] = values.std(axis=(0, 2, 3)) + 1e-6
    np.savez(folder / "teacher-stages.npz", names=np.array(names), **statistics)
    np.save(folder / "teacher.npy", embeddings)


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
