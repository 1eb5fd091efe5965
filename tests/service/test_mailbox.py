"""The mailbox: the latest wins, and nothing is lost uncounted."""

from __future__ import annotations

import asyncio

import pytest

from gate.service.mailbox import Mailbox


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _item: object) -> None:
        self.count += 1


async def test_a_newer_item_overtakes_and_is_counted() -> None:
    overtaken = Counter()
    box: Mailbox[int] = Mailbox(overtaken)
    for item in range(5):
        box.put(item)
    assert await box.get() == 4
    assert overtaken.count == 4


async def test_a_waiting_receiver_gets_the_item_at_once() -> None:
    box: Mailbox[int] = Mailbox(Counter())
    waiting = asyncio.create_task(box.get())
    await asyncio.sleep(0)
    box.put(0)  # 0 is an item too
    assert await asyncio.wait_for(waiting, 1) == 0


async def test_what_lies_in_a_closed_mailbox_can_still_be_fetched() -> None:
    box: Mailbox[int] = Mailbox(Counter())
    box.put(1)
    box.close()
    assert await box.get() == 1
    assert await box.get() is None
    assert await box.get() is None


async def test_an_error_is_raised_before_what_lies_in_the_mailbox() -> None:
    box: Mailbox[int] = Mailbox(Counter())
    box.put(1)
    box.close(LookupError())
    box.close()
    with pytest.raises(LookupError):
        await box.get()


async def test_what_nobody_fetches_is_counted() -> None:
    overtaken = Counter()
    box: Mailbox[int] = Mailbox(overtaken)
    box.put(1)
    box.discard()
    box.discard()
    assert overtaken.count == 1


async def test_each_kind_has_its_own_slot_and_the_order_is_kept() -> None:
    """A finger that a newer frame took the place of would never be compared."""
    overtaken = Counter()
    box: Mailbox[str] = Mailbox(overtaken)
    for item, kind in (("frame 1", "frame"), ("finger", "finger"), ("frame 2", "frame"), ("done", "done")):
        box.put(item, kind)
    assert [await box.get() for _ in range(3)] == ["finger", "frame 2", "done"]
    assert overtaken.count == 1
