"""Trains the detector on rendered scenes: `python -m models.training.detector_train --run NAME` starts or resumes.

Under `detector/NAME/` of the training folder: `latest.pt` every five minutes and at a stop (SIGTERM ends a run cleanly;
the same command goes on), `curve.csv` with the mean losses since the line before. It never ends by itself;
`--minutes` makes it, and with `--cool` the learning rate goes to zero until then.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from models.training import detector_shards
from models.training.average import follow
from models.training.detector_loss import Targets, losses, targets
from models.training.detector_network import DetectorNet, DetectorShape
from models.training.detector_scenes import SIDE_PX, Labels
from models.training.paths import train_dir

_CHECKPOINT_EVERY_S = 300.0
_REPORT_EVERY_STEPS = 200
_WARM_UP_STEPS = 300
_AVERAGE_DECAY = 0.999
_LEAST_EYES_PX = 6.5


@dataclass(frozen=True, slots=True)
class Batch:
    """`rgb` (n, side, side, 3) uint8, and what is in them."""

    rgb: Tensor
    targets: Targets
    side: int


class Scenes:
    """All rendered shards, in batches.

    A whole batch is resized to one of `sides_px`: cheap, and no scene is seen at one size alone.
    """

    def __init__(self, seed: int, sides_px: tuple[int, ...], readers: int = 1) -> None:
        self._sides_px, self._readers = sides_px, readers
        self._shards = [detector_shards.load(path) for path in detector_shards.available()]
        counts = [len(pictures) for pictures, _ in self._shards]
        self._where = np.array([(shard, row) for shard, count in enumerate(counts) for row in range(count)])
        self._rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self._where)

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches without end; scenes come from disk, so the next ones are read meanwhile."""
        with ThreadPoolExecutor(self._readers) as pool:
            ahead: deque[Future[Batch]] = deque()
            while True:
                order = self._rng.permutation(len(self))
                for start in range(0, len(order) - size + 1, size):
                    ahead.append(pool.submit(self._batch, order[start : start + size], int(self._rng.integers(2**32))))
                    if len(ahead) > 4 * self._readers:
                        yield ahead.popleft().result()

    def _batch(self, rows: NDArray[np.int64], seed: int) -> Batch:
        rng = np.random.default_rng(seed)
        side = int(rng.choice(self._sides_px))
        pictures, labels = [], []
        for shard, row in self._where[rows]:
            picture, known = self._shards[shard][0][row], self._shards[shard][1][row]
            mirrored = bool(rng.random() < 0.5)
            pictures.append(resized(np.asarray(picture), side, mirrored))
            labels.append(moved(known, side / SIDE_PX, mirrored))
        return Batch(torch.from_numpy(np.stack(pictures)), targets(labels, side), side)


def toned(rgb: Tensor) -> Tensor:
    """Pictures (n, side, side, 3) uint8 to (n, 3, side, side) in -1..1, each in its own contrast, light and cast."""
    count, device = len(rgb), rgb.device
    contrast = (0.15 * torch.randn(count, 1, 1, 1, device=device)).exp() / 128.0
    shift = 0.1 * torch.randn(count, 1, 1, 1, device=device) + 0.05 * torch.randn(count, 3, 1, 1, device=device)
    return rgb.permute(0, 3, 1, 2).float().mul_(contrast).add_(shift - 127.5 * contrast).clamp_(-1, 1)


def resized(bgr: NDArray[np.uint8], side: int, mirrored: bool) -> NDArray[np.uint8]:
    """A scene as RGB, at another size, perhaps mirrored."""
    picture = bgr if side == SIDE_PX else cv2.resize(bgr, (side, side), interpolation=cv2.INTER_LINEAR)
    picture = cv2.flip(picture, 1) if mirrored else picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def moved(labels: Labels, scale: float, mirrored: bool) -> Labels:
    """Labels of a scene that was mirrored and resized."""
    boxes, landmarks = labels.boxes, labels.landmarks
    if mirrored:
        boxes = np.stack([SIDE_PX - boxes[:, 2], boxes[:, 1], SIDE_PX - boxes[:, 0], boxes[:, 3]], axis=1)
        landmarks = (landmarks * np.array([-1, 1]) + np.array([SIDE_PX, 0]))[:, [1, 0, 2, 4, 3]]
    # A profile's eyes are close together, so its width stands for their distance.
    eyes = np.maximum(np.linalg.norm(landmarks[:, 1] - landmarks[:, 0], axis=1), (boxes[:, 2] - boxes[:, 0]) / 2.6)
    sure = labels.sure & (eyes * scale >= _LEAST_EYES_PX)
    return Labels((boxes * scale).astype(np.float32), (landmarks * scale).astype(np.float32), sure)


