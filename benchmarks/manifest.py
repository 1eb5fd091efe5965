"""How fast a PAXLST manifest is read, beside the least that any reader in Python does with it.

  python -m benchmarks.manifest                    about half a minute
  python -m benchmarks.manifest --people 200000    a manifest of about 50 MB
  python -m benchmarks.manifest --json out/manifest.json

Measured by turns in one run, so that a busy machine slows both alike:

  read    bytes to checked records, as `gate manifest check` reads them, one message after the other
  floor   the bytes split into segments and the segments into elements, and nothing else

A person is twelve segments here: name, sex, birth, verification, journey, residence, nationality, locator, seat and one
document. Messages hold two hundred people each. CPU time, since the reader waits for nothing.
"""

from __future__ import annotations

import argparse
import gc
import random
import string
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import figures as fig
from benchmarks import machine
from gate.manifest.paxlst import iter_paxlst
from gate.manifest.reading import Reading
from gate.manifest.records import Action, Document, Leg, Message, Person, Reference, Role
from gate.manifest.write_paxlst import write_paxlst

_NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
_LEG = Leg("ZZ", "123", "VIE", "LHR", datetime(2026, 11, 22, 10, 0), datetime(2026, 11, 22, 11, 30))  # noqa: DTZ001
_PEOPLE_A_MESSAGE = 200
_STATES = ("GBR", "AUT", "DEU", "USA", "IND", "CHN", "FRA", "POL")


def manifest(people: int, seed: int) -> bytes:
    """An interchange with that many invented people, without anything odd."""
    rng = random.Random(seed)  # noqa: S311 -- people for a measurement
    messages = [
        Message(
            action=Action.LIST,
            crew=False,
            number="",
            sender="BENCHMARK",
            transaction=f"LIST{first}",
            part=0,
            last_part=False,
            legs=(_LEG,),
            people=tuple(_person(rng, index) for index in range(first, min(first + _PEOPLE_A_MESSAGE, people))),
            stated=None,
            findings=(),
        )
        for first in range(0, people, _PEOPLE_A_MESSAGE)
    ]
    return write_paxlst(messages, prepared=_NOW)


def _person(rng: random.Random, index: int) -> Person:
    state = rng.choice(_STATES)
    number = rng.choice(string.ascii_uppercase) + f"{rng.randrange(10**8):08}"
    return Person(
        Role.PASSENGER,
        surname=_word(rng, 9),
        given_names=f"{_word(rng, 6)} {_word(rng, 6)}",
        birth_date=date(1940, 1, 1) + timedelta(days=rng.randrange(29_000)),
        sex=rng.choice("MF"),
        nationality=state,
        residence=state,
        documents=(Document("P", number, state, date(2027, 1, 1) + timedelta(days=rng.randrange(3_600))),),
        embarkation="VIE",
        debarkation="LHR",
        references=(Reference("AVF", _word(rng, 6)), Reference("SEA", f"{index % 40 + 1}{rng.choice('ABCDEF')}")),
        verified=True,
    )


def _word(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_uppercase, k=length))


def _floor(data: bytes) -> int:
    return sum(len(segment.split(b"+")) for segment in data.split(b"'"))


def _read(data: bytes) -> int:
    return sum(len(message.people) for message in iter_paxlst(data, Reading(_NOW)))


def measure(data: bytes, rounds: int, rng: np.random.Generator) -> dict[str, fig.Samples]:
    """Seconds a run (rounds, 1) of each subject, in another order every round; one round more to warm up."""
    subjects: dict[str, Callable[[bytes], int]] = {"read": _read, "floor": _floor}
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds + 1):
        for name in rng.permutation(list(subjects)):
            start = time.process_time()
            subjects[name](data)
            seconds[name].append(time.process_time() - start)
    return {name: np.array(values[1:])[:, np.newaxis] for name, values in seconds.items()}


def figures(times: dict[str, fig.Samples], people: int, size: int, rng: np.random.Generator) -> list[fig.Figure]:
    """The stable figures."""
    median = fig.percentile(50)
    found = []
    for name, samples in times.items():
        found += [
            fig.summarise(f"manifest.{name}.p50_ms", "ms", samples * 1000, median, rng),
            fig.summarise(f"manifest.{name}.people_per_s", "1/s", people / samples, median, rng),
            fig.summarise(f"manifest.{name}.mb_per_s", "MB/s", size / 1e6 / samples, median, rng),
        ]
    found.append(fig.compare("manifest.ratio_to_floor", "ratio", times["read"], times["floor"], np.divide, rng))
    return found


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    options = _parser().parse_args(arguments)
    console = Console()
    facts = machine.describe()
    data = manifest(options.people, options.seed)
    gc.collect()
    gc.freeze()  # what was there before is not the reader's to look through for garbage
    rng = np.random.default_rng(options.seed)
    found = figures(measure(data, options.rounds, rng), options.people, len(data), rng)
    run: dict[str, object] = {
        "people": options.people,
        "bytes": len(data),
        "bytes_a_person": round(len(data) / options.people),
        "rounds": options.rounds,
        "seed": options.seed,
    }
    table = Table(title="PAXLST, CPU time: medians over the rounds")
    for heading in ("figure", "value", "95 % interval", "unit"):
        table.add_column(heading, justify="left" if heading in {"figure", "unit"} else "right")
    for figure in found:
        interval = f"{figure.ci_low:,.1f} to {figure.ci_high:,.1f}"
        table.add_row(figure.name, f"{figure.value:,.1f}", interval, figure.unit)
    console.print(table)
    fig.report(console, found, facts, run, options.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.manifest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--people", type=int, default=20_000, help="in the manifest (default: 20000)")
    add("--rounds", type=int, default=11, help="rounds that count (default: 11)")
    add("--seed", type=int, default=7, help="of people and turns (default: 7)")
    add("--json", type=Path, metavar="FILE", help="write figures, machine and run there")
    return parser


if __name__ == "__main__":
    main()
