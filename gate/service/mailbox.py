"""A mailbox with one slot for each kind of item, in which the latest wins.

A camera makes more frames than an engine looks at. Queued, they would grow old and fill the memory; here
a newer frame takes the place of the one not yet fetched, and that one is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Slots between a sender that never waits and a receiver that does. For one event loop.

    Items are fetched in the order in which they came. One takes the place of an unfetched one of its own kind only: a
    frame never overtakes a finger.

    Args:
        overtaken: called for each item that nobody will fetch any more.
    """

    def __init__(self, overtaken: Callable[[T], None]) -> None:
        self._overtaken = overtaken
        self._items: dict[str, T] = {}
        self._error: Exception | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, item: T, kind: str = "") -> None:
        """Leaves `item`, in the place of the one of its kind before where that was not fetched."""
        if kind in self._items:
            self._overtaken(self._items.pop(kind))
        self._items[kind] = item
        self._changed.set()

    def close(self, error: Exception | None = None) -> None:
        """Says that nothing more comes. What lies here can still be fetched, unless there is an `error`."""
        self._closed = True
        self._error = self._error or error
        self._changed.set()

    def discard(self) -> None:
        """Empties every slot."""
        while self._items:
            self._overtaken(self._items.popitem()[1])

    async def get(self) -> T | None:
        """Waits for an item and takes it; None once the mailbox is closed and empty.

        Raises:
            Exception: the error that the mailbox was closed with, before anything that lies in it.
        """
        while True:
            if self._error is not None:
                raise self._error
            if self._items:
                return self._items.pop(next(iter(self._items)))
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
