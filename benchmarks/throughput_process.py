"""How soon an engine serves, and how much memory it takes, in a process of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import psutil
from rich.progress import Progress

from benchmarks.engine_process import engine_process
from benchmarks.lane import WireLane
from benchmarks.walkups import FRAMES_PER_S, WalkUp, expected_photos
from gate.settings import Settings


@dataclass(frozen=True, slots=True)
class Process:
    """An engine in a process of its own.

    Attributes:
        started_ms: from a new process to serving, of each start.
        started_cpu_ms: processor time until then: what a busy machine hardly changes.
        rss_mb: memory with everybody enrolled.
    """

    started_ms: list[float]
    started_cpu_ms: list[float]
    rss_mb: float


def run_processes(settings: Settings, walking: list[WalkUp], count: int, expected: int, progress: Progress) -> Process:
    """So many starts, the first of which is given travellers.

    Args:
        expected: travellers in the gallery.
    """
    task = progress.add_task("cold starts", total=count)
    started_ms, cpu_ms, rss_mb = [], [], 0.0
    for number in range(count):
        start_s = time.perf_counter()
        with engine_process(settings) as address:
            started_ms.append((time.perf_counter() - start_s) * 1e3)
            spent = _engine().cpu_times()
            cpu_ms.append((spent.user + spent.system) * 1e3)
            if number == 0:
                rss_mb = _memory_mb(address, walking, expected)
        progress.advance(task)
    return Process(started_ms, cpu_ms, rss_mb)


def _engine() -> psutil.Process:
    (child,) = (c for c in psutil.Process().children() if "benchmarks.engine_process" in " ".join(c.cmdline()))
    return child


def _memory_mb(address: str, walking: list[WalkUp], expected: int) -> float:
    """Resident set after a gallery was loaded and travellers have passed."""
    with asyncio.Runner() as runner:
        lane = WireLane(address, runner)
        lane.enrol(expected_photos(walking, expected))
        for person in walking[:3]:
            lane.watch(person.frames, 1 / FRAMES_PER_S)
        lane.close()
    return float(_engine().memory_info().rss) / 1e6
