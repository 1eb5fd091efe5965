"""A mailbox with one slot for each kind of item, in which the latest wins.

A camera makes more frames than an engine looks at. Queued, they would grow old and fill the memory; here
a newer frame takes the place of the one not yet fetched, and that one is counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Slots between a sender that never waits and a receiver that does. For one event loop, but for `discard`.

    Items are fetched in the order in which they came. One takes the place of an unfetched one of its own kind only: a
    frame never overtakes a finger.

    Args:
        overtaken: called for each item that nobody will fetch any more.
    """

    def __init__(self, overtaken: Callable[[T], None]) -> None:
        self._overtaken = overtaken
        self._items: dict[str, T] = {}
        self._lock = threading.Lock()
        self._error: Exception | None = None
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, item: T, kind: str = "") -> None:
        """Leaves `item`, in the place of the one of its kind before where that was not fetched."""
        with self._lock:
            overtaken = self._items.pop(kind, None)
            self._items[kind] = item
        if overtaken is not None:
            self._overtaken(overtaken)
        self._changed.set()

    def close(self, error: Exception | None = None) -> None:
        """Says that nothing more comes. What lies here can still be fetched, unless there is an `error`."""
        self._closed = True
        self._error = self._error or error
        self._changed.set()

    def discard(self) -> None:
        """Empties every slot; in any thread."""
        with self._lock:
            left = list(self._items.values())
            self._items.clear()
        for item in left:
            self._overtaken(item)

    async def get(self) -> T | None:
        """Waits for an item and takes it; None once the mailbox is closed and empty.

        Raises:
            Exception: the error that the mailbox was closed with, before anything that lies in it.
        """
        while True:
            if self._error is not None:
                raise self._error
            with self._lock:
                if self._items:
                    return self._items.pop(next(iter(self._items)))
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
