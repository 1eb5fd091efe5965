"""What the student learns from: clean, occluded and blended faces with the teacher's answer to the clean one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from models.training import shards
from models.training.crops import load
from models.training.paths import train_dir
from models.training.teacher import blend, normalise

# Shares of a batch: clean and exactly aligned (these carry hints), occluded, blended; the rest is clean but moved.
_HINTED, _OCCLUDED, _BLENDED = 0.25, 0.5, 0.15
_STAGES = 3


@dataclass(frozen=True)
class Batch:
    """`pictures` (n, 3, 112, 112) in -1..1, `target` (n, 512) unit rows, `state` and `identity` (n,), -1 unknown.

    The first `hinted` pictures are exactly what the teacher saw; `hints` are its standardised stages for those.
    """

    pictures: Tensor
    target: Tensor
    state: Tensor
    identity: Tensor
    hinted: int
    hints: list[Tensor] = field(default_factory=list)

    def to(self, device: str) -> Batch:
        """The batch on `device`, its pictures toned and scaled there; they travel as bytes."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("target", "state", "identity"):
            moved[name] = moved[name].to(device, non_blocking=True)
        moved["hints"] = [hint.to(device, non_blocking=True) for hint in self.hints]
        raw = self.pictures.to(device, non_blocking=True).permute(0, 3, 1, 2).float()
        moved["pictures"] = _tone((raw - 127.5) / 127.5, self.hinted)
        return Batch(**moved)


def _tone(pictures: Tensor, untouched: int) -> Tensor:
    """Gain, brightness, colour cast and greyness at random, but not on the first `untouched`."""
    some = pictures[untouched:]
    count, device = len(some), some.device
    grey = (torch.rand(count, 1, 1, 1, device=device) < 0.08).float()
    some = some + grey * (some.mean(dim=1, keepdim=True) - some)
    contrast = torch.exp(0.15 * torch.randn(count, 1, 1, 1, device=device))
    cast = 0.1 * torch.randn(count, 1, 1, 1, device=device) + 0.04 * torch.randn(count, 3, 1, 1, device=device)
    return torch.cat([pictures[:untouched], (some * contrast + cast).clamp(-1, 1)])


@dataclass(frozen=True, slots=True)
class Bank:
    """What to compare with: the teacher's `embeddings` (n, 512) of all crops, and its mean `people` (k, 512)."""

    embeddings: Tensor
    people: Tensor


def bank(device: str) -> Bank:
    """The teacher's embeddings and its person means."""
    embeddings = normalise(np.load(train_dir() / "teacher.npy"))
    identity = load().identity
    sums = np.zeros((identity.max() + 1, embeddings.shape[1]), dtype=np.float32)
    np.add.at(sums, identity[identity >= 0], embeddings[identity >= 0])
    return Bank(torch.from_numpy(embeddings).to(device), torch.from_numpy(normalise(sums)).to(device))


class SampleStream(IterableDataset[Batch]):
    """Endless random batches, the same for the same seed and set of rendered variants."""

    def __init__(self, batch: int, seed: int, hints: bool) -> None:
        self.batch, self.seed, self.hints = batch, seed, hints

    def __iter__(self) -> Iterator[Batch]:
        """Batches, for ever."""
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        source = _Source(self.hints)
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            yield source.draw(self.batch, rng)


class _Source:
    """All arrays of the training folder, mapped into memory."""

    def __init__(self, hints: bool) -> None:
        folder = train_dir()
        self.crops = load()
        self.target = normalise(np.load(folder / "teacher.npy"))
        self.occluded = [np.load(folder / f"occluded-{v}.npy", mmap_mode="r") for v in shards.available()]
        self.state = [np.load(folder / f"occluded-{v}-state.npy").astype(np.int64) for v in shards.available()]
        blends = np.load(folder / "blends.npz")
        self.pair, self.share, self.blend_target = blends["pair"], blends["share"], normalise(blends["embedding"])
        self.stages: list[tuple[NDArray[np.float16], Any, Any]] = []
        if hints:
            statistics = np.load(folder / "teacher-stages.npz")
            self.stages = [
                (
                    np.load(folder / f"stage-{k}.npy", mmap_mode="r"),
                    statistics[f"mean_{k}"],
                    statistics[f"deviation_{k}"],
                )
                for k in range(_STAGES)
            ]

    def draw(self, size: int, rng: np.random.Generator) -> Batch:
        """One batch."""
        hinted = int(_HINTED * size) if self.stages else 0
        occluded, blended = int(_OCCLUDED * size), int(_BLENDED * size)
        index = rng.integers(0, len(self.crops), size - blended)
        variant = rng.integers(0, len(self.occluded), size - blended)
        pictures, states = [], np.zeros(size, dtype=np.int64)
        for position, (i, v) in enumerate(zip(index, variant, strict=True)):
            if position < hinted:
                pictures.append(self.crops.rgb[i])
            elif position < hinted + occluded:
                pictures.append(_move(self.occluded[v][i], rng))
                states[position] = self.state[v][i]
            else:
                pictures.append(_move(self.crops.rgb[i], rng))
        mix = rng.integers(0, len(self.pair), blended)
        mixed = blend(self.crops.rgb, self.pair[mix], self.share[mix])
        pictures += [_move(picture, rng) for picture in mixed]
        target = np.concatenate([self.target[index], self.blend_target[mix]])
        identity = np.concatenate([self.crops.identity[index], np.full(blended, -1)])
        return Batch(
            pictures=torch.from_numpy(np.stack(pictures)),
            target=torch.from_numpy(target),
            state=torch.from_numpy(states),
            identity=torch.from_numpy(identity),
            hinted=hinted,
            hints=[torch.from_numpy(self._hint(k, index[:hinted])) for k in range(len(self.stages))],
        )

    def _hint(self, stage: int, index: NDArray[np.int64]) -> NDArray[np.float32]:
        values, mean, deviation = self.stages[stage]
        standard = (values[index].astype(np.float32) - mean[:, None, None]) / deviation[:, None, None]
        # A few channels of the teacher spike; a squared error would chase nothing else.
        return np.asarray(np.clip(standard, -5, 5), dtype=np.float32)


def _move(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift, turn, scale and mirror by what detectors differ."""
    matrix = cv2.getRotationMatrix2D((56, 62), rng.normal(0, 1.8), np.exp(rng.normal(0, 0.025)))
    matrix = matrix + [[0, 0, rng.normal(0, 1.2)], [0, 0, rng.normal(0, 1.2)]]
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], 111 - matrix[0, 2]]
    return cv2.warpAffine(rgb, matrix, (112, 112), flags=cv2.INTER_LINEAR).astype(np.uint8)


def stream(batch: int, seed: int, workers: int, hints: bool) -> DataLoader[Batch]:
    """`SampleStream` read by `workers` processes beside the training."""
    return DataLoader(SampleStream(batch, seed, hints), batch_size=None, num_workers=workers, prefetch_factor=4)
