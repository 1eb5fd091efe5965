"""The student embedder: depthwise residual blocks with the teacher's stages, and attention that moves to the eyes.

The trunk has a block for each block of its teacher (EdgeFace-XS), so that each can first be taught alone, by what the
teacher's block makes of the teacher's own features (`blockwise`). Its answer is a linear map of the pooled trunk.
Beside it two streams of tokens are pooled by attention and added: 49 of the whole face (7 x 7), and 21 of the eye strip
(rows y = 16..64 px of the 112 px crop), which leave the trunk a stage earlier and so see twice the detail. The
probability of a mask shifts the attention by a learned prior that starts on eyes, brows and forehead.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

HeadKind = Literal["eye-attention", "attention-without-prior", "plain"]
EMBEDDING = 512
_PATCH = 4
_GRID = 7
_POOLED = 256
_TOKEN = 128
# Rows of the 14 x 14 map that make the eye strip, and the rows of the 7 x 7 grid where its tokens belong.
_STRIP = slice(2, 8)
_STRIP_ROWS = slice(1, 4)
_STRIP_TOKENS = 3 * _GRID


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Widths, depths and kernels of the four stages (28, 14, 7 and 3 px); the defaults are the shipped model.

    Inside a block of the trunk there are `expansion` times as many channels: what can grow or shrink while each block
    still hands on what the teacher's does.

    The teacher's last blocks of the second and third stage are learned together with the down-sampling behind them,
    and its last but one of the third and its very last, which change next to nothing, not at all.
    """

    widths: tuple[int, int, int, int] = (32, 64, 100, 192)
    blocks: tuple[int, int, int, int] = (3, 3, 8, 2)
    kernels: tuple[int, int, int, int] = (3, 5, 7, 5)
    expansion: int = 4
    heads: int = 8
    head: HeadKind = "eye-attention"


