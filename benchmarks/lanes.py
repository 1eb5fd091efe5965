"""How many lanes one engine serves: each sends 10 frames a second over gRPC, one traveller after the other.

  gate bench lanes                         1 to 32 lanes; minutes
  gate bench lanes --quick

The engine runs in a process of its own; the lanes are clients in this one, on the same cores. Nothing is sent that a
camera would not send: frames are due at fixed times, and a lane that is late sends late, which counts.

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import figures as fig
from benchmarks.engine_process import engine_process
from benchmarks.measured import Measured, Plot, Series
from benchmarks.walkups import FRAMES_PER_S, QUICK_FRAMES, WalkUp, expected_photos, walk_ups
from gate.client import GateClient
from gate.client.errors import GateUnavailableError
from gate.client.passage import PassageStream
from gate.errors import GateError
from gate.settings import DEFAULT_PACK, FrameSettings, LaneSettings, ModelSettings, ServerSettings, Settings
from gate.vision.load import load_pipeline

LIMIT_MS = 300.0
"""p99 from a frame to the decision that it led to: beyond it a traveller notices the wait."""

WANTED = 12
_REPLICATES = 400


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        counts: lanes at a time.
        seconds: at each count, after a warm-up passage a lane.
        travellers: different ones, by turns.
        frames: of each approach.
        expected: travellers in the gallery.
    """

    pack: str = DEFAULT_PACK
    counts: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32)
    seconds: float = 20.0
    travellers: int = 16
    frames: int = 30
    expected: int = 420
    seed: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """For CI."""
        return cls(counts=(4, 12), seconds=5.0, travellers=6, frames=QUICK_FRAMES, expected=60)


@dataclass(slots=True)
class Tally:
    """What one lane count came to.

    Attributes:
        waits_ms: from a frame to the decision that it led to.
        by_lane: the same, of each lane.
        lost: passages without a decision, or with one for a fault.
        decided: passages with one.
        opened: of those, gates that opened.
        sent, dropped: frames, and those that a newer one overtook in the engine.
        late_ms: by how much frames left later than they were due.
        seconds: it took.
    """

    waits_ms: list[float] = field(default_factory=list)
    by_lane: dict[int, list[float]] = field(default_factory=dict)
    lost: int = 0
    decided: int = 0
    opened: int = 0
    sent: int = 0
    seen: int = 0
    dropped: int = 0
    late_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0


async def load(address: str, lanes: int, walking: Sequence[WalkUp], seconds: float) -> Tally:
    """So many lanes for so long; a passage that is open at the end is finished."""
    tally = Tally()
    async with GateClient(address) as client:
        start_s = time.perf_counter()
        await asyncio.gather(
            *(_lane(client, lane, lanes, walking, start_s + seconds, tally) for lane in range(1, lanes + 1))
        )
        tally.seconds = time.perf_counter() - start_s
    return tally


async def _lane(
    client: GateClient, lane: int, lanes: int, walking: Sequence[WalkUp], until_s: float, tally: Tally
) -> None:
    # Lanes do not breathe in step: their frames are spread over the interval, as cameras' are.
    await asyncio.sleep((lane - 1) / lanes / FRAMES_PER_S)
    turn = lane
    while time.perf_counter() < until_s:
        person = walking[turn % len(walking)]
        turn += 1
        try:
            await _passage(client, lane, person, tally)
        except (GateError, GateUnavailableError):
            tally.lost += 1


async def _passage(client: GateClient, lane: int, person: WalkUp, tally: Tally) -> None:
    sent_s: list[float] = []
    async with client.passage(f"lane-{lane}", timeout_s=30.0) as passage:
        feeder = asyncio.create_task(_feed(passage, person.frames, sent_s, tally))
        decision = await passage.decision()
        now_s = time.perf_counter()
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
    tally.sent += len(sent_s)
    tally.seen += decision.frames.seen
    tally.dropped += decision.frames.dropped
    if decision.incident_id:
        tally.lost += 1
        return
    tally.decided += 1
    tally.opened += decision.opens
    # A passage that ends undecided by any one frame is waited for from the last one on.
    sequence = decision.frame_sequence if decision.opens and decision.frame_sequence else len(sent_s)
    waited_ms = (now_s - sent_s[sequence - 1]) * 1e3
    tally.waits_ms.append(waited_ms)
    tally.by_lane.setdefault(lane, []).append(waited_ms)


