"""What a change of the gallery costs, and how soon a restarted engine serves again.

  python -m benchmarks.gallery                     about two minutes
  python -m benchmarks.gallery --quick             a tenth of the travellers, for CI
  python -m benchmarks.gallery --json out/gallery.json

  restart      a sealed store opened, everybody decrypted and indexed, ready to serve; against its floor: the same rows
               read with bare SQLite and opened with bare AES-256-GCM
  withdrawal   searches by one thread, over everybody and over few, while another withdraws one traveller after the
               other, and while it does not, by turns; in one flight, and in a hundred
  apply        a message that puts travellers into an empty gallery, and the same message again

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from rich.console import Console
from rich.table import Table

from benchmarks import figures as fig
from benchmarks import index, machine
from benchmarks.measured import Measured
from gate.audit.journal import SealedJournal
from gate.gallery.axes import Axes
from gate.gallery.gallery import Change
from gate.gallery.keeper import Addition
from gate.gallery.sealed import SealedGallery
from gate.gallery.store import SealedStore
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.service.threads import take_short_turns
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import MaskState, Probe

_PACK = "benchmark"
_PAUSE_S = 0.02
"""Between withdrawals: far more often than any gate will see them, rare enough to tell searches hit from others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    travellers: int
    rounds: int
    turn_s: float
    seed: int


_FEW = "ZZ9999/2026-11-22"
"""A flight of ten: a search there takes next to no time itself, so that any delay shows."""


class Crowd:
    """Invented travellers and their templates; the last ten on a flight of their own."""

    def __init__(self, travellers: int, flights: int, seed: int) -> None:
        self.rows = index.invented(travellers, np.random.default_rng(seed))
        expires_at = datetime.now(UTC) + timedelta(hours=4)
        self.people = [
            Traveller(
                f"reference-{i:06}",
                f"ZZ{i % flights:04}/2026-11-22" if i < travellers - 10 else _FEW,
                expires_at,
                (TravelDocument(f"P{i:07}", "UTO", date(2031, 5, 6)),),
                Particulars(f"SURNAME{i}", f"GIVEN{i}", date(1980, 1, 1), "UTO", "passenger", f"{i % 60}A"),
            )
            for i in range(travellers)
        ]

    def probe(self, i: int) -> Probe:
        """Of somebody in the crowd."""
        return Probe(self.rows[i % len(self.rows)], MaskState.NONE, _PACK, {})


@cache
def _axes() -> Axes:
    return Axes.of(index.last_layer(), 512)


@contextmanager
def stored(crowd: Crowd) -> Iterator[tuple[Path, MasterKey]]:
    """A store with the crowd in it."""
    with tempfile.TemporaryDirectory() as folder:
        path, master = Path(folder) / "egate.db", MasterKey.generate()
        with Database.open(path, master) as database:
            store = SealedStore(database, SealedJournal(database))
            with store.writing(datetime.now(UTC)) as ledger:
                ledger.put(
                    Addition(traveller, row, 0, _PACK) for traveller, row in zip(crowd.people, crowd.rows, strict=True)
                )
            database.erase_traces()
        yield path, master


@contextmanager
def opened(path: Path, master: MasterKey) -> Iterator[SealedGallery]:
    """The gallery of a store, restored."""
    with Database.open(path, master) as database:
        gallery = SealedGallery(_PACK, database, SealedJournal(database), axes=_axes())
        gallery.restore()
        yield gallery


def restart(plan: Plan) -> tuple[fig.Samples, fig.Samples]:
    """Milliseconds of a restart, and of its floor."""
    ours, floor = [], []
    with stored(Crowd(plan.travellers, 100, plan.seed)) as (path, master):
        for _ in range(plan.rounds):
            floor.append(_timed_ms(lambda: _floor(path, master)))
            ours.append(_timed_ms(lambda: _open_and_close(path, master)))
    return np.array(ours)[:, np.newaxis], np.array(floor)[:, np.newaxis]


