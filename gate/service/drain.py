"""Lets passages finish before the engine goes down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gate.errors import Code, EngineFault


class Drain:
    """Counts the passages in flight, refuses new ones once draining, and cuts the last ones off. For one event loop."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._cut = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Passages open now."""
        return self._in_flight

    @contextmanager
    def passage(self) -> Iterator[None]:
        """Around one passage.

        Raises:
            EngineFault: `SHUTTING_DOWN`, when no new passage is taken on any more.
        """
        if self._draining:
            raise EngineFault(Code.SHUTTING_DOWN, "no new passages while draining")
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if self._in_flight == 0:
                self._idle.set()

    def begin(self) -> None:
        """From now on no new passage is taken on."""
        self._draining = True

    def cut_off(self) -> None:
        """Asks every passage still in flight for its final answer."""
        self._cut.set()

    async def wait_cut(self) -> None:
        """Returns when passages must give their final answer."""
        await self._cut.wait()

    async def wait_idle(self, within_s: float) -> bool:
        """Whether every passage had ended within `within_s` seconds."""
        if self._idle.is_set():
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), within_s)
        except TimeoutError:
            return False
        return True
