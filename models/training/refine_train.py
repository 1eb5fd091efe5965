"""Trains the detector's second look: `python -m models.training.refine_train --minutes 15`.

Needs `refine_data`. Writes `refine/latest.pt` of the training folder, and prints what the averaged network gets right
of windows that it did not learn from. One cosine over the minutes; `--go-on` starts from the round before.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from gate.vision.align import apply_similarity, estimate_similarity
from gate.vision.refine import UNIT_PX, WINDOW_PX, window_template
from models.training.average import follow
from models.training.detector_scenes import similarity
from models.training.paths import train_dir
from models.training.refine_data import EDGE_PX, FACE, NONE, Windows, load
from models.training.refine_network import RefineNet, scaled, wanted

_HELD_BACK_EVERY = 40
_LEARNING_RATE = 2e-3
_AVERAGE_DECAY = 0.998
# Of the faces, this share is shown as a second look at a corrected window would see them.
_CORRECTED = 0.5
_CORRECTED_OFF_PX = 0.7


@dataclass(frozen=True, slots=True)
class Batch:
    """`windows` (n, 3, 64, 64) uint8 BGR, `face` (n,) 0 or 1, `wanted` (n, 14)."""

    windows: Tensor
    face: Tensor
    wanted: Tensor


def moved(
    windows: Windows, row: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """A window (64, 64, 3) as another proposal of the same face would show it, its points (5, 2) and box (4,)."""
    points, box = windows.points[row], windows.boxes[row]
    middle = np.full(2, (WINDOW_PX - 1) / 2)
    shake = np.exp(rng.normal(0, 0.5))
    to, scale = middle + rng.normal(0, 1.5 * shake, 2), float(np.exp(rng.normal(0, 0.06 * shake)))
    transform = similarity(middle, to, scale, float(rng.normal(0, 4 * shake)), mirrored=False)
    if windows.face[row] == FACE and rng.random() < _CORRECTED:
        near = points + rng.normal(0, _CORRECTED_OFF_PX, (5, 2)).astype(np.float32)
        transform = estimate_similarity(near, window_template())
    points = apply_similarity(transform, points)
    centre = apply_similarity(transform, box[None, :2])[0]
    box = np.concatenate([centre, box[2:] * np.hypot(*transform[:, 0])])
    if rng.random() < 0.5:
        flip = np.array([[-1.0, 0, WINDOW_PX - 1], [0, 1, 0], [0, 0, 1]])
        transform = flip[:2] @ np.vstack([transform, [0, 0, 1]])
        points = (points * (-1, 1) + (WINDOW_PX - 1, 0))[[1, 0, 2, 4, 3]]
        box = np.concatenate([[WINDOW_PX - 1 - box[0]], box[1:]])
    transform[:, 2] -= transform[:, :2] @ np.full(2, EDGE_PX)
    shown = cv2.warpAffine(windows.picture(row), transform, (WINDOW_PX, WINDOW_PX), flags=cv2.INTER_LINEAR)
    return shown.astype(np.uint8), points.astype(np.float32), box.astype(np.float32)


def plain(windows: Windows, rows: NDArray[np.int64]) -> Batch:
    """The windows as the engine would cut them."""
    return packed(windows.inner(rows), windows.face[rows], windows.points[rows], windows.boxes[rows])


def packed(
    pictures: NDArray[np.uint8], face: NDArray[np.int8], points: NDArray[np.float32], boxes: NDArray[np.float32]
) -> Batch:
    """Pictures (n, 64, 64, 3) and what is in them, for the network."""
    return Batch(
        torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))),
        torch.from_numpy(face.astype(np.float32)),
        torch.from_numpy(wanted(points, boxes)),
    )


def batches(windows: Windows, rows: NDArray[np.int64], size: int, seed: int) -> Iterator[Batch]:
    """Batches without end, half faces and half from the latest round; the next one is prepared meanwhile."""
    rng = np.random.default_rng(seed)
    latest = windows.where[rows, 0] == windows.where[:, 0].max()
    pools = [rows[(windows.face[rows] == kind) & part] for kind in (FACE, NONE) for part in (latest, ~latest)]
    pools = [pool for pool in pools if len(pool)]

    def draw() -> Batch:
        picked = np.concatenate([rng.choice(pool, size // len(pools)) for pool in pools])
        pictures, points, boxes = zip(*(moved(windows, row, rng) for row in picked), strict=True)
        return packed(np.stack(pictures), windows.face[picked], np.stack(points), np.stack(boxes))

    with ThreadPoolExecutor(1) as pool:
        ahead: Future[Batch] = pool.submit(draw)
        while True:
            ready, ahead = ahead.result(), pool.submit(draw)
            yield ready


def toned(windows: Tensor) -> Tensor:
    """Network inputs in their own contrast, light and cast; some grey."""
    count = len(windows)
    pictures = scaled(windows)
    grey = (torch.rand(count, 1, 1, 1) < 0.1).float()
    pictures = pictures + grey * (pictures.mean(dim=1, keepdim=True) - pictures)
    contrast = torch.exp(0.2 * torch.randn(count, 1, 1, 1))
    light = 0.12 * torch.randn(count, 1, 1, 1) + 0.06 * torch.randn(count, 3, 1, 1)
    return (pictures * contrast + light).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


def losses(said: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Weighted terms: score, box, points; the latter two of faces only."""
    said = said.float()
    face = batch.face > 0
    score = functional.binary_cross_entropy_with_logits(said[:, 0], batch.face)
    off = functional.smooth_l1_loss(said[face, 1:], batch.wanted[face], beta=0.05, reduction="none")
    return {"score": score, "box": off[:, :4].mean(), "points": 2 * off[:, 4:].mean()}


