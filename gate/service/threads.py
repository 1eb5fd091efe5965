"""Runs blocking work beside the event loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")


async def in_thread(executor: Executor, work: Callable[[], T]) -> T:
    """Runs `work` in a thread of `executor`, and returns or raises what it does.

    When the caller is cancelled the thread finishes by itself and its result is thrown away. The caller's context
    goes along, because `run_in_executor` would lose what structlog has bound to it.
    """
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(work))
