"""Train a head inside its frozen backbone: `python -m models.training.head_train --minutes 30`.

An occluded picture's corrected embedding must be nearer to its person than to thousands of others, all by the
backbone's embeddings of clean pictures: a softmax over them with a margin, beside the plain cosine. The person is the
same picture unmasked, or half of the time another photograph of them where identities are known. Some clean pictures
are held to themselves with the gate open, so that a face taken for masked by mistake loses little. Stopped at any time,
it goes on from its last checkpoint (`--resume`). It takes CUDA where that is there.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models.training import shards
from models.training.crops import load
from models.training.head_backbone import ConvolutionalNetwork
from models.training.head_features import BACKBONES, Backbone, embeddings, order
from models.training.head_network import Head, HeadKind, HeadShape, Look, channels_of
from models.training.paths import train_dir
from models.training.teacher import to_input

_CLEAN_SHARE = 0.12
_OTHERS = 4096
_SCALE, _MARGIN = 32.0, 0.15
_ALIKE = 0.45  # a negative this near to the person is probably the same person
_CHECKPOINT_S = 120
_RIDGE = 0.01


@dataclass(frozen=True, slots=True)
class Batch:
    """`pictures` (n, 3, 112, 112) network inputs, `state` (n,), `own` (n, 512) clean embedding, `person` (n, 512) one
    of any photo of the person."""

    pictures: NDArray[np.float32]
    state: Tensor
    own: Tensor
    person: Tensor

    def to(self, device: str) -> Batch:
        """The same, with what the loss needs on a device."""
        return Batch(self.pictures, self.state.to(device), self.own.to(device), self.person.to(device))


class Pictures:
    """Clean crops and their rendered variants. `limit` caps the number of crops, for the learning curve."""

    def __init__(self, backbone: str, limit: int | None) -> None:
        crops = load()
        self.clean = embeddings(backbone, "clean")
        self._crop = order(len(crops))[: min(len(self.clean), limit or len(crops))]
        self._variants = [
            (
                np.load(train_dir() / f"occluded-{v}.npy", mmap_mode="r"),
                np.load(train_dir() / f"occluded-{v}-state.npy"),
            )
            for v in shards.available()
        ]
        self._rgb = crops.rgb
        self._mates = _mates(crops.identity[self._crop])

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """Random pictures, the clean ones first."""
        rows = rng.integers(0, len(self._crop), size)
        pictures, states = [], []
        for i, row in enumerate(rows):
            crop = self._crop[row]
            if i < size * _CLEAN_SHARE:
                pictures.append(self._rgb[crop])
                states.append(shards.NO_MASK)
            else:
                variant, state = self._variants[int(rng.integers(len(self._variants)))]
                pictures.append(variant[crop])
                states.append(int(state[crop]))
        mates = [self._mate(int(row), rng) for row in rows]
        flip = rng.random(size) < 0.5
        stacked = np.stack([p[:, ::-1] if f else p for p, f in zip(pictures, flip, strict=True)])
        own, person = torch.from_numpy(self.clean[rows]), torch.from_numpy(self.clean[mates])
        return Batch(to_input(stacked), torch.tensor(states), own, person)

    def others(self, count: int, rng: np.random.Generator) -> Tensor:
        """Clean embeddings (count, 512) of anybody."""
        return torch.from_numpy(self.clean[rng.integers(0, len(self.clean), count)])

    def _mate(self, row: int, rng: np.random.Generator) -> int:
        mates = self._mates.get(row)
        return row if mates is None or rng.random() < 0.5 else int(rng.choice(mates))


def _mates(identity: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """For each row of a known person, all rows of that person."""
    by_person = {int(i): np.flatnonzero(identity == i) for i in np.unique(identity) if i >= 0}
    return {int(row): rows for rows in by_person.values() if len(rows) > 1 for row in rows}


def run_inside(
    head: Head, network: ConvolutionalNetwork, backbone: Backbone, pictures: NDArray[np.float32], gate: Tensor | None
) -> tuple[Tensor, Look]:
    """Corrected embedding (n, 512), L2-normalised, and what the head saw; `gate` (n, 1) instead of the head's own."""
    looks: list[Look] = []

    def adapt(name: str, x: Tensor) -> Tensor:
        if name not in backbone.taps:
            return x
        if name == backbone.taps[0]:
            looks.append(head.look(x))
        return head.adapt(backbone.taps.index(name), x, looks[0], looks[0].gate if gate is None else gate)

    with torch.autocast(next(head.parameters()).device.type, torch.bfloat16):
        embedding = network.values(pictures, adapt)[backbone.embedding].float()
        finished = head.finish(embedding, looks[0].gate if gate is None else gate)
    return functional.normalize(finished.float(), dim=1), looks[0]


