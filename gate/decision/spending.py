"""How the false positive rate of a passage is spent over its looks.

However dependent the looks of a passage are, a stranger is let in at most as often as the shares sum up to (union
bound), and they sum up to the rate. So every shape is safe, and the shape is a matter of who is recognised how soon:
docs/decision.md has the study.
"""

from __future__ import annotations

import math

SHAPE = 2.0
"""Look i of n gets a part in proportion to i ** SHAPE: 0 is even; above, the later looks get more."""


def share(look: int, of: int, rate: float, shape: float = SHAPE) -> float:
    """What look number `look` (from 1) may spend of a passage's false positive rate.

    Args:
        look: from 1 to `of`.
        of: looks that the passage has at most.
        rate: of the whole passage, in (0, 1).
        shape: see `SHAPE`.

    Raises:
        ValueError: there is no such look.
    """
    if not 1 <= look <= of:
        raise ValueError(f"expected a look from 1 to {of}, found {look}")
    parts = [math.pow(i, shape) for i in range(1, of + 1)]
    return rate * parts[look - 1] / math.fsum(parts)
