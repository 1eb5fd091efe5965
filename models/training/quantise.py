"""Makes an exported student faster: pointwise convolutions of some stages in 8 bits, the rest left in float.

`python -m models.training.quantise IN.onnx OUT.onnx` prints how far the embeddings moved; `evaluate` says what it
costs. The input must have been exported with `--full` (float32 weights). The first stage, with its 784 places, gains
most for what it loses; depthwise convolutions, which read the straight path with its few large channels, lose most.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from models.training import shards
from models.training.crops import load
from models.training.eight_bits import quantised
from models.training.export import store_as_half
from models.training.paths import train_dir
from models.training.teacher import session, to_input

_BATCH = 16
_POINTWISE = ("/up/", "/down/")


def calibration_crops(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Clean and occluded training crops (count, 112, 112, 3) RGB, half of each."""
    rng = np.random.default_rng(seed)
    clean = load().rgb
    occluded = np.load(train_dir() / f"occluded-{shards.available()[0]}.npy", mmap_mode="r")
    rows = np.sort(rng.choice(len(clean), count // 2, replace=False))
    return np.concatenate([clean[rows], occluded[rows]])


def _pointwise_of(name: str, stages: tuple[str, ...]) -> bool:
    return any(stage in name for stage in stages) and any(part in name for part in _POINTWISE)


def quantise(source: Path, target: Path, crops: NDArray[np.uint8], stages: tuple[int, ...] = (1,)) -> None:
    """Write `target`: weights by channel, activations by tensor, ranges from `crops`; what stays float as float16."""
    wanted = tuple(f"/stage{stage}/" for stage in stages)
    batches = (to_input(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH))
    model = quantised(onnx.load(source), batches, lambda names: [n for n in names if not _pointwise_of(n, wanted)])
    store_as_half(model)
    onnx.save(model, target)


def main() -> None:
    """Quantise and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--stages", type=int, nargs="*", default=(1,), help="1 to 4: whose convolutions take 8 bits")
    arguments = parser.parse_args()
    quantise(arguments.source, arguments.target, calibration_crops(arguments.crops), tuple(arguments.stages))
    pictures = to_input(calibration_crops(128, seed=1))
    before, after = (
        session(path).run(["embedding"], {"crop": pictures})[0] for path in (arguments.source, arguments.target)
    )
    cosine = (before * after).sum(axis=1)
    print(f"cosine to the float embedding: mean {cosine.mean():.4f}, worst {cosine.min():.4f}")
    print(f"{arguments.source.stat().st_size / 1e6:.2f} MB to {arguments.target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
