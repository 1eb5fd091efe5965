"""An end to waiting: a reader that never returns must not stop whoever tests it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Hang(BaseException):
    """A reader took too long. No `Exception`, so that no reader can take it for its own."""


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Ends what runs inside after `seconds`, in the main thread, between two steps of the interpreter. Does not nest.

    Raises:
        Hang: it did not end by itself.
    """

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"expected an end within {seconds:g} s, found none")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
