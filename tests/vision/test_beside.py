"""Guards against a probe that waits for a helper who has no core to work on, and against work done twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gate.errors import Code, EngineFault
from gate.vision.beside import beside


def test_a_helper_does_it_where_one_is_free() -> None:
    done = threading.Event()

    def work(number: int) -> tuple[int, int]:
        done.set()
        return number * 2, threading.get_ident()

    with ThreadPoolExecutor(1) as helpers:
        result = beside(helpers, work, 21)
        assert done.wait(10)
        doubled, thread = result()
    assert doubled == 42
    assert thread != threading.get_ident()


def test_who_asks_does_it_where_none_has_begun() -> None:
    go_on, calls = threading.Event(), []

    def work(number: int) -> int:
        calls.append(threading.get_ident())
        return number * 2

    with ThreadPoolExecutor(1) as helpers:
        helpers.submit(go_on.wait, 10)
        assert beside(helpers, work, 21)() == 42
        go_on.set()
    assert calls == [threading.get_ident()]


def test_a_fault_of_the_helper_is_the_askers() -> None:
    def work(_: int) -> None:
        raise EngineFault(Code.INFERENCE_FAILED, "a broken model")

    with ThreadPoolExecutor(1) as helpers, pytest.raises(EngineFault, match="a broken model"):
        beside(helpers, work, 0)()
