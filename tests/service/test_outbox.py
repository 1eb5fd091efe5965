"""What waits for a controller must neither grow for ever nor lose a decision."""

from __future__ import annotations

import asyncio

import pytest

from gate.service.outbox import ROOM, Outbox


async def test_what_is_offered_is_thrown_away_when_nobody_reads_what_is_kept_is_not() -> None:
    outbox: Outbox[int] = Outbox()
    for number in range(ROOM + 5):
        outbox.offer(number)
    outbox.keep(-1)
    outbox.finish(None)
    assert [item async for item in outbox] == [*range(ROOM), -1]


async def test_room_is_waited_for_until_the_controller_reads() -> None:
    outbox: Outbox[int] = Outbox()
    await outbox.until_room()
    for number in range(ROOM):
        outbox.keep(number)
    waiting = asyncio.create_task(outbox.until_room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert await anext(aiter(outbox)) == 0
    await waiting


async def test_an_error_comes_last() -> None:
    outbox: Outbox[int] = Outbox()
    outbox.keep(1)
    outbox.finish(KeyError("x"))
    items = aiter(outbox)
    assert await anext(items) == 1
    with pytest.raises(KeyError):
        await anext(items)
