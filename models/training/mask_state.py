"""The mask-state model: is a mask worn, and is it worn below the nose?

`python -m models.training.mask_state` trains on our rendered occlusions (and, as positives, real masked faces),
evaluates on the `mask-nomask` photographs, which it never trains on, and writes the pack `models/packs/mask-state/`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from models.training import shards
from models.training.crops import Crops, load
from models.training.detect import align, detect, main_face, read_bgr
from models.training.export import trace
from models.training.paths import packs_dir, shared_dir, train_dir
from models.training.teacher import session, to_input

# At half size a mask is still unmistakable, and the model takes a tenth of a millisecond.
_INSIDE_PX = 56
_REAL_MIN_EYE_DISTANCE_PX = 14.0


class MaskStateNet(nn.Module):
    """Aligned crops (n, 3, 112, 112) RGB in -1..1 to probabilities (n, 2): mask worn, mask worn below the nose."""

    def __init__(self, width: int = 12) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for out in (width, 2 * width, 3 * width, 4 * width):
            layers += [nn.Conv2d(channels, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
            channels = out
        self.features = nn.Sequential(*layers)
        self.classify = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels * 16, 32), nn.ReLU(), nn.Linear(32, 3)
        )

    def logits(self, crops: Tensor) -> Tensor:
        """Scores (n, 3) of: no mask, nose covered, worn low."""
        scores: Tensor = self.classify(self.features(functional.avg_pool2d(crops, 112 // _INSIDE_PX)))
        return scores

    def forward(self, crops: Tensor) -> Tensor:
        """Probabilities (n, 2)."""
        p = torch.softmax(self.logits(crops), dim=1)
        return torch.stack([p[:, 1] + p[:, 2], p[:, 2]], dim=1)


def real_masked_faces() -> NDArray[np.uint8]:
    """Aligned crops (n, 112, 112, 3) RGB of the faces in `real-masks`, large enough to see the mask; cached."""
    cache = train_dir() / "real-masks.npy"
    if not cache.is_file():
        faces = []
        for path in tqdm(
            sorted((shared_dir() / "data/faces/real-masks").rglob("*.jpg")), desc="real masks", mininterval=10
        ):
            picture = read_bgr(path)
            found = [f for f in detect(picture) if f.eye_distance_px >= _REAL_MIN_EYE_DISTANCE_PX]
            faces += [align(picture, face.landmarks)[:, :, ::-1] for face in found]
        np.save(cache, np.array(faces))
    crops: NDArray[np.uint8] = np.load(cache)
    return crops


@dataclass(frozen=True, slots=True)
class Examples:
    """Crops (n, 112, 112, 3) RGB in several arrays, addressed by (array, row), with their state."""

    arrays: list[NDArray[np.uint8]]
    where: NDArray[np.int64]
    state: NDArray[np.int64]

    def take(self, index: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """A batch of network inputs (n, 3, 112, 112), moved and toned at random; and states (n,)."""
        pictures = np.stack([move(self.arrays[a][row], rng) for a, row in self.where[index]])
        return tone(torch.from_numpy(to_input(pictures))), torch.from_numpy(self.state[index])


def move(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift, turn, scale and mirror a crop as another detector's points might."""
    matrix = cv2.getRotationMatrix2D((56, 62), rng.normal(0, 5), np.exp(rng.normal(0, 0.07)))
    matrix = np.add(matrix, [[0, 0, rng.normal(0, 3.0)], [0, 0, rng.normal(0, 3.0)]])
    if rng.random() < 0.5:
        matrix[0] = [-matrix[0, 0], -matrix[0, 1], 111 - matrix[0, 2]]
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(rgb, matrix, (112, 112), flags=cv2.INTER_LINEAR, borderMode=border).astype(np.uint8)


def tone(pictures: Tensor) -> Tensor:
    """Change contrast, brightness and colour cast of inputs (n, 3, 112, 112), and make one in seven grey."""
    count = len(pictures)
    grey = (torch.rand(count, 1, 1, 1) < 0.15).float()
    pictures = pictures + grey * (pictures.mean(dim=1, keepdim=True) - pictures)
    contrast = torch.exp(0.25 * torch.randn(count, 1, 1, 1))
    brightness = 0.2 * torch.randn(count, 1, 1, 1) + 0.08 * torch.randn(count, 3, 1, 1)
    return (pictures * contrast + brightness).clamp(-1, 1)