def _open_and_close(path: Path, master: MasterKey) -> None:
    with opened(path, master) as gallery:
        if not gallery.snapshot().flights:
            raise RuntimeError("nothing was restored")


def _floor(path: Path, master: MasterKey) -> None:
    with Database.open_to_read(path, master) as database, database.read() as connection:
        rows = connection.execute("SELECT sealed FROM templates ORDER BY rowid").fetchall()
        rows += connection.execute("SELECT sealed FROM travellers ORDER BY place").fetchall()
    cipher = AESGCM(bytes(32))
    for (sealed,) in rows:
        cipher.encrypt(sealed[:12], sealed[12:], None)  # as much work as to decrypt, and needs no flight's key


@dataclass(frozen=True, slots=True)
class Searches:
    """Milliseconds (rounds, samples) of searches, undisturbed and while travellers were withdrawn, and of those calls.

    `cpu` is the processor time of a call: however busy the machine is, it keeps other threads from running no longer.
    """

    quiet: fig.Samples
    disturbed: fig.Samples
    call: fig.Samples
    cpu: fig.Samples


def withdrawal(plan: Plan, flights: int, scope: str | None) -> Searches:
    """Searches with and without withdrawals, by turns."""
    crowd = Crowd(plan.travellers, flights, plan.seed)
    quiet, disturbed, calls = [], [], []
    leaving = iter(crowd.people)
    with stored(crowd) as (path, master), opened(path, master) as gallery:
        _searches(gallery, crowd, 0.3, scope)  # warm-up
        for _ in range(plan.rounds):
            quiet.append(_searches(gallery, crowd, plan.turn_s, scope))
            with _withdrawing(gallery, leaving) as took_ms:
                disturbed.append(_searches(gallery, crowd, plan.turn_s, scope))
            calls.append(took_ms)
    call, cpu = (_rounds([[pair[i] for pair in pairs] for pairs in calls]) for i in (0, 1))
    return Searches(_rounds(quiet), _rounds(disturbed), call, cpu)


def _rounds(samples: list[list[float]]) -> fig.Samples:
    """As many of each round as of the shortest, its slowest among them."""
    shortest = min(map(len, samples))
    return np.array([[max(values), *values[: shortest - 1]] for values in samples])


@contextmanager
def _withdrawing(gallery: SealedGallery, leaving: Iterator[Traveller]) -> Iterator[list[tuple[float, float]]]:
    """Withdraws until the block ends; milliseconds and processor milliseconds of each call."""
    stop = threading.Event()
    took_ms: list[tuple[float, float]] = []

    def withdraw() -> None:
        while not stop.wait(_PAUSE_S):
            traveller = next(leaving)
            start_s, start_cpu_s = time.perf_counter(), time.thread_time()
            gallery.withdraw(traveller.reference, traveller.flight)
            took_ms.append(((time.perf_counter() - start_s) * 1e3, (time.thread_time() - start_cpu_s) * 1e3))
            if any(gallery.snapshot().places(traveller.reference, None)):
                raise RuntimeError("still findable")

    thread = threading.Thread(target=withdraw)
    thread.start()
    try:
        yield took_ms
    finally:
        stop.set()
        thread.join()


def _searches(gallery: SealedGallery, crowd: Crowd, duration_s: float, scope: str | None) -> list[float]:
    now = datetime.now(UTC)
    took_ms: list[float] = []
    until_s = time.perf_counter() + duration_s
    while (start_s := time.perf_counter()) < until_s:
        gallery.snapshot().search(crowd.probe(len(took_ms)), now, flight=scope)
        took_ms.append((time.perf_counter() - start_s) * 1e3)
    return took_ms


