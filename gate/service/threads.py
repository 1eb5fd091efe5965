"""Runs blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")

_TURN_S = 0.0005
"""How long a thread keeps the interpreter while another waits for it. Python's own 5 ms is a quarter of a passage: with
these a search beside a withdrawal is at most 2.4 ms slower instead of 6.8 (docs/benchmarks.md)."""


def take_short_turns() -> None:
    """For the whole process: its threads answer frames beside loads, and none of them shall wait long."""
    sys.setswitchinterval(_TURN_S)


async def in_thread(executor: Executor, work: Callable[[], T]) -> T:
    """Runs `work` in a thread of `executor`, and returns or raises what it does.

    When the caller is cancelled the thread finishes by itself and its result is thrown away. The caller's context
    goes along, because `run_in_executor` would lose what structlog has bound to it.
    """
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(work))
