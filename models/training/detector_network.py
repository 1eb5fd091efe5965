"""The detector's network: plain dense convolutions on three grids, one centre a cell.

Plain 3 x 3 convolutions with ReLU are what ONNX Runtime runs fastest in 8 bits. Each cell of the grids with strides 8,
16 and 32 says a score, four distances to a box's sides and five landmarks, all from the middle of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES_PX = (8, 16, 32)
# Score, box sides (left, top, right, bottom), landmarks (x, y five times).
CHANNELS = 1 + 4 + 10
# Distances are in units of this many strides, so that outputs are of order one.
UNIT_STRIDES = 2.0


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """Widths: of the stem's two convolutions, of the stages at strides 8, 16, 32, and of what is read from each."""

    stem: tuple[int, int] = (16, 32)
    stages: tuple[int, int, int] = (32, 64, 128)
    blocks: tuple[int, int, int] = (2, 3, 3)
    necks: tuple[int, int, int] = (32, 48, 64)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class DetectorNet(nn.Module):
    """Pictures (n, 3, H, W) RGB in -1..1, H and W multiples of 32, to raw predictions (n, CHANNELS, cells)."""

    def __init__(self, shape: DetectorShape) -> None:
        super().__init__()
        self.shape = shape
        self.stem = nn.Sequential(convolution(3, shape.stem[0], stride=2), convolution(*shape.stem, stride=2))
        self.stages = nn.ModuleList()
        width = shape.stem[1]
        for out, blocks in zip(shape.stages, shape.blocks, strict=True):
            inner = [convolution(out, out) for _ in range(blocks)]
            self.stages.append(nn.Sequential(convolution(width, out, stride=2), *inner))
            width = out
        necks = shape.necks
        self.lateral = nn.ModuleList(convolution(s, n, kernel=1) for s, n in zip(shape.stages, necks, strict=True))
        self.down = nn.ModuleList(convolution(necks[k + 1], necks[k], kernel=1) for k in range(2))
        self.read = nn.ModuleList(convolution(n, n) for n in necks)
        self.say = nn.ModuleList(nn.Conv2d(n, CHANNELS, 1) for n in necks)
        for layer in self.say:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            # Few cells hold a face: start from saying so, or the first thousand steps are spent on it.
            nn.init.constant_(layer.bias[:1], -4.0)

    def grids(self, pictures: Tensor) -> list[Tensor]:
        """Raw predictions (n, CHANNELS, H / stride, W / stride) at each stride."""
        features = self.stem(pictures)
        seen = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            features = stage(features)
            seen.append(lateral(features))
        for level in (1, 0):
            coarser = functional.interpolate(self.down[level](seen[level + 1]), scale_factor=2.0, mode="nearest")
            seen[level] = seen[level] + coarser
        return [say(read(x)) for say, read, x in zip(self.say, self.read, seen, strict=True)]

    def forward(self, pictures: Tensor) -> Tensor:
        """All grids one after the other, row by row: (n, CHANNELS, cells)."""
        return torch.cat([grid.flatten(2) for grid in self.grids(pictures)], dim=2)


@cache
def cell_middles(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Middles (cells, 2) x, y in pixels, and strides (cells,), in the order of the network's output."""
    middles, strides = [], []
    for stride in STRIDES_PX:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        middles.append((torch.stack([x, y], dim=2).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((len(middles[-1]),), float(stride)))
    return torch.cat(middles), torch.cat(strides)


def to_boxes(raw: Tensor, middles: Tensor, strides: Tensor) -> Tensor:
    """Boxes (..., 4) x1, y1, x2, y2 in pixels from raw distances (..., 4)."""
    distance = raw.clamp(-6, 6).exp() * (UNIT_STRIDES * strides)[..., None]
    return torch.cat([middles - distance[..., :2], middles + distance[..., 2:]], dim=-1)


def to_landmarks(raw: Tensor, middles: Tensor, strides: Tensor) -> Tensor:
    """Landmarks (..., 5, 2) in pixels from raw offsets (..., 10)."""
    offset = raw.unflatten(-1, (5, 2)) * (UNIT_STRIDES * strides)[..., None, None]
    return middles[..., None, :] + offset
