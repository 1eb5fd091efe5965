"""`gate bench policy`: what a lane does with travellers, over many simulated passages.

Travellers of the development set walk up (`benchmarks.evidence_approach`: distance, motion, focus, light, masks, noise)
through the real models, the real gallery and the real decision. Only the clock is made up, so that a passage takes as
long as the traveller does and not as this machine. Fingers are drawn (`benchmarks.policy_fingers`).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from benchmarks.accuracy_photos import list_people
from benchmarks.evidence_approach import FPS, Shown, frames
from benchmarks.figures import Figure
from benchmarks.measured import Measured, Plot, Series
from benchmarks.policy_fingers import DrawnFingers, measured_scores, named, sample_of
from benchmarks.turns import logs_to_nowhere
from benchmarks.walkups import usual_faces
from gate.claims.claim import Presented, PresentedKind
from gate.decision.outcome import Decision, Outcome, Reason
from gate.engine.attempt import StartRequest
from gate.engine.build import build_engine, read_pack_calibration
from gate.engine.engine import Engine
from gate.errors import GateError
from gate.gallery.traveller import Traveller
from gate.settings import DEFAULT_PACK, FingerprintSettings, ModelSettings, Settings
from gate.vision.frame import Encoding, Frame
from gate.vision.load import find_pack
from gate.vision.pipeline import Vision

_FLIGHT = "BENCH/2026-01-01"
_LANE = "lane-1"
_FINGER_S = 2.0
"""From the request to the finger."""


class Kind(enum.StrEnum):
    """Who comes."""

    EXPECTED = "expected"
    """Somebody of the flight, who presents nothing."""

    CLAIMED = "claimed"
    """Somebody of the flight, with their document."""

    STRANGER = "stranger"
    """Somebody of no flight, who presents nothing."""

    BORROWED = "borrowed"
    """Somebody with a document that is another's."""


_SHARE = {Kind.EXPECTED: 0.4, Kind.CLAIMED: 0.3, Kind.STRANGER: 0.15, Kind.BORROWED: 0.15}
MASKED = 0.529
"""Share of travellers who wear a mask, as in the source study."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, and of what.

    Attributes:
        dataset: folder of a folder a person.
        profile: that decides.
        passages: in all.
        expected: travellers of the flight.
        fingers: the lane has a sensor.
        templates: of fingers, kept from an earlier run.
    """

    dataset: Path
    profile: str = "pedestrian"
    passages: int = 600
    expected: int = 420
    fingers: bool = True
    templates: Path | None = None
    pack: str = DEFAULT_PACK
    seed: int = 7
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Passage:
    """What was played, and what came of it.

    Attributes:
        kind, masked: who came, and how.
        decision: the engine's.
        wrong: the gate opened for somebody it should not have, or as somebody else.
        asked: a finger was asked for.
        decided_s: from the first frame to the decision.
    """

    kind: Kind
    masked: bool
    decision: Decision
    wrong: bool
    asked: bool
    decided_s: float


@dataclass(slots=True)
class _Clock:
    """Time that goes on when told to."""

    seconds: float = 0.0
    start: datetime = field(default_factory=lambda: datetime(2026, 1, 1, 12, tzinfo=UTC))

    def monotonic(self) -> float:
        """See `gate.clock.Clock`."""
        return self.seconds

    def utc(self) -> datetime:
        """See `gate.clock.Clock`. Stands still: nobody expires."""
        return self.start


def default_plan(dataset: Path | None, *, quick: bool) -> Plan:
    """The development faces, where they are.

    Raises:
        FileNotFoundError: neither a data set is named nor are they there.
    """
    faces = usual_faces()
    if dataset is None and faces is None:
        raise FileNotFoundError(2, "name a folder of PERSON/PHOTO with --dataset", "../shared/data/faces/lfw")
    folder = dataset if dataset is not None else Path(str(faces)) / "lfw"
    return Plan(folder, passages=30, expected=40, fingers=False) if quick else Plan(folder)


