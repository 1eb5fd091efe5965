"""Guards against a decision that is journalled twice, or told though it could not be journalled."""

from __future__ import annotations

import threading

import pytest

from gate.errors import Code, StorageFault
from gate.service.once import Once


def test_two_threads_do_the_work_once_and_both_get_it() -> None:
    begun, go_on, calls = threading.Event(), threading.Event(), []

    def work() -> str:
        calls.append(threading.get_ident())
        begun.set()
        assert go_on.wait(10)
        return "told"

    once = Once(work)
    first = threading.Thread(target=once.settle)
    first.start()
    assert begun.wait(10)
    assert not once.done
    found: list[str] = []
    second = threading.Thread(target=lambda: found.append(once.result()))
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert found == ["told"]
    assert calls == [first.ident]


def test_what_it_raised_is_raised_again_and_the_work_not_tried_again() -> None:
    calls = []

    def work() -> None:
        calls.append(1)
        raise StorageFault(Code.DISK_FULL, "expected room, found none")

    once = Once(work)
    once.settle()  # silent: whoever asks for the result is told
    for _ in range(2):
        with pytest.raises(StorageFault, match="expected room"):
            once.result()
    assert once.done
    assert calls == [1]
