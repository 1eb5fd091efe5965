"""What the teacher's blocks hand on: the features at each boundary, once for every crop, for `blockwise` and `distil`.

`python -m models.training.features` writes `blocks/NAME.npy` (n, C, H, W) float16 under the training folder. Those
of the first two stages are large (0.25 MB a crop) and every crop has hundreds of places, so they are kept for
`early.npy` (crop numbers) alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from models.training.crops import load
from models.training.paths import shared_dir, train_dir
from models.training.teacher import TEACHER, session, to_input

_BATCH = 32
_EARLY_CROPS = 3072
_STAGES = "/stages/stages."
# Each boundary and the node of EdgeFace-XS that ends there; what opens the stage it belongs to comes first.
_EARLY = {
    "stem": "/stem/stem.1/LayerNormalization",
    **{f"block-0-{k}": f"{_STAGES}0/blocks/blocks.{k}/Add" for k in range(3)},
    **{f"block-1-{k}": f"{_STAGES}1/blocks/blocks.{k}/Add" for k in range(2)},
}
_ALL = {
    "half-1": f"{_STAGES}1/downsample/downsample.1/Conv",
    "half-2": f"{_STAGES}2/downsample/downsample.1/Conv",
    **{f"block-2-{k}": f"{_STAGES}2/blocks/blocks.{k}/Add" for k in range(7)},
    "half-3": f"{_STAGES}3/downsample/downsample.1/Conv",
    "block-3-0": f"{_STAGES}3/blocks/blocks.0/Add",
}
BOUNDARIES = (*_EARLY, *_ALL)
# Those known of every crop: hints for the student's own while it learns end to end, in the network's order.
HINTS = tuple(_ALL)
_SAMPLE = 256
# A squared error beyond this, in variances, is an outlier that would drown the rest.
_MOST = 25.0


def stage_start(boundary: str) -> str:
    """The boundary at which the stage of this one starts."""
    kind, _, place = boundary.partition("-")
    if kind != "block":
        return boundary
    stage = int(place[0])
    return f"half-{stage}" if stage else "stem"


def missed(said: Tensor, wanted: Tensor, variance: Tensor) -> Tensor:
    """The share of the variance (1, c, 1, 1) that `said` misses of `wanted` (n, c, h, w)."""
    return ((said.float() - wanted).pow(2) / variance).clamp(max=_MOST).mean()


class Features:
    """The teacher's features in the student's coordinates.

    These are, by channel, less the mean and over the deviation of what opens the stage: the same for a whole stage, so
    that the straight path beside a block stays one.
    """

    def __init__(self, hold: bool = False) -> None:
        folder = train_dir("blocks")
        held = HINTS if hold else ()
        self._arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode=None if name in held else "r") for name in BOUNDARIES
        }
        self.early: NDArray[np.int64] = np.load(folder / "early.npy").astype(np.int64)
        self._scale: dict[str, tuple[Tensor, Tensor]] = {}
        for name in BOUNDARIES:
            start = stage_start(name)
            if start not in self._scale:
                rows = self._raw(start, self.early[:_SAMPLE])
                deviation, mean = torch.std_mean(rows, dim=(0, 2, 3), keepdim=True)
                self._scale[start] = mean, deviation + 1e-3
            self._scale[name] = self._scale[start]

    def _raw(self, name: str, crops: NDArray[np.int64]) -> Tensor:
        rows = np.searchsorted(self.early, crops) if name in _EARLY else crops
        return torch.from_numpy(self._arrays[name][rows].astype(np.float32))

    def rows(self, name: str, crops: NDArray[np.int64]) -> Tensor:
        """Boundary `name` of these crop numbers (of `early` alone in the first two stages): (n, c, h, w)."""
        mean, deviation = self._scale[name]
        return (self._raw(name, crops) - mean) / deviation

    def variance(self, name: str) -> Tensor:
        """By channel (1, c, 1, 1), of what `rows` gives."""
        return self.rows(name, self.early[:_SAMPLE]).var((0, 2, 3), keepdim=True) + 1e-3

    def known(self, *names: str | None) -> NDArray[np.int64]:
        """The crop numbers for which all of these boundaries are kept."""
        if any(name in _EARLY for name in names):
            return self.early
        return np.arange(len(self._arrays["half-3"]))


def write(teacher: Path, threads: int) -> None:
    """Run the teacher over all crops and keep what stands at its boundaries."""
    crops, folder = load(), train_dir("blocks")
    model = onnx.load(teacher)
    outputs = {node.name: node.output[0] for node in model.graph.node}
    tensors = {name: outputs[node] for name, node in (_EARLY | _ALL).items()}
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(t, onnx.TensorProto.FLOAT, None) for t in tensors.values()
    )
    runner = session(model.SerializeToString(), threads)
    feed = runner.get_inputs()[0].name
    everyone = np.arange(len(crops))
    early = np.sort(np.random.default_rng(1).choice(everyone, min(_EARLY_CROPS, len(crops)), replace=False))
    np.save(folder / "early.npy", early)
    for names, chosen in ((list(_EARLY), early), (list(_ALL), everyone)):
        kept: dict[str, NDArray[np.float16]] = {}
        for start in tqdm(range(0, len(chosen), _BATCH), desc=f"{names[0]} and others", mininterval=10):
            part = chosen[start : start + _BATCH]
            found = runner.run([tensors[name] for name in names], {feed: to_input(crops.rgb[part])})
            for name, values in zip(names, found, strict=True):
                # The stem's normalisation works on channels last.
                rows = values.transpose(0, 3, 1, 2) if name == "stem" else values
                if name not in kept:
                    shape = (len(chosen), *rows.shape[1:])
                    kept[name] = np.lib.format.open_memmap(
                        folder / f"{name}.npy", mode="w+", dtype=np.float16, shape=shape
                    )
                kept[name][start : start + len(part)] = rows


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, default=shared_dir() / "models" / TEACHER)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    write(arguments.teacher, arguments.threads)


if __name__ == "__main__":
    main()
