"""The moving average of a network's weights, which is what is judged and shipped."""

from __future__ import annotations

import torch
from torch import nn


def follow(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move `average` a little towards `network`, after `step` steps; counters are copied.

    It follows quickly at first, or it would remember the random start for long.
    """
    share = 1 - min(decay, (1 + step) / (10 + step))
    ours, theirs = average.state_dict(), network.state_dict()  # both detached
    moving = [name for name, value in theirs.items() if value.dtype.is_floating_point]
    torch._foreach_lerp_([ours[name] for name in moving], [theirs[name] for name in moving], share)
    for name in theirs.keys() - set(moving):
        ours[name].copy_(theirs[name])