class Run:
    """A training run with all its state on disk."""

    def __init__(self, name: str, shape: DetectorShape, learning_rate: float, device: str) -> None:
        self.folder = train_dir("detector", name)
        self.device = device
        self.learning_rate = learning_rate
        self.step, self.samples, self.seconds = 0, 0, 0.0
        state = self._stored()
        if state is not None:
            shape = DetectorShape(**state["shape"])
        self.network = DetectorNet(shape).to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.03}, {"params": others, "weight_decay": 0.0}],
            lr=learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            for group in self.optimiser.param_groups:
                group["fused"], group["foreach"] = True, None
            self.step, self.samples, self.seconds = state["step"], state["samples"], state["seconds"]

    def _stored(self) -> dict[str, Any] | None:
        path = self.folder / "latest.pt"
        return torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None

    def save(self) -> None:
        """Write the checkpoint; a kill in the middle leaves the one before."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "shape": asdict(self.network.shape),
            "step": self.step,
            "samples": self.samples,
            "seconds": self.seconds,
        }
        torch.save(state, self.folder / "writing.pt")
        (self.folder / "writing.pt").rename(self.folder / "latest.pt")

    def learn(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        """One step; the terms of its loss."""
        pictures = toned(batch.rgb.to(self.device, non_blocking=True))
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate * rate * min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        with torch.autocast(self.device, torch.bfloat16):
            raw = self.network(pictures)
        terms = losses(raw, batch.targets.to(self.device), batch.side)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self.samples += len(pictures)
        follow(self.average, self.network, _AVERAGE_DECAY, self.step)
        return {name: term.detach() for name, term in terms.items()}

    def report(self, means: dict[str, float]) -> None:
        """A line in the curve."""
        path = self.folder / "curve.csv"
        new = not path.is_file()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "samples", "seconds", *means])
            writer.writerow([self.step, self.samples, round(self.seconds), *(f"{v:.4f}" for v in means.values())])


def train(run: Run, scenes: Scenes, batch: int, minutes: float, cool: bool) -> None:
    """Train until told to stop, or until the minutes are over."""
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"{len(scenes)} scenes, {sum(p.numel() for p in run.network.parameters())} parameters, step {run.step}")
    begun, before, saved = time.monotonic(), run.seconds, time.monotonic()
    recent: list[dict[str, Tensor]] = []
    progress = tqdm(scenes.batches(batch), desc=run.folder.name, unit="step", mininterval=20, file=sys.stdout)
    run.network.train()
    for pack in progress:
        gone = (time.monotonic() - begun) / 60
        recent.append(run.learn(pack, max(0.01, 0.5 + 0.5 * math.cos(math.pi * gone / minutes)) if cool else 1.0))
        run.seconds = before + 60 * gone
        over = stopped or gone > minutes
        if len(recent) == _REPORT_EVERY_STEPS:
            means = {name: float(torch.stack([terms[name] for terms in recent]).mean()) for name in recent[0]}
            progress.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)
            run.report(means)
            recent.clear()
        if over or time.monotonic() - saved > _CHECKPOINT_EVERY_S:
            run.save()
            saved = time.monotonic()
        if over:
            break


def main() -> None:
    """Start a run, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sides", type=int, nargs="+", default=[224, 256, 288, 320, 352], help="multiples of 32")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--cool", action="store_true")
    parser.add_argument("--threads", type=int, default=1, help="of the network, on a CPU")
    parser.add_argument("--readers", type=int, default=1, help="threads that prepare scenes")
    arguments = parser.parse_args()
    if arguments.cool and math.isinf(arguments.minutes):
        parser.error("--cool needs --minutes")
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    run = Run(arguments.run, DetectorShape(), arguments.learning_rate, device)
    scenes = Scenes(run.step, tuple(arguments.sides), arguments.readers)
    train(run, scenes, arguments.batch, arguments.minutes, arguments.cool)


if __name__ == "__main__":
    main()