def learn(
    network: RefineNet, windows: Windows, rows: NDArray[np.int64], minutes: float, size: int, seed: int
) -> RefineNet:
    """The averaged network after so many minutes."""
    torch.manual_seed(seed)
    network = network.to(memory_format=torch.channels_last)
    average: RefineNet = copy.deepcopy(network)
    average.eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=0.02, betas=(0.9, 0.98))
    begun, recent = time.monotonic(), []
    progress = tqdm(batches(windows, rows, size, seed), unit="step", mininterval=20)
    for step, batch in enumerate(progress):
        gone = (time.monotonic() - begun) / 60 / minutes
        if gone > 1:
            break
        rate = max(0.002, 0.5 + 0.5 * math.cos(math.pi * gone)) * min(1.0, (step + 1) / 200)
        optimiser.param_groups[0]["lr"] = _LEARNING_RATE * rate
        with torch.autocast("cpu", torch.bfloat16):
            said = network(toned(batch.windows))
        terms = losses(said, batch)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        follow(average, network, _AVERAGE_DECAY, step)
        recent.append(torch.stack(list(terms.values())).detach())
        if len(recent) == 200:
            means = torch.stack(recent).mean(dim=0).tolist()
            progress.set_postfix({n: f"{m:.4f}" for n, m in zip(terms, means, strict=True)}, refresh=False)
            recent.clear()
    return average


def judge(network: RefineNet, windows: Windows, rows: NDArray[np.int64]) -> dict[str, float]:
    """Percent of faces kept and of others refused at 0.5, and the mean point error as a share of the eye distance."""
    batch = plain(windows, rows)
    with torch.inference_mode():
        said = network(scaled(batch.windows))
    face = batch.face > 0
    kept, refused = (said[face, 0] > 0).float().mean(), (said[~face, 0] <= 0).float().mean()
    off = (said[face, 5:] - batch.wanted[face, 4:]).unflatten(1, (5, 2)).norm(dim=2).mean(dim=1) * UNIT_PX
    true = torch.from_numpy(windows.points[rows])[face]
    eyes = (true[:, 1] - true[:, 0]).norm(dim=1).clamp(min=6)
    return {
        "faces": int(face.sum()),
        "kept_percent": round(100 * float(kept), 2),
        "refused_percent": round(100 * float(refused), 2),
        "point_error_percent": round(100 * float((off / eyes).mean()), 2),
    }


def main() -> None:
    """Train, save, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--go-on", action="store_true", help="from what fits of the network that there is")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    windows, latest = load(), train_dir("refine") / "latest.pt"
    rows = np.arange(len(windows.face))
    held_back = rows % _HELD_BACK_EVERY == 0
    network = RefineNet()
    if arguments.go_on:
        before = torch.load(latest, map_location="cpu", weights_only=True)
        fitting = {name: value for name, value in before.items() if value.shape == network.state_dict()[name].shape}
        network.load_state_dict({**network.state_dict(), **fitting})
    network = learn(network, windows, rows[~held_back], arguments.minutes, arguments.batch, arguments.seed)
    torch.save(network.state_dict(), latest)
    print(judge(network, windows, rows[held_back]))


if __name__ == "__main__":
    main()
