"""Work that is done once, by whichever thread comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Thread-safe; who comes second waits for the first, and gets what that one got.

    Args:
        work: returns the result, or raises; never called again, even where it raised.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._outcome: Future[T] = Future()

    @property
    def done(self) -> bool:
        """Whether the result, or what was raised, is known."""
        return self._outcome.done()

    def settle(self) -> None:
        """Does the work, where nobody did; what it raises is `result`'s to raise."""
        with self._lock:
            if self._outcome.done():
                return
            try:
                self._outcome.set_result(self._work())
            except Exception as error:  # noqa: BLE001 -- kept for whoever asks for the result
                self._outcome.set_exception(error)

    def result(self) -> T:
        """What the work returned; does it where nobody did.

        Raises:
            Exception: what the work raised.
        """
        self.settle()
        return self._outcome.result()
