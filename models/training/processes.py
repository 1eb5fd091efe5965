"""Several processes that learn as one network: alone, all of this is the plain case.

One process a core is quicker than one of several threads, since a convolution waits for its slowest thread.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable

import torch
from torch import distributed, multiprocessing, nn


def run(work: Callable[[], None], number: int) -> None:
    """`work` in this many processes that have found each other; they end with this one."""
    if number == 1:
        work()
        return
    with tempfile.TemporaryDirectory() as folder:
        # Daemons end with their parent, and only a parent that is told to leave, not killed, can see to that.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        multiprocessing.spawn(_meet, (f"file://{folder}/store", number, work), nprocs=number, daemon=True)


def _meet(rank: int, place: str, number: int, work: Callable[[], None]) -> None:
    distributed.init_process_group("gloo", init_method=place, rank=rank, world_size=number)
    work()


def rank() -> int:
    """Which of them this is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    """How many learn together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def leads() -> bool:
    """Whether this is the one that writes."""
    return rank() == 0


def agreed(value: float) -> float:
    """What the leading process says; all must ask."""
    if count() == 1:
        return value
    said = torch.tensor(value, dtype=torch.float64)
    distributed.broadcast(said, src=0)
    return float(said)


def joined(network: nn.Module) -> nn.Module:
    """`network`, its gradients the mean over all processes."""
    return network if count() == 1 else nn.parallel.DistributedDataParallel(network)
