"""Every benchmark, one after the other, in one document: `gate bench all`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks import (
    accuracy,
    corridor,
    decision_time,
    evidence,
    fingerprint,
    fpir,
    gallery,
    index,
    lanes,
    latency,
    policy,
    throughput,
    watchlist,
)
from benchmarks.accuracy_templates import LIMITS, Acquisition
from benchmarks.measured import Measured, joined
from benchmarks.walkups import WalkUp, walk_ups
from gate.decision.policy import Policy
from gate.vision.load import build_pipeline, find_pack


def everything(console: Console, *, quick: bool, pack: str) -> Measured:
    """Every benchmark, one after the other. The timed ones come first, before the photographs heat the machine.

    Raises:
        OSError: the data that a benchmark needs is not there.
    """
    found: dict[str, Measured] = {}
    for name, measure in _parts(console, quick=quick, pack=pack).items():
        console.rule(name)
        start_s = time.perf_counter()
        measured = measure()
        found[name] = replace(measured, run={**measured.run, "took_s": round(time.perf_counter() - start_s, 1)})
    return joined(found, {})


def _parts(console: Console, *, quick: bool, pack: str) -> dict[str, Callable[[], Measured]]:
    """Each benchmark by its name. They share who walks up, and every photograph is looked at once for all."""
    ways = throughput.Plan.quick() if quick else throughput.Plan()
    counts = lanes.Plan.quick() if quick else lanes.Plan()
    waits = decision_time.Plan.quick() if quick else decision_time.Plan()
    searches = index.Plan.quick() if quick else index.Plan()
    looks = latency.plan(pack, quick=quick)
    if quick:
        looks = replace(looks, frames=8, rounds=5)  # among all the others there is less time than alone
    shared = Shared(pack)

    def walking() -> list[WalkUp]:
        return shared.walk_ups(waits.travellers + waits.strangers, waits.frames, waits.seed, console)

    def gallery_() -> Measured:
        if quick:  # what changes of a gallery cost has no short form
            return index.measure(searches, console)
        return gallery.run(gallery.usual_plan(), searches, console)

    return {
        "latency": lambda: latency.run(looks, console),
        "throughput": lambda: throughput.measure(replace(ways, pack=pack), console, walking()),
        "lanes": lambda: lanes.measure(replace(counts, pack=pack), console, walking()),
        "decision": lambda: decision_time.measure(replace(waits, pack=pack), console, walking()),
        "gallery": gallery_,
        "corridor": lambda: corridor.run(replace(corridor.default_plan(None, quick=quick), pack=pack), console),
        "policy": lambda: policy.measure(replace(policy.default_plan(None, quick=quick), pack=pack), console),
        "fingerprint": lambda: fingerprint.measure(fingerprint.Plan(quick=quick), console),
        "accuracy": lambda: accuracy.run(replace(accuracy.default_plan(None, quick), pack=pack), console, shared.work),
        "evidence": lambda: evidence.measure(
            replace(evidence.default_plan(None, quick=quick), pack=pack), console, shared.work
        ),
        "fpir": lambda: fpir.measure(replace(fpir.default_plan(None, quick=quick), pack=pack), console, shared.work),
        "watchlist": lambda: watchlist.measure(
            replace(watchlist.default_plan(None, quick=quick), pack=pack), console, shared.work
        ),
    }


class Shared:
    """What several benchmarks need, made when the first asks for it.

    Args:
        pack: model pack, by name.
    """

    def __init__(self, pack: str) -> None:
        self._pack = pack
        self._walking: list[WalkUp] = []

    @cached_property
    def work(self) -> Acquisition:
        """How photographs become templates, with those that were looked at already."""
        usual = accuracy.Plan(Path())
        vision = build_pipeline(find_pack(self._pack), limits=LIMITS)
        return Acquisition(vision, Policy().quality, usual.seed, usual.threads)

    def walk_ups(self, count: int, frames: int, seed: int, console: Console) -> list[WalkUp]:
        """Who walks up, painted once."""
        if not self._walking:
            with Progress(console=console) as progress:
                tick = partial(progress.advance, progress.add_task("travellers are painted", total=count))
                self._walking = walk_ups(self.work.vision, count, frames, seed, tick)
        return self._walking