def loss_of(corrected: Tensor, look: Look, batch: Batch, others: Tensor) -> tuple[Tensor, dict[str, float]]:
    """The loss, and its parts for the progress bar. `others` (m, 512) are clean embeddings of anybody."""
    right = (corrected * batch.person).sum(dim=1, keepdim=True)
    wrong = (corrected @ others.T).masked_fill(batch.person @ others.T > _ALIKE, -1)
    logits = _SCALE * torch.cat([right - _MARGIN, wrong], dim=1)
    contrast = functional.cross_entropy(logits, torch.zeros_like(batch.state))
    cosine = 1 - (corrected * batch.own).sum(dim=1).mean()
    mask = functional.cross_entropy(look.mask.float(), batch.state, ignore_index=shards.UNCLEAR, label_smoothing=0.01)
    parts = {"contrast": contrast.item(), "cosine": cosine.item(), "mask": mask.item()}
    return contrast + 2 * cosine + 0.5 * mask, parts


def start_linear(head: Head, backbone: str, clean: NDArray[np.float32]) -> None:
    """Set the correction of the embedding to the best linear one, by ridge regression: a third of the way for nothing.

    Only faces that wear something below the eyes are asked for.
    """
    occluded = embeddings(backbone, "occluded")[: len(clean)]
    state = np.load(train_dir() / "occluded-0-state.npy")[order(len(load()))][: len(occluded)]
    x, y = (torch.from_numpy(rows[: len(occluded)][state != shards.NO_MASK]) for rows in (occluded, clean))
    gram = x.T @ x
    gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
    head.correct.weight.data = torch.linalg.solve(gram, x.T @ y).T - torch.eye(x.shape[1])


@dataclass(frozen=True, slots=True)
class Plan:
    """What to train: `steps` batches of `size`, or as many as `minutes` allow."""

    backbone: str
    kind: HeadKind
    steps: int
    minutes: float
    size: int
    limit: int | None
    seed: int
    rate: float


def train(plan: Plan, folder: Path, resume: bool) -> None:
    """AdamW, a warm start and a cosine to nought, averaged weights; a checkpoint every few minutes in `folder`."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    data, backbone = Pictures(plan.backbone, plan.limit), BACKBONES[plan.backbone]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = ConvolutionalNetwork(backbone.path, device)
    with torch.no_grad():
        probe = network.values(data.batch(2, rng).pictures)
    head = Head(HeadShape(channels_of([probe[tap] for tap in backbone.taps]), kind=plan.kind))
    start_linear(head, plan.backbone, data.clean)
    head.to(device)
    optimiser = torch.optim.AdamW(head.parameters(), lr=plan.rate, weight_decay=0.02)
    average = AveragedModel(head, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
    first, spent, path = 0, 0.0, folder / "checkpoint.pt"
    if resume and path.is_file():
        state = torch.load(path, map_location=device, weights_only=True)
        head.load_state_dict(state["head"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first, spent = state["step"], state["minutes"]
    began = saved = time.monotonic()
    with tqdm(range(first, plan.steps), initial=first, total=plan.steps, desc=folder.name, mininterval=10) as progress:
        for step in progress:
            minutes = spent + (time.monotonic() - began) / 60
            share = min(1.0, max(step / plan.steps, minutes / plan.minutes))
            for group in optimiser.param_groups:
                group["lr"] = (
                    plan.rate * min(1.0, (step + 1) / 30) * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
                )
            batch = data.batch(plan.size, rng).to(device)
            gate = torch.ones(plan.size, 1, device=device)
            corrected, look = run_inside(head, network, backbone, batch.pictures, gate)
            loss, parts = loss_of(corrected, look, batch, data.others(_OTHERS, rng).to(device))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
            optimiser.step()
            average.update_parameters(head)
            progress.set_postfix({name: f"{value:.3f}" for name, value in parts.items()}, refresh=False)
            last = share >= 1 or step + 1 == plan.steps
            if last or time.monotonic() - saved > _CHECKPOINT_S:
                saved = time.monotonic()
                state = {"step": step + 1, "minutes": minutes, "shape": asdict(head.shape), "plan": asdict(plan)}
                state |= {
                    "head": head.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                }
                torch.save(state, path.with_suffix(".tmp"))
                path.with_suffix(".tmp").rename(path)
            if last:
                break


def load_head(path: Path) -> Head:
    """The averaged head of a checkpoint."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    average = AveragedModel(Head(HeadShape(**state["shape"])), use_buffers=True)
    average.load_state_dict(state["average"])
    trained: Head = average.module.eval()
    return trained


def main() -> None:
    """Train one head."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--kind", choices=get_args(HeadKind), default="eye-attention")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=1e9, help="wall-clock budget, resumed runs included")
    parser.add_argument("--size", type=int, default=48, help="of a batch")
    # At a batch of 48, three times as much undoes in 350 steps what 100 have learned.
    parser.add_argument("--rate", type=float, default=1e-3, help="of learning")
    parser.add_argument("--limit", type=int, help="train on this many crops only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--run", default="main", help="name of the run, a folder beside the embeddings")
    parser.add_argument("--resume", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    plan = Plan(a.backbone, a.kind, a.steps, a.minutes, a.size, a.limit, a.seed, a.rate)
    train(plan, train_dir("head", a.backbone, "runs", a.run), a.resume)


if __name__ == "__main__":
    main()
