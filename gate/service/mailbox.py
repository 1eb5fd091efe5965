"""A mailbox of one slot in which the latest frame wins.

A camera makes more frames than an engine looks at. Queued, they would grow old and fill the memory; here
a newer frame takes the place of the one not yet fetched, and that one is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One slot between a sender that never waits and a receiver that does. For one event loop.

    Args:
        overtaken: called for each item that nobody will fetch any more.
    """

    def __init__(self, overtaken: Callable[[], None]) -> None:
        self._overtaken = overtaken
        self._item: T | None = None
        self._error: Exception | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, item: T) -> None:
        """Leaves `item`, in the place of the one before where that was not fetched."""
        self.discard()
        self._item = item
        self._changed.set()

    def close(self, error: Exception | None = None) -> None:
        """Says that nothing more comes. What lies in the slot can still be fetched, unless there is an `error`."""
        self._closed = True
        self._error = self._error or error
        self._changed.set()

    def discard(self) -> None:
        """Empties the slot."""
        if self._item is not None:
            self._item = None
            self._overtaken()

    async def get(self) -> T | None:
        """Waits for an item and takes it; None once the mailbox is closed and empty.

        Raises:
            Exception: the error that the mailbox was closed with, before anything that lies in it.
        """
        while True:
            if self._error is not None:
                raise self._error
            if self._item is not None:
                item, self._item = self._item, None
                return item
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