def examples(crops: Crops, real: NDArray[np.uint8], real_share: int = 12) -> Examples:
    """Clean crops, rendered variants, and the real masked faces `real_share` times over."""
    arrays: list[NDArray[np.uint8]] = [crops.rgb]
    rows = [np.stack([np.zeros(len(crops), dtype=np.int64), np.arange(len(crops))], axis=1)]
    states = [np.full(len(crops), shards.NO_MASK, dtype=np.int64)]
    for variant in shards.available():
        state = np.load(train_dir() / f"occluded-{variant}-state.npy").astype(np.int64)
        known = np.flatnonzero(state != shards.UNCLEAR)
        rows.append(np.stack([np.full(len(known), len(arrays)), known], axis=1))
        states.append(state[known])
        arrays.append(np.load(train_dir() / f"occluded-{variant}.npy", mmap_mode="r"))
    if len(real):
        repeated = np.tile(np.arange(len(real)), real_share)
        rows.append(np.stack([np.full(len(repeated), len(arrays)), repeated], axis=1))
        states.append(np.full(len(repeated), shards.NOSE_COVERED, dtype=np.int64))
        arrays.append(real)
    return Examples(arrays, np.concatenate(rows), np.concatenate(states))


def batches(data: Examples, size: int, steps: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """`steps` random batches, about half of them without a mask."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(data.state == s) for s in (shards.NO_MASK, shards.NOSE_COVERED, shards.WORN_LOW)]
    for _ in range(steps):
        picked = [rng.choice(g, n) for g, n in zip(groups, (size // 2, size // 3, size // 6), strict=True)]
        yield data.take(np.concatenate(picked), rng)


def train(data: Examples, steps: int, seed: int) -> MaskStateNet:
    """Adam with one cosine."""
    torch.manual_seed(seed)
    network = MaskStateNet()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    progress = tqdm(batches(data, 192, steps, seed), total=steps, desc="mask state", mininterval=10)
    for pictures, states in progress:
        loss = functional.cross_entropy(network.logits(pictures), states, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    network.eval()
    return network


def held_out_faces() -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
    """`mask-nomask` aligned: crops (n, 112, 112, 3) RGB, whether masked (n,), and how many had no detected face."""
    folder = shared_dir() / "data/faces/mask-nomask"
    faces, masked, missed = [], [], 0
    for name in ("with", "without"):
        for path in sorted((folder / name).iterdir()):
            picture = read_bgr(path)
            face = main_face(picture)
            if face is None:
                missed += 1
                continue
            faces.append(align(picture, face.landmarks)[:, :, ::-1])
            masked.append(name == "with")
    return np.array(faces), np.array(masked), missed


def evaluate(model: Path) -> dict[str, Any]:
    """Figures on `mask-nomask` at the threshold 0.5 (percent), and where it errs."""
    faces, masked, missed = held_out_faces()
    p = session(model, threads=1).run(None, {"crop": to_input(faces)})[0][:, 0]
    said = p > 0.5
    sensitivity, specificity = (
        float((said & masked).sum() / masked.sum()),
        float((~said & ~masked).sum() / (~masked).sum()),
    )
    return {
        "set": "mask-nomask",
        "faces": len(faces),
        "pictures_without_detected_face": missed,
        "masked_found_percent": round(100 * sensitivity, 2),
        "unmasked_kept_percent": round(100 * specificity, 2),
        "balanced_accuracy_percent": round(50 * (sensitivity + specificity), 2),
    }


def main() -> None:
    """Train, export, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-real", action="store_true", help="train on rendered masks alone")
    parser.add_argument("--out", type=Path, default=packs_dir() / "mask-state" / "model.onnx")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    real = np.empty((0, 112, 112, 3), np.uint8) if arguments.without_real else real_masked_faces()
    data = examples(load(), real)
    network = train(data, arguments.steps, arguments.seed)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(trace(network, ("mask",)))
    figures = evaluate(arguments.out)
    figures["sha256"] = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    figures["bytes"] = arguments.out.stat().st_size
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
