"""Which rule of the policy makes travellers wait: the films of `gate bench decision` by other rules, in frames.

  python -m benchmarks.decision_rules                      about ten minutes
  python -m benchmarks.decision_rules --json out/rules.json

In process and without a clock: a frame is a tenth of a second, however long this machine takes. docs/benchmarks.md
explains what comes out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import figures as fig
from benchmarks import rates
from benchmarks.decision_time import Film, Plan, State, crowd_of, films_of
from benchmarks.measured import Measured
from benchmarks.suite import Output
from benchmarks.suite import run as run_suite
from benchmarks.throughput_subjects import FilmClock
from benchmarks.turns import logs_to_nowhere
from benchmarks.walkups import FRAMES_PER_S, expected_photos
from gate.decision.policy import Policy
from gate.engine.attempt import StartRequest
from gate.engine.build import build_engine
from gate.engine.engine import Engine
from gate.errors import EnrolmentError
from gate.gallery.traveller import Traveller
from gate.settings import DEFAULT_PACK, LaneSettings, ModelSettings, Settings
from gate.vision.frame import Encoding, Frame

RULES: Mapping[str, Policy] = {
    "usual": Policy(),
    "looks_every_frame": Policy(retry_after_s=0.1),
    "looks_every_second_frame": Policy(retry_after_s=0.2),
    "three_looks_every_second_frame": Policy(retry_after_s=0.2, max_comparisons=3),
    "two_looks": Policy(max_comparisons=2),
    "two_looks_every_second_frame": Policy(retry_after_s=0.2, max_comparisons=2),
}
"""The usual policy, and what else it might be."""

WITHIN = 2
"""Frames that a traveller should wait at most."""

_REPLICATES = 400


def measure(plan: Plan, console: Console) -> Measured:
    """Every figure."""
    clock = FilmClock()
    settings = Settings(
        models=ModelSettings(pack=plan.pack),
        lanes={name: LaneSettings(profile=name) for name in RULES},
        profiles=dict(RULES),
    )
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, logs_to_nowhere():
        built = build_engine(settings, clock=clock)
        crowd = crowd_of(plan, built.vision, progress)
        films = films_of(plan, built.vision, crowd, progress)
        refused = set(_enrol(built.engine, expected_photos(crowd[: plan.travellers], plan.expected)))
        films = [film for film in films if film.reference not in refused]
        tick = partial(progress.advance, progress.add_task("passages", total=len(films) * len(RULES)))
        found: list[fig.Figure] = []
        rng = np.random.default_rng(plan.seed)
        for name in RULES:
            played = []
            for film in films:
                played.append((film, *play(built.engine, clock, name, film)))
                tick()
            for state in State:
                found += _figures(
                    f"decision_rules.{name}.{state}", [one for one in played if one[0].state is state], rng
                )
    run = {"pack": plan.pack, "gallery": plan.expected, "frames_a_second": FRAMES_PER_S, "seed": plan.seed}
    return Measured(tuple(found), run, notes=(_NOTE,))


_NOTE = (
    "a photograph that walks up has one pose and one expression: what more looks gain by others is not seen here "
    "(gate bench evidence)"
)


def _enrol(engine: Engine, photos: Sequence[tuple[Traveller, bytes]]) -> Iterator[str]:
    """Enrols everybody; whose photograph is refused."""
    for traveller, photo in photos:
        try:
            engine.enrol(traveller, photo)
        except EnrolmentError:
            yield traveller.reference


def play(engine: Engine, clock: FilmClock, lane: str, film: Film) -> tuple[int, str | None]:
    """Frames from the first usable one to the decision, and who was let through."""
    attempt = engine.open_passage(StartRequest(lane))
    try:
        attempt.arrive()
        last = film.usable
        for index, jpeg in enumerate(film.frames):
            clock.advance(1 / FRAMES_PER_S)
            last = index
            frame = Frame(index + 1, (index + 1) * 1_000_000 // FRAMES_PER_S, Encoding.JPEG, 0, 0, jpeg)
            attempt.observe(frame, clock.monotonic())
            if attempt.decision is not None:
                break
        attempt.frames_ended()
    finally:
        engine.close_passage(attempt)
    who = attempt.decision.traveller_reference if attempt.decision else None
    return last - film.usable, who


def _figures(
    name: str, played: Sequence[tuple[Film, int, str | None]], rng: np.random.Generator
) -> Iterator[fig.Figure]:
    if not played:
        return
    waits = np.array([[waited for _, waited, _ in played]], np.float64)
    for q in (50, 95):
        yield fig.summarise(f"{name}.p{q}_frames", "frames", waits, fig.percentile(q), rng)
    shares = {
        "within_goal": [waited <= WITHIN for _, waited, _ in played],
        "opened": [who == film.reference for film, _, who in played],
        "opened_wrongly": [who is not None and who != film.reference for film, _, who in played],
    }
    people = np.arange(len(played))
    for label, hits in shares.items():
        rate = rates.rate_over_people(np.array(hits), people, rates.draws(len(people), _REPLICATES, rng))
        yield fig.Figure(f"{name}.{label}", rate.value, "%", rate.n, rate.low, rate.high)


def main() -> None:
    """Measures, shows, and writes where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default=DEFAULT_PACK)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    options = parser.parse_args()
    plan = Plan(pack=options.pack)
    run_suite("rules of a decision", lambda console: measure(plan, console), Output(options.json, options.html))


if __name__ == "__main__":
    main()
