"""The mean of weights over a training, which is what is judged and shipped.

While it learns, a moving average follows the network. Afterwards, checkpoints of one run, or of runs that went on from
one another, can be brought together: `python -m models.training.average A.pt B.pt OUT.pt`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

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


def bring_together(states: list[dict[str, Any]]) -> dict[str, Any]:
    """The last of these checkpoints with the mean of all their averaged weights; counters stay the last one's.

    Raises:
        ValueError: they are not of one network.
    """
    if any(state["shape"] != states[-1]["shape"] for state in states):
        raise ValueError("expected checkpoints of one network, found other shapes: only runs of one form have a mean")
    mean = {
        name: torch.stack([state["average"][name] for state in states]).mean(dim=0)
        if value.dtype.is_floating_point
        else value
        for name, value in states[-1]["average"].items()
    }
    return {**states[-1], "average": mean}


def main() -> None:
    """Write the mean of some checkpoints as one, for `export` or for `distil --start`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    states = [torch.load(path, map_location="cpu", weights_only=True) for path in arguments.checkpoints]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(bring_together(states), arguments.out)


if __name__ == "__main__":
    main()
