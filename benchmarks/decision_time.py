"""How long a traveller waits until the gate answers: from the first usable frame to the decision.

  gate bench decision                      32 travellers, bare and masked, and 24 strangers; minutes
  gate bench decision --quick              few of them, for CI

One lane: a client streams walk-ups at 10 frames a second (JPEG, 1280 x 720) over gRPC to an engine in a process of its
own. The first usable frame is the first that the engine's own pipeline and policy would compare. Who walks up starts
two frames before it, so that nothing but the wait is played.

docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import figures as fig
from benchmarks import rates
from benchmarks.engine_process import engine_process
from benchmarks.measured import Measured, Plot, Series
from benchmarks.walkups import FRAMES_PER_S, QUICK_FRAMES, WalkUp, expected_photos, masked_films, walk_ups
from gate.client import EnrolStatus, GateClient
from gate.client.passage import PassageStream
from gate.client.records import PassageDecision
from gate.decision.judgement import judge
from gate.decision.policy import Policy, QualityLimits
from gate.settings import DEFAULT_PACK, LaneSettings, ModelSettings, ServerSettings, Settings
from gate.vision.frame import Encoding, Frame
from gate.vision.load import load_pipeline
from gate.vision.pipeline import Vision

FRAME_MS = 1000 / FRAMES_PER_S

GOAL_MS = 2 * FRAME_MS + 60
"""Two frames, and a look at the last of them with the wire around it."""

_LEAD = 2
"""Frames before the first usable one."""

_LANE = "lane-1"
_TIMEOUT_S = 30.0
_REPLICATES = 400


class State(enum.StrEnum):
    """Who comes, and how."""

    UNMASKED = "unmasked"
    MASKED = "masked"
    STRANGER = "stranger"
    """Expected by nobody, bare."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        travellers: who are expected and walk up, bare and once more masked.
        strangers: who walk up and are not.
        frames: of each approach.
        expected: travellers in the gallery.
    """

    pack: str = DEFAULT_PACK
    travellers: int = 32
    strangers: int = 24
    frames: int = 30
    expected: int = 420
    seed: int = 7

    @classmethod
    def quick(cls) -> Plan:
        """For CI."""
        return cls(travellers=6, strangers=4, frames=QUICK_FRAMES, expected=60)


@dataclass(frozen=True, slots=True)
class Film:
    """What is played: `frames` from shortly before the usable one, which is number `usable` of them, from 0."""

    state: State
    reference: str
    frames: tuple[bytes, ...] = field(repr=False)
    usable: int


@dataclass(frozen=True, slots=True)
class Waited:
    """One passage.

    Attributes:
        reference: of whoever came.
        wait_ms: from when the first usable frame was due to the decision's arrival.
        looks: faces compared.
        opened: as the traveller who came.
        wrong: as somebody else.
        settled: decided before the frames ended.
    """

    state: State
    reference: str
    wait_ms: float
    looks: int
    opened: bool
    wrong: bool
    settled: bool


def usable_from(
    vision: Vision, frames: Sequence[bytes], limits: QualityLimits, state: State, reference: str
) -> Film | None:
    """The film from shortly before its first usable frame; None where there is none."""
    for index, jpeg in enumerate(frames):
        sighting = vision.look(Frame(index + 1, index, Encoding.JPEG, 0, 0, jpeg))
        if sighting.quality is not None and judge(sighting, limits) is None:
            start = max(0, index - _LEAD)
            return Film(state, reference, tuple(frames[start:]), index - start)
    return None


async def passage(client: GateClient, film: Film) -> Waited:
    """Plays one film at its pace.

    Raises:
        GateError, GateUnavailableError: there was no decision.
    """
    due_s: list[float] = []
    async with client.passage(_LANE, timeout_s=_TIMEOUT_S) as stream:
        feeder = asyncio.create_task(_feed(stream, film.frames, due_s))
        decision = await stream.decision()
        now_s = time.perf_counter()
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)
    return _waited(film, decision, due_s, now_s)


def _waited(film: Film, decision: PassageDecision, due_s: Sequence[float], now_s: float) -> Waited:
    # A frame that the engine compared was usable, whatever we found.
    first = min(film.usable, (decision.frame_sequence or len(due_s)) - 1)
    return Waited(
        film.state,
        film.reference,
        (now_s - due_s[first]) * 1e3,
        decision.frames.used,
        decision.opens and decision.traveller_reference == film.reference,
        decision.opens and decision.traveller_reference != film.reference,
        len(due_s) < len(film.frames),
    )


async def _feed(stream: PassageStream, frames: Sequence[bytes], due_s: list[float]) -> None:
    at_s = time.perf_counter()
    for jpeg in frames:
        if (wait_s := at_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        due_s.append(at_s)
        if not await stream.send_jpeg(jpeg):
            return
        at_s += 1 / FRAMES_PER_S
    await stream.end()


def measure(plan: Plan, console: Console, walking: Sequence[WalkUp] = ()) -> Measured:
    """Every figure.

    Args:
        walking: who walks up, the travellers first; none paints them.
    """
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        vision = load_pipeline(plan.pack)
        crowd = list(walking) or crowd_of(plan, vision, progress)
        films = films_of(plan, vision, crowd, progress)
        settings = Settings(
            server=ServerSettings(address="127.0.0.1:0"),
            models=ModelSettings(pack=plan.pack),
            lanes={_LANE: LaneSettings()},
        )
        with engine_process(settings) as address, asyncio.Runner() as runner:
            task = progress.add_task("passages", total=len(films))
            tick = partial(progress.advance, task)
            played, enrolled = runner.run(_play(plan, address, crowd[: plan.travellers], films, tick))
    return _measured(plan, played, enrolled)


def crowd_of(plan: Plan, vision: Vision, progress: Progress) -> list[WalkUp]:
    """Who walks up, the travellers first."""
    count = plan.travellers + plan.strangers
    tick = partial(progress.advance, progress.add_task("people", total=count))
    return walk_ups(vision, count, plan.frames, plan.seed, tick)


def films_of(plan: Plan, vision: Vision, crowd: list[WalkUp], progress: Progress) -> list[Film]:
    """Travellers bare and masked, strangers bare; who never comes to be usable is left out."""
    expected, strangers = crowd[: plan.travellers], crowd[plan.travellers :][: plan.strangers]
    tick = partial(progress.advance, progress.add_task("masked", total=len(expected)))
    masked = masked_films(expected, tick)
    shown = [
        *((State.UNMASKED, person.reference, person.frames) for person in expected),
        *((State.MASKED, person.reference, frames) for person, frames in zip(expected, masked, strict=True)),
        *((State.STRANGER, person.reference, person.frames) for person in strangers),
    ]
    limits = Policy().quality
    tried = (usable_from(vision, frames, limits, state, reference) for state, reference, frames in shown)
    films = [film for film in tried if film is not None]
    # By turns, so that what slows the machine for a while slows all of them.
    return [films[i] for i in np.random.default_rng(plan.seed).permutation(len(films))]


async def _play(
    plan: Plan, address: str, expected: list[WalkUp], films: Sequence[Film], tick: Callable[[], None]
) -> tuple[list[Waited], int]:
    """Every passage, and how many are enrolled. Travellers whose photograph is refused are expected by nobody."""
    async with GateClient(address) as client:
        photos = expected_photos(expected, plan.expected)
        report = await client.enrol(photos)
        refused = {
            traveller.reference
            for (traveller, _), result in zip(photos, report.results, strict=True)
            if result.status is EnrolStatus.REFUSED
        }
        films = [film for film in films if film.reference not in refused]
        await passage(client, films[0])  # warm-up
        played = []
        for film in films:
            played.append(await passage(client, film))
            tick()
        return played, report.enrolled


_GROUPS: Mapping[str, tuple[State, ...]] = {
    "unmasked": (State.UNMASKED,),
    "masked": (State.MASKED,),
    "mated": (State.UNMASKED, State.MASKED),
    "stranger": (State.STRANGER,),
}


def _measured(plan: Plan, played: Sequence[Waited], enrolled: int) -> Measured:
    rng = np.random.default_rng(plan.seed)
    found: list[fig.Figure] = []
    for name, states in _GROUPS.items():
        group = [one for one in played if one.state in states]
        if group:
            found += _figures(f"decision.{name}", group, rng)
    settled = [one for one in played if one.opened and one.looks == 1]
    if settled:
        found += _times("decision.one_look", settled, rng)
    counts = {name: sum(one.state in states for one in played) for name, states in _GROUPS.items()}
    run = {
        "pack": plan.pack,
        "policy": f"pedestrian, FPIR {Policy().fpir:g}, at most {Policy().max_comparisons} looks",
        "frame": f"1280 x 720 JPEG, {FRAMES_PER_S} a second, one lane",
        "passages": counts,
        "gallery": enrolled,
        "goal_ms": GOAL_MS,
        "travellers": plan.travellers,
        "seed": plan.seed,
    }
    return Measured(tuple(found), run, notes=tuple(_notes(played)), plots=(_plot(played),))


def _figures(name: str, group: Sequence[Waited], rng: np.random.Generator) -> Iterator[fig.Figure]:
    yield from _times(name, group, rng)
    yield _share(f"{name}.first_look", [one.looks <= 1 and one.settled for one in group], group, rng)
    yield _share(f"{name}.within_goal", [one.wait_ms <= GOAL_MS for one in group], group, rng)
    if group[0].state is not State.STRANGER:
        yield _share(f"{name}.opened", [one.opened for one in group], group, rng)
        if opened := [one for one in group if one.opened]:
            yield from _times(f"{name}.opened", opened, rng)
    yield _share(f"{name}.opened_wrongly", [one.wrong for one in group], group, rng)


def _times(name: str, group: Sequence[Waited], rng: np.random.Generator) -> Iterator[fig.Figure]:
    for q in (50, 95):
        value, low, high = _percentile(group, q, rng)
        yield fig.Figure(f"{name}.p{q}_ms", value, "ms", len(group), low, high)
    yield fig.Figure(f"{name}.p95_frames", value / FRAME_MS, "frames", len(group), low / FRAME_MS, high / FRAME_MS)
    yield fig.Figure(f"{name}.ratio_to_goal", value / GOAL_MS, "ratio", len(group), low / GOAL_MS, high / GOAL_MS)


def _percentile(group: Sequence[Waited], q: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Of the waits, with its 95 % interval by resampling people, who may have come bare and masked."""
    people: dict[str, list[float]] = {}
    for one in group:
        people.setdefault(one.reference, []).append(one.wait_ms)
    waits = list(people.values())
    drawn = rng.integers(len(waits), size=(_REPLICATES, len(waits)))
    resampled = [np.percentile(np.concatenate([waits[i] for i in row]), q) for row in drawn]
    low, high = np.percentile(resampled, (2.5, 97.5))
    return float(np.percentile([one.wait_ms for one in group], q)), float(low), float(high)


