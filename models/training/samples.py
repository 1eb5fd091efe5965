"""What the student learns from: clean, occluded and blended faces with the teacher's answer to the clean one.

Everything lives on the training device: mapped from disk on a CPU (or held in memory, where the system gives the pages
of files back too soon), held in memory on a GPU (about 12 GB with four rendered variants), so that no data loader
stands between it and the network.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training import shards
from models.training.crops import CROP_SIZE, load
from models.training.features import HINTS, Features
from models.training.paths import train_dir
from models.training.teacher import normalise

# Eight grey levels, in network input: more than compression changes, less than a mask does.
_CHANGED = 16 / 255


@dataclass(frozen=True, slots=True)
class Shares:
    """What a batch consists of: clean and exactly aligned (with hints), occluded, blended; the rest clean but moved."""

    hinted: float
    occluded: float
    blended: float


# A face must be known before it can be recognised under a mask: mostly clean ones at first, mostly masked ones later.
_FIRST, _LAST = Shares(0.7, 0.12, 0.1), Shares(0.1, 0.5, 0.3)


def shares_at(spent: float) -> Shares:
    """What a batch consists of when this share of the training is over, 0..1."""
    first, last = asdict(_FIRST), asdict(_LAST)
    return Shares(**{name: first[name] + spent * (last[name] - first[name]) for name in first})


@dataclass(frozen=True, slots=True)
class Batch:
    """`pictures` (n, 3, 112, 112) in -1..1, `target` (n, 512) unit rows, `state` and `identity` (n,), -1 unknown.

    The first `hinted` pictures are exactly what the teacher saw; `hints` what its blocks made of those.
    """

    pictures: Tensor
    target: Tensor
    state: Tensor
    identity: Tensor
    hinted: int
    hints: list[Tensor] = field(default_factory=list)


class Samples:
    """Endless random batches on `device`, the same for the same seed and set of rendered variants.

    `embeddings` (n, 512) are the teacher's answers to all crops, `people` (k, 512) their mean by person: what the
    relation and the margin loss compare with.
    """

    def __init__(self, size: int, seed: int, device: str, hold: bool = False) -> None:
        folder, crops = train_dir(), load()
        self.size, self.device, self._hold = size, device, hold
        self._random = torch.Generator(device).manual_seed(seed)
        # `pictures[0]` are the clean crops, the others rendered variants; `states` likewise.
        variants = shards.available()
        self._pictures = [
            self._keep(folder / "crops.npy"),
            *(self._keep(folder / f"occluded-{v}.npy") for v in variants),
        ]
        states = [np.load(folder / f"occluded-{v}-state.npy").astype(np.int64) for v in variants]
        self._states = torch.from_numpy(np.stack([np.zeros(len(crops), np.int64), *states])).to(device)
        self._identity = torch.from_numpy(crops.identity).to(device)
        embeddings = normalise(np.load(folder / "teacher.npy"))
        self.embeddings = torch.from_numpy(embeddings).to(device)
        known = crops.identity >= 0
        sums = np.zeros((crops.identity.max() + 1, embeddings.shape[1]), dtype=np.float32)
        np.add.at(sums, crops.identity[known], embeddings[known])
        self.people = torch.from_numpy(normalise(sums)).to(device)
        blends = np.load(folder / "blends.npz")
        self._pair = torch.from_numpy(blends["pair"].astype(np.int64)).to(device)
        self._share = torch.from_numpy(blends["share"]).to(device)
        self._blend_target = torch.from_numpy(normalise(blends["embedding"])).to(device)
        self._features = Features(hold)
        self.hint_variances = [self._features.variance(name).to(device) for name in HINTS]

    def _keep(self, path: Path) -> Tensor:
        mapped = torch.from_numpy(np.load(path, mmap_mode=None if self._hold else "c"))
        return mapped if self.device == "cpu" else mapped.to(self.device)

    def draw(self, shares: Shares) -> Batch:
        """One batch."""
        hinted, occluded, blended = (int(s * self.size) for s in (shares.hinted, shares.occluded, shares.blended))
        single = self.size - blended
        index = self._integers(len(self.embeddings), single)
        variant = torch.zeros(single, dtype=torch.int64, device=self.device)
        variant[hinted : hinted + occluded] = 1 + self._integers(len(self._pictures) - 1, occluded)
        mix = self._integers(len(self._pair), blended)
        mixed, mixed_state = self._dress(self._blend(mix), mix)
        pictures = torch.cat([self._gather(index, variant), mixed])
        pictures = torch.cat([pictures[:hinted], self._tone(self._move(pictures[hinted:]))])
        unknown = torch.full((blended,), -1, device=self.device)
        return Batch(
            pictures=pictures,
            target=torch.cat([self.embeddings[index], self._blend_target[mix]]),
            state=torch.cat([self._states[variant, index], mixed_state]),
            identity=torch.cat([self._identity[index], unknown]),
            hinted=hinted,
            hints=self._hints(index[:hinted]),
        )

    def _hints(self, index: Tensor) -> list[Tensor]:
        rows = index.cpu().numpy()
        return [self._features.rows(name, rows).to(self.device) for name in HINTS]

    def _gather(self, index: Tensor, variant: Tensor) -> Tensor:
        rows = torch.empty((len(index), CROP_SIZE, CROP_SIZE, 3), dtype=torch.uint8, device=self.device)
        for v, pictures in enumerate(self._pictures):
            chosen = variant == v
            rows[chosen] = pictures[index[chosen]]
        return _scaled(rows)

    def _blend(self, mix: Tensor) -> Tensor:
        """Mixed faces; whoever they show, the teacher said what they are."""
        share = self._share[mix][:, None, None, None]
        first, second = (_scaled(self._pictures[0][self._pair[mix, k]]) for k in (0, 1))
        return first * share + second * (1 - share)

    def _dress(self, mixed: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
        """Blends wearing what a rendering of their first face wears, where that can be told apart; and their states."""
        row = self._pair[mix, 0]
        variant = 1 + self._integers(len(self._pictures) - 1, len(mix))
        worn, bare = self._gather(row, variant), self._gather(row, torch.zeros_like(variant))
        changed = ((worn - bare).abs().amax(dim=1, keepdim=True) > _CHANGED).float()
        # Grain and compression leave specks: shrink, then grow past the edge of what is left.
        changed = functional.max_pool2d(-functional.max_pool2d(-changed, 5, 1, 2), 7, 1, 3)
        cover = changed.mean(dim=(1, 2, 3))
        # Other light or blur changes the whole picture: then nothing is known about where the mask is.
        usable = ((cover > 0.1) & (cover < 0.55)).float()[:, None, None, None]
        soft = functional.avg_pool2d(changed, 3, 1, 1) * usable
        state = torch.where(usable.flatten() > 0, self._states[variant, row], 0)
        return mixed + soft * (worn - mixed), state

    def _move(self, pictures: Tensor) -> Tensor:
        """Shift, turn, scale and mirror by what detectors differ."""
        count = len(pictures)
        angle, scale = 0.03 * self._normal(count), torch.exp(0.025 * self._normal(count))
        mirror = torch.where(self._uniform(count) < 0.5, -1.0, 1.0)
        cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
        shift = 1.2 * 2 / CROP_SIZE * self._normal(2, count)
        matrix = torch.stack([cos * mirror, -sin, shift[0], sin * mirror, cos, shift[1]], dim=1).reshape(-1, 2, 3)
        grid = functional.affine_grid(matrix, list(pictures.shape), align_corners=False)
        # Black is what lies outside a photograph in an aligned crop.
        return functional.grid_sample(pictures + 1, grid, align_corners=False) - 1

    def _tone(self, pictures: Tensor) -> Tensor:
        """Contrast, brightness, colour cast and greyness at random."""
        count = len(pictures)
        grey = (self._uniform(count, 1, 1, 1) < 0.08).float()
        pictures = pictures + grey * (pictures.mean(dim=1, keepdim=True) - pictures)
        contrast = torch.exp(0.15 * self._normal(count, 1, 1, 1))
        cast = 0.1 * self._normal(count, 1, 1, 1) + 0.04 * self._normal(count, 3, 1, 1)
        return (pictures * contrast + cast).clamp(-1, 1)

    def _integers(self, below: int, count: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._random, device=self.device)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._random, device=self.device)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._random, device=self.device)

    def keys(self, count: int) -> Tensor:
        """The teacher's answers (count, 512) to random crops."""
        return self.embeddings[self._integers(len(self.embeddings), count)]


def _scaled(rows: Tensor) -> Tensor:
    """Bytes (n, h, w, 3) to network input (n, 3, h, w) in -1..1."""
    return (rows.permute(0, 3, 1, 2).float() - 127.5) / 127.5
