"""What waits to be written to the controller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")

ROOM = 64
"""Guidance and refusals that may wait for a controller that does not read. A decision always has room."""


class Outbox(Generic[T]):
    """Never makes the engine wait for a controller that reads slowly, unless it asks for that. For one event loop."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[T | Exception | None] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._finished = False

    def offer(self, response: T) -> None:
        """Leaves guidance or a refusal, which is thrown away when there is no room."""
        if self._waiting.qsize() < ROOM:
            self._waiting.put_nowait(response)

    def keep(self, response: T) -> None:
        """Leaves what must not be thrown away. Whoever leaves much of it waits for room first: see `until_room`."""
        self._waiting.put_nowait(response)

    async def until_room(self) -> None:
        """Returns when the controller has read enough."""
        while self._waiting.qsize() >= ROOM:
            self._taken.clear()
            await self._taken.wait()

    def finish(self, last: T | Exception | None) -> None:
        """Leaves the last message of the stream, if any, or the error that it ends with; only the first call counts."""
        if self._finished:
            return
        self._finished = True
        if last is not None:
            self._waiting.put_nowait(last)
        self._waiting.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Everything left here, up to the last message.

        Raises:
            Exception: the error that the outbox was finished with.
        """
        while (item := await self._waiting.get()) is not None:
            self._taken.set()
            if isinstance(item, Exception):
                raise item
            yield item
