"""Whether a reader's time grows with the square of its input: parts of a file written 1, 2, 4 … times over.

Processor time of this thread, the best of several runs: other work on the machine must not decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from benchmarks.fuzz.mutation import repeated
from benchmarks.fuzz.patience import Hang

_TRIALS = 2
# Below it, a reader's fixed cost and the clock's grain say more than its growth does.
_SMALLEST_S = 0.002
_LARGEST_BYTES = 1024 * 1024
# Doubling an input doubles the time of a linear reader and takes four times that of a quadratic one.
_SUSPICIOUS_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class Growth:
    """How one input grew.

    Attributes:
        sizes_bytes: each about double the one before.
        times_s: of reading them.
    """

    sizes_bytes: tuple[int, ...]
    times_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The least of the last two ratios from one size to its double: noise strikes once, a square always."""
        ratios = [later / earlier for earlier, later in pairwise(self.times_s) if earlier >= _SMALLEST_S]
        return min(ratios[-2:]) if len(ratios) >= 2 else 0.0

    @property
    def suspicious(self) -> bool:
        """It grows faster than its input."""
        return self.ratio >= _SUSPICIOUS_RATIO


def growth(run: Callable[[bytes], None], data: bytes, start: int, end: int, budget_s: float = 0.3) -> Growth:
    """Read `data` with its part from `start` to `end` repeated 1, 2, 4 … times, until it takes `budget_s` or 1 MiB."""
    sizes, times = [], []
    count = 1
    while True:
        grown = repeated(data, start, end, count)
        sizes.append(len(grown))
        times.append(min(_timed(run, grown) for _ in range(_TRIALS)))
        count *= 2
        if times[-1] > budget_s or len(data) + (end - start) * (count - 1) > _LARGEST_BYTES:
            return Growth(tuple(sizes), tuple(times))


def parts(data: bytes, number: int, seed: int) -> Iterator[tuple[int, int]]:
    """The whole of `data`, its halves, and `number` parts at places drawn from `seed`."""
    middle = len(data) // 2
    random = Random(seed)  # noqa: S311 -- nothing secret hangs on where a part begins
    some = [
        (start := random.randint(0, len(data)), min(len(data), start + random.randint(1, 64))) for _ in range(number)
    ]
    for start, end in ((0, len(data)), (0, middle), (middle, len(data)), *some):
        if start < end:
            yield start, end


def _timed(run: Callable[[bytes], None], data: bytes) -> float:
    start = time.thread_time()
    try:
        run(data)
    except (Exception, Hang):  # noqa: BLE001 -- a fault is the fuzzer's to report; here only its time counts
        return time.thread_time() - start
    return time.thread_time() - start