async def _feed(passage: PassageStream, frames: Iterable[bytes], sent_s: list[float], tally: Tally) -> None:
    due_s = time.perf_counter()
    for jpeg in frames:
        if (wait_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        # The frame exists from when it is due: a client that is late makes the traveller wait, too.
        sent_s.append(due_s)
        tally.late_ms.append(max(0.0, time.perf_counter() - due_s) * 1e3)
        if not await passage.send_jpeg(jpeg):
            return
        due_s += 1 / FRAMES_PER_S
    await passage.end()


def measure(plan: Plan, console: Console, walking: Sequence[WalkUp] = ()) -> Measured:
    """Every figure.

    Args:
        walking: who walks up; none paints them.
    """
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        crowd = list(walking[: plan.travellers]) or _crowd(plan, progress)
        settings = Settings(
            server=ServerSettings(address="127.0.0.1:0"),
            models=ModelSettings(pack=plan.pack),
            frames=FrameSettings(identical="allow"),  # the same film is played again and again
            lanes={f"lane-{number}": LaneSettings() for number in range(1, max(plan.counts) + 1)},
        )
        tallies: dict[int, Tally] = {}
        with engine_process(settings) as address, asyncio.Runner() as runner:
            enrolled = runner.run(_enrol(address, crowd, plan.expected))
            task = progress.add_task("lanes", total=len(plan.counts))
            runner.run(load(address, 1, crowd, 1.0))  # warm-up
            for count in plan.counts:
                progress.update(task, description=f"{count} lanes")
                gc.collect()
                tallies[count] = runner.run(load(address, count, crowd, plan.seconds))
                progress.advance(task)
    return _measured(plan, tallies, enrolled)


def _crowd(plan: Plan, progress: Progress) -> list[WalkUp]:
    tick = partial(progress.advance, progress.add_task("travellers", total=plan.travellers))
    return walk_ups(load_pipeline(plan.pack), plan.travellers, plan.frames, plan.seed, tick)


async def _enrol(address: str, walking: list[WalkUp], expected: int) -> int:
    async with GateClient(address) as client:
        await client.enrol(expected_photos(walking, expected))
        return (await client.describe()).travellers


@dataclass(frozen=True, slots=True)
class _Wait:
    """p99 with its 95 % interval, milliseconds."""

    p99: float
    low: float
    high: float


def most(waits: dict[int, _Wait], lost: dict[int, int]) -> tuple[int, int, int]:
    """The most lanes within the limit such that fewer are too; and that by the ends of the intervals."""

    def reached(holds: dict[int, bool]) -> int:
        best = 0
        for count in sorted(holds):
            if not holds[count]:
                break
            best = count
        return best

    def by(end: str) -> int:
        return reached({n: getattr(wait, end) <= LIMIT_MS and not lost[n] for n, wait in waits.items()})

    return by("p99"), by("high"), by("low")


def _measured(plan: Plan, tallies: dict[int, Tally], enrolled: int) -> Measured:
    rng = np.random.default_rng(plan.seed)
    found: list[fig.Figure] = []
    waits: dict[int, _Wait] = {}
    for count, tally in tallies.items():
        name = f"lanes.{count}"
        samples = np.array(tally.waits_ms or [float(LIMIT_MS * 100)])
        drawn = np.percentile(rng.choice(samples, (_REPLICATES, len(samples))), 99, axis=1)
        low, high = np.percentile(drawn, (2.5, 97.5))
        waits[count] = _Wait(float(np.percentile(samples, 99)), float(low), float(high))
        one = samples[np.newaxis]
        found += [
            fig.summarise(f"{name}.p50_ms", "ms", one, fig.percentile(50), rng),
            fig.Figure(f"{name}.p99_ms", waits[count].p99, "ms", len(samples), float(low), float(high)),
            _plain(f"{name}.lost", float(tally.lost), "passages", tally.lost + tally.decided),
            _plain(f"{name}.frames_per_s", tally.sent / tally.seconds, "frames/s", tally.sent),
            _plain(f"{name}.dropped", 100 * tally.dropped / max(1, tally.seen), "%", tally.seen),
            _plain(f"{name}.slowest_lane_to_median", _unfairness(tally), "ratio", len(tally.by_lane)),
        ]
    value, low_, high_ = most(waits, {count: tally.lost for count, tally in tallies.items()})
    decided = sum(tally.decided for tally in tallies.values())
    found.insert(0, fig.Figure("lanes.max_at_10fps", value, "lanes", decided, low_, high_))
    counts = tuple(float(count) for count in tallies)
    lines = (
        Series("p99", counts, tuple(wait.p99 for wait in waits.values()), markers=True),
        Series("p50", counts, tuple(float(np.median(t.waits_ms or [0])) for t in tallies.values()), markers=True),
        Series(f"limit, {LIMIT_MS:g} ms", counts, (LIMIT_MS,) * len(counts)),
    )
    rates = Series("sent", counts, tuple(t.sent / t.seconds for t in tallies.values()), markers=True)
    looked = Series(
        "looked at", counts, tuple((t.seen - t.dropped) / t.seconds for t in tallies.values()), markers=True
    )
    run = {
        "pack": plan.pack,
        "frame": f"1280 x 720 JPEG, {FRAMES_PER_S} a second a lane",
        "limit": f"p99 of frame to decision at most {LIMIT_MS:g} ms, no decision lost",
        "seconds_each": plan.seconds,
        "gallery": enrolled,
        "late_p99_ms": {str(n): round(float(np.percentile(t.late_ms or [0], 99)), 1) for n, t in tallies.items()},
        "opened": {str(n): f"{t.opened} of {t.decided}" for n, t in tallies.items()},
        "seed": plan.seed,
    }
    plots = (
        Plot("frame to decision by lanes", "lanes at 10 frames/s", "ms", lines, y_scale="log"),
        Plot("throughput by lanes", "lanes at 10 frames/s", "frames/s", (rates, looked)),
    )
    return Measured(tuple(found), run, plots=plots)


def _plain(name: str, value: float, unit: str, n: int) -> fig.Figure:
    """A figure that is counted, not estimated."""
    return fig.Figure(name, value, unit, n, value, value)


def _unfairness(tally: Tally) -> float:
    """The slowest lane's median wait over the median of all lanes'."""
    medians = [float(np.median(waits)) for waits in tally.by_lane.values()]
    return max(medians) / float(np.median(medians)) if medians else 1.0
