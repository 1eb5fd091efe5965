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
    """Ends what runs inside after `seconds` of processor time, between two steps of the main thread. Does not nest.

    Raises:
        Hang: it did not end by itself.
    """

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"expected an end within {seconds:g} s of processor time, found none")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
