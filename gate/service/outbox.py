"""What waits to be written to the controller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gate.service.pb import lane_pb2 as pb

ROOM = 64
"""Guidance and refusals that may wait for a controller that does not read. The decision always has room."""


class Outbox:
    """Never makes the engine wait for a controller that reads slowly."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[pb.PassageResponse | Exception | None] = asyncio.Queue()

    def offer(self, response: pb.PassageResponse) -> None:
        """Leaves guidance or a refusal, which is thrown away when there is no room."""
        if self._waiting.qsize() < ROOM:
            self._waiting.put_nowait(response)

    def finish(self, last: pb.PassageResponse | Exception) -> None:
        """Leaves the last message of the stream, or the error that it ends with."""
        self._waiting.put_nowait(last)
        self._waiting.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[pb.PassageResponse]:
        """Everything left here, up to the last message.

        Raises:
            Exception: the error that the outbox was finished with.
        """
        while (item := await self._waiting.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