class StudentOutput(NamedTuple):
    """`embedding` (n, 512) L2-normalised; `mask` (n, 3) logits of no mask, nose covered, worn low; `attention`
    (n, 7, 7) summing to 1; `recognisability` (n,) 0..1; `inner` the features at each boundary of `features.HINTS`,
    for hints in training."""

    embedding: Tensor
    mask: Tensor
    attention: Tensor
    recognisability: Tensor
    inner: tuple[Tensor, ...]


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels at each place: (n, c, h, w) to the same."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalised."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """What is around (depthwise), then what it means (two pointwise convolutions), beside a straight path.

    After ConvNeXt (Liu et al., 2022), with ReLU and, but for the first stage, batch normalisation: both cost next to
    nothing in ONNX Runtime, and blocks with them follow the teacher's nearly as closely.
    """

    def __init__(self, width: int, kernel: int, by_place: bool, expansion: int = 4) -> None:
        super().__init__()
        self.around = nn.Conv2d(width, width, kernel, 1, kernel // 2, groups=width, bias=False)
        self.norm = ChannelNorm(width) if by_place else nn.BatchNorm2d(width)
        self.up = nn.Conv2d(width, expansion * width, 1)
        self.active = nn.ReLU()
        self.down = nn.Conv2d(expansion * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) to the same."""
        y: Tensor = x + self.down(self.active(self.up(self.norm(self.around(x)))))
        return y


def stem(width: int) -> nn.Sequential:
    """Patches of 4 x 4 px (n, 3, 112, 112) to (n, width, 28, 28)."""
    # As a pointwise convolution it trains ten times as fast as with a stride.
    return nn.Sequential(nn.PixelUnshuffle(_PATCH), nn.Conv2d(3 * _PATCH**2, width, 1), ChannelNorm(width))


def half(inputs: int, outputs: int) -> nn.Sequential:
    """Half the size: (n, inputs, h, w) to (n, outputs, h // 2, w // 2)."""
    return nn.Sequential(ChannelNorm(inputs), nn.Conv2d(inputs, outputs, 2, 2))


class EyeAttention(nn.Module):
    """Pools face and eye tokens (n, 128, 70, 1) into (n, 256), each head by its own attention."""

    def __init__(self, heads: int, with_prior: bool) -> None:
        super().__init__()
        self.heads = heads
        # Convolutions of size one: they keep the layout that ONNX Runtime's convolutions like.
        self.value = nn.Conv2d(_TOKEN, _POOLED, 1)
        self.score = nn.Conv2d(_TOKEN, heads, 1)
        tokens = _GRID * _GRID + _STRIP_TOKENS
        self.position = nn.Parameter(torch.randn(heads, tokens) * 0.5)
        self.prior = nn.Parameter(_eye_prior(heads), requires_grad=with_prior)
        if not with_prior:
            nn.init.zeros_(self.prior)

    def forward(self, tokens: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """`tokens` (n, 128, t, 1), `masked` (n,) 0..1 to pooled (n, 256) and attention (n, heads, t)."""
        shift = self.position + masked[:, None, None] * self.prior
        attention = torch.softmax(self.score(tokens).flatten(2) + shift, dim=2)
        values = self.value(tokens).reshape(-1, self.heads, _POOLED // self.heads, tokens.shape[2])
        pooled = (values @ attention.unsqueeze(3)).reshape(-1, _POOLED)
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
        first, second, third, fourth = shape.widths
        self.stem = stem(first)
        self.stage1, self.stage2, self.stage3, self.stage4 = (
            nn.Sequential(*[Block(width, kernel, k == 0, shape.expansion) for _ in range(blocks)])
            for k, (width, blocks, kernel) in enumerate(zip(shape.widths, shape.blocks, shape.kernels, strict=True))
        )
        self.half1, self.half2, self.half3 = half(first, second), half(second, third), half(third, fourth)
        self.whole = nn.Sequential(nn.LayerNorm(fourth), nn.Linear(fourth, EMBEDDING))
        self.mask = nn.Sequential(nn.LayerNorm(third), nn.Linear(third, 3))
        self.quality = nn.Linear(fourth, 1)
        if shape.head != "plain":
            self.strip = nn.Sequential(half(second, _TOKEN), Block(_TOKEN, 5, by_place=False))
            self.face = nn.Conv2d(third, _TOKEN, 1)
            self.attention = EyeAttention(shape.heads, shape.head == "eye-attention")
            self.mix = nn.Sequential(nn.BatchNorm1d(_POOLED), nn.Linear(_POOLED, EMBEDDING))
            # The trunk is taught first; what the attention adds starts at nothing.
            nn.init.zeros_(self.mix[1].weight)
            nn.init.zeros_(self.mix[1].bias)

    def forward(self, crops: Tensor) -> StudentOutput:
        """All outputs."""
        second = self.half1(self.stage1(self.stem(crops)))
        middle = self.stage2(second)
        third = [self.half2(middle)]
        for block in self.stage3:
            third.append(block(third[-1]))
        high = third[-1]
        fourth = self.half3(high)
        opened = self.stage4[0](fourth)
        pooled = self.stage4[1:](opened).mean(dim=(2, 3))
        embedding = self.whole(pooled)
        mask = self.mask(high.mean(dim=(2, 3)))
        if self.shape.head == "plain":
            spread = high.new_full((len(high), _GRID, _GRID), 1 / _GRID**2)
        else:
            masked = torch.softmax(mask.detach(), dim=1)[:, 1]
            tokens = torch.cat([self.face(high).flatten(2), self.strip(middle[:, :, _STRIP]).flatten(2)], dim=2)
            seen, attention = self.attention(tokens.unsqueeze(3), masked)
            embedding = embedding + self.mix(seen)
            spread = _on_grid(attention.mean(dim=1))
        return StudentOutput(
            embedding=functional.normalize(embedding, dim=1),
            mask=mask,
            attention=spread,
            recognisability=torch.sigmoid(self.quality(pooled.detach()))[:, 0],
            # The teacher's last two blocks of the third stage are nobody's target: see `blockwise.lessons`.
            inner=(second, *third[:-1], fourth, opened),
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
        self.student = copy.deepcopy(student)
        patches = student.stem[1]
        strided = nn.Conv2d(3, patches.out_channels, _PATCH, _PATCH)
        strided.weight.data.copy_(patches.weight.detach().reshape(strided.weight.shape))
        strided.bias.data.copy_(patches.bias.detach())
        self.student.stem = nn.Sequential(strided, student.stem[2])

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`mask` is the probability that one is worn, and that it is worn below the nose."""
        out = self.student(crops)
        p = torch.softmax(out.mask, dim=1)
        mask = torch.stack([p[:, 1] + p[:, 2], p[:, 2]], dim=1)
        return out.embedding, mask, out.attention, out.recognisability