def _share(name: str, hits: Sequence[bool], group: Sequence[Waited], rng: np.random.Generator) -> fig.Figure:
    people, number = np.unique([one.reference for one in group], return_inverse=True)
    found = rates.rate_over_people(np.array(hits), number, rates.draws(len(people), _REPLICATES, rng))
    return fig.Figure(name, found.value, "%", found.n, found.low, found.high)


def _notes(played: Sequence[Waited]) -> Iterator[str]:
    """Which rule of the policy makes whom wait."""
    policy = Policy()
    yield (
        "a look follows the one before on a frame that promises clearly more, or after "
        f"{policy.retry_after_s:g} s: whom the first does not settle waits that long for the next"
    )
    for state in State:
        group = [one for one in played if one.state is state]
        looks = Counter(one.looks for one in group if one.settled)
        said = ", ".join(f"{count} at look {look}" for look, count in sorted(looks.items()))
        rest = sum(not one.settled for one in group)
        yield f"{state}: {len(group)} passages, settled: {said or 'none'}" + (
            f"; {rest} at the last frame" if rest else ""
        )


def _plot(played: Sequence[Waited]) -> Plot:
    lines = []
    for state in State:
        waits = sorted(one.wait_ms for one in played if one.state is state)
        if waits:
            # Each decision is a step.
            shares = [100 * count / len(waits) for count in range(len(waits) + 1)]
            x = [wait for wait in waits for _ in range(2)]
            y = [share for pair in pairwise(shares) for share in pair]
            lines.append(Series(str(state), tuple(x), tuple(y)))
    return Plot(
        "first usable frame to decision, one lane",
        "ms",
        "share of passages decided, %",
        tuple(lines),
        marks={f"goal, {GOAL_MS:g} ms": GOAL_MS},
    )
