"""A worker that crashes, hangs or talks nonsense costs one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gate.errors import Code, EngineFault
from gate.fingerprint.worker import RefusedError, Worker

_ECHO = """
import os, struct, sys, time
while head := sys.stdin.buffer.read(4):
    data = sys.stdin.buffer.read(int.from_bytes(head, "little"))
    if data == b"crash":
        os.abort()
    if data == b"hang":
        time.sleep(60)
    if data == b"nonsense":
        sys.stdout.buffer.write(bytes([0, 0, 0, 0, 255, 255, 255, 255]))
    elif data == b"refuse":
        sys.stdout.buffer.write(struct.pack("<II", 1, 2) + b"no")
    else:
        sys.stdout.buffer.write(struct.pack("<II", 0, len(data)) + data)
    sys.stdout.buffer.flush()
"""

Ask = Callable[[bytes], bytes]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    file = tmp_path / "echo.py"
    file.write_text(_ECHO)
    worker = Worker("echo", file, timeout_s=3)
    yield lambda data: worker.ask(len(data).to_bytes(4, "little") + data)
    worker.close()


@pytest.mark.parametrize("trouble", [b"crash", b"nonsense"])
def test_a_broken_process_is_a_fault_and_the_next_request_finds_another(ask: Ask, trouble: bytes) -> None:
    assert ask(b"one") == b"one"
    with pytest.raises(EngineFault) as caught:
        ask(trouble)
    assert caught.value.code is Code.EXTRACTION_FAILED
    assert ask(b"two") == b"two"


def test_a_process_that_hangs_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "echo.py"
    file.write_text(_ECHO)
    worker = Worker("echo", file, timeout_s=0.5)
    with pytest.raises(EngineFault, match="no answer in time"):
        worker.ask((4).to_bytes(4, "little") + b"hang")
    worker.close()


def test_a_refusal_keeps_the_process(ask: Ask) -> None:
    with pytest.raises(RefusedError, match="no"):
        ask(b"refuse")
    assert ask(b"one") == b"one"


def test_more_than_a_pipe_holds_goes_through(ask: Ask) -> None:
    data = bytes(range(256)) * 8000
    assert ask(data) == data


def test_threads_get_their_own_answers(ask: Ask) -> None:
    answers: dict[int, bytes] = {}
    threads = [threading.Thread(target=lambda n=n: answers.__setitem__(n, ask(bytes([n]) * 5000))) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: bytes([n]) * 5000 for n in range(1, 9)}
