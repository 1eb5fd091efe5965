"""The student's own last answers, to compare its next ones with.

Held to the teacher's answers alone, a student learns to be as unlike strangers *as the teacher sees them*. At the gate
it meets its own answers on both sides, and what it cannot tell it gets wrong alike for people who look alike.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Answers:
    """A ring of pairs: what the student said (n, width), and what the teacher says of the same faces (n, width)."""

    def __init__(self, size: int, width: int, device: str) -> None:
        self._pairs = torch.zeros(2, size, width, device=device)
        self._added = 0

    def add(self, said: Tensor, wanted: Tensor) -> None:
        """Keep these (k, width), no more than fit, in place of the oldest."""
        size = self._pairs.shape[1]
        places = (self._added + torch.arange(len(said), device=said.device)) % size
        self._pairs[:, places] = torch.stack([said.detach().float(), wanted])
        self._added += len(said)

    @property
    def said(self) -> Tensor:
        """Of the student."""
        return self._pairs[0, : self._added]

    @property
    def wanted(self) -> Tensor:
        """Of the teacher."""
        return self._pairs[1, : self._added]
