"""Small work beside a large piece, on another core where one is idle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

A = TypeVar("A")
T = TypeVar("T")

HELPERS = 2
"""Threads that do such work. More would only wait for the same cores."""


def beside(helpers: Executor, work: Callable[[A], T], of: A) -> Callable[[], T]:
    """Lends `work(of)` to a helper, and returns who asks for the result.

    Where no helper has begun by then, because every core is busy, the asker does the work: so it never waits for
    anybody who is not working, and nothing is done twice.
    """
    lent = helpers.submit(work, of)
    return lambda: work(of) if lent.cancel() else lent.result()
