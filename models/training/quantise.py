"""Makes an exported student faster: convolutions in 8 bits, calibrated on training crops, the rest left in float.

`python -m models.training.quantise IN.onnx OUT.onnx` prints how far the embeddings moved; `evaluate` says what it
costs. The input must have been exported with `--full` (float32 weights).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.training import shards
from models.training.crops import load
from models.training.paths import train_dir
from models.training.teacher import session, to_input

_BATCH = 16
# The first convolution sees the picture itself, where 8 bits cost the most, and is a twentieth of the work.
_KEPT_IN_FLOAT = 1


class _Reader(CalibrationDataReader):
    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = (crops[s : s + _BATCH] for s in range(0, len(crops), _BATCH))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next calibration batch."""
        batch = next(self._batches, None)
        return None if batch is None else {"crop": to_input(batch)}


def calibration_crops(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Clean and occluded training crops (count, 112, 112, 3) RGB, half of each."""
    rng = np.random.default_rng(seed)
    clean = load().rgb
    occluded = np.load(train_dir() / f"occluded-{shards.available()[0]}.npy", mmap_mode="r")
    rows = np.sort(rng.choice(len(clean), count // 2, replace=False))
    return np.concatenate([clean[rows], occluded[rows]])


def quantise(source: Path, target: Path, crops: NDArray[np.uint8]) -> None:
    """Write `target`: weights by channel, activations by tensor, ranges from `crops`."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(prepared).graph.node if node.op_type == "Conv"]
        quantize_static(
            str(prepared),
            str(target),
            _Reader(crops),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=convolutions[:_KEPT_IN_FLOAT],
        )


def main() -> None:
    """Quantise and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--crops", type=int, default=512)
    arguments = parser.parse_args()
    quantise(arguments.source, arguments.target, calibration_crops(arguments.crops))
    pictures = to_input(calibration_crops(128, seed=1))
    before, after = (
        session(path).run(["embedding"], {"crop": pictures})[0] for path in (arguments.source, arguments.target)
    )
    cosine = (before * after).sum(axis=1)
    print(f"cosine to the float embedding: mean {cosine.mean():.4f}, worst {cosine.min():.4f}")
    print(f"{arguments.source.stat().st_size / 1e6:.2f} MB to {arguments.target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