def measure(plan: Plan, console: Console) -> Measured:
    """Plays every passage."""
    people = {name: photos for name, photos in _people(plan.dataset).items() if len(photos) > 1}
    names = sorted(people)
    rng = np.random.default_rng(plan.seed)
    order = [names[i] for i in rng.permutation(len(names))]
    expected, others = order[: min(plan.expected, len(order) // 2)], order[min(plan.expected, len(order) // 2) :]
    with Progress(console=console) as progress, logs_to_nowhere():
        lane = _lane(plan, rng)
        enrolled = _enrol(lane.engine, people, expected, progress)
        task = progress.add_task("passages", total=plan.passages)
        played = []
        for _ in range(plan.passages):
            played.append(_play(lane, plan, people, enrolled, others, names, rng))
            progress.advance(task)
    return _measured(plan, played, len(enrolled))


def _people(dataset: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for photo in list_people(dataset).photos:
        found.setdefault(photo.person, []).append(photo.path)
    return found


@dataclass(frozen=True, slots=True)
class _Lane:
    """Where passages are played."""

    engine: Engine
    vision: Vision
    clock: _Clock


def _lane(plan: Plan, rng: np.random.Generator) -> _Lane:
    settings = Settings(models=ModelSettings(pack=plan.pack), fingerprint=FingerprintSettings(extractor="off"))
    vision, clock = build_engine(settings).vision, _Clock()
    fingers = DrawnFingers(*measured_scores(plan.templates), rng) if plan.fingers else None
    calibration = read_pack_calibration(find_pack(plan.pack))
    return _Lane(Engine(settings, vision, calibration, clock=clock, fingers=fingers), vision, clock)


def _enrol(engine: Engine, people: dict[str, list[Path]], expected: Sequence[str], progress: Progress) -> list[str]:
    """Each one's first photograph, and a finger; who cannot be enrolled does not travel."""
    task = progress.add_task("enrol", total=len(expected))
    expires_at = engine.clock.utc() + timedelta(hours=12)
    enrolled = []
    for name in expected:
        try:
            engine.enrol(Traveller(name, _FLIGHT, expires_at), people[name][0].read_bytes())
            enrolled.append(name)
        except GateError:
            progress.console.print(f"[dim]{name}: not enrolled[/]")
        progress.advance(task)
    if engine.fingers is not None:
        for number, name in enumerate(enrolled):
            engine.gallery.enrol_finger(name, _FLIGHT, named(number, "drawn"))
    return enrolled


def _play(
    lane: _Lane,
    plan: Plan,
    people: dict[str, list[Path]],
    enrolled: Sequence[str],
    others: Sequence[str],
    names: Sequence[str],
    rng: np.random.Generator,
) -> Passage:
    kind = Kind(str(rng.choice(list(_SHARE), p=list(_SHARE.values()))))
    masked = bool(rng.random() < MASKED)
    travels = kind in {Kind.EXPECTED, Kind.CLAIMED} or (kind is Kind.BORROWED and rng.random() < 0.5)
    person = str(rng.choice(enrolled if travels else others))
    claim = Presented.nothing()
    if kind is Kind.CLAIMED:
        claim = Presented(PresentedKind.REFERENCE, person)
    elif kind is Kind.BORROWED:
        owner = str(rng.choice([name for name in enrolled if name != person]))
        claim = Presented(PresentedKind.REFERENCE, owner)
    photo = people[person][1 + int(rng.integers(len(people[person]) - 1))]
    shown = Shown(names.index(person), (photo,), masked)
    decision, asked, decided_s = _walk(lane, plan, claim, shown, _finger(person, enrolled), rng)
    opened = decision.outcome is Outcome.OPEN
    honest = kind in {Kind.EXPECTED, Kind.CLAIMED}
    return Passage(
        kind, masked, decision, opened and (not honest or decision.traveller_reference != person), asked, decided_s
    )


def _finger(person: str, enrolled: Sequence[str]) -> int:
    """The name of the person's finger; whoever is not expected has one of nobody."""
    return enrolled.index(person) if person in enrolled else len(enrolled)


def _walk(
    lane: _Lane, plan: Plan, claim: Presented, shown: Shown, finger: int, rng: np.random.Generator
) -> tuple[Decision, bool, float]:
    engine, clock = lane.engine, lane.clock
    started_s = clock.seconds
    request = StartRequest(_LANE, profile=plan.profile, claim=claim, sensor=plan.fingers)
    attempt = engine.open_passage(request)
    attempt.arrive()
    for number, (at_s, picture) in enumerate(frames(lane.vision, shown, np.random.default_rng(rng.integers(2**32)))):
        clock.seconds = started_s + at_s
        if attempt.decision is not None or attempt.state.asking is not None:
            break
        height, width = picture.shape[:2]
        attempt.observe(Frame(number, int(at_s * 1e6), Encoding.BGR24, width, height, picture.tobytes()), clock.seconds)
    clock.seconds += 1 / FPS
    attempt.frames_done()
    asked = attempt.state.asking is not None
    while attempt.decision is None:
        clock.seconds += _FINGER_S
        attempt.take_finger(sample_of(finger), clock.seconds)
    engine.close_passage(attempt)
    decision = attempt.decision
    return decision, asked, clock.seconds - started_s


def _measured(plan: Plan, played: Sequence[Passage], expected: int) -> Measured:
    figures: list[Figure] = []
    plots: list[Series] = []
    for name, group in _groups(played):
        prefix = f"policy.{plan.profile}.{name}"
        opened = [passage.decision.outcome is Outcome.OPEN for passage in group]
        by_finger = [passage.decision.reason is Reason.FINGER_MATCHED for passage in group]
        figures += [
            _share(f"{prefix}.opened", opened),
            _share(f"{prefix}.opened_by_finger", by_finger),
            _share(f"{prefix}.asked_for_finger", [passage.asked for passage in group]),
            _share(f"{prefix}.finger_outcome", [p.decision.outcome is Outcome.FINGERPRINT for p in group]),
            _share(f"{prefix}.referred", [passage.decision.outcome is Outcome.OFFICER for passage in group]),
            _share(f"{prefix}.wrongly_opened", [passage.wrong for passage in group]),
        ]
        times = np.sort([passage.decided_s for passage in group])
        for q in (50, 95):
            value = float(np.percentile(times, q))
            figures.append(Figure(f"{prefix}.decision.p{q}_s", value, "s", len(times), value, value))
        shares = np.arange(1, len(times) + 1) / len(times)
        plots.append(Series(name, tuple(map(float, times)), tuple(map(float, shares))))
    reasons = Counter(f"{p.kind.value}: {p.decision.outcome.value}, {p.decision.reason.value}" for p in played)
    notes = (
        f"{expected} travellers expected; {MASKED:.1%} of those who come wear a mask, drawn by gate.synth.",
        "Time is the traveller's, from the first frame; the engine's own is in `gate bench latency`.",
        "Fingers are drawn from scores measured between real prints." if plan.fingers else "The lane has no sensor.",
        "The calibration was made on the same people, which flatters it: docs/decision.md.",
        "Ends: " + "; ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())),
    )
    plot = Plot("Time to decision", "seconds from the first frame", "share decided", tuple(plots))
    run = {
        "profile": plan.profile,
        "passages": plan.passages,
        "expected": expected,
        "fingers": plan.fingers,
        "pack": plan.pack,
        "seed": plan.seed,
        "dataset": plan.dataset.name,
    }
    return Measured(tuple(figures), run, notes=notes, plots=(plot,))


def _groups(played: Sequence[Passage]) -> Iterator[tuple[str, list[Passage]]]:
    for kind in Kind:
        for masked in (False, True):
            group = [passage for passage in played if (passage.kind, passage.masked) == (kind, masked)]
            if group:
                yield f"{kind.value}.{'masked' if masked else 'unmasked'}", group


def _share(name: str, hits: Sequence[bool]) -> Figure:
    """In per cent, with Wilson's 95 % interval: right for few passages, and for none."""
    n, p, z = len(hits), float(np.mean(hits)), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return Figure(name, 100 * p, "%", n, 100 * max(0.0, middle - reach), 100 * min(1.0, middle + reach))