def apply(plan: Plan, travellers: int) -> tuple[fig.Samples, fig.Samples]:
    """Milliseconds of a message into an empty gallery, and of the same message again."""
    crowd = Crowd(travellers, 1, plan.seed)
    first, again = [], []
    for _ in range(plan.rounds):
        with (
            tempfile.TemporaryDirectory() as folder,
            Database.open(Path(folder) / "egate.db", MasterKey.generate()) as database,
        ):
            gallery = SealedGallery(_PACK, database, SealedJournal(database), axes=_axes())
            load = partial(gallery.apply, Change(tuple(crowd.people)))
            first.append(_timed_ms(load))
            again.append(_timed_ms(load))
    return np.array(first)[:, np.newaxis], np.array(again)[:, np.newaxis]


def measure(plan: Plan, say: Callable[[str], None]) -> list[fig.Figure]:
    """Every figure."""
    rng = np.random.default_rng(plan.seed)
    say("restart")
    ours, floor = restart(plan)
    found = [
        fig.summarise("restart_ms", "ms", ours, fig.percentile(50), rng),
        fig.summarise("restart.floor_ms", "ms", floor, fig.percentile(50), rng),
        fig.compare("restart.ratio_to_floor", "ratio", ours, floor, np.divide, rng),
    ]
    for flights in (1, 100):
        for where, scope in (("everybody", None), ("few", _FEW)):
            say(f"withdrawal, {flights} flights, searches over {where}")
            times = withdrawal(plan, flights, scope)
            name = f"withdrawal.{flights}_flights.{where}"
            found += [
                fig.summarise(f"{name}.{what}.{label}_ms", "ms", getattr(times, what), fig.percentile(q), rng)
                for what in ("quiet", "disturbed", "call", "cpu")
                for label, q in (("p50", 50), ("p99_9", 99.9), ("max", 100))
            ]
    for travellers in (420, 5000):
        say(f"apply {travellers}")
        first, again = apply(plan, travellers)
        found.append(fig.summarise(f"apply_{travellers}_ms", "ms", first, fig.percentile(50), rng))
        found.append(fig.summarise(f"apply_{travellers}.again_ms", "ms", again, fig.percentile(50), rng))
    return found


def usual_plan(*, quick: bool = False) -> Plan:
    """The usual plan."""
    return Plan(4200 if quick else 42_000, 5, 0.5 if quick else 2.0, 7)


def run(plan: Plan, searches: index.Plan, console: Console) -> Measured:
    """Changes and restarts of a gallery, then searches in it."""
    take_short_turns()  # as the engine does
    with console.status("set-up") as status:
        found = measure(plan, status.update)
    searched = index.measure(searches, console)
    facts = {"travellers": plan.travellers, "rounds": plan.rounds, "turn_s": plan.turn_s, "seed": plan.seed}
    return Measured((*searched.figures, *found), {"changes": facts, "searches": dict(searched.run)})


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    console = Console()
    plan = Plan(4200 if options.quick else 42_000, options.rounds, 0.5 if options.quick else 2.0, options.seed)
    facts = machine.describe()  # before the load of the run itself
    take_short_turns()  # as the engine does
    with console.status("set-up") as status:
        found = measure(plan, status.update)
    table = Table(title=f"gallery of {plan.travellers} travellers, medians over {plan.rounds} rounds")
    for heading in ("figure", "value", "95 % interval", "unit"):
        table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right", overflow="fold")
    for figure in found:
        table.add_row(figure.name, f"{figure.value:.2f}", f"{figure.ci_low:.2f} to {figure.ci_high:.2f}", figure.unit)
    console.print(table)
    run = {"travellers": plan.travellers, "rounds": plan.rounds, "turn_s": plan.turn_s, "seed": plan.seed}
    fig.report(console, found, facts, run, options.json)


def _timed_ms(what: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    what()
    return (time.perf_counter() - start_s) * 1e3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gallery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a tenth of the travellers")
    add("--json", type=Path, metavar="FILE", help="write figures, machine and run there")
    add("--rounds", type=int, default=5, help="rounds (default: 5)")
    add("--seed", type=int, default=7, help="of the crowd (default: 7)")
    return parser


if __name__ == "__main__":
    main()
