"""The head: small adapters inside a frozen backbone, opened by a mask, that move its attention to the eyes.

The backbone's maps are tapped in several places, from the first 14 x 14 map on. From that first map the head tells
whether a mask is worn, and where to look: attention whose logits a mask shifts by a learned prior that starts on brows
and eyes. Each adapter then weighs its map by the attention and adds a correction, the last one corrects the embedding.
A gate multiplies all of it and is 0 without a mask, so that unmasked faces keep the backbone's embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

HeadKind = Literal["eye-attention", "attention-without-prior", "plain"]
GRID = 14
# Below the one P(mask) nothing is corrected, above the other all is: a face must be clearly masked to be touched.
GATE_FROM, GATE_TO = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class HeadShape:
    """Channels of the tapped maps in order, length of the embedding, width of an adapter's bottleneck."""

    channels: tuple[int, ...]
    embedding: int = 512
    width: int = 64
    sides: tuple[int, ...] = (14, 14, 14, 14, 7, 7, 7)
    kind: HeadKind = "eye-attention"

    def inputs(self) -> list[tuple[int, ...]]:
        """Shapes of the deployed head's inputs, without the batch."""
        maps = [(c, side, side) for c, side in zip(self.channels, self.sides, strict=True)]
        return [*maps, (self.embedding,)]


@dataclass(frozen=True, slots=True)
class Look:
    """What the first tapped map tells: `mask` (n, 3) logits of no mask, nose covered, worn low; `attention`
    (n, 1, 14, 14) with mean 1."""

    mask: Tensor
    attention: Tensor

    @property
    def probabilities(self) -> Tensor:
        """(n, 2): a mask is worn; it is worn below the nose."""
        p = torch.softmax(self.mask, dim=1)
        return torch.cat([p[:, 1:2] + p[:, 2:3], p[:, 2:3]], dim=1)

    @property
    def gate(self) -> Tensor:
        """(n, 1), 0 without a mask."""
        return ((self.probabilities[:, :1] - GATE_FROM) / (GATE_TO - GATE_FROM)).clamp(0, 1)


class Adapter(nn.Module):
    """A map (n, C, h, w) weighed by the attention and corrected through a bottleneck; the identity at first."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.weigh = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.down = nn.Conv2d(channels, width, 1)
        self.active = nn.PReLU(width)
        self.up = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor, attention: Tensor, gate: Tensor) -> Tensor:
        """The same shape; `attention` (n, 1, h, w), `gate` (n, 1, 1, 1)."""
        # In training the backbone's maps are bfloat16; one factor of float32 would make them all so.
        attention, gate, weigh = attention.to(x.dtype), gate.to(x.dtype), self.weigh.to(x.dtype)
        correction = self.up(self.active(self.down(x * attention))) + weigh * (attention - 1) * x
        return x + gate * correction


class Head(nn.Module):
    """All adapters, and what opens them."""

    def __init__(self, shape: HeadShape) -> None:
        super().__init__()
        self.shape = shape
        first = shape.channels[0]
        self.norm = nn.BatchNorm2d(first)
        self.tell = nn.Sequential(nn.Flatten(), nn.Linear(first * GRID, 32), nn.PReLU(), nn.Linear(32, 3))
        self.score = nn.Conv2d(first, 1, 1)
        self.position = nn.Parameter(torch.zeros(1, GRID * GRID))
        with_prior = shape.kind == "eye-attention"
        prior = _eye_prior() if with_prior else torch.zeros(1, GRID * GRID)
        self.prior = nn.Parameter(prior, requires_grad=with_prior)
        nn.init.zeros_(self.score.weight)
        self.adapters = nn.ModuleList(Adapter(channels, shape.width) for channels in shape.channels)
        self.correct = nn.Linear(shape.embedding, shape.embedding)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)

    def look(self, first: Tensor) -> Look:
        """From the first tapped map (n, C, 14, 14)."""
        first = self.norm(first)
        mask = self.tell(first.mean(dim=3))
        if self.shape.kind == "plain":
            return Look(mask, torch.ones_like(first[:, :1]))
        worn = 1 - torch.softmax(mask.detach(), dim=1)[:, :1]
        scores = self.score(first).flatten(1) + self.position + worn * self.prior
        attention = torch.softmax(scores, dim=1) * GRID**2
        return Look(mask, attention.reshape(-1, 1, GRID, GRID))

    def adapt(self, index: int, x: Tensor, look: Look, gate: Tensor) -> Tensor:
        """Tapped map number `index`, corrected as far as `gate` (n, 1) is open."""
        attention = look.attention if x.shape[2] == GRID else functional.avg_pool2d(look.attention, 2)
        adapted: Tensor = self.adapters[index](x, attention, gate[:, :, None, None])
        return adapted

    def finish(self, embedding: Tensor, gate: Tensor) -> Tensor:
        """The embedding (n, D) as the backbone gives it, at any length, corrected; at its length."""
        corrected: Tensor = embedding + gate * self.correct(embedding)
        return corrected


class Deployed(nn.Module):
    """The head as it is exported: all taps in, their replacements, mask (n, 2) and attention (n, 7, 7) out."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, *taps: Tensor) -> tuple[Tensor, ...]:
        """`taps` are the maps in order and the raw embedding."""
        look = self.head.look(taps[0])
        gate = look.gate
        maps = [self.head.adapt(i, x, look, gate) for i, x in enumerate(taps[:-1])]
        return *maps, self.head.finish(taps[-1], gate), look.probabilities, on_grid(look.attention)


def on_grid(attention: Tensor) -> Tensor:
    """Attention of mean 1 (n, 1, 14, 14) as a map (n, 7, 7) that sums to 1."""
    return functional.avg_pool2d(attention, 2)[:, 0] / (GRID // 2) ** 2


def _eye_prior() -> Tensor:
    """Shift of the attention logits under a full mask (1, 196), rows of 8 px: onto brows and eyes, off all below."""
    rows = torch.tensor([0.0, 0.0, 0.3, 0.3, 0.6, 0.6, 0.6, 0.0, -0.6, -1.0, -1.0, -1.0, -1.0, -1.0])
    return rows[:, None].expand(GRID, GRID).reshape(1, -1).clone()


def channels_of(maps: Sequence[Tensor]) -> tuple[int, ...]:
    """Channels of tapped maps (n, C, h, w)."""
    return tuple(int(x.shape[1]) for x in maps)
