"""The student embedder: a small dense convolutional net whose attention moves to the eyes as a mask grows.

Two streams of tokens are pooled by attention: 49 of the whole face (7 x 7), and 21 of the eye strip (rows y = 16..64
px of the 112 px crop), which leave the trunk a stage earlier and so see twice the detail. The probability of a mask
shifts the attention by a learned prior that starts on eyes, brows and forehead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

HeadKind = Literal["eye-attention", "attention-without-prior", "plain"]
EMBEDDING = 512
_GRID = 7
# Rows of the 14 x 14 map that make the eye strip, and the rows of the 7 x 7 grid where its tokens belong.
_STRIP = slice(2, 8)
_STRIP_ROWS = slice(1, 4)
_STRIP_TOKENS = 3 * _GRID


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Widths and depths; the defaults are the shipped model."""

    widths: tuple[int, int, int] = (32, 64, 192)
    blocks: tuple[int, int, int] = (1, 2, 2)
    heads: int = 16
    head: HeadKind = "eye-attention"
    depthwise: bool = False


class StudentOutput(NamedTuple):
    """`embedding` (n, 512) L2-normalised; `mask` (n, 3) logits of no mask, nose covered, worn low; `attention`
    (n, 7, 7) summing to 1; `recognisability` (n,) 0..1; `stages` the three feature maps, for hints in training."""

    embedding: Tensor
    mask: Tensor
    attention: Tensor
    recognisability: Tensor
    stages: tuple[Tensor, Tensor, Tensor]


def _convolution(inputs: int, outputs: int, stride: int = 1, depthwise: bool = False) -> nn.Sequential:
    if depthwise:
        return nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions beside a straight path."""

    def __init__(self, width: int, depthwise: bool) -> None:
        super().__init__()
        self.first = _convolution(width, width, 1, depthwise)
        self.active = nn.ReLU()
        self.second = _convolution(width, width, 1, depthwise)
        # Starting as the identity lets the deep net learn from the first step on.
        nn.init.zeros_(self.second[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) to the same."""
        y: Tensor = x + self.second(self.active(self.first(x)))
        return y


class EyeAttention(nn.Module):
    """Pools face and eye tokens (n, channels, 70, 1) into (n, 512), each head by its own attention."""

    def __init__(self, channels: int, heads: int, with_prior: bool) -> None:
        super().__init__()
        self.heads = heads
        # Convolutions of size one: they keep the layout that ONNX Runtime's convolutions like.
        self.value = nn.Conv2d(channels, EMBEDDING, 1)
        self.score = nn.Conv2d(channels, heads, 1)
        tokens = _GRID * _GRID + _STRIP_TOKENS
        self.position = nn.Parameter(torch.randn(heads, tokens) * 0.5)
        self.prior = nn.Parameter(_eye_prior(heads), requires_grad=with_prior)
        if not with_prior:
            nn.init.zeros_(self.prior)

    def forward(self, tokens: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """`tokens` (n, c, t, 1), `masked` (n,) 0..1 to pooled (n, 512) and attention (n, heads, t)."""
        shift = self.position + masked[:, None, None] * self.prior
        attention = torch.softmax(self.score(tokens).flatten(2) + shift, dim=2)
        values = self.value(tokens).reshape(-1, self.heads, EMBEDDING // self.heads, tokens.shape[2])
        pooled = (values @ attention.unsqueeze(3)).reshape(-1, EMBEDDING)
        return pooled, attention


def _eye_prior(heads: int) -> Tensor:
    """Shift of the attention logits under a full mask (heads, 70): towards the eye rows, away from nose and below."""
    face = torch.zeros(_GRID, _GRID)
    face[_STRIP_ROWS] = 1.0
    face[4:] = -2.0
    return torch.cat([face.flatten(), torch.full((_STRIP_TOKENS,), 1.0)]).repeat(heads, 1)


class Student(nn.Module):
    """Aligned crops (n, 3, 112, 112) RGB in -1..1 to `StudentOutput`."""

    def __init__(self, shape: StudentShape = StudentShape()) -> None:
        super().__init__()
        self.shape = shape
        first, second, third = shape.widths
        stem = first // 2
        self.stem = nn.Sequential(*_convolution(3, stem, 2), nn.ReLU(), *_convolution(stem, first, 2), nn.ReLU())
        self.stage1 = self._stage(first, shape.blocks[0])
        self.down2 = nn.Sequential(*_convolution(first, second, 2), nn.ReLU())
        self.stage2 = self._stage(second, shape.blocks[1])
        self.down3 = nn.Sequential(*_convolution(second, third, 2), nn.ReLU())
        self.stage3 = self._stage(third, shape.blocks[2])
        self.strip = nn.Sequential(
            *_convolution(second, third, 2), nn.ReLU(), *_convolution(third, third, 1), nn.ReLU()
        )
        self.face_norm = nn.BatchNorm2d(third)
        self.mask = nn.Linear(third, 3)
        self.attention = EyeAttention(third, shape.heads, shape.head == "eye-attention")
        self.flat = nn.Sequential(
            nn.Conv2d(third, third, _GRID, groups=third, bias=False), nn.Flatten(), nn.Linear(third, EMBEDDING)
        )
        self.mix = nn.Sequential(nn.BatchNorm1d(EMBEDDING), nn.Linear(EMBEDDING, EMBEDDING))
        self.quality = nn.Linear(EMBEDDING, 1)

    def _stage(self, width: int, blocks: int) -> nn.Sequential:
        return nn.Sequential(*[Block(width, self.shape.depthwise) for _ in range(blocks)])

    def forward(self, crops: Tensor) -> StudentOutput:
        """All outputs."""
        low = self.stage1(self.stem(crops))
        middle = self.stage2(self.down2(low))
        high = self.stage3(self.down3(middle))
        face = self.face_norm(high)
        mask = self.mask(face.mean(dim=(2, 3)))
        if self.shape.head == "plain":
            pooled = self.flat(face)
            spread = torch.full_like(face[:, 0], 1 / _GRID**2)
        else:
            masked = torch.softmax(mask.detach(), dim=1)[:, 1]
            strip = self.strip(middle[:, :, _STRIP])
            tokens = torch.cat([face.flatten(2), strip.flatten(2)], dim=2).unsqueeze(3)
            pooled, attention = self.attention(tokens, masked)
            spread = _on_grid(attention.mean(dim=1))
        mixed = self.mix(pooled)
        recognisability = torch.sigmoid(self.quality(pooled.detach()))[:, 0]
        return StudentOutput(
            embedding=functional.normalize(mixed, dim=1),
            mask=mask,
            attention=spread,
            recognisability=recognisability,
            stages=(low, middle, high),
        )


def _on_grid(attention: Tensor) -> Tensor:
    """Attention over 70 tokens (n, 70) as one map (n, 7, 7) of the crop."""
    face = attention[:, : _GRID * _GRID].reshape(-1, _GRID, _GRID)
    strip = attention[:, _GRID * _GRID :].reshape(-1, 3, _GRID)
    return face + functional.pad(strip, (0, 0, _STRIP_ROWS.start, _GRID - _STRIP_ROWS.stop))


class Deployed(nn.Module):
    """The student as it is exported: embedding (n, 512), mask (n, 2), attention (n, 7, 7), recognisability (n,)."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`mask` is the probability that one is worn, and that it is worn below the nose."""
        out = self.student(crops)
        p = torch.softmax(out.mask, dim=1)
        mask = torch.stack([p[:, 1] + p[:, 2], p[:, 2]], dim=1)
        return out.embedding, mask, out.attention, out.recognisability
