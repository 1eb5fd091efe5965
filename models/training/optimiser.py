"""What moves the student's weights: Muon for matrices, AdamW for everything else.

Muon (Jordan et al., 2024; scaled to AdamW's step as in Liu et al., 2025) turns each step for a matrix into one that
moves all its directions alike. Behind depthwise blocks most of the gradient lies in few of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def _matrices(network: nn.Module) -> list[nn.Parameter]:
    """The weights of linear layers and of convolutions over all channels."""
    layers = [m for m in network.modules() if isinstance(m, nn.Linear) or (isinstance(m, nn.Conv2d) and m.groups == 1)]
    return [layer.weight for layer in layers]


def _flat(weight: Tensor) -> Tensor:
    """(out, in, h, w), channels last, as (out, h * w * in)."""
    return weight if weight.ndim == 2 else weight.permute(0, 2, 3, 1).flatten(1)


# Of Muon's rate: what is not a matrix learns steadily with less.
_ADAM = 0.4


class Optimiser:
    """Steps for all parameters of a network."""

    def __init__(self, network: nn.Module, weight_decay: float) -> None:
        self._matrices = _matrices(network)
        # Muon takes what has two dimensions: the same memory, seen as such.
        self._flat = [_flat(weight.detach()) for weight in self._matrices]
        if any(f.data_ptr() != w.data_ptr() for f, w in zip(self._flat, self._matrices, strict=True)):
            raise ValueError("the network must lie in memory channels last: network.to(memory_format=channels_last)")
        own = {id(weight) for weight in self._matrices}
        others = [p for p in network.parameters() if id(p) not in own]
        self._muon = torch.optim.Muon(self._flat, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
        self._adam = torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self._matrices:
            parameter.grad = None
        self._adam.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        """Move the weights along their gradients."""
        for flat, parameter in zip(self._flat, self._matrices, strict=True):
            flat.grad = None if parameter.grad is None else _flat(parameter.grad)
        for part in (self._muon, self._adam):
            for group in part.param_groups:
                group["lr"] = rate * (1.0 if part is self._muon else _ADAM)
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])
